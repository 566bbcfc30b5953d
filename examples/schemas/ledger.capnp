@0xb6d0f4c17a93e258;
# Accounts between which money moves, so that their sum tells whether a state is whole.

using Hollowcast = import "/hollowcast.capnp";

struct Account $Hollowcast.key(["id"]) {
  id @0 :UInt32;
  balance @1 :Int64;
  note @2 :Text;
}
