//! What is asked of the catalogue.

use anyhow::{Context, Result};

use hollowcast::collections::{MapView, SetView};
use hollowcast::consumer::Consumer;
use hollowcast::state::{State, TypedReference, TypedTable};

use super::generated::catalogue_capnp::{award, movie, person};

/// Handles that are checked against the schema once and serve every later state.
pub(crate) struct Shelf {
    movies: TypedTable<movie::Owned, u32>,
    director: TypedReference<movie::Owned, person::Owned, String>,
    /// Of the field `person` of each role in the list `cast`.
    cast: TypedReference<movie::Owned, person::Owned, String>,
}

impl Shelf {
    pub(crate) fn new(consumer: &Consumer) -> hollowcast::Result<Self> {
        let (director, cast) = (consumer.reference("director")?, consumer.reference("cast.person")?);
        Ok(Self { movies: consumer.table()?, director, cast })
    }

    pub(crate) fn movie_count(&self, state: &State) -> u64 {
        self.movies.len(state)
    }

    /// Who directed a movie: a lookup.
    pub(crate) fn director<'s>(&self, state: &'s State, id: u32) -> Result<&'s str> {
        let key = self.movie(state, id)?.get_director()?.to_str()?;
        let director = self.director.follow(state, key).context("no reference dangles")?;
        Ok(director.get_name()?.to_str()?)
    }

    /// Who is in a movie, and as whom: a lookup for each role.
    pub(crate) fn cast(&self, state: &State, id: u32) -> Result<Vec<(String, String)>> {
        let roles = self.movie(state, id)?.get_cast()?.iter();
        let members = roles.map(|role| {
            let person = self.cast.follow(state, role.get_person()?.to_str()?);
            let name = person.context("no reference dangles")?.get_name()?.to_string()?;
            Ok((name, role.get_character()?.to_string()?))
        });
        members.collect()
    }

    /// The movies that somebody is in, oldest first: a scan of all movies.
    pub(crate) fn films_of(&self, state: &State, person: &str) -> Result<Vec<(u16, String)>> {
        let movies = self.cast.referring(state, person)?;
        let films = movies.map(|movie| Ok((movie.get_year(), movie.get_title()?.to_string()?)));
        let mut films: Vec<_> = films.collect::<Result<_>>()?;
        films.sort();
        Ok(films)
    }

    /// How many movies are of a genre. A movie without genres has none: an absent set is `None`.
    pub(crate) fn count_in(&self, state: &State, genre: &str) -> Result<usize> {
        let mut count = 0;
        for movie in self.movies.iter(state) {
            if let Some(genres) = SetView::read(movie.has_genres(), movie.get_genres())? {
                count += usize::from(genres.contains(genre)?);
            }
        }
        Ok(count)
    }

    /// When a movie got an award.
    pub(crate) fn awarded(&self, state: &State, id: u32, award: &str) -> Result<Option<u16>> {
        let awards = MapView::new(self.movie(state, id)?.get_awards()?, award::Reader::get_name);
        Ok(awards.get(award)?.map(award::Reader::get_year))
    }

    fn movie<'s>(&self, state: &'s State, id: u32) -> Result<movie::Reader<'s>> {
        self.movies.get(state, id).with_context(|| format!("there is no movie {id}"))
    }
}
