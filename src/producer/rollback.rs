//! The content of an older version as the next one.

use std::sync::Arc;

use rayon::prelude::*;

use super::ground::Ground;
use super::listener::CycleKind;
use super::validate::{Candidate, Finding, Validator};
use super::write_state::Mode;
use super::writer::Draftsman;
use super::{CycleOptions, Outcome, Producer};
use crate::error::Result;
use crate::identifiers::{Fingerprint, Version};
use crate::replica::Chain;
use crate::state::{Row, State};
use crate::wire::gather;
use crate::workers;

impl Producer {
    /// Publishes the content and the tags of `version` as the next version, with a snapshot: the chain goes on and has no branch, and equal
    /// fingerprints prove that the content is that of `version` (keeps semantics 21). Records get the defaults of fields that came since.
    ///
    /// A cycle like any other: validators judge it, and one that was interrupted is run again. To have consumers back at once, and not only
    /// when the new version is there, pin them first ([`Operator::pin`](crate::operator::Operator::pin)).
    ///
    /// # Errors
    /// `NotFound` if there is no such version, or it is no longer kept; `Invalid` if its schema broke with today's; otherwise as
    /// [`Producer::cycle`].
    pub async fn rollback(&mut self, version: Version) -> Result<Outcome> {
        self.rollback_with(version, CycleOptions::default()).await
    }

    /// As [`Producer::rollback`], with options: tags come on top of those of `version`. Across a break it is a break itself, which has to be
    /// accepted: the schema of `version` comes back with it.
    ///
    /// # Errors
    /// As [`Producer::rollback`].
    pub async fn rollback_with(&mut self, version: Version, options: CycleOptions) -> Result<Outcome> {
        self.settings.course.begin(CycleKind::Rollback(version));
        let outcome = self.state_again(version, options).await;
        self.settings.course.conclude(&outcome);
        outcome
    }

    async fn state_again(&mut self, version: Version, options: CycleOptions) -> Result<Outcome> {
        self.freshen().await?;
        let chain = Chain::at(self.log.store(), self.entry.clone());
        let (from, progress) = (self.newest.loaded(), &self.settings.progress);
        let old = self.replica.load(&chain, Some(version), from, progress).await?.state;
        let ground = Ground::of(&self.newest, old.schema(), options.accept_break)?;
        let mut tags = old.tags().clone();
        tags.extend(options.tags);
        let options = CycleOptions { tags, allow_empty: true, snapshot: true, ..options };
        let same = Arc::new(SameContent { version, fingerprint: old.fingerprint() });
        let draftsman = self.draft(Mode::Full, &ground);
        let draftsman = workers::run(move || restate(&old, draftsman)).await?;
        self.complete(Mode::Full, options, ground, draftsman, Some(same)).await
    }
}

/// States every record of `old`.
fn restate(old: &State, draftsman: Draftsman) -> Result<Draftsman> {
    for table in old.tables() {
        let index = draftsman.find(table.name())?;
        let put = |words: &mut Vec<u64>, row: Row<'_>| {
            words.clear();
            gather(row.reader(), words)?;
            draftsman.put_words(index, words)
        };
        table.par_rows().try_for_each_init(Vec::new, put)?;
    }
    Ok(draftsman)
}

/// Refuses any content but that of the version that was rolled back to.
struct SameContent {
    version: Version,
    fingerprint: Fingerprint,
}

impl Validator for SameContent {
    fn name(&self) -> &'static str {
        "same content"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Vec<Finding> {
        let (expected, found) = (self.fingerprint, candidate.after().fingerprint());
        if found == expected {
            return Vec::new();
        }
        let reason = format!("the content is not that of version {}; please report this", self.version);
        vec![Finding::new(reason).expected(format_args!("fingerprint {expected}"), found)]
    }
}
