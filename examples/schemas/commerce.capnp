@0x9f1c64e2b8d3a705;
# What an online shop looks up for every page: what it sells, and what that costs at the moment.

using Hollowcast = import "/hollowcast.capnp";

struct Category $Hollowcast.key(["id"]) {
  id @0 :UInt16;
  name @1 :Text;
}

struct Product $Hollowcast.key(["id"]) {
  id @0 :UInt32;
  name @1 :Text;
  category @2 :UInt16 $Hollowcast.references("Category");
}

struct Price $Hollowcast.key(["product"]) {
# Apart from the product: it changes all day, and a delta then brings no names along.
  product @0 :UInt32 $Hollowcast.references("Product");
  cents @1 :UInt32;
}

struct Promotion $Hollowcast.key(["category"]) {
# While it is there, everything of a category costs less.
  category @0 :UInt16 $Hollowcast.references("Category");
  percentOff @1 :UInt8;
}
