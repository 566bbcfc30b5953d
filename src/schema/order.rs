//! The order of record types: a type comes after the types that it references.

use std::collections::{BTreeMap, HashMap};

use super::model::{FieldKind, Schema, StructIndex, Type};

/// Sorts the record types topologically by `$references`.
///
/// The order does not depend on that of the declarations: where references leave a choice, names decide. Types that
/// reference each other in a circle are legal; of those the first by name comes last.
pub(super) fn sort_types(schema: &mut Schema) {
    let rank = ranks(schema);
    let mut ranked: Vec<_> = rank.into_iter().zip(std::mem::take(&mut schema.types)).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    schema.types = ranked.into_iter().map(|(_, record_type)| record_type).collect();
}

/// The rank of each type: that of the depth-first walk, by name, in which a type is left behind all that it references.
fn ranks(schema: &Schema) -> Vec<usize> {
    let by_name: BTreeMap<&str, usize> = schema.types.iter().map(|is| is.name.as_str()).zip(0..).collect();
    let references: Vec<_> =
        schema.types.iter().map(|is| referenced(schema, is.structure, &by_name)).collect();
    let mut seen = vec![false; references.len()];
    let mut left = HashMap::new();
    for start in by_name.into_values() {
        let mut way = Vec::new();
        if !std::mem::replace(&mut seen[start], true) {
            way.push((start, references[start].values()));
        }
        while let Some((at, targets)) = way.last_mut() {
            let unseen = targets.find(|target| !std::mem::replace(&mut seen[**target], true));
            if let Some(target) = unseen {
                way.push((*target, references[*target].values()));
            } else {
                left.insert(*at, left.len());
                way.pop();
            }
        }
    }
    (0..schema.types.len()).map(|at| left[&at]).collect()
}

/// The types of this schema that records of `structure` reference from any depth, by name.
fn referenced<'a>(
    schema: &'a Schema,
    structure: StructIndex,
    types: &BTreeMap<&'a str, usize>,
) -> BTreeMap<&'a str, usize> {
    let mut targets = BTreeMap::new();
    let mut seen = vec![false; schema.structs.len()];
    let mut queue = vec![structure];
    while let Some(at) = queue.pop() {
        if std::mem::replace(&mut seen[at.0 as usize], true) {
            continue;
        }
        for field in &schema.structure(at).fields {
            let target = field.references.as_deref().and_then(|name| types.get_key_value(name));
            targets.extend(target);
            queue.extend(inner_struct(&field.kind));
        }
    }
    targets
}

/// The struct or group that a field leads to, through lists too.
fn inner_struct(kind: &FieldKind) -> Option<StructIndex> {
    let mut value_type = match kind {
        FieldKind::Group(group) => return Some(*group),
        FieldKind::Slot { value_type, .. } => value_type,
    };
    while let Type::List(element) = value_type {
        value_type = element;
    }
    match value_type {
        Type::Struct(inner) => Some(*inner),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::schema::testing::{self, field};
    use crate::schema::{DeclaredType, Schema};

    /// Types with a key `id`, and fields that reference what follows their names.
    fn order(types: &[(&str, &[&str])]) -> Vec<String> {
        let mut declaration = testing::empty();
        for (name, references) in types {
            let mut members = vec![field("id", 0, DeclaredType::UInt64)];
            for (target, ordinal) in references.iter().zip(1..) {
                members.push(testing::reference(
                    &format!("to{target}"),
                    ordinal,
                    DeclaredType::UInt64,
                    target,
                ));
            }
            testing::add_type(&mut declaration, name, &["id"], members);
        }
        let forward = names(&Schema::from_declaration(&declaration).unwrap());
        declaration.types.reverse();
        declaration.structs.reverse();
        assert_eq!(
            names(&Schema::from_declaration(&declaration).unwrap()),
            forward,
            "the order of declarations counts"
        );
        forward
    }

    fn names(schema: &Schema) -> Vec<String> {
        schema.types().iter().map(|is| is.name.clone()).collect()
    }

    #[test]
    fn a_type_comes_after_those_it_references() {
        assert_eq!(order(&[("A", &["C"]), ("B", &[]), ("C", &["D"]), ("D", &[])]), ["D", "C", "A", "B"]);
        assert_eq!(order(&[("A", &["Elsewhere"]), ("B", &[])]), ["A", "B"], "unknown types do not count");
    }

    #[test]
    fn circles_are_legal_and_what_leads_into_one_comes_after_it() {
        assert_eq!(order(&[("A", &["A"])]), ["A"]);
        assert_eq!(
            order(&[("B", &["C"]), ("C", &["B"]), ("A", &["B"]), ("D", &["C"])]),
            ["C", "B", "A", "D"]
        );
    }

    #[test]
    fn references_of_inner_structs_count() {
        let mut declaration = testing::empty();
        let inner = vec![testing::reference("z", 0, DeclaredType::UInt64, "Z")];
        testing::add_struct(&mut declaration, "Inner", inner);
        let list = DeclaredType::List(Box::new(DeclaredType::Struct("Inner".into())));
        testing::add_type(&mut declaration, "A", &[], vec![field("inner", 0, list)]);
        testing::add_type(&mut declaration, "Z", &["id"], vec![field("id", 0, DeclaredType::UInt64)]);
        assert_eq!(names(&Schema::from_declaration(&declaration).unwrap()), ["Z", "A"]);
    }
}
