//! Versions that no delta leads to: because the schema cannot follow, or because the newest version was lost.

use futures::stream::TryStreamExt;
use hollowcast::ErrorKind;
use hollowcast::consumer::Memory;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use super::chain::{Chain, DATASET};
use super::content::{Content, KnownVersion};
use super::world::SchemaForm;

/// Whether there is a break on the way between two places, up or down.
pub(crate) fn is_cut(versions: &[KnownVersion], from: usize, to: usize) -> bool {
    versions[from.min(to)..=from.max(to)].iter().skip(1).any(|version| version.is_break)
}

impl Chain {
    /// Whether a version under a schema of `form` has to be a break.
    pub(crate) fn is_break(&self, form: SchemaForm) -> bool {
        let newest = self.versions.last();
        newest.is_some_and(|newest| !newest.is_readable || newest.form.edition != form.edition)
    }

    /// What a version under a schema of `form` is compared with: the newest content, and nothing across a break.
    pub(crate) fn ground(&self, form: SchemaForm) -> Content {
        match self.versions.last() {
            Some(newest) if !self.is_break(form) => newest.content.clone(),
            _ => self.world.edition(form).without_records(),
        }
    }

    /// Form of the schema that the dataset gets by a version under `form`: fields once there stay, until a break.
    pub(crate) fn form_of_next(&self, form: SchemaForm) -> SchemaForm {
        match self.versions.last() {
            Some(newest) if !self.is_break(form) => {
                SchemaForm { growth: newest.form.growth.max(form.growth), ..form }
            }
            _ => form,
        }
    }

    /// Takes what leads to the newest version away from the store, and goes on without it, by a break.
    pub(crate) async fn lose_newest(&mut self) {
        let Some(newest) = self.versions.len().checked_sub(1) else { return };
        if !self.may_lose || self.targets.hold_at(newest) {
            return;
        }
        self.end_producer().await;
        self.damage(self.versions[newest].number).await;
        self.versions[newest].is_readable = false;
        // What the host has of it would do.
        self.memory = Memory::Heap;
        let Err(refused) = self.producer_builder(self.form).start().await else {
            panic!("a producer starts from a version that is lost");
        };
        assert!(matches!(refused.kind(), ErrorKind::Corrupt | ErrorKind::NotFound), "{refused}");
        assert!(refused.to_string().contains("--accept-break"), "{refused}");
        let builder = self.producer_builder(self.form).break_if_unreadable(true);
        self.producer = Some(builder.start().await.expect("a producer goes on"));
        self.check_producer("losing a version");
        while !self.versions[self.versions.len() - 1].is_readable {
            match self.choices.below(3) {
                0 => self.full_cycle().await,
                1 => self.incremental_cycle().await,
                _ => self.roll_back().await,
            }
        }
        self.tally.count("lost");
    }

    /// Damages or deletes every blob that leads to version `number` from another or from nothing.
    async fn damage(&mut self, number: u64) {
        for (folder, part) in [("deltas", format!("-{number:020}-")), ("snapshots", format!("{number:020}-"))]
        {
            let folder = Path::from(format!("{DATASET}/{folder}"));
            let objects: Vec<_> = self.store.list(Some(&folder)).try_collect().await.expect("a list");
            let objects = objects.into_iter().map(|object| object.location);
            for object in objects.filter(|object| object.filename().is_some_and(|name| name.contains(&part)))
            {
                if self.choices.chance(50) {
                    self.store.delete(&object).await.expect("an object is deleted");
                    continue;
                }
                let found = self.store.get(&object).await.expect("an object that was listed");
                let bytes = found.bytes().await.expect("an object that was listed");
                let damaged: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
                self.store.put(&object, damaged.into()).await.expect("an object is overwritten");
            }
        }
    }
}
