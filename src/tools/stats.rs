//! Where the bytes of a state go.

use std::collections::HashSet;

use crate::schema::{FieldKind, Schema, StructIndex, Type};
use crate::state::{Row, State, Table};
use crate::wire::{Child, WireError, subtree};

/// Figures of one type.
#[derive(Clone, Debug)]
pub struct TypeStats {
    /// Name of the type.
    pub name: String,
    /// Its records.
    pub records: u64,
    /// Shards of the base.
    pub shards: u64,
    /// Bytes of the base's rows sections, as mapped.
    pub rows_bytes: u64,
    /// Bytes of the base's keys sections.
    pub keys_bytes: u64,
    /// Sections of deltas that hold live records.
    pub overlay_sections: u64,
    /// Bytes of those sections.
    pub overlay_bytes: u64,
    /// Changes that a start from the state directory applies to the base, one by one: deltas, and what rebases gathered of them.
    pub applied_steps: u64,
    /// Top-level fields; fields of a group are under the group's name.
    pub fields: Vec<FieldStats>,
}

/// Figures of one field.
#[derive(Clone, Debug)]
pub struct FieldStats {
    /// Name in files and output.
    pub name: String,
    /// Bytes that its values take in live records, what several records share counted once.
    pub bytes: u64,
    /// Distinct stored subtrees, for a field that is a pointer.
    pub distinct: Option<u64>,
}

impl TypeStats {
    /// Figures of every type: one pass over the records.
    ///
    /// # Errors
    /// A malformed record.
    pub fn of_state(state: &State) -> Result<Vec<Self>, WireError> {
        state.tables().iter().map(|table| Self::of_table(state.schema(), table)).collect()
    }

    /// Bytes in memory for each record.
    #[must_use]
    pub fn bytes_a_record(&self) -> f64 {
        (self.rows_bytes + self.keys_bytes + self.overlay_bytes) as f64 / self.records.max(1) as f64
    }

    fn of_table(schema: &Schema, table: &Table) -> Result<Self, WireError> {
        let shards = table.base.shards();
        let overlay: Vec<u64> = table.overlay.held().map(|held| held.section().name().length).collect();
        Ok(Self {
            name: table.name().to_owned(),
            records: table.len(),
            shards: shards.len() as u64,
            rows_bytes: shards.iter().map(|shard| shard.records.section().name().length).sum(),
            keys_bytes: shards.iter().map(|shard| shard.keys_section.name().length).sum(),
            overlay_sections: overlay.len() as u64,
            overlay_bytes: overlay.iter().sum(),
            applied_steps: table.applied.len() as u64,
            fields: field_stats(schema, table)?,
        })
    }
}

fn field_stats(schema: &Schema, table: &Table) -> Result<Vec<FieldStats>, WireError> {
    let index = schema.find_type(table.name()).expect("a table is of a type of its schema");
    let structure = schema.structure(schema.record_type(index).structure);
    let mut fields = Vec::new();
    for field in &structure.fields {
        let mut slots = Slots::default();
        slots.collect(schema, &field.kind);
        let mut seen = HashSet::new();
        let mut bytes = slots.bits.div_ceil(8) * table.len();
        for row in table.rows() {
            for pointer in &slots.pointers {
                bytes += 8 + new_subtree_bytes(row, *pointer, &mut seen)?;
            }
        }
        let distinct = (!slots.pointers.is_empty()).then_some(seen.len() as u64);
        fields.push(FieldStats { name: field.shown_name().to_owned(), bytes, distinct });
    }
    Ok(fields)
}

/// The bytes that pointer `index` of `row` leads to, unless another record was counted with them.
fn new_subtree_bytes(row: Row<'_>, index: u32, seen: &mut HashSet<usize>) -> Result<u64, WireError> {
    let reader = row.reader();
    if index >= u32::from(reader.pointer_words()) {
        return Ok(0);
    }
    let at = reader.start() + u32::from(reader.data_words()) + index;
    match subtree(reader.segment(), at)? {
        Child::Subtree(subtree) if seen.insert(subtree.words().as_ptr().addr()) => {
            Ok(subtree.words().len() as u64 * 8)
        }
        _ => Ok(0),
    }
}

/// What a field takes of its struct.
#[derive(Default)]
struct Slots {
    bits: u64,
    pointers: Vec<u32>,
}

impl Slots {
    fn collect(&mut self, schema: &Schema, kind: &FieldKind) {
        match kind {
            FieldKind::Group(group) => self.collect_group(schema, *group),
            FieldKind::Slot { offset, value_type, .. } => match value_type {
                Type::Text | Type::Data | Type::Struct(_) | Type::List(_) => {
                    if !self.pointers.contains(offset) {
                        self.pointers.push(*offset);
                    }
                }
                data => self.bits += bits_of(data),
            },
        }
    }

    fn collect_group(&mut self, schema: &Schema, group: StructIndex) {
        let group = schema.structure(group);
        self.bits += if group.discriminant_offset.is_some() { 16 } else { 0 };
        for field in &group.fields {
            self.collect(schema, &field.kind);
        }
    }
}

fn bits_of(data: &Type) -> u64 {
    match data {
        Type::Bool => 1,
        Type::Int8 | Type::UInt8 => 8,
        Type::Int16 | Type::UInt16 | Type::Enum(_) => 16,
        Type::Int32 | Type::UInt32 | Type::Float32 => 32,
        Type::Int64 | Type::UInt64 | Type::Float64 => 64,
        Type::Void | Type::Text | Type::Data | Type::Struct(_) | Type::List(_) => 0,
    }
}
