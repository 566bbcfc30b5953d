@0xc56356a94463fc4f;
# What a producer says about a version in words of its own.

struct Tag {
  name @0 :Text;
  value @1 :Text;
}
