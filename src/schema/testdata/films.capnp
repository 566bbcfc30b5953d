@0xb2d7e05f4c1a9368;
# What a schema may have, for tests of generated code.

using Hollowcast = import "/hollowcast.capnp";

struct Movie @0xc85f2a7be3d41096 $Hollowcast.key(["id", "release.country"]) {
  id @0 :UInt64;
  title @1 :Text = "untitled" $Hollowcast.name("movie_title");
  genre @2 :Genre = drama;
  lead @3 :UInt32 $Hollowcast.references("Actor");
  cast @4 :List(UInt32) $Hollowcast.references("Actor");
  release :group $Hollowcast.name("release_info") {
    country @5 :Text;
    union {
      unknown @6 :Void;
      year @7 :Int16 = 1970;
      day :group {
        month @8 :UInt8;
        day @9 :UInt8;
      }
    }
  }
  ratings @10 :List(Rating);
  sequel @11 :Movie;
  matrix @12 :List(List(Float32)) = [[1, 0.5], [], [-0.25]];
  poster @13 :Data = 0x"00 ff";
  best @14 :Rating = (stars = 5, by = (critic = "é\n"));
  runtime :group {
    union {
      none @15 :Void;
      value @16 :Float64;
    }
  }
  tags @17 :List(Text) $Hollowcast.set;
  titles @18 :List(Title) $Hollowcast.map("locale.language");

  struct Title @0xbc23b2f9a7d1e6f5 {
    locale :group { language @0 :Text $Hollowcast.name("lang"); }
    title @1 :Text;
  }

  struct Rating @0xde90716c5ab832f4 {
    stars @0 :Int8 = 3;
    by :union {
      anyone @1 :Void;
      critic @2 :Text;
    }
  }

  enum Genre @0x9fb04ce81d7635a2 {
    comedy @0;
    drama @1;
  }
}

struct Actor @0xa1c64e0b93f7d258 $Hollowcast.key(["id"]) {
  id @0 :UInt32;
  name @1 :Text;
}

struct Award @0xf07d3b8246c9e51a {
  name @0 :Text;
}

struct Box @0xe4a85c91f62b0d73 (T) {
  value @0 :T;
}

struct Shelf @0x8d36f1b07ae2c945 {
  box @0 :Box(Text);
}
