//! A dataset of cities, a store with a script, and a clock that a test may stop.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures::stream::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use hollowcast::Result;
use hollowcast::announce::PollOptions;
use hollowcast::cache::SegmentStore;
use hollowcast::consumer::{Consumer, ConsumerBuilder, Memory, Rebased, Refresh, RefreshListener, Wait};
use hollowcast::environment::{Environment, SeededRandom};
use hollowcast::format::Compression;
use hollowcast::log::politeness::Manners;
use hollowcast::operator::Operator;
use hollowcast::producer::{
    ChangeWriter, Dataset, Outcome, Producer, ProducerBuilder, Publication, SnapshotBuilder, Writer,
};
use hollowcast::progress::Progress;
use hollowcast::replica::Replica;
use hollowcast::replica::transfer::TransferOptions;
use hollowcast::retention::{Retention, RetentionPolicy};
use hollowcast::schema::{
    DeclaredType, Default, MemberDeclaration, Schema, SchemaDeclaration, StructDeclaration, TypeDeclaration,
};
use hollowcast::state::State;
use hollowcast::store::DatasetStore;
use hollowcast::tools::{Verified, verify};
use hollowcast::wire::Draft;

use super::clock::StoppableClock;
use super::store::ScriptedStore;

/// What the dataset is called.
pub(crate) const DATASET: &str = "places";

/// `City` by number, `River` by name, `Motto` without a key.
pub(crate) fn schema() -> Schema {
    schema_with(&[("id", DeclaredType::UInt32), ("name", DeclaredType::Text)])
}

/// The same with a field `people` in `City`, as a later producer has it.
pub(crate) fn later_schema() -> Schema {
    let fields =
        [("id", DeclaredType::UInt32), ("name", DeclaredType::Text), ("people", DeclaredType::UInt32)];
    schema_with(&fields)
}

/// One that cannot follow from [`schema`]: cities are numbered by more bits.
pub(crate) fn breaking_schema() -> Schema {
    schema_with(&[("id", DeclaredType::UInt64), ("name", DeclaredType::Text)])
}

/// One whose cities are rows of `words` words: their numbers, and one-word fields besides.
pub(crate) fn wide_schema(words: u16) -> Schema {
    let names: Vec<String> = (1..words).map(|word| format!("f{word}")).collect();
    let wide = names.iter().map(|name| (name.as_str(), DeclaredType::UInt64));
    let fields: Vec<_> = std::iter::once(("id", DeclaredType::UInt32)).chain(wide).collect();
    schema_with(&fields)
}

fn schema_with(city: &[(&str, DeclaredType)]) -> Schema {
    let structure = |name: &str, fields: &[(&str, DeclaredType)]| StructDeclaration {
        id: None,
        name: name.to_owned(),
        members: (0..)
            .zip(fields)
            .map(|(ordinal, (name, value_type))| field(name, ordinal, value_type))
            .collect(),
    };
    let record_type = |name: &str, key: &[&str]| TypeDeclaration {
        name: name.to_owned(),
        key: key.iter().map(|field| (*field).to_owned()).collect(),
    };
    let declaration = SchemaDeclaration {
        types: vec![record_type("City", &["id"]), record_type("River", &["name"]), record_type("Motto", &[])],
        structs: vec![
            structure("City", city),
            structure("River", &[("name", DeclaredType::Text)]),
            structure("Motto", &[("text", DeclaredType::Text)]),
        ],
        enums: Vec::new(),
    };
    Schema::from_declaration(&declaration).unwrap()
}

fn field(name: &str, ordinal: u16, value_type: &DeclaredType) -> MemberDeclaration {
    MemberDeclaration::Field {
        name: name.to_owned(),
        original_name: None,
        references: None,
        collection: None,
        ordinal,
        value_type: value_type.clone(),
        default: Default::Zero,
    }
}

/// A record of `City`.
pub(crate) fn city(id: u32, name: &str) -> Vec<u64> {
    populous(id, name, 0)
}

/// A record of `City` with what [`later_schema`] added.
pub(crate) fn populous(id: u32, name: &str, people: u32) -> Vec<u64> {
    let mut draft = Draft::new();
    let root = draft.root(1, 1).unwrap();
    draft.set_bits_at(root, 0, 32, u64::from(id));
    draft.set_bits_at(root, 1, 32, u64::from(people));
    draft.set_text(draft.pointer(root, 0), name).unwrap();
    draft.words().to_vec()
}

/// A record of `River` or `Motto`; with `None` its only field is null.
pub(crate) fn text(value: Option<&str>) -> Vec<u64> {
    let mut draft = Draft::new();
    let root = draft.root(0, 1).unwrap();
    if let Some(value) = value {
        draft.set_text(draft.pointer(root, 0), value).unwrap();
    }
    draft.words().to_vec()
}

/// The cities of a state, by number.
pub(crate) fn cities(state: &State) -> BTreeMap<u32, String> {
    let rows = state.table("City").unwrap().rows().map(|row| {
        let record = row.reader();
        let name = record.text(0).unwrap().unwrap_or_default().to_owned();
        (record.u32(0), name)
    });
    rows.collect()
}

/// Cities as a map, from pairs.
pub(crate) fn named(pairs: &[(u32, &str)]) -> BTreeMap<u32, String> {
    pairs.iter().map(|(id, name)| (*id, (*name).to_owned())).collect()
}

/// Adds cities to a full cycle.
pub(crate) fn add(writer: &Writer, pairs: &[(u32, &str)]) -> Result<()> {
    let index = writer.type_index("City")?;
    pairs.iter().try_for_each(|(id, name)| writer.add_words(index, &city(*id, name)))
}

/// Adds a city for each of `count` numbers to a full cycle.
pub(crate) fn add_many(writer: &Writer, count: u32) -> Result<()> {
    (0..count).try_for_each(|id| add(writer, &[(id, &format!("City {id}"))]))
}

/// Adds cities to an incremental cycle, or replaces them.
pub(crate) fn upsert(writer: &ChangeWriter, pairs: &[(u32, &str)]) -> Result<()> {
    let index = writer.type_index("City")?;
    pairs.iter().try_for_each(|(id, name)| writer.upsert_words(index, &city(*id, name)))
}

/// Removes a city in an incremental cycle.
pub(crate) fn delete(writer: &ChangeWriter, id: u32) -> Result<()> {
    writer.delete_bytes(writer.type_index("City")?, &id.to_le_bytes())
}

/// What a cycle published, which it must have.
#[track_caller]
pub(crate) fn published(outcome: Result<Outcome>) -> Publication {
    match outcome.unwrap() {
        Outcome::Published(publication) => *publication,
        Outcome::Unchanged(version) => panic!("it stayed at version {version}"),
    }
}

/// The store, a folder for state directories, and time.
pub(crate) struct World {
    pub(crate) store: Arc<ScriptedStore>,
    pub(crate) environment: Environment,
    pub(crate) folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock =
            Arc::new(StoppableClock::begin(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)));
        let random = Arc::new(SeededRandom::new(7));
        Self {
            store: Arc::new(ScriptedStore::new()),
            environment: Environment { clock, random },
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store) as _
    }

    pub(crate) fn producer_of(&self, schema: Schema) -> ProducerBuilder {
        let builder = Producer::builder(Dataset::dynamic(DATASET, schema), self.store());
        builder.memory(Memory::Heap).environment(self.environment.clone()).manners(Manners::TakeOver)
    }

    /// A producer that has fenced every other.
    pub(crate) async fn producer(&self) -> Producer {
        self.producer_of(schema()).start().await.unwrap()
    }

    /// A producer that has published these cities as version 1.
    pub(crate) async fn producer_with(&self, pairs: &[(u32, &str)]) -> Producer {
        let mut producer = self.producer().await;
        assert_eq!(published(producer.cycle(|writer| add(writer, pairs)).await).version.0, 1);
        producer
    }

    /// A consumer that holds everything on its heap and gives up at once.
    pub(crate) fn consumer_builder(&self) -> ConsumerBuilder {
        let builder = Consumer::builder(DATASET, self.store()).memory(Memory::Heap).wait(Wait::Never);
        builder.environment(self.environment.clone())
    }

    /// The same, which looks when it is told to.
    pub(crate) fn quiet(&self) -> ConsumerBuilder {
        self.consumer_builder().poll(seldom())
    }

    /// A state directory in its folder.
    pub(crate) fn mapped(&self) -> Memory {
        Memory::Mapped(Some(self.folder.path().to_owned()))
    }

    pub(crate) async fn consumer(&self) -> Consumer {
        self.consumer_builder().start().await.unwrap()
    }

    /// The store from within the dataset.
    pub(crate) fn dataset(&self) -> DatasetStore {
        DatasetStore::new(self.store(), Path::from(DATASET), self.environment.clone())
    }

    pub(crate) fn operator(&self) -> Operator {
        Operator::new(self.dataset(), "ops", Vec::new())
    }

    /// Builds snapshots, as a process of its own does.
    pub(crate) fn snapshot_builder(&self) -> SnapshotBuilder {
        let replica = Replica::new(self.dataset(), SegmentStore::heap(), TransferOptions::default());
        SnapshotBuilder::new(replica, "builder", Compression::default(), Arc::new(()))
    }

    /// Retention that keeps so many versions, whatever their age.
    pub(crate) fn retention(&self, versions: u64) -> Retention {
        self.retention_by(RetentionPolicy { versions, max_age: Duration::ZERO })
    }

    pub(crate) fn retention_by(&self, policy: RetentionPolicy) -> Retention {
        Retention::new(self.dataset(), "keeper", policy)
    }

    /// Fetches and checks all that the log reaches.
    pub(crate) async fn verify(&self) -> Result<Verified> {
        let replica = Replica::new(self.dataset(), SegmentStore::heap(), TransferOptions::default());
        let silent: Arc<dyn Progress> = Arc::new(());
        verify(&replica, None, &silent).await
    }

    /// Names of the objects in `folder` of the dataset, in order.
    pub(crate) async fn objects(&self, folder: &str) -> Vec<String> {
        let prefix = Path::from(format!("{DATASET}/{folder}"));
        let listed = self.store.inner().list(Some(&prefix)).map_ok(|object| object.location.to_string());
        let mut names: Vec<String> = listed.try_collect().await.unwrap();
        names.sort();
        names
    }

    /// Removes the dataset, object by object.
    pub(crate) async fn remove(&self) {
        for folder in ["log", "manifests", "snapshots", "deltas", "reverse", "hints"] {
            for object in self.objects(folder).await {
                self.store.inner().delete(&Path::from(object)).await.unwrap();
            }
        }
    }

    /// Changes one byte in the middle of an object.
    pub(crate) async fn damage(&self, object: &str) {
        let path = Path::from(object);
        let mut bytes = self.store.inner().get(&path).await.unwrap().bytes().await.unwrap().to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x40;
        self.store.inner().put(&path, bytes.into()).await.unwrap();
    }
}

/// A poll that no test waits for.
pub(crate) fn seldom() -> PollOptions {
    let hour = Duration::from_secs(3600);
    PollOptions { interval: hour, unprompted: hour }
}

/// What a consumer told.
#[derive(Default)]
pub(crate) struct Told {
    refreshes: Mutex<Vec<Refresh>>,
    failures: Mutex<Vec<String>>,
    rebases: Mutex<Vec<Rebased>>,
    failed_rebases: Mutex<Vec<String>>,
}

impl Told {
    pub(crate) fn refreshes(&self) -> Vec<Refresh> {
        self.refreshes.lock().unwrap().clone()
    }

    pub(crate) fn failures(&self) -> Vec<String> {
        self.failures.lock().unwrap().clone()
    }

    pub(crate) fn rebases(&self) -> Vec<Rebased> {
        self.rebases.lock().unwrap().clone()
    }

    pub(crate) fn failed_rebases(&self) -> Vec<String> {
        self.failed_rebases.lock().unwrap().clone()
    }
}

impl RefreshListener for Told {
    fn refreshed(&self, refresh: &Refresh) {
        self.refreshes.lock().unwrap().push(refresh.clone());
    }

    fn failed(&self, error: &hollowcast::Error) {
        self.failures.lock().unwrap().push(error.to_string());
    }

    fn rebased(&self, rebased: &Rebased) {
        self.rebases.lock().unwrap().push(rebased.clone());
    }

    fn rebase_failed(&self, error: &hollowcast::Error) {
        self.failed_rebases.lock().unwrap().push(error.to_string());
    }
}
