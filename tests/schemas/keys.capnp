@0xa4e1d2c3f5b60798;
# A record type for each shape of key.

using Hollowcast = import "/hollowcast.capnp";

enum Colour { red @0; green @1; blue @2; }

struct ByByte $Hollowcast.key(["key"]) { key @0 :UInt8; value @1 :UInt32; }
struct ByShort $Hollowcast.key(["key"]) { key @0 :Int16; value @1 :UInt32; }
struct ByNumber $Hollowcast.key(["key"]) { value @0 :UInt32; key @1 :UInt32 = 7; }
struct ByLong $Hollowcast.key(["key"]) { key @0 :Int64; value @1 :UInt32; }
struct ByBool $Hollowcast.key(["key"]) { value @0 :UInt32; key @1 :Bool; }
struct ByEnum $Hollowcast.key(["key"]) { key @0 :Colour; value @1 :UInt32; }
struct ByText $Hollowcast.key(["key"]) { key @0 :Text; value @1 :UInt32; }
struct ByData $Hollowcast.key(["key"]) { key @0 :Data; value @1 :UInt32; }
struct ByThree $Hollowcast.key(["country", "number", "code"]) {
  number @0 :Int32;
  code @1 :Data;
  country @2 :Text;
  value @3 :UInt32;
}

struct Item $Hollowcast.key(["id"]) { id @0 :UInt32; name @1 :Text; }

# A record type that references others in every way: by one key, by several, by a composite one, by an optional one, from within structs that
# contain themselves, and a type that no dataset here has.
struct Parcel $Hollowcast.key(["id"]) {
  id @0 :UInt32;
  label @1 :Text $Hollowcast.references("ByText");
  items @2 :List(UInt32) $Hollowcast.references("Item");
  three @3 :HeldThree $Hollowcast.references("ByThree");
  parts @4 :List(Part);
  spare :group {
    union {
      none @5 :Void;
      value @6 :UInt32 $Hollowcast.references("Item");
    }
  }
  maker @7 :Text $Hollowcast.references("Maker");
}

struct HeldThree {
  country @0 :Text;
  number @1 :Int32;
  code @2 :Data;
}

struct Part {
  item @0 :UInt32 $Hollowcast.references("Item");
  inner @1 :List(Part);
}
