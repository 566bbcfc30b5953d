@0xd1f8a3b6c5e20749;
# A catalogue of movies. `$key` makes a struct a record type and names its primary key.

using Hollowcast = import "/hollowcast.capnp";

struct Movie $Hollowcast.key(["id"]) {
  id @0 :UInt32;
  title @1 :Text;
  year @2 :UInt16;
}
