@0xd2ad6132eaa172b0;
# Devices of many tenants, and the firmware that each of them shall run.

using Hollowcast = import "/hollowcast.capnp";

struct Device $Hollowcast.key(["tenant", "serial"]) {
  tenant @0 :UInt32;
  serial @1 :Data;
  token @2 :UInt64;
  board @3 :UInt16;
  firmware @4 :Text $Hollowcast.references("Firmware");
  tags @5 :List(Text) $Hollowcast.set;
  settings @6 :List(Setting) $Hollowcast.map("name");
}

struct Setting {
  name @0 :Text;
  value @1 :Text;
}

struct Firmware $Hollowcast.key(["build"]) {
  build @0 :Text;
  bytes @1 :UInt32;
}
