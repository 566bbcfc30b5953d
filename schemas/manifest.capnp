@0xae533d78a54559ef;
# Describes one version and links to its ancestors. It counts from the moment a log entry names it.

using Hash = import "hash.capnp".Hash;
using Tag = import "tag.capnp".Tag;

struct Manifest {
  formatVersion @0 :UInt32;
  # 1. Refused by readers that do not know it; fields may be added without a new one.
  datasetId @1 :Data;
  # 16 bytes.
  version @2 :UInt64;
  parent @3 :Parent;
  # Null for the first version.
  epoch @4 :UInt64;
  attempt @5 :UInt64;
  # In the names of all objects of this version.
  createdAtMs @6 :UInt64;
  # Milliseconds since 1970-01-01 UTC, for people.
  schemaHash @7 :Hash;
  # Of the encoded schema.
  keySeed @8 :UInt64;
  types @9 :List(TypeSummary);
  # All types of the version, no name twice.
  tags @10 :List(Tag);
  # Names strictly ascending.
  delta @11 :Blob;
  # From the parent to this version; null for the first version and after a break.
  reverseDelta @12 :Blob;
  # From this version to the parent.
  links @13 :List(Link);
  # The parent, its parent, and so on: at most 256, ending at the floor or at the first version.
}

struct Parent {
  version @0 :UInt64;
  manifestName @1 :Text;
  manifestHash @2 :Hash;
}

struct TypeSummary {
  name @0 :Text;
  records @1 :UInt64;
  fingerprintLow @2 :UInt64;
  fingerprintHigh @3 :UInt64;
}

struct Blob {
  name @0 :Text;
  length @1 :UInt64;
  hash @2 :Hash;
  # Of preamble and header.
}

struct Link {
  # One ancestor. The names of its objects follow from its version and attempt.
  version @0 :UInt64;
  attempt @1 :UInt64;
  manifestHash @2 :Hash;
  deltaLength @3 :UInt64;
  deltaHash @4 :Hash;
  # From the version before to this one; hash null after a break, where the way forward is a snapshot.
  reverseDeltaLength @5 :UInt64;
  reverseDeltaHash @6 :Hash;
  # From this version to the one before.
}
