//! What must hold before a version becomes visible (keeps semantics 7).
//!
//! A [`Validator`] is the one thing that can stop a cycle from outside: whoever wants a veto, because of a freeze or for want of an approval,
//! is a validator too ([`Check`]). Listeners hear of cycles and are never obeyed.

mod candidate;
mod changed;
mod counts;
mod dangling;
mod verdict;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rayon::prelude::*;

use super::prepare::Prepared;
use crate::listeners::panic_text;
use crate::state::State;
use crate::workers;

pub(super) use candidate::Changes;
pub use candidate::{Candidate, ChangedRecord};
pub use changed::{ChangedRecords, Check};
pub use counts::{CountChange, Limit, MinimumCount};
pub use dangling::DanglingReferences;
pub use verdict::{Finding, MAX_EXAMPLES, Verdict};

/// Judges a new state before anything of it is uploaded.
///
/// All validators of a cycle run, at the same time on the library's threads, and any finding fails the cycle with the findings of all. One that
/// panics has found something: that it panicked. Duplicate and null keys need no validator: such a record is refused when it is added.
pub trait Validator: Send + Sync {
    /// What results and messages call it.
    fn name(&self) -> &str;

    /// What is wrong with the candidate; nothing if it may be published.
    fn judge(&self, candidate: &Candidate<'_>) -> Vec<Finding>;
}

/// Runs every validator on what was prepared; gives the verdicts in the validators' order.
pub(super) async fn judge(
    validators: Vec<Arc<dyn Validator>>,
    before: Arc<State>,
    prepared: Prepared,
    changes: Changes,
) -> (Prepared, Vec<Verdict>) {
    let judge = move || {
        let candidate = Candidate::new(&before, &prepared.state, &changes);
        let verdicts = validators.par_iter().map(|validator| verdict(&**validator, &candidate)).collect();
        (prepared, verdicts)
    };
    workers::run(judge).await
}

fn verdict(validator: &dyn Validator, candidate: &Candidate<'_>) -> Verdict {
    let judged = catch_unwind(AssertUnwindSafe(|| (validator.name().to_owned(), validator.judge(candidate))));
    let (validator, findings) = judged.unwrap_or_else(|panic| {
        let name = catch_unwind(AssertUnwindSafe(|| validator.name().to_owned()));
        let reason = format!("it panicked: {}", panic_text(&*panic));
        (name.unwrap_or_else(|_| "a validator".to_owned()), vec![Finding::new(reason)])
    });
    Verdict { validator, findings }
}
