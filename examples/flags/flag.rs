//! A flag: what it says of a user, and the same flags as a plain list.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use anyhow::{Context, Result, ensure};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use hollowcast::collections::{MapView, SetView};
use hollowcast::producer::{ChangeWriter, Writer};
use hollowcast::state::{State, TypedTable};

use super::generated::flags_capnp::flag;

/// Segments of users, and how many of a hundred are in each.
const SEGMENTS: [(&str, u64); 2] = [("staff", 1), ("beta", 5)];

/// Whoever sees features.
#[derive(Clone, Copy)]
pub(crate) struct User(pub(crate) u64);

impl User {
    fn segment(self) -> &'static str {
        match self.0 % 100 {
            0 => SEGMENTS[0].0,
            1..=5 => SEGMENTS[1].0,
            _ => "everyone",
        }
    }

    /// One of a hundred parts of the users, the same whenever it is asked; another salt parts them in another way.
    fn part(self, salt: &str) -> u8 {
        (xxh3_64_with_seed(salt.as_bytes(), self.0) % 100) as u8
    }
}

/// Whether `user` sees the feature: a decision for this user counts most, then segments, then shares.
pub(crate) fn is_on(flag: flag::Reader<'_>, user: User) -> capnp::Result<bool> {
    let overrides = MapView::new(flag.get_overrides()?, |decided| Ok(decided.get_user()));
    if let Some(decided) = overrides.get(&user.0)? {
        return Ok(decided.get_is_on());
    }
    let is_chosen = SetView::new(flag.get_segments()?).contains(user.segment())?;
    let part = user.part(flag.get_salt()?.to_str()?);
    Ok(is_chosen || (flag.get_from_percent()..flag.get_to_percent()).contains(&part))
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flag {
    pub(crate) name: &'static str,
    /// Flags of one salt part users alike.
    salt: &'static str,
    pub(crate) percents: Range<u8>,
    segments: BTreeSet<&'static str>,
    pub(crate) overrides: BTreeMap<u64, bool>,
}

impl Flag {
    fn write(&self, mut record: flag::Builder<'_>) {
        record.set_name(self.name);
        record.set_salt(self.salt);
        record.set_from_percent(self.percents.start);
        record.set_to_percent(self.percents.end);
        let mut segments = record.reborrow().init_segments(self.segments.len() as u32);
        for (at, segment) in (0..).zip(&self.segments) {
            segments.set(at, segment);
        }
        let mut overrides = record.init_overrides(self.overrides.len() as u32);
        for (at, (user, is_on)) in (0..).zip(&self.overrides) {
            let mut decided = overrides.reborrow().get(at);
            decided.set_user(*user);
            decided.set_is_on(*is_on);
        }
    }

    /// How many of the users 0 to `users` have it by its record, and how many should by arithmetic.
    pub(crate) fn exposure(&self, record: flag::Reader<'_>, users: u64) -> Result<Exposure> {
        let mut found = 0;
        for user in 0..users {
            found += u64::from(is_on(record, User(user))?);
        }
        let in_segments = SEGMENTS.iter().filter(|(name, _)| self.segments.contains(name));
        let in_segments = in_segments.map(|(_, of_hundred)| of_hundred).sum::<u64>() as f64 / 100.0;
        let by_share = f64::from(self.percents.end - self.percents.start) / 100.0;
        let share = in_segments + (1.0 - in_segments) * by_share;
        // Hashing is a draw for each user: four standard deviations, and what single decisions may change.
        let spread = 4.0 * (users as f64 * by_share * (1.0 - by_share)).sqrt();
        Ok(Exposure {
            users,
            found,
            share,
            tolerance: spread + self.overrides.len() as f64 + 100.0 * in_segments,
        })
    }
}

/// How many users have a flag.
pub(crate) struct Exposure {
    users: u64,
    found: u64,
    /// Which share should, of 1.
    share: f64,
    /// By how many users it may differ.
    tolerance: f64,
}

impl Exposure {
    pub(crate) fn is_as_expected(&self) -> bool {
        (self.found as f64 - self.share * self.users as f64).abs() <= self.tolerance
    }
}

impl fmt::Display for Exposure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = 100.0 * self.found as f64 / self.users as f64;
        write!(out, "{found:6.2} % of {} users, expected {:6.2} %", self.users, 100.0 * self.share)
    }
}

/// The plain list.
#[derive(Clone)]
pub(crate) struct Flags(Vec<Flag>);

impl Flags {
    /// The flags to begin with.
    pub(crate) fn first() -> Self {
        let flag = |name, salt, percents| Flag { name, salt, percents, ..Flag::default() };
        Self(vec![
            flag("checkout-new", "checkout", 0..0),
            flag("checkout-old", "checkout", 0..100),
            flag("dark-mode", "dark-mode", 0..50),
            flag("one-click", "one-click", 0..0),
            Flag { segments: ["staff", "beta"].into(), ..flag("reviews", "reviews", 0..20) },
            Flag { segments: ["staff"].into(), ..flag("search-v2", "search", 0..0) },
        ])
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Flag> {
        self.0.iter()
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> &mut Flag {
        self.0.iter_mut().find(|flag| flag.name == name).expect("a flag of the list")
    }

    /// Gives `percent` of the users the new checkout and the others the old one: two records, one version.
    pub(crate) fn share_checkout(&mut self, percent: u8) {
        self.get_mut("checkout-new").percents = 0..percent;
        self.get_mut("checkout-old").percents = percent..100;
    }

    pub(crate) fn state_all(&self, writer: &Writer) -> hollowcast::Result<()> {
        self.iter().try_for_each(|flag| writer.add::<flag::Owned>(|record| flag.write(record)))
    }

    pub(crate) fn state_changes(&self, writer: &ChangeWriter) -> hollowcast::Result<()> {
        self.iter().try_for_each(|flag| writer.upsert::<flag::Owned>(|record| flag.write(record)))
    }

    /// Holds the records of `state` against the list, field by field.
    pub(crate) fn check(&self, table: &TypedTable<flag::Owned, String>, state: &State) -> Result<()> {
        ensure!(
            table.len(state) == self.0.len() as u64,
            "{} flags, expected {}",
            table.len(state),
            self.0.len()
        );
        for flag in self.iter() {
            let record = table.get(state, flag.name).with_context(|| format!("{} is gone", flag.name))?;
            let overrides = MapView::new(record.get_overrides()?, |decided| Ok(decided.get_user()));
            let overrides = overrides.iter();
            let overrides = overrides.map(|decided| decided.map(|each| (each.get_user(), each.get_is_on())));
            let overrides: BTreeMap<u64, bool> = overrides.collect::<capnp::Result<_>>()?;
            let segments = SetView::new(record.get_segments()?);
            let segments = segments.iter().map(|segment| Ok(segment?.to_str()?));
            let segments: BTreeSet<&str> = segments.collect::<Result<_>>()?;
            let percents = record.get_from_percent()..record.get_to_percent();
            ensure!(
                (&overrides, &segments, &percents) == (&flag.overrides, &flag.segments, &flag.percents),
                "version {} has {overrides:?}, {segments:?}, {percents:?}; expected {flag:?}",
                state.version()
            );
        }
        Ok(())
    }
}
