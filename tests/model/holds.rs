//! Where consumers shall be: at the newest version, unless a pin or a commit that is held back holds them elsewhere.

use hollowcast::identifiers::Version;
use hollowcast::log::HoldReason;
use hollowcast::operator::Operator;

use super::chain::Chain;
use super::tally::Tally;

/// The ring beside everyone.
pub(crate) const CANARY: &str = "canary";

/// The log's targets as they should be.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    pub(crate) everyone: Target,
    /// That of the ring [`CANARY`], once it has one of its own.
    canary: Option<Target>,
}

impl Targets {
    /// Where the consumers of a ring shall be.
    pub(crate) fn of(&self, ring: &str) -> &Target {
        self.canary.as_ref().filter(|_| ring == CANARY).unwrap_or(&self.everyone)
    }

    fn set(&mut self, ring: &str, target: Target) {
        if ring == CANARY {
            self.canary = Some(target);
        } else {
            self.everyone = target;
        }
    }

    fn all(&self) -> impl Iterator<Item = &Target> {
        std::iter::once(&self.everyone).chain(&self.canary)
    }

    /// Those that nothing holds go to the version that was published at `newest`.
    pub(crate) fn follow(&mut self, newest: usize, is_held_back: bool, tally: &mut Tally) {
        for target in std::iter::once(&mut self.everyone).chain(&mut self.canary) {
            target.follow(newest, is_held_back, tally);
        }
    }

    /// Whether something holds a ring at `place`.
    pub(crate) fn hold_at(&self, place: usize) -> bool {
        self.all().any(|target| target.hold.is_some() && target.place == Some(place))
    }

    /// The lowest place where consumers shall be; `None` while some have nowhere to go.
    pub(crate) fn lowest(&self) -> Option<usize> {
        self.all().map(|target| target.place).min().expect("everyone has a target")
    }
}

/// That of one ring.
#[derive(Debug, Default)]
pub(crate) struct Target {
    /// Place of its version, once there is one to go to.
    pub(crate) place: Option<usize>,
    hold: Option<HoldReason>,
}

impl Target {
    /// Goes to the version that was published at `newest`, if nothing holds it.
    fn follow(&mut self, newest: usize, is_held_back: bool, tally: &mut Tally) {
        match (self.hold, is_held_back) {
            (None, false) => self.place = Some(newest),
            (None, true) => {
                self.hold = Some(HoldReason::HeldBack);
                tally.count("held back");
            }
            (Some(_), false) => (),
            (Some(_), true) => tally.count("held back under a hold"),
        }
    }
}

impl Chain {
    /// Why a version shall be held back, if it shall. Never the one after a version that is lost: nobody could go there.
    pub(crate) fn hold_back(&mut self) -> Option<String> {
        let is_lost = self.versions.last().is_some_and(|newest| !newest.is_readable);
        (self.choices.chance(14) && !is_lost).then(|| "not yet".to_owned())
    }

    /// Pins a ring somewhere, or releases it.
    pub(crate) async fn operate(&mut self) {
        let Some(place) = self.any_kept() else { return };
        let ring = if self.choices.chance(25) { CANARY } else { "" };
        let mut operator = Operator::new(self.dataset.clone(), "operator", Vec::new());
        let has_own = ring.is_empty() || self.targets.canary.is_some();
        let (at, hold) = (self.targets.of(ring).place, self.targets.of(ring).hold.filter(|_| has_own));
        let is_held_back = hold == Some(HoldReason::HeldBack);
        if hold.is_some() && self.choices.chance(if is_held_back { 85 } else { 75 }) {
            let left_alone = operator.unpin_if_held(ring, "another reason").await;
            assert!(!left_alone.expect("a ring is left alone").is_new);
            assert!(operator.unpin(ring).await.expect("a ring is released").is_new);
            self.targets.set(ring, Target { place: Some(self.versions.len() - 1), hold: None });
            self.check_holds().await;
            return self.tally.count(if is_held_back { "released what was held back" } else { "released" });
        }
        let version = Version(self.versions[place].number);
        let decided = operator.pin(ring, version, "because").await.expect("a version is pinned");
        assert_eq!(decided.is_new, at != Some(place) || hold != Some(HoldReason::Pinned));
        self.targets.set(ring, Target { place: Some(place), hold: Some(HoldReason::Pinned) });
        self.check_holds().await;
        self.tally.count(if ring.is_empty() { "pinned" } else { "pinned a ring" });
    }

    /// Holds what the log says of its targets against what it should say.
    pub(crate) async fn check_holds(&self) {
        let entry = self.entry().await;
        assert_eq!(entry.targets.len(), self.targets.all().count());
        for ring in ["", CANARY] {
            let (found, expected) = (entry.target(ring), self.targets.of(ring));
            let version = expected.place.map_or(Version::NONE, |place| Version(self.versions[place].number));
            let hold = found.hold.as_ref().map(|hold| hold.reason);
            assert_eq!((found.version(), hold), (version, expected.hold), "ring {ring:?}");
        }
    }
}
