@0xc95b07e8d1f2a364;
# The item of keys.capnp, with what came later, and one that broke with it.

using Hollowcast = import "/hollowcast.capnp";

struct Item $Hollowcast.key(["id"]) { id @0 :UInt32; name @1 :Text; stock @2 :UInt32 = 3; }

struct Broken {
  struct Item $Hollowcast.key(["id"]) { id @0 :UInt32; name @1 :UInt64; }
}
