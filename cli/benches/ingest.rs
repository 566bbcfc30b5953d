//! How fast files become records and records become JSON.
//!
//! `cargo bench -p hollowcast-cli --bench ingest [records]`; a million Movies unless said otherwise. Threads by
//! `RAYON_NUM_THREADS`.

#![allow(missing_docs)]

use std::sync::Mutex;
use std::time::Instant;

use hollowcast::schema::Schema;
use hollowcast::schema::infer::{Observed, infer};
use hollowcast::tools::json::JsonPrinter;
use hollowcast::wire::StructReader;
use hollowcast_cli::ingest::{Order, Source, encode, observe};

use movies::write_movies;

#[path = "support/movies.rs"]
mod movies;

const ROUNDS: usize = 5;

fn main() {
    let records = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("movies.jsonl");
    write_movies(&path, records);
    let bytes = path.metadata().expect("the file was written").len();
    println!(
        "{records} movies, {} MB of JSON lines, {} threads",
        bytes / 1_000_000,
        rayon::current_num_threads()
    );

    let sources = [Source::open(&path, None).expect("the file opens")];
    let schema = report("first pass: observe", bytes, || infer_movie(&sources));
    report("second pass: encode", bytes, || encode_all(&sources, &schema, |_| ()));
    let messages = kept_messages(&sources, &schema);
    let json_bytes = report("print, one thread", bytes, || print_all(&schema, &messages));
    println!("{:>28} {} MB printed", "", json_bytes / 1_000_000);
}

/// The median of the rounds.
fn report<T>(what: &str, bytes: u64, mut run: impl FnMut() -> T) -> T {
    let mut seconds = Vec::new();
    let mut last = None;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        last = Some(run());
        seconds.push(started.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    line(what, bytes, seconds[ROUNDS / 2]);
    last.expect("there is a round")
}

fn line(what: &str, bytes: u64, seconds: f64) {
    println!("{what:>28} {seconds:7.3} s {:8.0} MB/s", bytes as f64 / seconds / 1e6);
}

fn infer_movie(sources: &[Source]) -> Schema {
    let records = observe(sources, &|_| {}).expect("the file is right");
    let observed = Observed { type_name: "Movie", key: &["id".to_owned()], records: &records, files: &[] };
    infer(&observed, None).expect("the file has a schema").schema
}

fn encode_all(sources: &[Source], schema: &Schema, keep: impl Fn(&[u64]) + Sync) {
    let record_type = schema.find_type("Movie").expect("it was inferred");
    let sink = |message: &[u64]| {
        keep(message);
        Ok(())
    };
    encode(sources, schema, record_type, Order::Any, &|_| {}, sink).expect("the file is right");
}

fn kept_messages(sources: &[Source], schema: &Schema) -> Vec<Vec<u64>> {
    let messages = Mutex::new(Vec::new());
    encode_all(sources, schema, |message| messages.lock().expect("no thread panics").push(message.to_vec()));
    messages.into_inner().expect("no thread panics")
}

fn print_all(schema: &Schema, messages: &[Vec<u64>]) -> u64 {
    let printer = JsonPrinter::new(schema);
    let structure = schema.types()[0].structure;
    let mut line = Vec::new();
    let mut json_bytes = 0;
    for message in messages {
        line.clear();
        let record = StructReader::root(message).expect("messages were just made");
        printer.print(structure, record, &mut line).expect("messages were just made");
        line.push(b'\n');
        json_bytes += line.len() as u64;
    }
    json_bytes
}
