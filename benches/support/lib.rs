//! What measurements share: made-up records, a dataset of them, and the limits of the machine.

#![allow(missing_docs)]

pub mod dataset;
pub mod generator;
pub mod lookups;
pub mod machine;
#[rustfmt::skip]
#[allow(warnings, clippy::all, clippy::pedantic)]
pub mod movies_capnp;
pub mod own_memory;
pub mod report;

use generator::Movie;
use movies_capnp::movie;

/// Writes `from` into a record.
pub fn fill(from: &Movie, mut to: movie::Builder<'_>) {
    to.set_id(from.id);
    to.set_title(&from.title);
    to.set_year(from.year);
    let mut genres = to.reborrow().init_genres(from.genres.len() as u32);
    for (at, genre) in from.genres.iter().enumerate() {
        genres.set(at as u32, genre);
    }
    let mut ratings = to.init_ratings(from.ratings.len() as u32);
    for (at, rating) in from.ratings.iter().enumerate() {
        let mut to = ratings.reborrow().get(at as u32);
        to.set_user_id(rating.user_id);
        to.set_score(rating.score);
        to.set_timestamp(rating.timestamp);
    }
}
