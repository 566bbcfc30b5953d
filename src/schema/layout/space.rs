//! Where the values of a struct lie: the data and pointer sections, shared by the members of unions.
//!
//! Space is handed out in the order of ordinals, so fields with larger ordinals never move older ones. A struct takes
//! new space from the end of its sections or from a gap. Members of a union share **locations**: space that the union
//! took from the scope around it. Each member (a *group*, if only of one field) keeps for itself which part of
//! each location it uses; when nothing fits, a location may grow into the gap behind it, and only then the union takes
//! a new one. The two bytes of the discriminant are taken when the second member gets its first field.
//!
//! This is the algorithm of Cap'n Proto's own compiler, restated; the tests hold it against that compiler.

use super::holes::{Holes, WORD};

/// A scope to which fields are added: the struct itself (groups outside of unions are part of it), or one member of a
/// union.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scope {
    Struct,
    Member(usize),
}

/// A union of the struct.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnionId(usize);

/// The compiler refuses this layout; see [`super::SchemaError::AmbiguousLayout`].
#[derive(Debug, PartialEq)]
pub(super) struct Ambiguous;

/// The sections of one struct while its fields are placed. Sizes are powers of two in bits, offsets multiples of size.
#[derive(Debug, Default)]
pub(super) struct Space {
    data_words: u32,
    pointers: u32,
    holes: Holes,
    unions: Vec<Union>,
    members: Vec<Member>,
}

#[derive(Debug)]
struct Union {
    parent: Scope,
    members_used: usize,
    discriminant: Option<u32>,
    data: Vec<Location>,
    pointers: Vec<u32>,
}

/// Data space that a union shares between its members.
#[derive(Clone, Copy, Debug)]
struct Location {
    size: u32,
    offset: u32,
}

#[derive(Debug)]
struct Member {
    union: usize,
    /// What it uses of each location of its union.
    data: Vec<Usage>,
    /// How many of the union's pointers it uses.
    pointers: usize,
    has_fields: bool,
}

/// What one member uses of one location: the first `2^size` bits but for the gaps, whose offsets count from the
/// beginning of the location.
#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    size: Option<u32>,
    holes: Holes,
}

impl Space {
    /// Words of the data section so far.
    pub(super) fn data_words(&self) -> u32 {
        self.data_words
    }

    /// Pointers of the pointer section so far.
    pub(super) fn pointers(&self) -> u32 {
        self.pointers
    }

    /// Opens a union within `parent`.
    pub(super) fn add_union(&mut self, parent: Scope) -> UnionId {
        let (data, pointers) = (Vec::new(), Vec::new());
        self.unions.push(Union { parent, members_used: 0, discriminant: None, data, pointers });
        UnionId(self.unions.len() - 1)
    }

    /// Opens a member of a union.
    pub(super) fn add_member(&mut self, union: UnionId) -> Scope {
        self.members.push(Member { union: union.0, data: Vec::new(), pointers: 0, has_fields: false });
        Scope::Member(self.members.len() - 1)
    }

    /// Offset of a union's discriminant, in units of 16 bits; known once two members have fields.
    pub(super) fn discriminant(&self, union: UnionId) -> Option<u32> {
        self.unions[union.0].discriminant
    }

    /// Places a field without size: it takes nothing, but may be what brings a discriminant into being.
    pub(super) fn add_void(&mut self, scope: Scope) -> Result<(), Ambiguous> {
        if let Scope::Member(member) = scope {
            self.begin(member)?;
            let around = self.unions[self.members[member].union].parent;
            self.add_void(around)?;
        }
        Ok(())
    }

    /// Places a pointer; its index in the pointer section.
    pub(super) fn add_pointer(&mut self, scope: Scope) -> Result<u32, Ambiguous> {
        let Scope::Member(member) = scope else {
            self.pointers += 1;
            return Ok(self.pointers - 1);
        };
        self.begin(member)?;
        let union = self.members[member].union;
        let used = self.members[member].pointers;
        self.members[member].pointers += 1;
        if let Some(shared) = self.unions[union].pointers.get(used) {
            return Ok(*shared);
        }
        let new = self.add_pointer(self.unions[union].parent)?;
        self.unions[union].pointers.push(new);
        Ok(new)
    }

    /// Places `2^size` bits; their offset in multiples of that.
    pub(super) fn add_data(&mut self, scope: Scope, size: u32) -> Result<u32, Ambiguous> {
        let Scope::Member(member) = scope else { return Ok(self.add_data_to_struct(size)) };
        self.begin(member)?;
        if let Some(offset) = self.fill(member, size) {
            return Ok(offset);
        }
        if let Some(offset) = self.grow(member, size)? {
            return Ok(offset);
        }
        let union = self.members[member].union;
        let offset = self.add_data(self.unions[union].parent, size)?;
        self.unions[union].data.push(Location { size, offset });
        self.members[member].data.push(Usage { size: Some(size), holes: Holes::default() });
        Ok(offset)
    }

    fn add_data_to_struct(&mut self, size: u32) -> u32 {
        self.holes.take(size).unwrap_or_else(|| {
            let offset = self.data_words << (WORD - size);
            self.data_words += 1;
            self.holes.add_behind(size, offset + 1, WORD);
            offset
        })
    }

    /// Notes that `member` has a field; the second member of a union to have one brings the discriminant.
    fn begin(&mut self, member: usize) -> Result<(), Ambiguous> {
        if std::mem::replace(&mut self.members[member].has_fields, true) {
            return Ok(());
        }
        let union = self.members[member].union;
        self.unions[union].members_used += 1;
        if self.unions[union].members_used == 2 {
            let offset = self.add_data(self.unions[union].parent, 4)?;
            self.unions[union].discriminant = Some(offset);
        }
        Ok(())
    }

    /// Places data where the locations of the member's union have room for it: in the tightest place, the first of
    /// equals.
    fn fill(&mut self, member: usize, size: u32) -> Option<u32> {
        let Member { union, data: usages, .. } = &mut self.members[member];
        let locations = &self.unions[*union].data;
        usages.resize(locations.len(), Usage::default());
        let fitting = locations.iter().zip(&*usages).enumerate().filter_map(|(at, (location, usage))| {
            usage.smallest_room(*location, size).map(|room| (room, at))
        });
        let (_, at) = fitting.min()?;
        Some(usages[at].take_room(locations[at], size))
    }

    /// Places data by making a location of the member's union larger: the first that can grow.
    fn grow(&mut self, member: usize, size: u32) -> Result<Option<u32>, Ambiguous> {
        let union = self.members[member].union;
        for at in 0..self.unions[union].data.len() {
            let used = self.members[member].data[at].size;
            let needed = used.map_or(size, |used| used.max(size) + 1);
            if !self.expand_location(union, at, needed)? {
                continue;
            }
            let location = self.unions[union].data[at];
            let usage = &mut self.members[member].data[at];
            usage.size = Some(needed);
            let Some(used) = used else { return Ok(Some(location.offset << (location.size - size))) };
            usage.holes.add_behind(used, 1, needed);
            let within = usage.holes.take(size).expect("the location was just made large enough");
            return Ok(Some((location.offset << (location.size - size)) + within));
        }
        Ok(None)
    }

    /// Makes a location at least `2^size` bits large, if the scope around its union has the space behind it.
    fn expand_location(&mut self, union: usize, at: usize, size: u32) -> Result<bool, Ambiguous> {
        let Location { size: old, offset } = self.unions[union].data[at];
        if size <= old {
            return Ok(true);
        }
        if !self.expand(self.unions[union].parent, old, offset, size - old)? {
            return Ok(false);
        }
        self.unions[union].data[at] = Location { size, offset: offset >> (size - old) };
        Ok(true)
    }

    /// Makes data that lies in `scope` larger by `2^factor`, if that overlaps nothing.
    fn expand(&mut self, scope: Scope, size: u32, offset: u32, factor: u32) -> Result<bool, Ambiguous> {
        let Scope::Member(member) = scope else { return Ok(self.holes.expand(size, offset, factor)) };
        let union = self.members[member].union;
        let locations = &self.unions[union].data;
        let at = locations
            .iter()
            .position(|is| is.size >= size && offset >> (is.size - size) == is.offset)
            .expect("data that grows lies in a location of its union");
        let within = offset - (locations[at].offset << (locations[at].size - size));
        if self.members[member].data[at].size == Some(size) {
            // The data is all that the member has here. Early compilers noted gaps where there were none.
            return if self.expand_location(union, at, size + factor)? { Err(Ambiguous) } else { Ok(false) };
        }
        Ok(self.members[member].data[at].holes.expand(size, within, factor))
    }
}

impl Usage {
    /// Size of the smallest room in `location` that `2^size` bits would go to.
    fn smallest_room(&self, location: Location, size: u32) -> Option<u32> {
        let Some(used) = self.size else { return (size <= location.size).then_some(location.size) };
        if size >= used {
            return (size < location.size).then_some(size);
        }
        self.holes.smallest(size).or_else(|| (used < location.size).then_some(used))
    }

    /// Takes the room that [`Usage::smallest_room`] found; the offset within the struct.
    fn take_room(&mut self, location: Location, size: u32) -> u32 {
        let within = match self.size {
            None => {
                self.size = Some(size);
                0
            }
            Some(used) if size >= used => {
                self.holes.add_behind(used, 1, size);
                self.size = Some(size + 1);
                1
            }
            Some(used) => self.holes.take(size).unwrap_or_else(|| {
                let second_half = 1 << (used - size);
                self.holes.add_behind(size, second_half + 1, used);
                self.size = Some(used + 1);
                second_half
            }),
        };
        (location.offset << (location.size - size)) + within
    }
}
