//! A [`Current`] as bytes: 16 bytes xxh3-128 of what follows, then one message (`schemas/current.capnp`).

use std::collections::{BTreeMap, HashSet};
use std::fmt::Display;
use std::time::SystemTime;

use capnp::message::{Builder, HeapAllocator, ReaderOptions};
use capnp::serialize;

use super::{Current, CurrentShard, CurrentStep, CurrentType, ManifestReference};
use crate::cache::{CacheError, SectionName};
use crate::environment::{milliseconds, time_of};
use crate::generated::current_capnp::current;
use crate::identifiers::{ContentHash, DatasetId, Fingerprint, KeySeed, Sequence, Version};

/// Version of the format written here.
const FORMAT_VERSION: u32 = 1;
/// More than ten thousand shards and steps, and any schema.
pub(super) const LIMIT_BYTES: u64 = 16 << 20;
/// Length of the hash in front.
const HASH_BYTES: usize = 16;

impl Current {
    /// Encodes this state's description; the same state gives the same bytes.
    ///
    /// # Errors
    /// [`CacheError::CurrentTooLarge`] beyond 16 MiB.
    pub fn encode(&self) -> Result<Vec<u8>, CacheError> {
        let mut message = Builder::new(HeapAllocator::new());
        self.build(message.init_root());
        let mut bytes = vec![0; HASH_BYTES];
        bytes.extend(serialize::write_message_to_words(&message));
        let length = bytes.len() as u64;
        if length > LIMIT_BYTES {
            let dataset = self.dataset.to_string();
            return Err(CacheError::CurrentTooLarge { dataset, bytes: length, limit: LIMIT_BYTES });
        }
        let hash = ContentHash::of(&bytes[HASH_BYTES..]);
        bytes[..HASH_BYTES].copy_from_slice(&hash.0);
        Ok(bytes)
    }

    fn build(&self, mut root: current::Builder<'_>) {
        root.set_format_version(FORMAT_VERSION);
        root.set_dataset(&self.dataset.0);
        root.set_ring(self.ring.as_str());
        root.set_sequence(self.sequence.0);
        root.set_version(self.version.0);
        root.set_manifest_name(self.manifest.name.as_str());
        root.set_manifest_hash(&self.manifest.hash.0);
        root.set_confirmed_at(milliseconds(self.confirmed_at));
        root.set_key_seed(self.key_seed.0);
        root.set_schema_hash(&self.schema_hash.0);
        root.set_schema(&self.schema);
        let mut tags = root.reborrow().init_tags(self.tags.len() as u32);
        for (index, (key, value)) in (0..).zip(&self.tags) {
            let mut tag = tags.reborrow().get(index);
            tag.set_key(key.as_str());
            tag.set_value(value.as_str());
        }
        let mut types = root.init_types(self.types.len() as u32);
        for (index, one) in (0..).zip(&self.types) {
            one.build(types.reborrow().get(index));
        }
    }

    /// Decodes what [`Current::encode`] wrote. `object` names it in errors. Nothing in `bytes` is believed before it
    /// was checked.
    ///
    /// # Errors
    /// [`CacheError::DamagedCurrent`], and [`CacheError::UnknownCurrent`] for a newer format.
    pub fn decode(bytes: &[u8], object: &str) -> Result<Self, CacheError> {
        Decoder { object }.current(bytes)
    }
}

impl CurrentType {
    fn build(&self, mut target: current::type_sections::Builder<'_>) {
        target.set_name(self.name.as_str());
        target.set_record_count(self.record_count);
        target.set_fingerprint(&self.fingerprint.0.to_le_bytes());
        let mut base = target.reborrow().init_base(self.base.len() as u32);
        for (index, shard) in (0..).zip(&self.base) {
            let mut target = base.reborrow().get(index);
            build_name(shard.rows, target.reborrow().init_rows());
            build_name(shard.keys, target.init_keys());
        }
        let mut overlay = target.init_overlay(self.overlay.len() as u32);
        for (index, step) in (0..).zip(&self.overlay) {
            step.build(overlay.reborrow().get(index));
        }
    }
}

impl CurrentStep {
    fn build(&self, mut target: current::overlay_step::Builder<'_>) {
        target.set_from(self.from.0);
        target.set_to(self.to.0);
        target.set_fingerprint_after(&self.fingerprint_after.0.to_le_bytes());
        let mut changes = target.reborrow().init_changes(self.changes.len() as u32);
        for (index, name) in (0..).zip(&self.changes) {
            build_name(*name, changes.reborrow().get(index));
        }
        if let Some(slots) = self.slots {
            build_name(slots, target.init_slots());
        }
    }
}

fn build_name(name: SectionName, mut target: current::section_name::Builder<'_>) {
    target.set_hash(&name.hash.0);
    target.set_length(name.length);
}

/// Reads bytes that may be anything; every error names the object and the field.
struct Decoder<'a> {
    object: &'a str,
}

impl Decoder<'_> {
    fn current(&self, bytes: &[u8]) -> Result<Current, CacheError> {
        let message = self.verified(bytes)?;
        let message = serialize::read_message(&mut &*message, ReaderOptions::new());
        let message = message.map_err(|error| self.damaged("message", "one message", error))?;
        let root: current::Reader<'_> = self.read("root", message.get_root())?;
        match root.get_format_version() {
            FORMAT_VERSION => self.fields(root),
            found => Err(CacheError::UnknownCurrent {
                object: self.object.to_owned(),
                found,
                known: FORMAT_VERSION,
            }),
        }
    }

    /// The bytes behind the hash, once they are what it says.
    fn verified<'b>(&self, bytes: &'b [u8]) -> Result<&'b [u8], CacheError> {
        let Some((hash, message)) = bytes.split_at_checked(HASH_BYTES) else {
            return Err(self.damaged("length", "more than 16 bytes", bytes.len()));
        };
        let (expected, found) = (self.hash("hash", Ok(hash))?, ContentHash::of(message));
        if found == expected { Ok(message) } else { Err(self.damaged("hash", expected, found)) }
    }

    fn fields(&self, root: current::Reader<'_>) -> Result<Current, CacheError> {
        Ok(Current {
            dataset: DatasetId(self.hash("dataset", root.get_dataset())?.0),
            ring: self.text("ring", root.get_ring())?,
            sequence: Sequence(root.get_sequence()),
            version: Version(root.get_version()),
            manifest: ManifestReference {
                name: self.text("manifest name", root.get_manifest_name())?,
                hash: self.hash("manifest hash", root.get_manifest_hash())?,
            },
            confirmed_at: self.time("confirmed at", root.get_confirmed_at())?,
            key_seed: KeySeed(root.get_key_seed()),
            schema_hash: self.hash("schema hash", root.get_schema_hash())?,
            schema: self.read("schema", root.get_schema())?.to_vec(),
            tags: self.tags(root)?,
            types: self.types(root)?,
        })
    }

    fn tags(&self, root: current::Reader<'_>) -> Result<BTreeMap<String, String>, CacheError> {
        let mut tags = BTreeMap::new();
        for tag in self.read("tags", root.get_tags())? {
            let key = self.text("key of a tag", tag.get_key())?;
            let value = self.text("value of a tag", tag.get_value())?;
            if tags.insert(key.clone(), value).is_some() {
                return Err(self.damaged("tags", "each key once", format!("{key} twice")));
            }
        }
        Ok(tags)
    }

    fn types(&self, root: current::Reader<'_>) -> Result<Vec<CurrentType>, CacheError> {
        let mut names = HashSet::new();
        let mut types = Vec::new();
        for one in self.read("types", root.get_types())? {
            let one = self.one_type(one)?;
            if !names.insert(one.name.clone()) {
                return Err(self.damaged("types", "each name once", format!("{} twice", one.name)));
            }
            types.push(one);
        }
        Ok(types)
    }

    fn one_type(&self, one: current::type_sections::Reader<'_>) -> Result<CurrentType, CacheError> {
        let name = self.text("name of a type", one.get_name())?;
        let fingerprint = self.fingerprint("fingerprint", one.get_fingerprint())?;
        let base = self.read("base", one.get_base())?.iter().map(|shard| self.shard(shard));
        let base = base.collect::<Result<Vec<_>, _>>()?;
        if !base.is_empty() && !base.len().is_power_of_two() {
            return Err(self.damaged("base", "a power of two of shards, or none", base.len()));
        }
        let overlay = self.read("overlay", one.get_overlay())?.iter().map(|step| self.step(step));
        let overlay = overlay.collect::<Result<Vec<_>, _>>()?;
        if let Some(later) = overlay.iter().skip(1).find(|step| step.slots.is_some()) {
            return Err(self.damaged(
                "slots",
                "those of the first step",
                format!("those of version {}", later.to),
            ));
        }
        match overlay.last() {
            Some(last) if last.fingerprint_after != fingerprint => {
                Err(self.damaged("fingerprint after the last step", fingerprint, last.fingerprint_after))
            }
            _ => Ok(CurrentType { name, record_count: one.get_record_count(), fingerprint, base, overlay }),
        }
    }

    fn shard(&self, shard: current::base_shard::Reader<'_>) -> Result<CurrentShard, CacheError> {
        let rows = self.section("rows", shard.get_rows())?;
        Ok(CurrentShard { rows, keys: self.section("keys", shard.get_keys())? })
    }

    fn step(&self, step: current::overlay_step::Reader<'_>) -> Result<CurrentStep, CacheError> {
        let (from, to) = (Version(step.get_from()), Version(step.get_to()));
        if from == to {
            return Err(self.damaged("a step", "a way between two versions", format!("from {from} to {to}")));
        }
        let changes =
            self.read("changes", step.get_changes())?.iter().map(|name| self.section("changes", Ok(name)));
        let changes = changes.collect::<Result<_, _>>()?;
        let fingerprint_after = self.fingerprint("fingerprint after a step", step.get_fingerprint_after())?;
        let slots = step.has_slots().then(|| self.section("slots", step.get_slots())).transpose()?;
        Ok(CurrentStep { from, to, fingerprint_after, changes, slots })
    }

    fn section(
        &self,
        field: &str,
        name: capnp::Result<current::section_name::Reader<'_>>,
    ) -> Result<SectionName, CacheError> {
        let name = self.read(field, name)?;
        Ok(SectionName { hash: self.hash(field, name.get_hash())?, length: name.get_length() })
    }

    fn fingerprint(&self, field: &str, bytes: capnp::Result<&[u8]>) -> Result<Fingerprint, CacheError> {
        Ok(Fingerprint(u128::from_le_bytes(self.hash(field, bytes)?.0)))
    }

    fn hash(&self, field: &str, bytes: capnp::Result<&[u8]>) -> Result<ContentHash, CacheError> {
        let bytes = self.read(field, bytes)?;
        ContentHash::from_slice(bytes)
            .ok_or_else(|| self.damaged(field, "16 bytes", format!("{} bytes", bytes.len())))
    }

    fn text(&self, field: &str, text: capnp::Result<capnp::text::Reader<'_>>) -> Result<String, CacheError> {
        let text = self.read(field, text)?;
        text.to_string().map_err(|error| self.damaged(field, "valid UTF-8", error))
    }

    fn time(&self, field: &str, milliseconds: u64) -> Result<SystemTime, CacheError> {
        time_of(milliseconds).ok_or_else(|| self.damaged(field, "milliseconds since 1970", milliseconds))
    }

    fn read<T>(&self, field: &str, value: capnp::Result<T>) -> Result<T, CacheError> {
        value.map_err(|error| self.damaged(field, "a value of its type", error))
    }

    fn damaged(&self, field: &str, expected: impl Display, found: impl Display) -> CacheError {
        CacheError::DamagedCurrent {
            object: self.object.to_owned(),
            field: field.to_owned(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }
}
