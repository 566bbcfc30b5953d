@0xc8a07e53d92b4f16;
# Movies and people, with references from the former to the latter.

using Hollowcast = import "/hollowcast.capnp";

struct Movie $Hollowcast.key(["id"]) {
  id @0 :UInt32;
  title @1 :Text;
  year @2 :UInt16;
  director @3 :Text $Hollowcast.references("Person");
  cast @4 :List(Role);
  genres @5 :List(Text) $Hollowcast.set;
  awards @6 :List(Award) $Hollowcast.map("name");
}

struct Role {
  person @0 :Text $Hollowcast.references("Person");
  character @1 :Text;
}

struct Award {
  name @0 :Text;
  year @1 :UInt16;
}

struct Person $Hollowcast.key(["id"]) {
  id @0 :Text;
  name @1 :Text;
  born @2 :UInt16;
}
