//! Finding fields by name, and the names of found ones.

use super::error::SchemaError;
use super::model::{Field, FieldKind, FieldPath, Schema, StructDefinition, StructIndex, Type, TypeIndex};

impl Schema {
    /// The field that the dotted `path` leads to from a record of `record_type`.
    ///
    /// Each part may be the name of a field or the one that files and output use for it, which may hold dots itself:
    /// of several names that the rest begins with, the longest counts. Parts lead through groups, arms of unions and
    /// structs, not into lists. Fails with [`SchemaError::UnknownField`], which lists the names that are there.
    pub fn field_path(&self, record_type: TypeIndex, path: &str) -> Result<FieldPath, SchemaError> {
        find(&self.structs, self.record_type(record_type).structure, path)
    }

    /// Shown name of the field that `path` leads to from `structure`, dotted: `address.postal_code`.
    #[must_use]
    pub fn path_name(&self, structure: StructIndex, path: &FieldPath) -> String {
        self.joined(structure, path, Field::shown_name)
    }

    /// Shown names of the key fields, in key order, dotted; none for a keyless type.
    #[must_use]
    pub fn key_names(&self, record_type: TypeIndex) -> Vec<String> {
        let record_type = self.record_type(record_type);
        record_type.key.iter().map(|path| self.path_name(record_type.structure, path)).collect()
    }

    /// The `value` field of an *optional group*, `x :group { union { none @0 :Void; value @1 :T; } }`, which stands for
    /// a `T` that may be absent; `None` if `group` is anything else.
    #[must_use]
    pub fn optional_value(&self, group: StructIndex) -> Option<&Field> {
        let definition = self.structure(group);
        let arm =
            |discriminant| definition.fields.iter().find(|field| field.discriminant == Some(discriminant));
        let (none, value) = (arm(0)?, arm(1)?);
        let is_void = |field: &Field| matches!(field.kind, FieldKind::Slot { value_type: Type::Void, .. });
        let is_optional = definition.is_group
            && definition.fields.len() == 2
            && none.name == "none"
            && is_void(none)
            && value.name == "value"
            && matches!(value.kind, FieldKind::Slot { .. })
            && !is_void(value);
        is_optional.then_some(value)
    }

    /// The names on the way of `path`, dotted.
    pub(super) fn joined<'a>(
        &'a self,
        structure: StructIndex,
        path: &FieldPath,
        name: impl Fn(&'a Field) -> &'a str,
    ) -> String {
        let steps = 1..=path.0.len();
        let fields = steps.map(|steps| self.field(structure, &FieldPath(path.0[..steps].to_vec())));
        fields.map(name).collect::<Vec<_>>().join(".")
    }
}

/// The field that `path` leads to from the struct at `from`.
pub(super) fn find(
    structs: &[StructDefinition],
    from: StructIndex,
    path: &str,
) -> Result<FieldPath, SchemaError> {
    let mut steps = Vec::new();
    let (mut at, mut rest) = (from, path);
    loop {
        let definition = &structs[at.0 as usize];
        let Some((step, behind)) = next_step(definition, rest) else {
            return Err(unknown(definition, rest));
        };
        steps.push(step as u16);
        let Some(behind) = behind else { return Ok(FieldPath(steps)) };
        let inner =
            inner_scope(&definition.fields[step]).expect("a step that others follow leads to a scope");
        (at, rest) = (inner, behind);
    }
}

/// The field whose name `path` is or begins with, and what follows it.
fn next_step<'a>(definition: &StructDefinition, path: &'a str) -> Option<(usize, Option<&'a str>)> {
    let mut best: Option<(usize, usize)> = None;
    for (at, field) in definition.fields.iter().enumerate() {
        for name in [field.shown_name(), field.name.as_str()] {
            let Some(behind) = path.strip_prefix(name) else { continue };
            let fits = behind.is_empty() || behind.starts_with('.') && inner_scope(field).is_some();
            if fits && best.is_none_or(|(longest, _)| name.len() > longest) {
                best = Some((name.len(), at));
            }
        }
    }
    best.map(|(length, at)| (at, path[length..].strip_prefix('.')))
}

/// The group or struct that a field leads to.
pub(super) fn inner_scope(field: &Field) -> Option<StructIndex> {
    match &field.kind {
        FieldKind::Group(inner) | FieldKind::Slot { value_type: Type::Struct(inner), .. } => Some(*inner),
        FieldKind::Slot { .. } => None,
    }
}

fn unknown(definition: &StructDefinition, path: &str) -> SchemaError {
    let known = definition.fields.iter().map(|field| field.shown_name().to_owned()).collect();
    SchemaError::UnknownField { structure: definition.name.clone(), path: path.into(), known }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::DeclaredType::{Float64, Int32, List, Struct, Text, Void};
    use crate::schema::testing::{add_struct, add_type, empty, field, group, named, optional, union};

    fn airport() -> Schema {
        let mut declaration = empty();
        add_struct(
            &mut declaration,
            "City",
            vec![named("zipCode", 0, Text, "zip.code"), named("zip", 1, Text, "z")],
        );
        let cities = List(Box::new(Struct("City".into())));
        let members = vec![
            named("icaoCode", 0, Text, "icao_code"),
            field("city", 1, Struct("City".into())),
            field("cities", 2, cities),
            group("place", vec![optional("elevation", 3, Float64), field("runways", 5, Int32)]),
            named("placeRunways", 6, Text, "place.runways.names"),
        ];
        add_type(&mut declaration, "Airport", &["icaoCode", "city.zipCode", "place.runways"], members);
        Schema::from_declaration(&declaration).unwrap()
    }

    #[test]
    fn fields_are_found_by_either_name_and_shown_by_the_original() {
        let schema = airport();
        let find = |path: &str| schema.field_path(TypeIndex(0), path).ok().map(|found| found.0);
        assert_eq!(find("icao_code"), Some(vec![0]));
        assert_eq!(find("icaoCode"), Some(vec![0]));
        assert_eq!(find("city.zip.code"), Some(vec![1, 0]), "the longest name counts");
        assert_eq!(find("city.zip"), Some(vec![1, 1]));
        assert_eq!(find("place"), Some(vec![3]));
        assert_eq!(find("place.elevation.value"), Some(vec![3, 0, 1]));
        assert_eq!(find("place.runways.names"), Some(vec![4]), "no step into `place` that leads nowhere");
        for absent in
            ["", ".", "icao", "icaoCode.", "icaoCode.x", "city.", "cities.zip", "place..runways", "City"]
        {
            assert_eq!(find(absent), None, "{absent}");
        }
        assert_eq!(schema.key_names(TypeIndex(0)), ["icao_code", "city.zip.code", "place.runways"]);
    }

    #[test]
    fn an_unknown_field_is_refused_with_those_that_are_there() {
        let error = airport().field_path(TypeIndex(0), "city.street").unwrap_err();
        assert_eq!(error.to_string(), "`City` has no field `street`; it has zip.code, z");
    }

    #[test]
    fn only_the_exact_shape_is_an_optional_group() {
        let schema = airport();
        let group_of = |path: &str| {
            let path = schema.field_path(TypeIndex(0), path).unwrap();
            inner_scope(schema.field(schema.types[0].structure, &path)).unwrap()
        };
        let value = schema.optional_value(group_of("place.elevation")).unwrap();
        assert_eq!(value.ordinal, Some(4));
        assert!(schema.optional_value(group_of("place")).is_none());
        assert!(schema.optional_value(group_of("city")).is_none());
        let others = [
            vec![field("none", 1, Void), field("value", 0, Int32)],
            vec![field("none", 0, Int32), field("value", 1, Int32)],
            vec![field("none", 0, Void), field("value", 1, Void)],
            vec![field("none", 0, Void), field("valve", 1, Int32)],
            vec![field("nothing", 0, Void), field("value", 1, Int32)],
            vec![field("none", 0, Void), field("value", 1, Int32), field("other", 2, Int32)],
            vec![field("none", 0, Void), group("value", vec![field("x", 1, Int32)])],
        ];
        for arms in others {
            let mut declaration = empty();
            add_type(&mut declaration, "Movie", &[], vec![group("x", vec![union(arms)])]);
            let schema = Schema::from_declaration(&declaration).unwrap();
            assert!(schema.optional_value(StructIndex(1)).is_none(), "{schema:?}");
        }
    }
}
