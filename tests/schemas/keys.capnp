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
