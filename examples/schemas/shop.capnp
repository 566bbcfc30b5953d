@0xe6b30c97d84af152;
# Two record types, one of which refers to the other by its key.

using Hollowcast = import "/hollowcast.capnp";

struct Product $Hollowcast.key(["sku"]) {
  sku @0 :Text;
  name @1 :Text;
  cents @2 :UInt64;
  supplier @3 :UInt32 $Hollowcast.references("Supplier");
}

struct Supplier $Hollowcast.key(["id"]) {
  id @0 :UInt32;
  name @1 :Text;
  country @2 :Text;
}
