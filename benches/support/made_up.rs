//! Types of made-up records, and how they are written.

use capnp::introspect::Introspect;
use capnp::traits::{Owned, OwnedStruct};
use hollowcast::producer::ChangeWriter;

use crate::flats_capnp::flat;
use crate::generator::{Flat, Movie};
use crate::movies_capnp::movie;

/// A type whose records are functions of id and version.
pub trait MadeUp: Send + Sync {
    /// The generated code of it.
    type Record: Owned + OwnedStruct + Introspect;
    /// The dataset that has no other type.
    const DATASET: &'static str;

    /// Writes the record of `id` and `version`.
    fn write(id: u32, version: u32, to: <Self::Record as Owned>::Builder<'_>);

    /// Removes the record of `id`.
    fn remove(id: u32, writer: &ChangeWriter) -> hollowcast::Result<()>;
}

impl MadeUp for Movie {
    type Record = movie::Owned;
    const DATASET: &'static str = "movies";

    fn write(id: u32, version: u32, mut to: movie::Builder<'_>) {
        let from = Self::new(id, version);
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

    fn remove(id: u32, writer: &ChangeWriter) -> hollowcast::Result<()> {
        writer.delete::<movie::Owned, u32>(id)
    }
}

impl MadeUp for Flat {
    type Record = flat::Owned;
    const DATASET: &'static str = "flats";

    fn write(id: u32, version: u32, mut to: flat::Builder<'_>) {
        let from = Self::new(id, version);
        to.set_id(from.id);
        to.set_a(from.a);
        to.set_b(from.b);
        to.set_c(from.c);
        to.set_name(&from.name);
    }

    fn remove(id: u32, writer: &ChangeWriter) -> hollowcast::Result<()> {
        writer.delete::<flat::Owned, u64>(u64::from(id))
    }
}
