@0xedebb3762eba4089;
# Feature flags: who shall see which feature.

using Hollowcast = import "/hollowcast.capnp";

struct Flag $Hollowcast.key(["name"]) {
  name @0 :Text;
  salt @1 :Text;
  fromPercent @2 :UInt8;
  toPercent @3 :UInt8;
  segments @4 :List(Text) $Hollowcast.set;
  overrides @5 :List(Override) $Hollowcast.map("user");
}

struct Override {
  user @0 :UInt64;
  isOn @1 :Bool;
}
