//! What people and programs outside Rust see of a dataset.

mod diff;
mod history;
pub mod json;
mod stats;
mod verify;

pub use diff::Difference;
pub use history::{History, HistoryEntry, HistoryQuery, RecordChange};
pub use stats::{FieldStats, TypeStats};
pub use verify::{Verified, VerifyError, verify};
