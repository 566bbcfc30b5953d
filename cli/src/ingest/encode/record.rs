//! One record at a time: from a document or a row to a canonical message.

use std::collections::HashMap;

use hollowcast::schema::{
    EnumIndex, Field, FieldKind, FieldPath, RecordType, Schema, StructIndex, Type, TypeIndex,
};
use hollowcast::wire::{CopyPlans, Draft};

use super::super::error::Fault;
use super::super::json_lines::{Document, Value};
use super::scalar::cell_value;
use super::structure::Arms;

/// The type that records are made for, and what is worth knowing of its schema beforehand. Shared by all threads.
pub(in super::super) struct Target<'s> {
    schema: &'s Schema,
    record_type: &'s RecordType,
    plans: CopyPlans,
    /// For each struct, whether it is an optional group: the position of its `value`.
    optional: Vec<Option<u16>>,
    enumerants: Vec<HashMap<&'s str, u16>>,
    /// The way to each key field by names in files.
    key: Vec<Vec<&'s str>>,
}

/// Where the cells of a column go.
#[derive(Debug)]
pub(in super::super) struct Column<'s> {
    name: String,
    /// `None` for a column that the type does not have; its cells must be empty.
    field: Option<&'s Field>,
    is_key: bool,
}

impl<'s> Target<'s> {
    pub(in super::super) fn new(schema: &'s Schema, record_type: TypeIndex) -> Self {
        let record_type = schema.record_type(record_type);
        let enumerants =
            schema.enums().iter().map(|known| known.enumerants.iter().map(String::as_str).zip(0..).collect());
        Self {
            schema,
            record_type,
            plans: CopyPlans::new(schema),
            optional: (0..schema.structs().len() as u32)
                .map(|at| optional_position(schema, StructIndex(at)))
                .collect(),
            enumerants: enumerants.collect(),
            key: record_type.key.iter().map(|path| names_of(schema, record_type.structure, path)).collect(),
        }
    }

    pub(in super::super) fn schema(&self) -> &'s Schema {
        self.schema
    }

    pub(super) fn enumerant(&self, index: EnumIndex, name: &str) -> Option<u64> {
        self.enumerants[index.0 as usize].get(name).map(|value| u64::from(*value))
    }

    /// The `value` field of a group, if it is an optional group.
    pub(super) fn optional_value(&self, group: StructIndex) -> Option<&'s Field> {
        let position = self.optional[group.0 as usize]?;
        Some(&self.schema.structure(group).fields[usize::from(position)])
    }

    /// Where the cells under these names go. Refuses a file without a column of the key.
    pub(in super::super) fn columns(&self, names: &[String]) -> Result<Vec<Column<'s>>, Fault> {
        let fields = &self.schema.structure(self.record_type.structure).fields;
        let is_key = |name: &str| self.key.iter().any(|way| way == &[name]);
        let column = |name: &String| Column {
            name: name.clone(),
            field: fields.iter().find(|field| field.shown_name() == name),
            is_key: is_key(name),
        };
        let missing =
            self.key.iter().find(|way| !names.is_empty() && !names.iter().any(|name| *way == &[name]));
        match missing {
            Some(way) => Err(Fault::value("a column of this name, as it is part of the key", "none")
                .within(&way.join("."))),
            None => Ok(names.iter().map(column).collect()),
        }
    }

    /// The type that a cell of a field is read as.
    fn cell_type(&self, field: &'s Field) -> Option<&'s Type> {
        match &field.kind {
            FieldKind::Slot { value_type, .. } => Some(value_type),
            FieldKind::Group(group) => self.cell_type(self.optional_value(*group)?),
        }
    }

    fn refuse_null_key(&self, document: &Document<'_>) -> Result<(), Fault> {
        for way in &self.key {
            let mut members = document.members();
            let (last, groups) = way.split_last().expect("a key field has a name");
            for (depth, name) in groups.iter().enumerate() {
                match members.into_iter().find(|(known, _)| known == name) {
                    Some((_, Value::Object(inner))) => members = inner,
                    _ => return Err(null_key(&way[..=depth])),
                }
            }
            match members.into_iter().find(|(known, _)| known == last) {
                None | Some((_, Value::Null)) => return Err(null_key(way)),
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// Keeps the half of semantics 4 that is about keys.
#[cold]
fn null_key(way: &[&str]) -> Fault {
    way.iter()
        .rev()
        .fold(Fault::value("a value, as it is part of the key", "null or nothing"), |fault, name| {
            fault.within(name)
        })
}

fn optional_position(schema: &Schema, group: StructIndex) -> Option<u16> {
    let value = schema.optional_value(group)?;
    let at = schema.structure(group).fields.iter().position(|field| std::ptr::eq(field, value));
    Some(at.expect("the value is a field of the group") as u16)
}

fn names_of<'s>(schema: &'s Schema, structure: StructIndex, path: &FieldPath) -> Vec<&'s str> {
    let steps = 1..=path.0.len();
    steps.map(|steps| schema.field(structure, &FieldPath(path.0[..steps].to_vec())).shown_name()).collect()
}

/// Makes records one after another, in buffers it keeps.
pub(in super::super) struct RecordEncoder<'t> {
    pub(super) target: &'t Target<'t>,
    pub(super) draft: Draft,
    /// Bytes that base64 stood for.
    pub(super) data: Vec<u8>,
    message: Vec<u64>,
}

impl<'t> RecordEncoder<'t> {
    pub(in super::super) fn new(target: &'t Target<'_>) -> Self {
        Self { target, draft: Draft::new(), data: Vec::new(), message: Vec::new() }
    }

    /// The canonical message of a document.
    pub(in super::super) fn object(&mut self, document: &Document<'_>) -> Result<&[u64], Fault> {
        self.target.refuse_null_key(document)?;
        let structure = self.target.record_type.structure;
        let root = self.root()?;
        self.members(root, structure, document.members())?;
        self.canonical()
    }

    /// The canonical message of a row.
    pub(in super::super) fn row<'c>(
        &mut self,
        columns: &[Column<'t>],
        cells: impl Iterator<Item = Result<&'c str, Fault>>,
    ) -> Result<&[u64], Fault> {
        let definition = self.target.schema.structure(self.target.record_type.structure);
        let root = self.root()?;
        let mut arms = Arms::default();
        for (column, cell) in columns.iter().zip(cells) {
            let within = |fault: Fault| fault.within(&column.name);
            let cell = cell?;
            if cell.is_empty() {
                self.empty_cell(column).map_err(within)?;
                continue;
            }
            let Some(field) = column.field else { return Err(within(unknown(&definition.name, cell))) };
            let value =
                self.target.cell_type(field).map_or(Value::Text(cell), |known| cell_value(known, cell));
            if field.discriminant.is_some() {
                arms.add(field, value).map_err(within)?;
            } else {
                self.field(root, definition, field, value).map_err(within)?;
            }
        }
        self.set_arm(root, definition, &arms)?;
        self.canonical()
    }

    /// An empty cell is null: nothing to write where null can be stored, and nothing said about a member of a union.
    fn empty_cell(&self, column: &Column<'_>) -> Result<(), Fault> {
        if column.is_key {
            return Err(null_key(&[]));
        }
        let Some(Field { kind: FieldKind::Slot { value_type, .. }, discriminant: None, .. }) = column.field
        else {
            return Ok(());
        };
        match value_type {
            Type::Void | Type::Text | Type::Data | Type::Struct(_) | Type::List(_) => Ok(()),
            number => Err(self.target.misfit(number, Value::Null)),
        }
    }

    fn root(&mut self) -> Result<hollowcast::wire::StructPosition, Fault> {
        let definition = self.target.schema.structure(self.target.record_type.structure);
        self.draft.root(definition.data_words, definition.pointer_words).map_err(refused)
    }

    fn canonical(&mut self) -> Result<&[u64], Fault> {
        self.message.clear();
        let structure = self.target.record_type.structure;
        self.target.plans.copy(structure, self.draft.reader(), &mut self.message).map_err(refused)?;
        Ok(&self.message)
    }
}

/// What is wrong with a member that the schema does not have.
#[cold]
pub(super) fn unknown(structure: &str, found: impl Into<String>) -> Fault {
    Fault::value(format!("nothing, as {structure} has no field of this name"), found)
}

#[cold]
pub(super) fn refused(error: impl Into<hollowcast::Error>) -> Fault {
    Fault::Refused(error.into())
}
