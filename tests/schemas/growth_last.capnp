@0xd3c2e5d7a9b14638;
# The same when all of them have come.

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
  v26 @23 :Text;
  v27 @24 :UInt32 = 27;
  v28 @25 :Text;
  v29 @26 :UInt32 = 29;
  v31 @27 :UInt32 = 31;
  v32 @28 :Text;
  v33 @29 :UInt32 = 33;
  v34 @30 :Text;
  v35 @31 :UInt32 = 35;
  v36 @32 :Text;
  v37 @33 :UInt32 = 37;
  v38 @34 :Text;
  v39 @35 :UInt32 = 39;
  v41 @36 :UInt32 = 41;
  v42 @37 :Text;
  v43 @38 :UInt32 = 43;
  v44 @39 :Text;
  v45 @40 :UInt32 = 45;
  v46 @41 :Text;
  v47 @42 :UInt32 = 47;
  v48 @43 :Text;
  v49 @44 :UInt32 = 49;
}
struct Type10 $Hollowcast.key(["id"]) { id @0 :UInt32; }
struct Type20 $Hollowcast.key(["id"]) { id @0 :UInt32; }
struct Type30 $Hollowcast.key(["id"]) { id @0 :UInt32; }
struct Type40 $Hollowcast.key(["id"]) { id @0 :UInt32; }
struct Type50 $Hollowcast.key(["id"]) { id @0 :UInt32; }
