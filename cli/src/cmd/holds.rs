//! What keeps consumers from following the newest version.

use hollowcast::log::{Hold, HoldReason, LogEntry, Target};
use serde_json::{Value, json};

/// Everyone: the only ring that the command line knows.
pub(super) const EVERYONE: &str = "";

/// Whether an operator holds the ring where it is; one that a version was held back from is not pinned.
pub(super) fn is_pinned(target: &Target) -> bool {
    target.hold.as_ref().is_some_and(|hold| hold.reason == HoldReason::Pinned)
}

/// What people call a hold.
pub(super) fn reason_name(reason: HoldReason) -> &'static str {
    match reason {
        HoldReason::Pinned => "pinned",
        HoldReason::HeldBack => "held back",
    }
}

/// Who holds a ring and why, for people.
pub(super) fn by_whom(hold: &Hold) -> String {
    match hold.why.as_str() {
        "" => format!("by {}", hold.by),
        why => format!("by {}: {why}", hold.by),
    }
}

/// Why a ring stays where it is, for programs.
pub(super) fn hold_json(hold: &Hold) -> Value {
    json!({"reason": reason_name(hold.reason), "by": hold.by, "why": hold.why})
}

/// The rings that are held at another version than the newest, each with its hold.
pub(super) fn held_elsewhere(entry: &LogEntry) -> impl Iterator<Item = (&Target, &Hold)> {
    let elsewhere = entry.targets.iter().filter(|target| target.version() != entry.latest_version());
    elsewhere.filter_map(|target| Some((target, target.hold.as_ref()?)))
}

/// The same for programs.
pub(super) fn held_elsewhere_json(entry: &LogEntry) -> Vec<Value> {
    let held = held_elsewhere(entry).map(|(target, hold)| {
        let mut json = hold_json(hold);
        json["ring"] = target.ring.as_str().into();
        json["version"] = target.version().0.into();
        json
    });
    held.collect()
}

/// Says on standard error who does not go to the newest version.
pub(super) fn tell_held_elsewhere(entry: &LogEntry) {
    for (target, hold) in held_elsewhere(entry) {
        let who = match target.ring.as_str() {
            EVERYONE => "consumers stay".to_owned(),
            ring => format!("ring {ring} stays"),
        };
        eprintln!("{who} at version {}, {} {}", target.version(), reason_name(hold.reason), by_whom(hold));
    }
}
