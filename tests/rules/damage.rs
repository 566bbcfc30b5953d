//! Damaged, cut, swapped, missing and emptied files: never a wrong row, never a panic, and whoever looks is told which
//! file it is (semantics 19).

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use futures::stream::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use hollowcast::cache::SegmentStore;
use hollowcast::consumer::{Consumer, Memory};
use hollowcast::format::{BlobHeader, BlobReference, Codec, Compression, SectionEntry, head_length};
use hollowcast::identifiers::ContentHash;
use hollowcast::log::{LogEntry, Tail};
use hollowcast::progress::Progress;
use hollowcast::replica::transfer::TransferOptions;
use hollowcast::replica::{Loaded, Replica};

use hollowcast::{Error, ErrorKind};

use super::setting::{DATASET, Told, World, add, cities, delete, published, schema, upsert};
use super::store::Answer;

type Cities = BTreeMap<u32, String>;

/// Something that may have happened to a file.
#[derive(Clone, Debug)]
enum Damage {
    Flipped(usize),
    Cut(usize),
    Grown,
    Removed,
    SwappedFor(String),
}

/// Everything that is tried on a file of so many bytes, whose neighbours of the same kind these are.
fn damages(bytes: usize, neighbours: &[String]) -> Vec<Damage> {
    let spread = |count: usize| (0..count).map(move |part| part * (bytes - 1) / (count - 1));
    let flips = spread(bytes.min(48)).map(Damage::Flipped);
    let cuts = spread(bytes.min(6)).map(Damage::Cut);
    let swaps = neighbours.iter().cloned().map(Damage::SwappedFor);
    flips.chain(cuts).chain([Damage::Grown, Damage::Removed]).chain(swaps).collect()
}

/// Four versions with all that is known of them.
struct Site {
    world: World,
    objects: BTreeMap<String, Vec<u8>>,
    versions: BTreeMap<u64, Cities>,
    /// A consumer's state at the first version, and at the last.
    first: Loaded,
    last: Loaded,
    /// The log's tail, naming no snapshot.
    deltas_only: LogEntry,
}

impl Site {
    async fn new(compression: Compression) -> Self {
        let world = World::new();
        let builder = world.producer_of(schema()).snapshot_every(3).compression(compression);
        let mut producer = builder.start().await.unwrap();
        let mut versions = BTreeMap::new();
        let names: Vec<(u32, String)> = (0..60).map(|id| (id, format!("City of number {id}"))).collect();
        let pairs: Vec<(u32, &str)> = names.iter().map(|(id, name)| (*id, name.as_str())).collect();
        published(producer.cycle(|writer| add(writer, &pairs)).await);
        versions.insert(1, cities(producer.state()));
        let first = load(&world).await;
        for turn in 2..=4 {
            let changed = producer.incremental(|writer| {
                upsert(writer, &[(turn, "Elsewhere"), (100 + turn, "New")])?;
                delete(writer, 10 + turn)
            });
            published(changed.await);
            versions.insert(u64::from(turn), cities(producer.state()));
        }
        producer.stop().await;
        let last = load(&world).await;
        let deltas_only = LogEntry { snapshots: Vec::new(), ..tail(&world).await };
        let objects = contents(&world).await;
        Self { world, objects, versions, first, last, deltas_only }
    }

    fn neighbours(&self, object: &str) -> Vec<String> {
        let folder = &object[..=object.rfind('/').unwrap()];
        let same = self.objects.keys().filter(|other| other.starts_with(folder) && *other != object);
        same.cloned().collect()
    }

    async fn inflict(&self, object: &str, damage: &Damage) {
        let mut bytes = self.objects[object].clone();
        match damage {
            Damage::Flipped(at) => bytes[*at] ^= 1 << (at % 8),
            Damage::Cut(length) => bytes.truncate(*length),
            Damage::Grown => bytes.extend([0; 9]),
            Damage::Removed => return self.world.store.inner().delete(&Path::from(object)).await.unwrap(),
            Damage::SwappedFor(other) => bytes = self.objects[other].clone(),
        }
        self.put(object, bytes).await;
    }

    async fn mend(&self, object: &str) {
        self.put(object, self.objects[object].clone()).await;
    }

    async fn put(&self, object: &str, bytes: Vec<u8>) {
        self.world.store.inner().put(&Path::from(object), bytes.into()).await.unwrap();
    }

    #[track_caller]
    fn is_a_version(&self, version: u64, found: &Cities, context: &str) {
        assert_eq!(self.versions.get(&version), Some(found), "{context}: rows of no version {version}");
    }

    /// A consumer that begins now: it arrives at a version, or says what is wrong.
    async fn begins(&self, context: &str) -> Result<u64, Error> {
        let consumer: Consumer = self.world.consumer_builder().start().await?;
        let state = consumer.read();
        self.is_a_version(state.version().0, &cities(&state), context);
        Ok(state.version().0)
    }

    /// Moves between the first version and the last, by whatever way there is.
    async fn moves(&self, from: &Loaded, to: &Loaded, context: &str) -> Result<&'static str, Error> {
        let expected = cities(&from.state);
        let silent: Arc<dyn Progress> = Arc::new(());
        let moved = replica(&self.world).move_to(Some(from), &self.deltas_only, &to.reference, &silent).await;
        assert_eq!(cities(&from.state), expected, "{context}: what was loaded changed");
        let moved = moved?;
        let state = &moved.loaded.state;
        self.is_a_version(state.version().0, &cities(state), context);
        assert_eq!(state.version(), to.state.version(), "{context}");
        Ok(moved.route.name())
    }

    async fn verify(&self) -> Result<(), Error> {
        let silent: Arc<dyn Progress> = Arc::new(());
        hollowcast::tools::verify(&replica(&self.world), None, &silent).await.map(drop)
    }
}

fn replica(world: &World) -> Replica {
    Replica::new(world.dataset(), SegmentStore::heap(), TransferOptions::default())
}

/// The newest version, as a consumer has it.
async fn load(world: &World) -> Loaded {
    let (replica, entry) = (replica(world), tail(world).await);
    let target = entry.latest.as_ref().unwrap().into();
    let silent: Arc<dyn Progress> = Arc::new(());
    replica.move_to(None, &entry, &target, &silent).await.unwrap().loaded
}

async fn tail(world: &World) -> LogEntry {
    Tail::new(world.dataset()).find().await.unwrap().unwrap().entry.clone()
}

async fn contents(world: &World) -> BTreeMap<String, Vec<u8>> {
    let prefix = Path::from(DATASET);
    let listed = world.store.inner().list(Some(&prefix)).map_ok(|object| object.location);
    let contents = listed.and_then(|path| async move {
        let bytes = world.store.inner().get(&path).await?.bytes().await?.to_vec();
        Ok((path.to_string(), bytes))
    });
    contents.boxed().try_collect().await.unwrap()
}

/// What it came to is a version, or an error of the right kind that names the object.
///
/// Nothing vouches for the log's tail but what it names: where it was damaged, that may be what is found wrong.
fn judge<T>(result: Result<T, Error>, object: &str, is_tail: bool, context: &str) -> Option<T> {
    let error = match result {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    let expected = [ErrorKind::Corrupt, ErrorKind::NotFound];
    let is_expected = expected.contains(&error.kind()) || (is_tail && error.kind() == ErrorKind::Invalid);
    assert!(is_expected, "{context}: {error:?}");
    let name = object.strip_prefix("places/").unwrap();
    assert!(is_tail || error.to_string().contains(name), "{context}: {error}");
    None
}

/// Whether the byte at `at` of a blob is one that no hash reaches: it lies between sections, where nobody reads, or in a compressed one, which
/// may come to the same plain bytes with some bits flipped.
fn is_unhashed(object: &str, bytes: &[u8], at: usize) -> bool {
    let Ok(head) = head_length(bytes, object) else { return false };
    let hash = ContentHash::of(&bytes[..head as usize]);
    let reference = BlobReference { name: object.to_owned(), length: bytes.len() as u64, hash };
    let header = BlobHeader::parse(bytes, &reference).unwrap();
    let holds = |section: &&SectionEntry| (section.offset..section.end()).contains(&(at as u64));
    let section = header.sections().iter().find(holds);
    at as u64 >= head && section.is_none_or(|section| section.codec != Codec::Plain)
}

#[tokio::test(start_paused = true)]
async fn a_damaged_object_never_gives_a_wrong_row_and_is_named_semantics_19() {
    for compression in [Compression::Plain, Compression::default()] {
        let unnoticed = try_all(&Site::new(compression).await).await;
        assert!(unnoticed.is_empty(), "{unnoticed:#?}");
    }
}

/// Every damage to every object, one at a time; what `verify` had to find and did not.
async fn try_all(site: &Site) -> Vec<String> {
    site.verify().await.unwrap();
    let log: Vec<&String> = site.objects.keys().filter(|object| object.contains("/log/")).collect();
    let mut unnoticed = Vec::new();
    for (object, bytes) in site.objects.iter().filter(|(object, _)| !object.contains("/hints/")) {
        let is_tail = log.last() == Some(&object);
        for damage in damages(bytes.len(), &site.neighbours(object)) {
            let context = format!("{object} {damage:?}");
            site.inflict(object, &damage).await;
            let begun = judge(site.begins(&context).await, object, is_tail, &context);
            let there = judge(site.moves(&site.first, &site.last, &context).await, object, is_tail, &context);
            let back = judge(site.moves(&site.last, &site.first, &context).await, object, is_tail, &context);
            let verified = judge(site.verify().await, object, is_tail, &context);
            // An entry that is gone is one that retention gave up, or was never made.
            let is_given_up = log.contains(&object) && matches!(damage, Damage::Removed);
            let is_harmless = matches!(damage, Damage::Flipped(at) if is_unhashed(object, bytes, at));
            if verified.is_some() && !is_tail && !is_given_up && !is_harmless {
                unnoticed.push(format!("{context}: {begun:?} {there:?} {back:?}"));
            }
            site.mend(object).await;
        }
    }
    site.verify().await.unwrap();
    unnoticed
}

/// Files of a state directory that a consumer keeps there, with their bytes.
fn files(folder: &std::path::Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            files.insert(path, bytes);
        }
    }
    files
}

fn replace(path: &std::path::Path, bytes: &[u8]) {
    let _ = fs::remove_file(path);
    fs::write(path, bytes).unwrap();
}

/// A power failure may take seals and leave sections, and a later release may check more: bytes that are there are verified, not fetched.
#[tokio::test(start_paused = true)]
async fn sections_without_seals_are_verified_again_and_not_fetched_semantics_24() {
    let site = Site::new(Compression::default()).await;
    let folder = site.world.folder.path();
    let told = Arc::new(Told::default());
    let builder = || site.world.quiet().memory(site.world.mapped()).listener(Arc::clone(&told) as _);
    drop(builder().start().await.unwrap());
    for path in files(folder).keys().filter(|path| path.extension().is_some_and(|kind| kind == "seal")) {
        fs::remove_file(path).unwrap();
    }
    for is_recorded in [false, true] {
        let consumer = builder().start().await.unwrap();
        site.is_a_version(4, &cities(&consumer.read()), "");
        let refresh = told.refreshes().pop().unwrap();
        assert_eq!((refresh.route.is_none(), refresh.fetched_bytes), (is_recorded, 0));
    }
}

/// A start with a state directory that was meddled with, with the store there and without: the right rows, or none.
#[tokio::test(start_paused = true)]
async fn a_damaged_state_directory_never_gives_a_wrong_row_semantics_19_24() {
    let site = Site::new(Compression::default()).await;
    let folder = site.world.folder.path();
    let builder = || site.world.consumer_builder().memory(Memory::Mapped(Some(folder.to_owned())));
    drop(builder().start().await.unwrap());
    let whole = files(folder);
    assert!(
        whole.len() >= 6,
        "sections, seals, the record of what is served, and where from: {:?}",
        whole.keys()
    );
    for (path, bytes) in &whole {
        let same = whole.keys().filter(|other| *other != path && other.extension() == path.extension());
        let swaps: Vec<String> = same.map(|other| other.display().to_string()).collect();
        for damage in damages(bytes.len().max(2), &swaps) {
            for (path, bytes) in &whole {
                if !path.exists() || fs::read(path).unwrap() != *bytes {
                    replace(path, bytes);
                }
            }
            let mut changed = bytes.clone();
            match &damage {
                Damage::Flipped(at) => changed[*at] ^= 1 << (at % 8),
                Damage::Cut(length) => changed.truncate(*length),
                Damage::Grown => changed.extend([0; 9]),
                Damage::Removed => changed.clear(),
                Damage::SwappedFor(other) => changed.clone_from(&whole[&PathBuf::from(other)]),
            }
            replace(path, &changed);
            if matches!(damage, Damage::Removed) {
                fs::remove_file(path).unwrap();
            }
            let context = format!("{} {damage:?}", path.display());
            site.world.store.answer("", Answer::Lost);
            if let Ok(consumer) = builder().start().await {
                let state = consumer.read();
                site.is_a_version(state.version().0, &cities(&state), &context);
            }
            site.world.store.heal();
            let consumer = builder().start().await.unwrap_or_else(|error| panic!("{context}: {error}"));
            assert_eq!(consumer.read().version().0, 4, "{context}");
            site.is_a_version(4, &cities(&consumer.read()), &context);
        }
    }
}
