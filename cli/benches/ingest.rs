//! How fast files become records and records become JSON, beside `jq -c .` on the same file.
//!
//! `cargo bench -p hollowcast-cli --bench ingest [records]`; a million Movies unless said otherwise. Threads by
//! `RAYON_NUM_THREADS`.

#![allow(missing_docs)]

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

use hollowcast::schema::Schema;
use hollowcast::schema::infer::{Observed, infer};
use hollowcast::tools::json::JsonPrinter;
use hollowcast::wire::StructReader;
use hollowcast_cli::ingest::{Source, encode, observe};

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
    if Command::new("jq").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
    {
        let started = Instant::now();
        run_jq(&path);
        line("jq -c . (one round)", bytes, started.elapsed().as_secs_f64());
    }
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
    encode(sources, schema, record_type, &|_| {}, sink).expect("the file is right");
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

fn run_jq(path: &Path) {
    let input = File::open(path).expect("the file opens");
    let status = Command::new("jq").args(["-c", "."]).stdin(input).stdout(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "jq reads the file");
}

/// The Movies of the project's benchmarks: pure functions of an id, all of version 1.
fn write_movies(path: &Path, records: u64) {
    let mut file = BufWriter::new(File::create(path).expect("a file in the temporary directory"));
    let mut line = String::new();
    for id in 0..records {
        line.clear();
        write_movie(&mut line, id).expect("strings take everything");
        file.write_all(line.as_bytes()).expect("the disk has room");
    }
    file.flush().expect("the disk has room");
}

fn write_movie(line: &mut String, id: u64) -> std::fmt::Result {
    let title = (0..13).rev().map(|digit| base36(hash(id, 1, 1) / 36u64.pow(digit) % 36)).collect::<String>();
    write!(
        line,
        "{{\"id\":{id},\"title\":\"Movie {title}\",\"year\":{},\"genres\":[",
        1920 + hash(id, 0, 2) % 106
    )?;
    let mut left = GENRES.to_vec();
    for draw in 0..=hash(id, 0, 3) % 3 {
        let genre = left.remove((hash(id, 0, 4 + draw) % (20 - draw)) as usize);
        write!(line, "{}\"{genre}\"", if draw > 0 { "," } else { "" })?;
    }
    line.push_str("],\"ratings\":[");
    for index in 0..5 {
        let version = u64::from(index == 1);
        write!(
            line,
            "{}{{\"userId\":{},\"score\":{:?},\"timestamp\":{}}}",
            if index > 0 { "," } else { "" },
            hash(id, version, 16 + 4 * index) % 10_000_000,
            0.5 * (1 + hash(id, version, 17 + 4 * index) % 10) as f64,
            1_577_836_800_000 + hash(id, version, 18 + 4 * index) % 157_680_000_000,
        )?;
    }
    line.push_str("]}\n");
    Ok(())
}

const GENRES: [&str; 20] = [
    "Action",
    "Adventure",
    "Animation",
    "Biography",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Family",
    "Fantasy",
    "History",
    "Horror",
    "Music",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Sport",
    "Thriller",
    "War",
    "Western",
];

fn base36(digit: u64) -> char {
    char::from_digit(digit as u32, 36).expect("a digit is below 36")
}

fn hash(id: u64, version: u64, stream: u64) -> u64 {
    mix(mix(mix(0x2a ^ id).wrapping_add(version)).wrapping_add(stream))
}

/// The first output of splitmix64 seeded with `seed`.
fn mix(seed: u64) -> u64 {
    let state = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
