//! The annotations that tell what a schema's own text cannot: `schemas/hollowcast.capnp`, known by their ids.

use capnp::schema_capnp::{annotation, value};
use capnp::text_list;

use super::error::SchemaError;
use super::limits;
use super::model::{Collection, Schema};

/// The text of `hollowcast.capnp`, for compilers of schemas that import it as `/hollowcast.capnp`.
pub const ANNOTATIONS_FILE: &str = include_str!("../../schemas/hollowcast.capnp");

/// `$key(["id"])` on a struct: it is a record type, and these are its key fields; none for a keyless type.
pub(super) const KEY: u64 = 0x9a5c_2f1d_e07b_4836;
/// `$references("Actor")` on a field: it holds the key of that type.
pub(super) const REFERENCES: u64 = 0xd4b8_6e31_f92a_0c57;
/// `$name("icao_code")` on a field or group: its name in files and output.
pub(super) const NAME: u64 = 0xe607_2c94_ab5d_81f3;

/// `$set` on a list field: its elements are kept once each, in order.
pub(super) const SET: u64 = 0xb5f3_ab16_4f88_c9cf;
/// `$map("language")` on a list of structs: they are kept one for each value of that field, in its order.
pub(super) const MAP: u64 = 0xffb3_ce0a_c26d_7ab6;

/// What an annotation says beside being there.
pub(super) enum Value {
    Void,
    Text,
    Texts,
}

/// An annotation as it is declared.
pub(super) struct Declaration {
    pub(super) id: u64,
    pub(super) name: &'static str,
    /// Where it may stand; groups and named unions stand where fields do.
    pub(super) targets: &'static [&'static str],
    pub(super) value: Value,
}

/// All of them, by name.
pub(super) const ALL: [Declaration; 5] = [
    Declaration { id: KEY, name: "key", targets: &["struct"], value: Value::Texts },
    Declaration { id: MAP, name: "map", targets: &["field"], value: Value::Text },
    Declaration { id: NAME, name: "name", targets: &["field", "group", "union"], value: Value::Text },
    Declaration { id: REFERENCES, name: "references", targets: &["field"], value: Value::Text },
    Declaration { id: SET, name: "set", targets: &["field"], value: Value::Void },
];

/// Those that a schema's text and compiled form declare. Schemas without sets or maps leave those out, so that they keep
/// the bytes under which they are stored.
pub(super) fn used_by(schema: &Schema) -> impl Iterator<Item = &'static Declaration> + use<> {
    let collections =
        || schema.structs.iter().flat_map(|is| &is.fields).filter_map(|is| is.collection.as_ref());
    let has_sets = collections().any(|is| matches!(is, Collection::Set));
    let has_maps = collections().any(|is| matches!(is, Collection::Map { .. }));
    ALL.iter().filter(move |annotation| match annotation.id {
        SET => has_sets,
        MAP => has_maps,
        _ => true,
    })
}

/// Checks that an annotation of ours is there without a value.
pub(super) fn void(annotation: annotation::Reader<'_>, place: &str) -> Result<(), SchemaError> {
    match annotation.get_value().and_then(|value| Ok(value.which()?)) {
        Ok(value::Void(())) => Ok(()),
        Ok(_) => Err(refusal(annotation, place, "has a value; declare it as `hollowcast.capnp` does")),
        Err(error) => Err(malformed(place)(error)),
    }
}

/// The text of an annotation of ours.
pub(super) fn text(annotation: annotation::Reader<'_>, place: &str) -> Result<String, SchemaError> {
    match annotation.get_value().and_then(|value| Ok(value.which()?)) {
        Ok(value::Text(text)) => text.and_then(|text| Ok(text.to_string()?)).map_err(malformed(place)),
        Ok(_) => Err(refusal(annotation, place, "is no text; declare it as `hollowcast.capnp` does")),
        Err(error) => Err(malformed(place)(error)),
    }
}

/// The texts of an annotation of ours.
pub(super) fn texts(annotation: annotation::Reader<'_>, place: &str) -> Result<Vec<String>, SchemaError> {
    let list = match annotation.get_value().and_then(|value| Ok(value.which()?)) {
        Ok(value::List(list)) => list.get_as::<text_list::Reader<'_>>().map_err(malformed(place))?,
        Ok(_) => {
            return Err(refusal(
                annotation,
                place,
                "is no list of texts; declare it as `hollowcast.capnp` does",
            ));
        }
        Err(error) => return Err(malformed(place)(error)),
    };
    limits::at_most(limits::KEY_FIELDS, list.len() as usize, "key fields", || place.into())?;
    list.iter().map(|text| text.and_then(|text| Ok(text.to_string()?)).map_err(malformed(place))).collect()
}

/// Refuses an annotation of ours where it means nothing.
pub(super) fn refuse(
    annotation: annotation::Reader<'_>,
    allowed: &[u64],
    place: &str,
) -> Result<(), SchemaError> {
    let id = annotation.get_id();
    if allowed.contains(&id) || ALL.iter().all(|ours| ours.id != id) {
        return Ok(());
    }
    Err(refusal(annotation, place, "means nothing there; `$key` is for structs, the others are for fields"))
}

fn refusal(annotation: annotation::Reader<'_>, place: &str, problem: &'static str) -> SchemaError {
    let name = ALL.iter().find(|ours| ours.id == annotation.get_id()).map_or("?", |ours| ours.name);
    SchemaError::Annotation { place: place.into(), annotation: name, problem }
}

fn malformed(place: &str) -> impl Fn(capnp::Error) -> SchemaError {
    move |source| SchemaError::Malformed { what: place.into(), source }
}
