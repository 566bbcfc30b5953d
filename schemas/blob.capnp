@0xfd66d6e16fef942a;
# The header of a blob: what the blob does to which version, and where its sections lie. It follows the 64-byte preamble.

using Hash = import "hash.capnp".Hash;
using Tag = import "tag.capnp".Tag;

struct Header {
  datasetId @0 :Data;
  # 16 bytes.
  fromVersion @1 :UInt64;
  # The version that the blob is applied to: 0 for a snapshot, the newer one for a reverse delta.
  toVersion @2 :UInt64;
  # The version that it leads to.
  keySeed @3 :UInt64;
  # Seed of all key hashes of the dataset.
  types @4 :List(TypeTransition);
  # A snapshot lists all types; a type absent from a delta is unchanged. No name twice.
  schema @5 :Data;
  # The schema of the version it leads to, encoded. Null in a delta that leaves the schema as it is.
  tags @6 :List(Tag);
  # The header tags of the version it leads to, names strictly ascending.
  sections @7 :List(Section);
  # In the order in which they lie.
}

struct TypeTransition {
  name @0 :Text;
  fromFingerprintLow @1 :UInt64;
  fromFingerprintHigh @2 :UInt64;
  # Sum of the type in the version that the blob is applied to; 0 for a snapshot, and for a type new with this version.
  toFingerprintLow @3 :UInt64;
  toFingerprintHigh @4 :UInt64;
  # Sum of the type in the version that the blob leads to.
  records @5 :UInt64;
  # Records of the type in the version that the blob leads to.
}

struct Section {
  kind @0 :UInt16;
  # 1 rows, 2 keys, 3 changes. Readers skip kinds that they do not know.
  codec @1 :UInt16;
  # How it is stored: 0 plain, 1 one zstd frame.
  part @2 :UInt32;
  parts @3 :UInt32;
  # This is part `part` of `parts`, a power of two: the key hashes that begin with these bits.
  typeId @4 :UInt64;
  # xxh3-64 of the type's name.
  offset @5 :UInt64;
  # First byte, counted from the begin of the blob; a multiple of 4096 when stored plain.
  storedLength @6 :UInt64;
  # Bytes in the blob.
  plainLength @7 :UInt64;
  # Bytes once decoded.
  hash @8 :Hash;
  # Of the plain bytes.
}
