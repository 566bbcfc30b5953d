//! Consumers that pin themselves: semantics 21, and rule R9.

use std::sync::Arc;
use std::time::Duration;

use hollowcast::ErrorKind;
use hollowcast::consumer::{RefreshRoute, Wait};
use hollowcast::identifiers::Version;
use hollowcast::producer::Producer;

use super::setting::{Told, World, cities, named, published, upsert};
use super::store::Answer;

const FIRST: [(u32, &str); 2] = [(1, "Rome"), (2, "Oslo")];

async fn grow(producer: &mut Producer, last: u64) {
    while producer.version().0 < last {
        let next = producer.version().next().0 as u32;
        published(producer.incremental(|writer| upsert(writer, &[(100 + next, "New")])).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_consumer_holds_itself_whatever_the_log_says_semantics_21_r9() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let told = Arc::new(Told::default());
    let consumer = world.quiet().kept_states(0).listener(Arc::clone(&told) as _).start().await.unwrap();
    let other = world.quiet().start().await.unwrap();
    let first = consumer.read().fingerprint();
    grow(&mut producer, 4).await;
    consumer.refresh().await.unwrap();
    assert_eq!(consumer.pinned(), None);

    let pinned = consumer.pin(Version(1)).await.unwrap();
    assert_eq!((pinned.from.0, pinned.to.0, pinned.pinned), (4, 1, Some(Version(1))));
    assert_eq!(pinned.route, Some(RefreshRoute::ReverseDelta));
    assert_eq!((consumer.pinned(), consumer.read().fingerprint()), (Some(Version(1)), first));
    assert_eq!(told.refreshes().last().unwrap().pinned, Some(Version(1)));

    grow(&mut producer, 6).await;
    world.operator().pin("", Version(2), "").await.unwrap();
    let confirmed = consumer.confirmed_at();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let stayed = consumer.refresh().await.unwrap();
    assert_eq!((stayed.to.0, stayed.route, stayed.pinned), (1, None, Some(Version(1))));
    assert!(consumer.confirmed_at() > confirmed, "it looked at the log");
    assert!(stayed.sequence > pinned.sequence);
    assert_eq!(other.refresh().await.unwrap().to.0, 2, "others go where the log says");
    assert_eq!(consumer.pin(Version(3)).await.unwrap().to.0, 3, "from one pin to another");

    // No entry came since it last looked, and still the newest one takes it along.
    let released = consumer.unpin().await.unwrap();
    assert_eq!((released.from.0, released.to.0, released.pinned), (3, 2, None));
    assert_eq!((consumer.pinned(), consumer.unpin().await.unwrap().route), (None, None));
    world.operator().unpin("").await.unwrap();
    assert_eq!(consumer.refresh().await.unwrap().to.0, 6);
    assert_eq!(consumer.read().fingerprint(), producer.state().fingerprint());
}

/// Among the last states a pin and its release fetch nothing, not even a manifest.
#[tokio::test]
async fn a_pin_to_one_of_the_last_states_costs_a_look_semantics_21() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let consumer = world.consumer().await;
    grow(&mut producer, 2).await;
    consumer.refresh().await.unwrap();
    world.store.requests();
    for _ in 0..3 {
        let back = consumer.pin(Version(1)).await.unwrap();
        let forth = consumer.unpin().await.unwrap();
        assert_eq!((back.to.0, back.route), (1, Some(RefreshRoute::Kept)));
        assert_eq!((forth.to.0, forth.route), (2, Some(RefreshRoute::Kept)));
    }
    let requests = world.store.requests();
    assert!(requests.iter().all(|request| request == "LIST places/log"), "{requests:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pin_that_cannot_be_changes_nothing_semantics_21() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let told = Arc::new(Told::default());
    let consumer = world.quiet().kept_states(9).listener(Arc::clone(&told) as _).start().await.unwrap();
    grow(&mut producer, 12).await;
    consumer.refresh().await.unwrap();
    assert_eq!(consumer.pin(Version(11)).await.unwrap().to.0, 11);
    for version in [0, 13, u64::MAX] {
        let error = consumer.pin(Version(version)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains("those from 1 to 12 are kept"), "{error}");
        assert_eq!((consumer.pinned(), consumer.read().version().0), (Some(Version(11)), 11));
    }
    // Below the floor, though the state is at hand.
    published(producer.rollback(Version(11)).await);
    let floor = world.retention(1).run(&()).await.unwrap().floor;
    assert!(floor > Version(1));
    let gone = consumer.pin(Version(1)).await.unwrap_err();
    assert!(gone.to_string().contains(&format!("those from {floor} to 13 are kept")), "{gone}");
    assert_eq!((consumer.pinned(), consumer.read().version().0), (Some(Version(11)), 11));

    // A way that is not there now: it stays where it was, and unpinned as it was.
    consumer.unpin().await.unwrap();
    grow(&mut producer, 14).await;
    let fresh = world.quiet().start().await.unwrap();
    world.store.answer("GET places/", Answer::Lost);
    let lost = fresh.pin(floor).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Unavailable, "{lost}");
    assert_eq!((fresh.pinned(), fresh.read().version().0), (None, 14));
    assert_eq!(told.failures(), Vec::<String>::new(), "who asks hears of it, and nobody else");
}

/// A release that cannot move follows again all the same.
#[tokio::test(start_paused = true)]
async fn a_release_counts_even_if_it_cannot_move_yet_semantics_21_r9() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let consumer = world.quiet().kept_states(0).start().await.unwrap();
    grow(&mut producer, 3).await;
    consumer.refresh().await.unwrap();
    consumer.pin(Version(1)).await.unwrap();
    world.store.answer("GET places/", Answer::Lost);
    assert_eq!(consumer.unpin().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!((consumer.pinned(), consumer.read().version().0), (None, 1));
    world.store.heal();
    assert_eq!(consumer.refresh().await.unwrap().to.0, 3, "by the entry that it had seen before");
}

/// Retention gives up what a consumer pinned itself to, and goes by the log's targets alone.
#[tokio::test]
async fn a_version_that_is_given_up_is_served_on_semantics_21() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let consumer = world.quiet().kept_states(0).start().await.unwrap();
    let expected = cities(&consumer.read());
    consumer.pin(Version(1)).await.unwrap();
    grow(&mut producer, 6).await;
    published(producer.rollback(Version(2)).await);
    grow(&mut producer, 9).await;
    assert!(world.retention(1).run(&()).await.unwrap().floor > Version(1));
    let stayed = consumer.refresh().await.unwrap();
    assert_eq!((stayed.to.0, stayed.route, cities(&consumer.read())), (1, None, expected));
    assert_eq!(consumer.unpin().await.unwrap().to.0, 9);
    assert_eq!(consumer.read().fingerprint(), producer.state().fingerprint());
}

/// A pin of one's own ends with the process: a restart, with the store or without, is where the log led last.
#[tokio::test(start_paused = true)]
async fn a_restart_follows_the_log_again_semantics_21_24() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    let start = || world.quiet().memory(world.mapped()).start();
    let consumer = start().await.unwrap();
    grow(&mut producer, 3).await;
    consumer.refresh().await.unwrap();
    consumer.pin(Version(1)).await.unwrap();
    consumer.refresh().await.unwrap();
    drop(consumer);
    world.store.answer("", Answer::Lost);
    let offline = start().await.unwrap();
    assert_eq!((offline.pinned(), offline.read().version().0), (None, 3));
    world.store.heal();
    assert_eq!(start().await.unwrap().read().version().0, 3);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_starts_pinned_or_not_at_all_semantics_21() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    grow(&mut producer, 3).await;
    let pinned = |version| world.quiet().memory(world.mapped()).wait(Wait::Forever).pinned(Version(version));
    let consumer = pinned(2).start().await.unwrap();
    assert_eq!((consumer.pinned(), consumer.read().version().0), (Some(Version(2)), 2));
    assert_eq!(consumer.refresh().await.unwrap().to.0, 2);
    assert_eq!(consumer.unpin().await.unwrap().to.0, 3);
    let none = pinned(4).start().await.err().unwrap();
    assert!(none.to_string().contains("those from 1 to 3 are kept"), "it does not wait for it: {none}");

    // What the host served last will do without a store if it is what one pins, and nothing else will.
    world.store.answer("", Answer::Lost);
    assert_eq!(pinned(3).start().await.unwrap().read().version().0, 3);
    assert!(pinned(2).wait(Wait::Never).start().await.is_err());
}

/// The dataset was removed and made anew while the host was down: the version of that number is another.
#[tokio::test(start_paused = true)]
async fn a_start_that_pins_takes_no_state_of_a_dataset_that_is_gone_semantics_21_24() {
    let world = World::new();
    drop(world.producer_with(&FIRST).await);
    let pinned = || world.quiet().memory(world.mapped()).pinned(Version(1)).start();
    let follows = world.quiet().memory(world.mapped()).start().await.unwrap();
    drop(follows);
    world.remove().await;
    drop(world.producer_with(&[(7, "Baku")]).await);
    assert_eq!(cities(&pinned().await.unwrap().read()), named(&[(7, "Baku")]));
}

/// A replica of the bucket that lags shows an older entry after the release: it takes nobody back.
#[tokio::test]
async fn nobody_goes_back_in_the_log_after_a_pin_of_its_own_r9() {
    let world = World::new();
    let mut producer = world.producer_with(&FIRST).await;
    grow(&mut producer, 2).await;
    let start = || world.quiet().memory(world.mapped()).start();
    let consumer = start().await.unwrap();
    grow(&mut producer, 3).await;
    consumer.refresh().await.unwrap();
    consumer.pin(Version(1)).await.unwrap();
    let newest = world.objects("log").await.pop().unwrap();
    world.store.follow(
        move |request| {
            if request.ends_with(newest.as_str()) { Answer::Absent } else { Answer::True }
        },
    );
    let released = consumer.unpin().await;
    assert!(released.is_err() || released.unwrap().to.0 != 2, "version 2 is the target of an older entry");
    let restarted = start().await;
    assert!(restarted.is_err() || restarted.unwrap().read().version().0 == 3);
    world.store.heal();
    assert_eq!(consumer.refresh().await.unwrap().to.0, 3);
}
