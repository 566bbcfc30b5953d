//! What the next version is made on.

use std::sync::Arc;

use super::ProducerError;
use super::newest::Newest;
use crate::error::Result;
use crate::schema::{BreakReason, Compatibility, Schema};
use crate::state::State;

/// The records that the next version is compared with, under its schema.
pub(super) struct Ground {
    /// The newest version; across a break it has no records.
    pub(super) parent: Arc<State>,
    /// Why no delta can lead to the next version, if none can.
    pub(super) break_reason: Option<String>,
}

impl Ground {
    /// For a version under `schema` after `newest`; across a break only if that is accepted (keeps semantics 25).
    pub(super) fn of(newest: &Newest, schema: &Schema, accept_break: bool) -> Result<Self> {
        if matches!(newest, Newest::Unreadable(_)) {
            let version = newest.state().version();
            let reason = format!("the newest version, {version}, cannot be read");
            return Self::broken(newest, schema, reason, accept_break);
        }
        let parent = newest.state();
        match parent.schema().compatibility(schema) {
            Compatibility::Same => Ok(Self { parent: Arc::clone(parent), break_reason: None }),
            Compatibility::Extends(schema) => {
                let parent = Arc::new(State::clone(parent).with_schema(Arc::new(schema)));
                Ok(Self { parent, break_reason: None })
            }
            Compatibility::Break(reasons) => {
                let reasons: Vec<String> = reasons.iter().map(BreakReason::to_string).collect();
                Self::broken(newest, schema, reasons.join("; "), accept_break)
            }
        }
    }

    fn broken(newest: &Newest, schema: &Schema, reason: String, is_accepted: bool) -> Result<Self> {
        if !is_accepted {
            return Err(ProducerError::Break { reason }.into());
        }
        let before = newest.state();
        let schema = Arc::new(schema.clone());
        let parent = State::without_records(before.dataset(), before.version(), before.seed(), schema);
        Ok(Self { parent: Arc::new(parent), break_reason: Some(reason) })
    }
}
