//! Whether what was seen can be stored in a field that is there.
//!
//! This judges kinds; whether a string is an enumerant, or an integer small enough, is judged value by value when
//! records are made.

use super::resolve::Path;
use super::shape::{Shape, Side};
use super::{InferenceError, Observed};
use crate::schema::{DeclaredType, MemberDeclaration};

/// What a field declares, for judging and for words.
pub(super) trait Declared {
    /// Name in Cap'n Proto's words: `List(Text)`.
    fn words(&self) -> String;
    /// Kinds that it cannot hold, with words for them.
    fn refused(&self, shape: &Shape) -> Vec<(Side, &'static str)>;
}

/// Refuses the first value that `declared` cannot hold.
pub(super) fn fits<D: Declared + ?Sized>(
    observed: &Observed<'_>,
    shape: &Shape,
    declared: &D,
    path: &Path,
) -> Result<(), InferenceError> {
    let refused = declared.refused(shape);
    let seen = refused.into_iter().filter(|(side, _)| side.seen());
    let Some((side, found)) = seen.min_by_key(|(side, _)| side.first) else {
        return Ok(());
    };
    Err(InferenceError::NeedsBreak {
        file: observed.file(side.first),
        line: side.first.line,
        field: path.to_string(),
        declared: declared.words(),
        found,
    })
}

impl Declared for DeclaredType {
    fn words(&self) -> String {
        match self {
            Self::Enum(name) | Self::Struct(name) => name.clone(),
            Self::List(element) => format!("List({})", element.words()),
            scalar => format!("{scalar:?}"),
        }
    }

    fn refused(&self, shape: &Shape) -> Vec<(Side, &'static str)> {
        use DeclaredType as T;
        let sides = Sides::of(shape);
        // A string may spell an integer or a special float in JSON; a cell that does is no text in the first place.
        let spelled = if shape.cells { vec![sides.text] } else { Vec::new() };
        match self {
            T::Void => [sides.scalars(), sides.nested()].concat(),
            T::Bool => [vec![sides.integer, sides.float, sides.text], sides.nested()].concat(),
            T::Int8 | T::Int16 | T::Int32 | T::Int64 => {
                [vec![sides.boolean, sides.float, sides.large], spelled, sides.nested()].concat()
            }
            T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64 => {
                [vec![sides.boolean, sides.float, sides.negative], spelled, sides.nested()].concat()
            }
            T::Float32 => [vec![sides.boolean], sides.nested()].concat(),
            T::Float64 => [vec![sides.boolean, sides.beyond_float], sides.nested()].concat(),
            // Any cell is a text.
            T::Text | T::Data | T::Enum(_) if shape.cells => sides.nested(),
            T::Text | T::Data | T::Enum(_) => {
                [vec![sides.boolean, sides.integer, sides.float], sides.nested()].concat()
            }
            T::List(_) => [sides.scalars(), vec![sides.object]].concat(),
            T::Struct(_) => [sides.scalars(), vec![sides.list]].concat(),
        }
    }
}

/// A group, described by a word.
impl Declared for str {
    fn words(&self) -> String {
        self.to_owned()
    }

    fn refused(&self, shape: &Shape) -> Vec<(Side, &'static str)> {
        let sides = Sides::of(shape);
        [sides.scalars(), vec![sides.list]].concat()
    }
}

/// The value type of an optional group: `group { union { none @0 :Void; value @1 :T; } }`, as
/// `Schema::optional_value` knows it once it is laid out.
pub(super) fn optional_value(member: &MemberDeclaration) -> Option<&DeclaredType> {
    let MemberDeclaration::Group { members, .. } = member else { return None };
    let [MemberDeclaration::Union { members: arms }] = members.as_slice() else { return None };
    let mut arms: Vec<_> = arms.iter().map(arm).collect::<Option<_>>()?;
    arms.sort_by_key(|(ordinal, ..)| *ordinal);
    match arms.as_slice() {
        [(_, "none", DeclaredType::Void), (_, "value", value)] if **value != DeclaredType::Void => {
            Some(value)
        }
        _ => None,
    }
}

fn arm(member: &MemberDeclaration) -> Option<(u16, &str, &DeclaredType)> {
    match member {
        MemberDeclaration::Field { name, ordinal, value_type, .. } => Some((*ordinal, name, value_type)),
        MemberDeclaration::Group { .. } | MemberDeclaration::Union { .. } => None,
    }
}

type SaidSide = (Side, &'static str);

struct Sides {
    boolean: SaidSide,
    integer: SaidSide,
    negative: SaidSide,
    large: SaidSide,
    beyond_float: SaidSide,
    float: SaidSide,
    text: SaidSide,
    list: SaidSide,
    object: SaidSide,
}

impl Sides {
    fn of(shape: &Shape) -> Self {
        Self {
            boolean: (shape.boolean, "true or false"),
            integer: (shape.integer, "an integer"),
            negative: (shape.negative, "an integer below 0"),
            large: (shape.large, "an integer of 2^63 or more"),
            beyond_float: (shape.beyond_float, "an integer that no Float64 holds exactly"),
            float: (shape.float, "a number with a point or exponent"),
            text: (shape.text, "a string"),
            list: (shape.list().map(|list| list.side).unwrap_or_default(), "a list"),
            object: (shape.object().map(|object| object.side).unwrap_or_default(), "an object"),
        }
    }

    fn scalars(&self) -> Vec<SaidSide> {
        vec![self.boolean, self.integer, self.float, self.text]
    }

    fn nested(&self) -> Vec<SaidSide> {
        vec![self.list, self.object]
    }
}
