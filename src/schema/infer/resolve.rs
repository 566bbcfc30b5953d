//! What type a shape amounts to, one level deep, or which two values disagree.

use super::shape::{ListShape, ObjectShape, Place, Shape, Side};
use super::{EarlierValue, InferenceError, Observed};
use crate::schema::DeclaredType;

/// One level of a column's type.
pub(super) enum Kind<'a> {
    /// No value had a type.
    Waits,
    /// Bool, number or text.
    Scalar(DeclaredType),
    /// Lists.
    List(&'a ListShape),
    /// Objects.
    Object(&'a ObjectShape),
}

/// The way from a record to a column, for messages: member names, and `[]` for the elements of a list.
#[derive(Clone, Default)]
pub(super) struct Path(Vec<String>);

impl Path {
    pub(super) fn member(&self, name: &str) -> Self {
        self.with(name)
    }

    pub(super) fn elements(&self) -> Self {
        self.with("[]")
    }

    /// Whether it leads through exactly these members.
    pub(super) fn is(&self, members: &[String]) -> bool {
        self.0 == members
    }

    fn with(&self, step: &str) -> Self {
        Self(self.0.iter().cloned().chain([step.to_owned()]).collect())
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return out.write_str("(record)");
        }
        for (at, step) in self.0.iter().enumerate() {
            let dot = if at > 0 && step != "[]" { "." } else { "" };
            write!(out, "{dot}{step}")?;
        }
        Ok(())
    }
}

/// The kind of a column's values.
pub(super) fn kind<'a>(
    observed: &Observed<'_>,
    shape: &'a Shape,
    path: &Path,
) -> Result<Kind<'a>, InferenceError> {
    let sides = sides(shape);
    let [first, others @ ..] = sides.as_slice() else {
        return Ok(Kind::Waits);
    };
    let kind = single_kind(observed, shape, path)?;
    match others.first() {
        None => Ok(kind),
        Some(_) if shape.cells && shape.list().is_none() && shape.object().is_none() => {
            Ok(Kind::Scalar(DeclaredType::Text))
        }
        Some(second) => Err(disagreement(observed, path, *first, *second)),
    }
}

/// Refuses a null among the elements of a list.
pub(super) fn refuse_null_elements(
    observed: &Observed<'_>,
    list: &ListShape,
    path: &Path,
) -> Result<(), InferenceError> {
    if !list.element.null.seen() {
        return Ok(());
    }
    let place = list.element.null.first;
    Err(InferenceError::NullInList { file: observed.file(place), line: place.line, field: path.to_string() })
}

/// Refuses an object with more members than a struct is given.
pub(super) fn refuse_overflow(
    observed: &Observed<'_>,
    object: &ObjectShape,
    path: &Path,
) -> Result<(), InferenceError> {
    let Some((place, member)) = object.overflow() else {
        return Ok(());
    };
    Err(too_many_members(observed, place, path, member))
}

pub(super) fn too_many_members(
    observed: &Observed<'_>,
    place: Place,
    path: &Path,
    member: &str,
) -> InferenceError {
    InferenceError::TooManyMembers {
        file: observed.file(place),
        line: place.line,
        field: path.to_string(),
        member: member.to_owned(),
    }
}

/// Kinds seen, the earliest first, each with its words for a message.
pub(super) fn sides(shape: &Shape) -> Vec<(Side, &'static str)> {
    let mut number = shape.integer;
    let mut number_words = "an integer";
    if shape.float.seen() {
        number.first =
            if shape.integer.seen() { number.first.min(shape.float.first) } else { shape.float.first };
        number.count += shape.float.count;
        number_words = "a number";
    }
    let mut sides = vec![
        (shape.boolean, "true or false"),
        (number, number_words),
        (shape.text, "a string"),
        (shape.list().map(|list| list.side).unwrap_or_default(), "a list"),
        (shape.object().map(|object| object.side).unwrap_or_default(), "an object"),
    ];
    sides.retain(|(side, _)| side.seen());
    sides.sort_by_key(|(side, _)| side.first);
    sides
}

/// The kind of a shape as if one side of it were all; which one does not matter when others disagree with it.
fn single_kind<'a>(
    observed: &Observed<'_>,
    shape: &'a Shape,
    path: &Path,
) -> Result<Kind<'a>, InferenceError> {
    if let Some(list) = shape.list() {
        return Ok(Kind::List(list));
    }
    if let Some(object) = shape.object() {
        return Ok(Kind::Object(object));
    }
    if shape.text.seen() {
        return Ok(Kind::Scalar(DeclaredType::Text));
    }
    if shape.boolean.seen() {
        return Ok(Kind::Scalar(DeclaredType::Bool));
    }
    number(observed, shape, path).map(Kind::Scalar)
}

fn number(observed: &Observed<'_>, shape: &Shape, path: &Path) -> Result<DeclaredType, InferenceError> {
    if shape.float.seen() {
        let float = (shape.float, "a number with a point or exponent");
        let beyond = (shape.beyond_float, "an integer that no Float64 holds exactly");
        return match (shape.beyond_float.seen(), shape.cells) {
            (false, _) => Ok(DeclaredType::Float64),
            (true, true) => Ok(DeclaredType::Text),
            (true, false) => Err(earlier_first(observed, path, float, beyond)),
        };
    }
    match (shape.negative.seen(), shape.large.seen()) {
        (false, true) => Ok(DeclaredType::UInt64),
        (true, true) => {
            let negative = (shape.negative, "an integer below 0");
            Err(earlier_first(observed, path, negative, (shape.large, "an integer of 2^63 or more")))
        }
        (_, false) => Ok(DeclaredType::Int64),
    }
}

type SaidSide = (Side, &'static str);

fn earlier_first(observed: &Observed<'_>, path: &Path, one: SaidSide, other: SaidSide) -> InferenceError {
    let (first, second) = if one.0.first <= other.0.first { (one, other) } else { (other, one) };
    disagreement(observed, path, first, second)
}

fn disagreement(observed: &Observed<'_>, path: &Path, first: SaidSide, second: SaidSide) -> InferenceError {
    InferenceError::Disagreement {
        file: observed.file(second.0.first),
        line: second.0.first.line,
        field: path.to_string(),
        found: second.1,
        count: second.0.count,
        earlier: Box::new(EarlierValue {
            file: observed.file(first.0.first),
            line: first.0.first.line,
            found: first.1,
            count: first.0.count,
        }),
    }
}
