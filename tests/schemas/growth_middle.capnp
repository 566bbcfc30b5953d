@0xd2b1d4c6f8a03527;
# The same when half of its fields and types have come.

using Hollowcast = import "/hollowcast.capnp";

struct Item $Hollowcast.key(["id"]) {
  id @0 :UInt32;
  v2 @1 :Text;
  v3 @2 :UInt32 = 3;
  v4 @3 :Text;
  v5 @4 :UInt32 = 5;
  v6 @5 :Text;
  v7 @6 :UInt32 = 7;
  v8 @7 :Text;
  v9 @8 :UInt32 = 9;
  v11 @9 :UInt32 = 11;
  v12 @10 :Text;
  v13 @11 :UInt32 = 13;
  v14 @12 :Text;
  v15 @13 :UInt32 = 15;
  v16 @14 :Text;
  v17 @15 :UInt32 = 17;
  v18 @16 :Text;
  v19 @17 :UInt32 = 19;
  v21 @18 :UInt32 = 21;
  v22 @19 :Text;
  v23 @20 :UInt32 = 23;
  v24 @21 :Text;
  v25 @22 :UInt32 = 25;
}
struct Type10 $Hollowcast.key(["id"]) { id @0 :UInt32; }
struct Type20 $Hollowcast.key(["id"]) { id @0 :UInt32; }
