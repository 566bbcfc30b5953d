//! Made-up airports, as many as it takes.

/// A CSV of `rows` airports; those of two different `turn`s differ in every hundredth row.
pub(crate) fn airports(rows: usize, turn: usize) -> String {
    let mut csv = String::from("icao,name,elevation\n");
    for row in 0..rows {
        let changed = if row % 100 == turn % 100 { turn } else { 0 };
        csv.push_str(&format!("A{row:05},Airport {row} of turn {changed},{}\n", row % 4000));
    }
    csv
}
