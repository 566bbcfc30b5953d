@0xf3c1d5a8b2e64790;
# Annotations that tell Hollowcast what a schema's own text cannot. They are known by their ids: a schema may import
# this file or declare them itself with the same ids.

annotation key @0x9a5c2f1de07b4836 (struct) :List(Text);
# Marks a record type. Its primary key: field names in key order, dotted for fields of groups and structs; [] for a type
# without a key, which is a set of records.

annotation set @0xb5f3ab164f88c9cf (field) :Void;
# The elements of this list are a set: writers keep each once, in order, and readers find one by bisection.

annotation map @0xffb3ce0ac26d7ab6 (field) :Text;
# The elements of this list are the entries of a map under the field of the entry that is named here, dotted for fields of
# its groups and structs: writers keep one entry a key, in the order of keys, and readers find it by bisection.

annotation references @0xd4b86e31f92a0c57 (field) :Text;
# The type whose key this field holds.

annotation name @0xe6072c94ab5d81f3 (field, group, union) :Text;
# The name in files and output, where it cannot be a Cap'n Proto name.
