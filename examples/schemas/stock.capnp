@0x94312aca640c056c;
# What a warehouse has, and what it costs.

using Hollowcast = import "/hollowcast.capnp";

struct Item $Hollowcast.key(["sku"]) {
  sku @0 :UInt32;
  category @1 :Category;
  cents @2 :UInt32;
  stock @3 :UInt32;
}

enum Category {
  tools @0;
  garden @1;
  kitchen @2;
}
