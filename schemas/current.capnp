@0xb1e6f02d8c5a4937;
# What a host serves of a dataset: enough to start without the store. A file in current/ of the state directory for each
# dataset, ring and choice of types, replaced as a whole: 16 bytes xxh3-128 of what follows, then this message in stream framing.

struct Current {
  formatVersion @0 :UInt32;
  dataset @1 :Data;
  # 16 random bytes.
  sequence @2 :UInt64;
  # The log entry this state was last moved by.
  version @3 :UInt64;
  manifestName @4 :Text;
  manifestHash @5 :Data;
  confirmedAt @6 :UInt64;
  # When the log last said that this is where to be: milliseconds since 1970.
  keySeed @7 :UInt64;
  schemaHash @8 :Data;
  schema @9 :Data;
  # The dataset's stored schema.
  tags @10 :List(Tag);
  # Header tags of the version, ascending by key.
  types @11 :List(TypeSections);
  # Those that are loaded.
  ring @12 :Text;
  # The ring whose target this was; "" is everyone without another.

  struct Tag {
    key @0 :Text;
    value @1 :Text;
  }

  struct TypeSections {
    name @0 :Text;
    recordCount @1 :UInt64;
    fingerprint @2 :Data;
    base @3 :List(BaseShard);
    # By shard; none for a type that came after the base.
    overlay @4 :List(OverlayStep);
    # In the order in which they are applied.
  }

  struct BaseShard {
    rows @0 :SectionName;
    keys @1 :SectionName;
  }

  struct OverlayStep {
    from @0 :UInt64;
    to @1 :UInt64;
    fingerprintAfter @2 :Data;
    changes @3 :List(SectionName);
    # By part.
    slots @4 :SectionName;
    # The bits of the base's slots after this step, which then need not be found anew. Of the first step only; null where nobody wrote them.
  }

  struct SectionName {
    hash @0 :Data;
    length @1 :UInt64;
    # Bytes, frame included.
  }
}
