//! The union of two schemas that do not contradict each other.

use std::collections::HashMap;

use crate::schema::declare::{EnumDeclaration, MemberDeclaration, SchemaDeclaration, StructDeclaration};
use crate::schema::error::SchemaError;
use crate::schema::model::Schema;

/// The union of two schemas without breaks. Of a struct or enum that both have, one begins with the other, for
/// ordinals have no gaps: so the longer is the union.
pub(super) fn merge(stored: &Schema, new: &Schema) -> Result<Schema, SchemaError> {
    let (mut merged, new) = (stored.to_declaration(), new.to_declaration());
    let SchemaDeclaration { types, structs, enums } = new;
    for declared in types {
        if merged.types.iter().all(|is| is.name != declared.name) {
            merged.types.push(declared);
        }
    }
    let places: HashMap<String, usize> = merged.structs.iter().map(|is| is.name.clone()).zip(0..).collect();
    for declared in structs {
        match places.get(&declared.name) {
            Some(at) => merge_struct(&mut merged.structs[*at], declared),
            None => merged.structs.push(declared),
        }
    }
    let places: HashMap<String, usize> = merged.enums.iter().map(|is| is.name.clone()).zip(0..).collect();
    for declared in enums {
        match places.get(&declared.name) {
            Some(at) => merge_enum(&mut merged.enums[*at], declared),
            None => merged.enums.push(declared),
        }
    }
    Schema::from_declaration(&merged)
}

fn merge_struct(stored: &mut StructDeclaration, mut new: StructDeclaration) {
    let (mut old_references, mut new_references) = (HashMap::new(), HashMap::new());
    collect_references(&stored.members, &mut old_references);
    collect_references(&new.members, &mut new_references);
    if new_references.len() > old_references.len() {
        std::mem::swap(&mut stored.members, &mut new.members);
    }
    for (ordinal, references) in new_references {
        let known = old_references.entry(ordinal).or_default();
        *known = known.take().or(references);
    }
    set_references(&mut stored.members, &mut old_references);
}

fn merge_enum(stored: &mut EnumDeclaration, new: EnumDeclaration) {
    if new.enumerants.len() > stored.enumerants.len() {
        stored.enumerants = new.enumerants;
    }
}

/// What the field of each ordinal references.
fn collect_references(members: &[MemberDeclaration], found: &mut HashMap<u16, Option<String>>) {
    for member in members {
        match member {
            MemberDeclaration::Field { ordinal, references, .. } => {
                found.insert(*ordinal, references.clone());
            }
            MemberDeclaration::Group { members, .. } | MemberDeclaration::Union { members } => {
                collect_references(members, found);
            }
        }
    }
}

fn set_references(members: &mut [MemberDeclaration], known: &mut HashMap<u16, Option<String>>) {
    for member in members {
        match member {
            MemberDeclaration::Field { ordinal, references, .. } => {
                *references = known.remove(ordinal).expect("every ordinal was collected");
            }
            MemberDeclaration::Group { members, .. } | MemberDeclaration::Union { members } => {
                set_references(members, known);
            }
        }
    }
}
