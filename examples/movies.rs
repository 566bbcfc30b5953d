//! A typed dataset from its first version to a reader, and through a change: `cargo run --example movies`.
//!
//! The schema is `examples/schemas/movies.capnp`. To generate code from a schema of your own, give `capnpc` the folder of
//! `schemas/hollowcast.capnp` as import path in your build script:
//!
//! ```ignore
//! capnpc::CompilerCommand::new().import_path("path/to/hollowcast/schemas").file("movies.capnp").run()
//! ```

use std::sync::Arc;

use hollowcast::consumer::{Consumer, Memory, RefreshRoute};
use hollowcast::producer::{Dataset, Producer};

use generated::movies_capnp::movie;

mod generated {
    #[rustfmt::skip]
    #[allow(warnings, clippy::all, clippy::pedantic)]
    pub(crate) mod movies_capnp;
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let store = hollowcast::store::local(
        folder.path().join("store"),
        &hollowcast::environment::Environment::system(),
    )?;
    // Verified data is kept here and mapped from here; every process of a host can share it.
    let memory = Memory::Mapped(Some(folder.path().join("state")));

    let dataset = Dataset::builder("movies").record::<movie::Owned>().build()?;
    let mut producer = Producer::builder(dataset, Arc::clone(&store)).memory(memory.clone()).start().await?;
    let catalogue = [(1, "Metropolis", 1927), (2, "Solaris", 1972), (3, "Stalker", 1979)];
    let outcome = producer
        .cycle(|writer| {
            catalogue.iter().try_for_each(|&(id, title, year)| {
                writer.add::<movie::Owned>(|mut movie| {
                    movie.set_id(id);
                    movie.set_title(title);
                    movie.set_year(year);
                })
            })
        })
        .await?;
    println!("published version {}", outcome.version());

    let consumer = Consumer::builder("movies", store).memory(memory).start().await?;
    let movies = consumer.table::<movie::Owned, u32>()?;
    let before = consumer.state();
    let solaris = movies.get(&before, 2).ok_or("movie 2 is there")?;
    println!("{} ({}) in version {}", solaris.get_title()?.to_str()?, solaris.get_year(), before.version());

    // Only what changes: a movie comes, another goes.
    producer
        .incremental(|writer| {
            writer.upsert::<movie::Owned>(|mut movie| {
                movie.set_id(4);
                movie.set_title("Blade Runner");
                movie.set_year(1982);
            })?;
            writer.delete::<movie::Owned, u32>(1)
        })
        .await?;

    // A consumer follows by itself, by polling or on announcements; this one does not wait for either.
    let refresh = consumer.refresh().await?;
    println!("version {} by {}", refresh.to, refresh.route.map_or("no route", RefreshRoute::name));
    let state = consumer.read();
    assert!(movies.get(&state, 1).is_none());
    assert_eq!(movies.get(&state, 4).ok_or("movie 4 is there")?.get_year(), 1982);
    assert_eq!(movies.len(&state), 3);
    // Whoever holds a state keeps it, whatever comes after.
    assert_eq!(movies.get(&before, 1).ok_or("movie 1 is there still")?.get_year(), 1927);
    producer.stop().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn runs() {
        super::main().unwrap();
    }
}
