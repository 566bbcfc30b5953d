//! The Movies of the project's benchmarks as JSON lines, all of version 1.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use hollowcast_measure::generator::Movie;

/// Writes the first `records` of them.
pub(crate) fn write_movies(path: &Path, records: u32) {
    let mut file = BufWriter::new(File::create(path).expect("a file in the temporary directory"));
    let mut line = String::new();
    for id in 0..records {
        line.clear();
        write_movie(&mut line, &Movie::new(id, 1)).expect("strings take everything");
        file.write_all(line.as_bytes()).expect("the disk has room");
    }
    file.flush().expect("the disk has room");
}

fn write_movie(line: &mut String, movie: &Movie) -> std::fmt::Result {
    let Movie { id, title, year, genres, ratings } = movie;
    write!(line, "{{\"id\":{id},\"title\":\"{title}\",\"year\":{year},\"genres\":{genres:?},\"ratings\":[")?;
    for (index, rating) in ratings.iter().enumerate() {
        write!(
            line,
            "{}{{\"userId\":{},\"score\":{:?},\"timestamp\":{}}}",
            if index > 0 { "," } else { "" },
            rating.user_id,
            rating.score,
            rating.timestamp
        )?;
    }
    line.push_str("]}\n");
    Ok(())
}
