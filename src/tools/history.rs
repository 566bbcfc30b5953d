//! One record through the kept versions.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::{StreamExt, stream};

use super::json::{FieldComparison, FieldDifference, JsonPrinter};
use crate::error::Result;
use crate::format::ManifestLink;
use crate::identifiers::Version;
use crate::progress::{Progress, Stage, Unit};
use crate::replica::{Chain, Replica};
use crate::schema::{Schema, StructIndex};
use crate::state::State;
use crate::wire::{KeyPlan, StructReader, gather};

/// Deltas that are looked into at a time.
const LOOKS: usize = 8;

/// What a version made of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The version.
    pub version: Version,
    /// When it was made.
    pub at: SystemTime,
    /// What it made of the record.
    pub change: RecordChange,
}

/// What became of a record, which is shown as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordChange {
    /// The version before did not have it.
    Added(String),
    /// These fields differ from the version before.
    Changed(Vec<FieldDifference>),
    /// The version before had it.
    Removed(String),
    /// The oldest kept version has it. Whether the version before did is no longer known.
    Oldest(String),
}

/// Which record is asked for.
pub struct HistoryQuery<'q> {
    /// Its type.
    pub type_name: &'q str,
    /// The bytes of its key under a schema that has the type. What it refuses under that of an older version, no record has there.
    pub key: &'q (dyn Fn(&Schema) -> Result<Vec<u8>> + 'q),
    /// How many versions are told of at most.
    pub limit: usize,
}

/// The kept versions of a dataset, to ask for the history of a record.
pub struct History<'r> {
    replica: &'r Replica,
    progress: &'r Arc<dyn Progress>,
    chain: Chain,
    /// Newest first.
    links: Vec<ManifestLink>,
    newest: Arc<State>,
}

impl<'r> History<'r> {
    /// Loads the newest version, and what leads to those before it.
    ///
    /// # Errors
    /// As [`Replica::load`].
    pub async fn open(replica: &'r Replica, progress: &'r Arc<dyn Progress>) -> Result<Self> {
        let begun = Chain::beside_retention(replica.store(), |chain| async move {
            let newest = replica.load(&chain, None, None, progress).await?;
            let links = chain.links().await?;
            Ok((chain, links, newest.state))
        });
        let (chain, links, newest) = begun.await?;
        Ok(Self { replica, progress, chain, links, newest })
    }

    /// The newest version.
    #[must_use]
    pub fn newest(&self) -> &State {
        &self.newest
    }

    /// Tells of each kept version that changed a record, newest first, while `tell` returns `true`; whether there was such a record in any of those
    /// that were looked at.
    ///
    /// Costs a request for each older version, which brings no more of a delta than its header and the changes of the type whose hashes begin like
    /// the key's, and two more for each version that is told of. A version without a delta costs the state before it. What retention gives up on
    /// the way ends the history early.
    ///
    /// # Errors
    /// As [`Replica::load`]; what the key is refused with.
    pub async fn of(
        &self,
        query: &HistoryQuery<'_>,
        tell: &mut dyn FnMut(HistoryEntry) -> bool,
    ) -> Result<bool> {
        let key = (query.key)(self.newest.schema())?;
        let known = Known::of(&self.newest, query, Some(key))?;
        let is_found = known.record.is_some();
        let mut walk = Walk { history: self, query, tell, known, is_found, told: 0 };
        walk.run(&self.links).await?;
        Ok(walk.is_found)
    }
}

/// A record as one version has it.
#[derive(Clone)]
struct Known {
    schema: Arc<Schema>,
    key: Option<Vec<u8>>,
    /// Its canonical message.
    record: Option<Vec<u64>>,
}

impl Known {
    fn of(state: &State, query: &HistoryQuery<'_>, key: Option<Vec<u8>>) -> Result<Self> {
        let mut message = Vec::new();
        let table = state.table(query.type_name);
        let row = table.zip(key.as_ref()).and_then(|(table, key)| table.get_bytes(key));
        row.map(|row| gather(row.reader(), &mut message)).transpose()?;
        Ok(Self { schema: Arc::clone(state.schema()), key, record: row.map(|_| message) })
    }

    /// The struct of the type and the record; `None` if there is none.
    fn root(&self, type_name: &str) -> Result<Option<(StructIndex, StructReader<'_>)>> {
        let Some(index) = self.schema.find_type(type_name) else { return Ok(None) };
        let structure = self.schema.record_type(index).structure;
        let root = self.record.as_deref().map(StructReader::root).transpose()?;
        Ok(root.map(|root| (structure, root)))
    }

    fn json(&self, type_name: &str) -> Result<Option<String>> {
        let Some((structure, root)) = self.root(type_name)? else { return Ok(None) };
        let mut text = Vec::new();
        JsonPrinter::new(&self.schema).print(structure, root, &mut text)?;
        Ok(Some(String::from_utf8(text).expect("JSON is text")))
    }

    /// What became of it on the way to `newer`.
    fn change_to(&self, newer: &Self, type_name: &str) -> Result<Option<RecordChange>> {
        Ok(match (self.root(type_name)?, newer.root(type_name)?) {
            (None, None) => None,
            (None, Some(_)) => newer.json(type_name)?.map(RecordChange::Added),
            (Some(_), None) => self.json(type_name)?.map(RecordChange::Removed),
            (Some(before), Some(after)) => {
                let fields = FieldComparison::new(&self.schema, &newer.schema).differences(before, after)?;
                (!fields.is_empty()).then_some(RecordChange::Changed(fields))
            }
        })
    }
}

/// From the newest version back.
struct Walk<'w> {
    history: &'w History<'w>,
    query: &'w HistoryQuery<'w>,
    tell: &'w mut dyn FnMut(HistoryEntry) -> bool,
    /// The record as the version has it that the walk has come to.
    known: Known,
    is_found: bool,
    told: usize,
}

/// How a walk goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goes {
    On,
    /// As much was told as was asked for, or the versions before are gone.
    NoFurther,
}

impl Walk<'_> {
    async fn run(&mut self, links: &[ManifestLink]) -> Result<()> {
        let mut rest = links;
        while let [newer, older, ..] = rest {
            let deltas = rest[..rest.len() - 1].iter().take_while(|link| !link.is_break()).count();
            self.stage(rest.len());
            let goes = match deltas {
                0 => self.across_break(newer, older).await?,
                _ => self.along_deltas(&rest[..deltas]).await?,
            };
            if goes == Goes::NoFurther {
                return Ok(());
            }
            rest = &rest[deltas.max(1)..];
        }
        if let [oldest] = rest {
            self.end_at(oldest).await?;
        }
        Ok(())
    }

    fn stage(&self, versions: usize) {
        let total = Some(versions as u64);
        self.history.progress.stage(Stage {
            name: "looking through the versions",
            unit: Unit::Versions,
            total,
        });
    }

    /// From the version of each link to the one before, by what its delta and its reverse delta say of the key.
    async fn along_deltas(&mut self, links: &[ManifestLink]) -> Result<Goes> {
        let Some(key) = self.known.key.clone() else { return Ok(Goes::On) };
        let (replica, type_name) = (self.history.replica, self.query.type_name);
        let looks = stream::iter(links).map(|link| look(replica, link, type_name, &key));
        let mut looks = std::pin::pin!(looks.buffered(LOOKS));
        for link in links {
            let look = looks.next().await.expect("one look a link");
            let Some(look) = self.unless_overtaken(link, look).await? else { return Ok(Goes::NoFurther) };
            let schema = look.schema.map_or_else(|| Arc::clone(&self.known.schema), Arc::new);
            let record = match look.record {
                Looked::Untouched => self.known.record.clone(),
                Looked::Absent => None,
                Looked::Written(record) => {
                    Some(record).filter(|record| is_of_key(&schema, type_name, record, &key))
                }
            };
            let before = Known { schema, key: Some(key.clone()), record };
            self.history.progress.advance(1);
            if self.step(link, before).await? == Goes::NoFurther {
                return Ok(Goes::NoFurther);
            }
        }
        Ok(Goes::On)
    }

    /// From a version without a delta to the one before, by its state.
    async fn across_break(&mut self, newer: &ManifestLink, older: &ManifestLink) -> Result<Goes> {
        let loaded = self
            .history
            .replica
            .load(&self.history.chain, Some(older.version), None, self.history.progress)
            .await;
        let Some(loaded) = self.unless_overtaken(newer, loaded).await? else { return Ok(Goes::NoFurther) };
        let schema = loaded.state.schema();
        let key = schema.find_type(self.query.type_name).and_then(|_| (self.query.key)(schema).ok());
        let before = Known::of(&loaded.state, self.query, key)?;
        self.step(newer, before).await
    }

    /// Tells what the version of `link` made of the record as it was before.
    async fn step(&mut self, link: &ManifestLink, before: Known) -> Result<Goes> {
        let change = match before.record == self.known.record && before.schema == self.known.schema {
            true => None,
            false => before.change_to(&self.known, self.query.type_name)?,
        };
        self.is_found |= before.record.is_some();
        self.known = before;
        match change {
            Some(change) => self.tell(link, change).await,
            None => Ok(Goes::On),
        }
    }

    /// Tells how the record was in the version of `link`, the first there is or the oldest that is kept.
    async fn end_at(&mut self, link: &ManifestLink) -> Result<Goes> {
        let Some(record) = self.known.json(self.query.type_name)? else { return Ok(Goes::NoFurther) };
        let is_first = link.version == Version(1);
        let change = if is_first { RecordChange::Added(record) } else { RecordChange::Oldest(record) };
        self.tell(link, change).await
    }

    async fn tell(&mut self, link: &ManifestLink, change: RecordChange) -> Result<Goes> {
        let manifest = self
            .history
            .replica
            .manifest(self.history.chain.entry().dataset, &link.manifest_reference())
            .await;
        let Some(manifest) = self.unless_gone(link.version, manifest).await? else {
            return Ok(Goes::NoFurther);
        };
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(manifest.created_at_ms);
        let is_more_wanted = (self.tell)(HistoryEntry { version: link.version, at, change });
        self.told += 1;
        Ok(if is_more_wanted && self.told < self.query.limit { Goes::On } else { Goes::NoFurther })
    }

    /// What led to the version before that of `link`; if that is given up meanwhile, the history ends here.
    async fn unless_overtaken<T>(&mut self, link: &ManifestLink, led: Result<T>) -> Result<Option<T>> {
        let before = Version(link.version.0 - 1);
        let led = self.unless_gone(before, led).await?;
        if led.is_none() {
            self.end_at(link).await?;
        }
        Ok(led)
    }

    /// `None` if something of `version` could not be had because the version is given up meanwhile.
    async fn unless_gone<T>(&self, version: Version, result: Result<T>) -> Result<Option<T>> {
        if result.is_err() && Chain::open(self.history.replica.store()).await?.entry().floor > version {
            return Ok(None);
        }
        result.map(Some)
    }
}

/// What the version before had, as far as a delta and its reverse tell.
struct Look {
    /// Its schema, if it had another.
    schema: Option<Schema>,
    record: Looked,
}

enum Looked {
    /// As after the delta.
    Untouched,
    Absent,
    /// A record under the hash of the key, of whatever key.
    Written(Vec<u64>),
}

async fn look(replica: &Replica, link: &ManifestLink, type_name: &str, key: &[u8]) -> Result<Look> {
    let untouched = Look { schema: None, record: Looked::Untouched };
    let (Some(delta), Some(reverse)) = (link.delta_reference(), link.reverse_delta_reference()) else {
        return Ok(untouched);
    };
    let forward = replica.touch(&delta, type_name, key).await?;
    if !forward.is_touched && forward.schema.is_none() {
        return Ok(untouched);
    }
    let back = replica.touch(&reverse, type_name, key).await?;
    let record = match (forward.is_touched, back.written) {
        (false, _) => Looked::Untouched,
        (true, None) => Looked::Absent,
        (true, Some(record)) => Looked::Written(record),
    };
    Ok(Look { schema: back.schema, record })
}

/// Whether the canonical message `record` has the key with these bytes.
fn is_of_key(schema: &Schema, type_name: &str, record: &[u64], key: &[u8]) -> bool {
    let index = schema.find_type(type_name);
    let plan = index.map(|index| KeyPlan::new(schema, index));
    let root = StructReader::root(record).ok();
    plan.zip(root).is_some_and(|(plan, root)| plan.matches(root, key))
}
