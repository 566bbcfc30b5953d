//! The Movies of the project's benchmarks as JSON lines: pure functions of an id, all of version 1.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

/// Writes the first `records` of them.
pub(crate) fn write_movies(path: &Path, records: u64) {
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
