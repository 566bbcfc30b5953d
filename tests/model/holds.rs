//! Where consumers shall be: at the newest version, unless a pin or a commit that is held back holds them elsewhere.

use hollowcast::identifiers::Version;
use hollowcast::log::HoldReason;
use hollowcast::operator::Operator;

use super::chain::Chain;
use super::tally::Tally;

/// The log's target as it should be.
#[derive(Debug, Default)]
pub(crate) struct Target {
    /// Place of its version, once there is one to go to.
    pub(crate) place: Option<usize>,
    hold: Option<HoldReason>,
}

impl Target {
    /// Goes to the version that was published at `newest`, if nothing holds it.
    pub(crate) fn follow(&mut self, newest: usize, is_held_back: bool, tally: &mut Tally) {
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

    /// Whether something holds it at `place`.
    pub(crate) fn is_held_at(&self, place: usize) -> bool {
        self.hold.is_some() && self.place == Some(place)
    }
}

impl Chain {
    /// Why a version shall be held back, if it shall. Never the one after a version that is lost: nobody could go there.
    pub(crate) fn hold_back(&mut self) -> Option<String> {
        let is_lost = self.versions.last().is_some_and(|newest| !newest.is_readable);
        (self.choices.chance(14) && !is_lost).then(|| "not yet".to_owned())
    }

    /// Pins the consumers somewhere, or releases them.
    pub(crate) async fn operate(&mut self) {
        let Some(place) = self.any_kept() else { return };
        let mut operator = Operator::new(self.dataset.clone(), "operator", Vec::new());
        let is_held_back = self.target.hold == Some(HoldReason::HeldBack);
        if self.target.hold.is_some() && self.choices.chance(if is_held_back { 85 } else { 70 }) {
            let left_alone = operator.unpin_if_held("", "another reason").await;
            assert!(!left_alone.expect("a ring is left alone").is_new);
            assert!(operator.unpin("").await.expect("a ring is released").is_new);
            self.target = Target { place: Some(self.versions.len() - 1), hold: None };
            self.check_hold().await;
            return self.tally.count(if is_held_back { "released what was held back" } else { "released" });
        }
        let version = Version(self.versions[place].number);
        let decided = operator.pin("", version, "because").await.expect("a version is pinned");
        let is_there = self.target.place == Some(place) && self.target.hold == Some(HoldReason::Pinned);
        assert_eq!(decided.is_new, !is_there);
        self.target = Target { place: Some(place), hold: Some(HoldReason::Pinned) };
        self.check_hold().await;
        self.tally.count("pinned");
    }

    /// Holds what the log says of its target against what it should say.
    pub(crate) async fn check_hold(&self) {
        let entry = self.entry().await;
        let found = entry.target("");
        let version = self.target.place.map_or(Version::NONE, |place| Version(self.versions[place].number));
        let hold = found.hold.as_ref().map(|hold| hold.reason);
        assert_eq!((found.version(), hold), (version, self.target.hold));
    }
}
