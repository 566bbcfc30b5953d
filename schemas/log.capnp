@0xf26311f598011ee3;
# The control log of a dataset. Every object under `log/` is one Entry: the complete state after one decision.
# An entry is created once and never changed; the highest number is the truth. An entry is at most 64 KiB.
#
# A writer carries over what it does not change. It can only carry over what it knows, so a field added here that must
# survive a writer's append raises `formatVersion`, which older writers and readers refuse by name.

struct Entry {
  formatVersion @0 :UInt32;
  # 1.

  dataset @1 :Data;
  # 16 random bytes, made by entry 1 and carried over.

  sequence @2 :UInt64;
  # The number in the object's name: 1, 2, 3 …

  nonce @3 :Data;
  # 16 random bytes by which the writer recognises its own entry.

  atMs @4 :UInt64;
  # When, in milliseconds since 1970-01-01 UTC, by the writer's clock; for people only.

  writer @5 :Text;
  # Who, for people only.

  recent @6 :Data;
  # Nonces of the entries that this one builds on, newest first, 16 bytes each: the last 256 or, before entry 257, all.

  previous @7 :Hash;
  # Hash of the stored bytes of the entry decided on; absent on entry 1.

  signatures @8 :List(Signature);

  kind @9 :Kind;

  epoch @10 :UInt64;
  # Rises with every claim.

  holder @11 :Data;
  # Nonce of the claim that began the epoch.

  latest @12 :Manifest;
  # The newest committed version; absent before the first.

  targets @13 :List(Target);
  # Where consumers shall be, by ring, in ascending order of ring; ring "" is always there.

  snapshots @14 :List(Snapshot);
  # Complete snapshots at or above the floor, in ascending order of version, at most 64.

  floor @15 :UInt64;
  # Versions below may be gone.
}

enum Kind {
  claim @0;
  commit @1;
  snapshot @2;
  pin @3;
  unpin @4;
  floor @5;
}

struct Manifest {
  version @0 :UInt64;
  name @1 :Text;
  # Object name below the dataset, `manifests/<version>-<attempt>`.

  hash @2 :Hash;
}

struct Target {
  ring @0 :Text;

  manifest @1 :Manifest;
  # Absent before the first version.

  hold @2 :Hold;
  # What keeps the ring from following `latest`. Without a hold, `manifest` is `latest`.

  by @3 :Text;
  why @4 :Text;
  # Of the hold, for people.
}

enum Hold {
  none @0;

  pinned @1;
  # By an operator.

  heldBack @2;
  # By a commit that left the ring where it was.
}

struct Snapshot {
  version @0 :UInt64;
  name @1 :Text;
  # Object name below the dataset, `snapshots/<version>-<attempt>`.

  hash @2 :Hash;
  bytes @3 :UInt64;
  # Length of the object.

  begins @4 :Bool;
  # No delta leads to its version, so that later ones are reached from no older snapshot: after a break.
}

struct Hash {
  algorithm @0 :Algorithm;
  bytes @1 :Data;
}

enum Algorithm {
  xxh3x128 @0;
  # 16 bytes, big-endian as the algorithm's canonical form has it, seed 0.
}

struct Signature {
  # Over the entry's bytes as they are without signatures.
  key @0 :Data;
  bytes @1 :Data;
}
