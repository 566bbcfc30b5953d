@0xd5f2a8c9e1b74603;
# Lists, sets and maps of every type of element, and records that lie within each other's.

using Hollowcast = import "/hollowcast.capnp";

enum Colour { red @0; green @1; blue @2; }

struct Lists $Hollowcast.key(["id"]) {
  id @0 :UInt32;
  bools @1 :List(Bool);
  bytes @2 :List(UInt8);
  shorts @3 :List(Int16);
  numbers @4 :List(UInt32);
  longs @5 :List(Int64);
  halves @6 :List(Float32);
  floats @7 :List(Float64);
  colours @8 :List(Colour);
  texts @9 :List(Text);
  blobs @10 :List(Data);
  points @11 :List(Point);
  nested @12 :List(List(Text));
}

struct Point { x @0 :Int32; label @1 :Text; inner @2 :Point; tags @3 :List(Text) $Hollowcast.set; }

struct Sets $Hollowcast.key(["id"]) {
  id @0 :UInt32;
  bools @1 :List(Bool) $Hollowcast.set;
  bytes @2 :List(UInt8) $Hollowcast.set;
  signed @3 :List(Int8) $Hollowcast.set;
  shorts @4 :List(Int16) $Hollowcast.set;
  numbers @5 :List(UInt32) $Hollowcast.set;
  longs @6 :List(Int64) $Hollowcast.set;
  large @7 :List(UInt64) $Hollowcast.set;
  colours @8 :List(Colour) $Hollowcast.set;
  texts @9 :List(Text) $Hollowcast.set;
  blobs @10 :List(Data) $Hollowcast.set;
}

struct Maps $Hollowcast.key(["id"]) {
  id @0 :UInt32;
  names @1 :List(Name) $Hollowcast.map("language");
  prices @2 :List(Price) $Hollowcast.map("place.shop");
  shelves @3 :List(Shelf) $Hollowcast.map("colour");
}

struct Name { language @0 :Text; text @1 :Text; }
struct Price { place :group { shop @0 :Int64 = 7; } cents @1 :UInt32; tags @2 :List(Text) $Hollowcast.set; }
struct Shelf { colour @0 :Colour; names @1 :List(Name) $Hollowcast.map("language"); }
