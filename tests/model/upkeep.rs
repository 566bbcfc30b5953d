//! What goes on in the store besides publishing: versions are given up, and all that is left is checked.

use std::sync::Arc;
use std::time::Duration;

use hollowcast::ErrorKind;
use hollowcast::cache::SegmentStore;
use hollowcast::progress::Progress;
use hollowcast::replica::Replica;
use hollowcast::replica::transfer::TransferOptions;
use hollowcast::retention::{Retention, RetentionPolicy};
use hollowcast::tools::verify;

use super::chain::Chain;

impl Chain {
    /// Gives versions up: at most those before the lowest target and the snapshot before it.
    pub(crate) async fn retain(&mut self) {
        let versions = 1 + self.choices.below(6) as u64;
        let policy = RetentionPolicy { versions, max_age: Duration::ZERO };
        let mut retention = Retention::new(self.dataset.clone(), "retention", policy);
        let retained = retention.run(&()).await.expect("retention runs");
        if self.versions.is_empty() {
            return assert_eq!(retained.objects, []);
        }
        let target = self.targets.lowest().map_or(0, |place| self.versions[place].number);
        let allowed = target.saturating_sub(versions - 1).max(self.floor);
        assert!((self.floor..=allowed).contains(&retained.floor.0), "{retained:?}, allowed to {allowed}");
        self.tally.count(if retained.floor.0 > self.floor { "floor raised" } else { "floor kept" });
        self.floor = retained.floor.0;
    }

    /// Fetches and checks all that the log reaches: it holds together, unless a version that was lost is still kept.
    pub(crate) async fn check_store(&mut self) {
        if self.versions.is_empty() {
            return;
        }
        let replica = Replica::new(self.dataset.clone(), SegmentStore::heap(), TransferOptions::default());
        let silent: Arc<dyn Progress> = Arc::new(());
        let verified = verify(&replica, None, &silent).await;
        let kept = &self.versions[self.oldest()..];
        if kept.iter().all(|version| version.is_readable) {
            let verified = verified.expect("nothing was damaged");
            let snapshots = self.entry().await.snapshots.len();
            assert_eq!((verified.versions, verified.snapshots), (kept.len() as u64, snapshots as u64));
            return self.tally.count("verified");
        }
        let damaged = verified.expect_err("something was damaged");
        assert!(matches!(damaged.kind(), ErrorKind::Corrupt | ErrorKind::NotFound), "{damaged}");
        self.tally.count("found damaged");
    }
}
