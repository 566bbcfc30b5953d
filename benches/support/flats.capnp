@0xe2a4b86d13f7c059;
# Records as flat as rows of a table.

using Hollowcast = import "/hollowcast.capnp";

struct Flat $Hollowcast.key(["id"]) {
  id @0 :UInt64;
  a @1 :Int32;
  b @2 :Float64;
  c @3 :Bool;
  name @4 :Text;
}
