//! What people and programs outside Rust see of a dataset.

mod diff;
pub mod json;
mod stats;
mod verify;

pub use diff::Difference;
pub use stats::{FieldStats, TypeStats};
pub use verify::{Verified, VerifyError, verify};
