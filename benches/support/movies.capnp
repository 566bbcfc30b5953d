@0xb7d0f5c2a1e84963;
# Records with lists and texts.

using Hollowcast = import "/hollowcast.capnp";

struct Movie $Hollowcast.key(["id"]) {
  id @0 :UInt32;
  title @1 :Text;
  year @2 :UInt16;
  genres @3 :List(Text);
  ratings @4 :List(Rating);

  struct Rating {
    userId @0 :UInt32;
    score @1 :Float32;
    timestamp @2 :UInt64;
  }
}
