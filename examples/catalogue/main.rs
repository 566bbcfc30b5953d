//! Movies, and the people in them: references forward and back, sets and maps, and consumers of one type:
//! `cargo run --release --example catalogue -- --movies 50000`.
//!
//! A movie holds the keys of its director and, in a list of roles, of its cast. To follow such a key is a lookup, and in the same state, so it
//! cannot lead into another version. The way back, from a person to their movies, is a scan. That no key leads nowhere is a validator's business:
//! `DanglingReferences` refuses the version. Genres are a set and awards a map, kept in order by whoever writes and found by bisection by
//! whoever reads. And who needs people alone loads people alone.

mod films;
mod shelf;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use object_store::ObjectStore;

use hollowcast::consumer::{Consumer, ConsumerBuilder, Memory, Refresh, RefreshListener};
use hollowcast::producer::{DanglingReferences, Dataset, Outcome, Producer};

use generated::catalogue_capnp::{movie, person};
use shelf::Shelf;

#[path = "../generated"]
mod generated {
    #[rustfmt::skip]
    #[allow(warnings, clippy::all, clippy::pedantic)]
    pub(crate) mod catalogue_capnp;
}

#[derive(Parser)]
#[command(about = "Movies and people, with references between them")]
struct Arguments {
    /// Movies that are made up, besides the six real ones
    #[arg(long, default_value_t = 50_000)]
    movies: u32,
}

#[tokio::main]
async fn main() -> Result<()> {
    run(Arguments::parse().movies).await
}

async fn run(made_up: u32) -> Result<()> {
    let store = hollowcast::store::memory();
    let mut producer = producer(&store).await?;
    producer.cycle(|writer| films::state(writer, made_up)).await?;

    let fetched = Arc::new(Fetched::default());
    let consumer = consumer(&store, &fetched).start().await?;
    look_around(&consumer)?;
    restate(&mut producer).await?;
    println!("\nWithout Peter Lorre?\n  {}", remove_lorre(&mut producer).await?);
    load_people_alone(&store, &fetched).await?;
    producer.stop().await;
    Ok(())
}

async fn producer(store: &Arc<dyn ObjectStore>) -> Result<Producer> {
    let dataset = Dataset::builder("catalogue").record::<movie::Owned>().record::<person::Owned>().build()?;
    let builder = Producer::builder(dataset, Arc::clone(store)).memory(Memory::Heap);
    Ok(builder.validator(DanglingReferences::default()).start().await?)
}

fn consumer(store: &Arc<dyn ObjectStore>, fetched: &Arc<Fetched>) -> ConsumerBuilder {
    let builder = Consumer::builder("catalogue", Arc::clone(store)).memory(Memory::Heap);
    builder.listener(Arc::clone(fetched) as Arc<dyn RefreshListener>)
}

/// Follows references forward and back, and looks into sets and maps, all in one state.
fn look_around(consumer: &Consumer) -> Result<()> {
    let (shelf, state) = (Shelf::new(consumer)?, consumer.read());
    println!("Casablanca, directed by {}, with", shelf.director(&state, films::CASABLANCA)?);
    let begun = Instant::now();
    let cast = shelf.cast(&state, films::CASABLANCA)?;
    let forward = begun.elapsed();
    cast.iter().for_each(|(name, character)| println!("  {name} as {character}"));

    println!("\nMovies with {}", films::LORRE);
    let begun = Instant::now();
    let films = shelf.films_of(&state, films::LORRE)?;
    let back = begun.elapsed();
    films.iter().for_each(|(year, title)| println!("  {year} {title}"));
    let movies = shelf.movie_count(&state);
    println!("\nForward, {} lookups: {forward:.1?}; back, a scan of {movies} movies: {back:.1?}", cast.len());

    println!("{} of them are thrillers", shelf.count_in(&state, "thriller")?);
    let year = shelf.awarded(&state, films::CASABLANCA, "Best Picture")?.context("Casablanca was awarded")?;
    println!("Casablanca was Best Picture in {year}");
    Ok(())
}

/// A set that is stated in another order is the same set, and so there is nothing to publish.
async fn restate(producer: &mut Producer) -> Result<()> {
    let outcome = producer.incremental(films::restate_casablanca).await?;
    ensure!(
        matches!(outcome, Outcome::Unchanged(_)),
        "the order of genres made version {}",
        outcome.version()
    );
    println!("Its genres in another order: still version {}", outcome.version());
    Ok(())
}

/// Fails, as it has to, and says what was found.
async fn remove_lorre(producer: &mut Producer) -> Result<String> {
    let removed = producer.incremental(|writer| writer.delete::<person::Owned, String>(films::LORRE)).await;
    let error = removed.err().context("movies refer to somebody who is not there")?;
    Ok(error.to_string())
}

/// A directory of people needs no movies: they are neither fetched nor kept.
async fn load_people_alone(store: &Arc<dyn ObjectStore>, all: &Fetched) -> Result<()> {
    let fetched = Arc::new(Fetched::default());
    let consumer = consumer(store, &fetched).types(["Person"]).start().await?;
    let people = consumer.table::<person::Owned, String>()?;
    let (some, all) = (fetched.bytes(), all.bytes());
    println!(
        "\nPeople alone: {} of them, {some} bytes fetched in place of {all}",
        people.len(&consumer.read())
    );
    let refused = consumer.table::<movie::Owned, u32>().err().context("movies were not asked for")?;
    println!("Movies there? {refused}");
    Ok(())
}

/// How much a consumer has fetched.
#[derive(Default)]
struct Fetched(AtomicU64);

impl Fetched {
    fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl RefreshListener for Fetched {
    fn refreshed(&self, refresh: &Refresh) {
        self.0.fetch_add(refresh.fetched_bytes, Ordering::Relaxed);
    }

    fn failed(&self, _error: &hollowcast::Error) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn published(made_up: u32) -> (Arc<dyn ObjectStore>, Producer) {
        let store = hollowcast::store::memory();
        let mut producer = producer(&store).await.unwrap();
        producer.cycle(|writer| films::state(writer, made_up)).await.unwrap();
        (store, producer)
    }

    #[tokio::test]
    async fn runs_with_and_without_movies_that_are_made_up() {
        run(0).await.unwrap();
        run(50).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_found_is_what_film_history_says() {
        let (store, producer) = published(20).await;
        let consumer = consumer(&store, &Arc::default()).start().await.unwrap();
        let (shelf, state) = (Shelf::new(&consumer).unwrap(), consumer.read());
        assert_eq!(shelf.director(&state, films::CASABLANCA).unwrap(), "Michael Curtiz");
        let cast = shelf.cast(&state, films::CASABLANCA).unwrap();
        assert!(
            cast.contains(&("Claude Rains".into(), "Louis Renault".into())) && cast.len() == 4,
            "{cast:?}"
        );
        let films = shelf.films_of(&state, films::LORRE).unwrap();
        let expected = [(1931, "M"), (1941, "The Maltese Falcon"), (1942, "Casablanca")];
        assert_eq!(films, expected.map(|(year, title)| (year, title.to_owned())));
        assert!(shelf.films_of(&state, "nobody").unwrap().is_empty());
        assert_eq!(shelf.awarded(&state, films::CASABLANCA, "Best Picture").unwrap(), Some(1944));
        assert_eq!(shelf.awarded(&state, films::CASABLANCA, "Best Actress").unwrap(), None);
        producer.stop().await;
    }

    #[tokio::test]
    async fn a_person_who_is_in_a_movie_stays() {
        let (_store, mut producer) = published(0).await;
        let refused = remove_lorre(&mut producer).await.unwrap();
        assert!(refused.contains("Role.person") && refused.contains("3 in all"), "{refused}");
        assert_eq!(producer.version().0, 1);
        producer.stop().await;
    }
}
