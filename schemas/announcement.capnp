@0xe13617ee7a99eaa0;
# Hints. They say "look", nothing more: each may be stale, lost, doubled or wrong, and the control log decides.
# Each is at most 4 KiB.

struct Announcement {
  # The log of a dataset has grown. The object `hints/announced`, and the value on a message bus.

  dataset @0 :Text;
  # Name of the dataset.

  sequence @1 :UInt64;
  # Number of the log entry.

  target @2 :UInt64;
  # Version that consumers without a ring shall be on; 0 before the first.

  atMs @3 :UInt64;
  # Milliseconds since 1970-01-01 UTC.
}

struct Heartbeat {
  # A producer is alive. The object `hints/heartbeat`.

  holder @0 :Data;
  # Nonce of the producer's claim, 16 bytes.

  epoch @1 :UInt64;
  # The epoch that the claim began.

  host @2 :Text;
  # Host name.

  bootId @3 :Text;
  # Random identity of the host's current boot; empty where the system has none.

  processNamespace @4 :Text;
  # Identity of the process numbering that `process` belongs to (containers have their own); empty where unknown.

  process @5 :UInt32;
  # Process number.

  processStart @6 :UInt64;
  # When the process started, in the system's own units since boot, so that a reused number is noticed; 0 where unknown.

  atMs @7 :UInt64;
  # Milliseconds since 1970-01-01 UTC.

  counter @8 :UInt64;
  # Rises with every beat.

  stopped @9 :Bool;
  # The producer has finished: nobody needs to wait for it.
}
