//! What has been observed of a column: a lattice that only grows.

/// Most distinct members that the objects of one column may have.
pub const MAX_MEMBERS: usize = 512;

/// Largest integer up to which a `Float64` holds every integer.
const EXACT_FLOAT: u64 = 1 << 53;

/// Where a value stands. Ordered as files are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Number of the file, from 0, in the order given.
    pub file: u32,
    /// Line of the file, from 1.
    pub line: u64,
}

/// One kind of value: how often it was seen and where first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// Number of values.
    pub count: u64,
    /// Place of the first; without meaning while none was seen.
    pub first: Place,
}

impl Side {
    /// Whether any was seen.
    #[must_use]
    pub fn seen(&self) -> bool {
        self.count > 0
    }

    #[inline]
    fn observe(&mut self, place: Place) {
        if self.count == 0 || place < self.first {
            self.first = place;
        }
        self.count += 1;
    }

    fn merge(&mut self, other: Self) {
        if other.seen() && (!self.seen() || other.first < self.first) {
            self.first = other.first;
        }
        self.count += other.count;
    }
}

/// What has been observed of a column, or of the elements of a list.
///
/// Observing allocates only when something is new: the first list, the first object, a new member. Merging is
/// associative, and a shape merged from the parts of a file in their order equals the one observed in a single go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shape {
    /// `null`, or an empty cell.
    pub null: Side,
    /// `true` or `false`.
    pub boolean: Side,
    /// Integers from -2^63 to 2^64 - 1.
    pub integer: Side,
    /// Of those, the negative ones.
    pub negative: Side,
    /// Of those, the ones of 2^63 and more.
    pub large: Side,
    /// Of those, the ones that no `Float64` holds exactly.
    pub beyond_float: Side,
    /// Numbers with a point or an exponent, and integers beyond 64 bits that a `Float64` holds exactly.
    pub float: Side,
    /// Strings.
    pub text: Side,
    /// Whether values came from cells, which have no types of their own: kinds that disagree are then all text.
    pub cells: bool,
    list: Option<Box<ListShape>>,
    object: Option<Box<ObjectShape>>,
}

/// The lists of a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListShape {
    /// How many lists, and the first.
    pub side: Side,
    /// What is in them.
    pub element: Shape,
}

/// The objects of a column, or the records of a type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectShape {
    /// How many objects, and the first.
    pub side: Side,
    members: Vec<Member>,
    overflow: Option<(Place, String)>,
}

/// A member of objects.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its name in the file.
    pub name: String,
    /// What was seen under it.
    pub shape: Shape,
}

impl Shape {
    /// A null or an empty cell.
    #[inline]
    pub fn observe_null(&mut self, place: Place) {
        self.null.observe(place);
    }

    /// `true` or `false`.
    #[inline]
    pub fn observe_bool(&mut self, place: Place) {
        self.boolean.observe(place);
    }

    /// The integer of this sign and magnitude.
    ///
    /// # Panics
    ///
    /// When a negative one lies below -2^63: it is no integer of 64 bits, and the caller's to judge.
    #[inline]
    pub fn observe_integer(&mut self, negative: bool, magnitude: u64, place: Place) {
        self.integer.observe(place);
        if negative && magnitude > 0 {
            assert!(magnitude <= 1 << 63, "an integer below -2^63 is no 64-bit integer");
            self.negative.observe(place);
        } else if magnitude > i64::MAX as u64 {
            self.large.observe(place);
        }
        if magnitude > EXACT_FLOAT && !is_exact_float(magnitude) {
            self.beyond_float.observe(place);
        }
    }

    /// A number with a point or an exponent.
    #[inline]
    pub fn observe_float(&mut self, place: Place) {
        self.float.observe(place);
    }

    /// A string.
    #[inline]
    pub fn observe_text(&mut self, place: Place) {
        self.text.observe(place);
    }

    /// A list; its elements are to be observed in the shape that is returned.
    #[inline]
    pub fn observe_list(&mut self, place: Place) -> &mut Shape {
        let list = self.list.get_or_insert_default();
        list.side.observe(place);
        &mut list.element
    }

    /// An object; its members are to be observed in the shape that is returned.
    #[inline]
    pub fn observe_object(&mut self, place: Place) -> &mut ObjectShape {
        let object = self.object.get_or_insert_default();
        object.side.observe(place);
        object
    }

    /// The lists, if any was seen.
    #[must_use]
    pub fn list(&self) -> Option<&ListShape> {
        self.list.as_deref()
    }

    /// The objects, if any was seen.
    #[must_use]
    pub fn object(&self) -> Option<&ObjectShape> {
        self.object.as_deref()
    }

    /// Adds what `later`, observed further on, has seen. Cost: O(members of `later`) as a rule.
    pub fn merge(&mut self, later: Self) {
        self.null.merge(later.null);
        self.boolean.merge(later.boolean);
        self.integer.merge(later.integer);
        self.negative.merge(later.negative);
        self.large.merge(later.large);
        self.beyond_float.merge(later.beyond_float);
        self.float.merge(later.float);
        self.text.merge(later.text);
        self.cells |= later.cells;
        match (&mut self.list, later.list) {
            (Some(list), Some(other)) => {
                list.side.merge(other.side);
                list.element.merge(other.element);
            }
            (list, other) => *list = list.take().or(other),
        }
        match (&mut self.object, later.object) {
            (Some(object), Some(other)) => object.merge(*other),
            (object, other) => *object = object.take().or(other),
        }
    }
}

impl ObjectShape {
    /// One more object, for callers that hold the shape of a type's records itself.
    #[inline]
    pub fn observe(&mut self, place: Place) {
        self.side.observe(place);
    }

    /// The shape of the member `name`, in order of first appearance, added when it is new.
    ///
    /// `cursor` is where the last member of the same object was found, plus one; 0 at first. Objects that list their
    /// members in the usual order cost one comparison a member. `None` beyond [`MAX_MEMBERS`], which is remembered and
    /// refused when a schema is inferred.
    #[inline]
    pub fn member(&mut self, cursor: &mut usize, name: &str, place: Place) -> Option<&mut Shape> {
        if self.members.get(*cursor).is_none_or(|member| member.name != name) {
            *cursor = self.find(*cursor, name).or_else(|| self.add(name, place))?;
        }
        let at = *cursor;
        *cursor += 1;
        Some(&mut self.members[at].shape)
    }

    /// Members in order of first appearance.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The first member beyond [`MAX_MEMBERS`], and where it stands.
    #[must_use]
    pub fn overflow(&self) -> Option<(Place, &str)> {
        self.overflow.as_ref().map(|(place, name)| (*place, name.as_str()))
    }

    /// Adds what `later`, observed further on, has seen.
    pub fn merge(&mut self, later: Self) {
        self.side.merge(later.side);
        let mut cursor = 0;
        for member in later.members {
            let place = member.shape.first();
            if let Some(shape) = self.member(&mut cursor, &member.name, place) {
                shape.merge(member.shape);
            }
        }
        if self.overflow.is_none() {
            self.overflow = later.overflow;
        }
    }

    fn find(&self, from: usize, name: &str) -> Option<usize> {
        let from = from.min(self.members.len());
        let is_it = |member: &Member| member.name == name;
        let after = self.members[from..].iter().position(is_it).map(|at| at + from);
        after.or_else(|| self.members[..from].iter().position(is_it))
    }

    #[cold]
    fn add(&mut self, name: &str, place: Place) -> Option<usize> {
        if self.members.len() == MAX_MEMBERS {
            self.overflow.get_or_insert_with(|| (place, name.to_owned()));
            return None;
        }
        self.members.push(Member { name: name.to_owned(), shape: Shape::default() });
        Some(self.members.len() - 1)
    }
}

impl Shape {
    /// Place of the first value of any kind; the start of the first file when there was none.
    #[must_use]
    pub fn first(&self) -> Place {
        let own = [self.null, self.boolean, self.integer, self.float, self.text];
        let below = [self.list().map(|list| list.side), self.object().map(|object| object.side)];
        let sides = own.into_iter().chain(below.into_iter().flatten());
        sides.filter(Side::seen).map(|side| side.first).min().unwrap_or_default()
    }
}

/// Whether a `Float64` holds this integer exactly: its bits from first to last set are at most 53.
fn is_exact_float(magnitude: u64) -> bool {
    64 - magnitude.leading_zeros() - magnitude.trailing_zeros() <= 53
}
