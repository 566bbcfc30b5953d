@0xd1a0c3b5e7f92416;
# What a dataset begins with that grows in tests/schema_growth.

using Hollowcast = import "/hollowcast.capnp";

struct Item $Hollowcast.key(["id"]) {
  id @0 :UInt32;
}
