//! Threads that evaluate flags.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};

use hollowcast::consumer::Consumer;
use hollowcast::environment::{Random, SeededRandom};
use hollowcast::identifiers::Version;
use hollowcast::state::{State, TypedTable};

use super::flag::{User, is_on};
use super::generated::flags_capnp::flag;

type Table = TypedTable<flag::Owned, String>;

/// Users that a pass is about.
const USERS_A_PASS: usize = 100;
/// Flags that a pass evaluates for each of them, besides the two of the checkout.
const OTHERS: [&str; 4] = ["dark-mode", "one-click", "reviews", "search-v2"];

pub(crate) struct Evaluators {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Result<Seen>>>,
}

struct Shared {
    consumer: Arc<Consumer>,
    flags: Table,
    users: u64,
    last_version: AtomicU64,
    is_over: AtomicBool,
}

impl Evaluators {
    /// Evaluates in so many threads until it is stopped.
    pub(crate) fn start(consumer: &Arc<Consumer>, flags: &Table, threads: u8, users: u64) -> Self {
        let shared = Arc::new(Shared {
            consumer: Arc::clone(consumer),
            flags: flags.clone(),
            users,
            last_version: AtomicU64::default(),
            is_over: AtomicBool::default(),
        });
        let start = |number: u8| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || shared.evaluate(&SeededRandom::new(u64::from(number))))
        };
        let threads = (0..threads).map(start).collect();
        Self { shared, threads }
    }

    /// The version of the last pass that came to its end.
    pub(crate) fn last_version(&self) -> Version {
        Version(self.shared.last_version.load(Ordering::Relaxed))
    }

    /// Ends the threads. What all of them saw.
    pub(crate) fn stop(self) -> Result<Seen> {
        self.shared.is_over.store(true, Ordering::Relaxed);
        let mut all = Seen::default();
        for thread in self.threads {
            all.add(thread.join().map_err(|_| anyhow!("an evaluator panicked"))??);
        }
        Ok(all)
    }
}

impl Shared {
    fn evaluate(&self, random: &SeededRandom) -> Result<Seen> {
        let (mut seen, begun) = (Seen::default(), Instant::now());
        while !self.is_over.load(Ordering::Relaxed) {
            let state = self.consumer.read();
            seen.first.entry(state.version()).or_insert_with(Instant::now);
            self.pass(&state, random, &mut seen)?;
            self.last_version.store(state.version().0, Ordering::Relaxed);
        }
        seen.per_second = seen.evaluations as f64 / begun.elapsed().as_secs_f64();
        Ok(seen)
    }

    /// All answers of a pass come from one state. About the two checkouts it asks first and last.
    fn pass(&self, state: &State, random: &SeededRandom, seen: &mut Seen) -> Result<()> {
        let users: [User; USERS_A_PASS] = std::array::from_fn(|_| User(random.next_u64() % self.users));
        let mut has_old = [false; USERS_A_PASS];
        for (has_old, user) in has_old.iter_mut().zip(users) {
            *has_old = self.ask(state, "checkout-old", user)?;
        }
        for name in OTHERS {
            for user in users {
                seen.answers_on += u64::from(self.ask(state, name, user)?);
            }
        }
        for (has_old, user) in has_old.into_iter().zip(users) {
            seen.torn += u64::from(has_old == self.ask(state, "checkout-new", user)?);
        }
        seen.evaluations += (users.len() * (OTHERS.len() + 2)) as u64;
        Ok(())
    }

    fn ask(&self, state: &State, name: &str, user: User) -> Result<bool> {
        let flag = self.flags.get(state, name).with_context(|| format!("{name} is gone"))?;
        Ok(is_on(flag, user)?)
    }
}

/// What evaluators saw.
#[derive(Default)]
pub(crate) struct Seen {
    evaluations: u64,
    per_second: f64,
    answers_on: u64,
    /// Users with both checkouts, or none.
    torn: u64,
    /// When the first pass with each version began.
    first: BTreeMap<Version, Instant>,
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.evaluations += other.evaluations;
        self.per_second += other.per_second;
        self.answers_on += other.answers_on;
        self.torn += other.torn;
        for (version, at) in other.first {
            self.first.entry(version).and_modify(|first| *first = at.min(*first)).or_insert(at);
        }
    }

    /// When each version was first used, but for the one that was there before anyone evaluated.
    pub(crate) fn first_uses(&self) -> impl Iterator<Item = (&Version, &Instant)> {
        self.first.iter().skip(1)
    }

    /// Nobody ever saw two versions at once.
    pub(crate) fn check(&self) -> Result<()> {
        ensure!(self.evaluations > 0, "nothing was evaluated");
        ensure!(self.torn == 0, "{} users had both checkouts or none", self.torn);
        println!(
            "checked: in every pass each user had one checkout, and every flag the exposure that it should"
        );
        Ok(())
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { evaluations, per_second, answers_on, first, .. } = self;
        let versions = first.len();
        write!(
            out,
            "{evaluations} evaluations in {versions} versions, {per_second:.0} a second; {answers_on} said yes"
        )
    }
}
