@0x859b16d39fd3c443;
# How stored bytes are named by their content.

struct Hash {
  algorithm @0 :UInt16;
  # 0: xxh3-128 with seed 0. A reader that does not know the algorithm refuses the object.
  bytes @1 :Data;
  # xxh3-128: 16 bytes, big-endian, the algorithm's canonical form.
}
