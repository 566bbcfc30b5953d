//! From a record, along its pointers, to the keys in it.

use crate::schema::{Field, FieldKind, Schema, Type};

use super::{HeldKey, ReferencePlan, To};
use crate::wire::limits::{MAX_NESTING, MAX_VISITED_WORDS};
use crate::wire::{DynamicList, DynamicStruct, DynamicValue, KeyBytes, StructReader, WireError};

/// Words that a visit may go through, counted as often as pointers lead to them: twice what a copy may, since a struct may be a key and hold
/// others.
pub(super) const MAX_WORDS: u64 = 2 * MAX_VISITED_WORDS;

impl ReferencePlan {
    /// Gives every key that `record` holds to `each`, with the field that holds it. Null references, and keys that have a null in them, are
    /// left out. Nothing is allocated for keys of up to 256 bytes.
    ///
    /// A record whose pointers lead deeper than [`MAX_NESTING`], or to the same words over and over, is refused.
    pub(crate) fn visit<'p>(
        &'p self,
        schema: &Schema,
        record: StructReader<'_>,
        each: &mut impl FnMut(&'p HeldKey, &[u8]),
    ) -> Result<(), WireError> {
        if self.held.is_empty() {
            return Ok(());
        }
        let mut visit = Visit { plan: self, each, segment: record.segment(), words_left: MAX_WORDS };
        visit.structure(0, DynamicStruct::new(schema, self.root, record), 1)
    }
}

/// A record on whose pointers a plan goes.
struct Visit<'p, 'v, E> {
    plan: &'p ReferencePlan,
    each: &'v mut E,
    /// Where the record lies; what lies elsewhere is a default of the schema.
    segment: &'v [u64],
    words_left: u64,
}

impl<'p, E: FnMut(&'p HeldKey, &[u8])> Visit<'p, '_, E> {
    fn structure(&mut self, node: usize, structure: DynamicStruct<'_>, depth: u32) -> Result<(), WireError> {
        let (plan, reader) = (self.plan, structure.reader());
        for way in &plan.nodes[node] {
            let field = &structure.definition().fields[way.field];
            if self.is_default_of_default(field, reader) {
                continue;
            }
            let value = structure.value(field)?;
            match field.kind {
                FieldKind::Group(_) => self.value(way.to, value, depth)?,
                FieldKind::Slot { offset, .. } => {
                    self.slot(way.to, value, reader.pointer_at(offset), depth + 1)?;
                }
            }
        }
        Ok(())
    }

    /// Whether a field of a default reads as a default itself: where a struct contains itself, those have no end.
    fn is_default_of_default(&self, field: &Field, holder: StructReader<'_>) -> bool {
        let FieldKind::Slot { offset, value_type: Type::Struct(_) | Type::List(_), .. } = field.kind else {
            return false;
        };
        let is_null = holder.pointer_section().get(offset as usize).is_none_or(|pointer| *pointer == 0);
        is_null && !std::ptr::eq(holder.segment(), self.segment)
    }

    fn list(&mut self, to: To, list: DynamicList<'_>, depth: u32) -> Result<(), WireError> {
        let start = list.reader().start();
        for (index, element) in (0..).zip(list.iter()) {
            match element? {
                DynamicValue::Struct(inner) => self.value(to, DynamicValue::Struct(inner), depth)?,
                other => self.slot(to, other, start + index, depth + 1)?,
            }
        }
        Ok(())
    }

    /// What word `at` holds, or what the pointer in it leads to.
    fn slot(&mut self, to: To, value: DynamicValue<'_>, at: u32, depth: u32) -> Result<(), WireError> {
        if let Some(words) = words_of(value) {
            if depth > MAX_NESTING {
                return Err(WireError::TooDeep { word: at, limit: MAX_NESTING });
            }
            self.count(at, words)?;
        }
        self.value(to, value, depth)
    }

    fn value(&mut self, to: To, value: DynamicValue<'_>, depth: u32) -> Result<(), WireError> {
        match (value, to) {
            (DynamicValue::Null, _) => Ok(()),
            (DynamicValue::List(list), _) => self.list(to, list, depth),
            (DynamicValue::Struct(inner), To::Node(node)) => self.structure(node, inner, depth),
            (value, To::Key(held)) => self.key(&self.plan.held[held], value),
            (value, To::Node(_)) => unreachable!("{value:?} is no struct, so no way leads into it"),
        }
    }

    fn key(&mut self, held: &'p HeldKey, value: DynamicValue<'_>) -> Result<(), WireError> {
        let mut key = KeyBytes::default();
        if held.write(value, &mut key)? {
            (self.each)(held, key.as_ref());
        }
        match value {
            DynamicValue::Struct(holder) => {
                self.count(holder.reader().start(), key.as_ref().len() as u64 / 8)
            }
            _ => Ok(()),
        }
    }

    fn count(&mut self, word: u32, words: u64) -> Result<(), WireError> {
        let left = self.words_left.checked_sub(words);
        let found = MAX_WORDS - self.words_left + words;
        self.words_left = left.ok_or(WireError::TooLarge { word, found, limit: MAX_WORDS })?;
        Ok(())
    }
}

/// The words that a pointer to `value` leads to, at least one and one for each struct; `None` for what lies in place.
fn words_of(value: DynamicValue<'_>) -> Option<u64> {
    let words = match value {
        DynamicValue::Struct(inner) => {
            u64::from(inner.reader().data_words()) + u64::from(inner.reader().pointer_words())
        }
        DynamicValue::List(list) => match list.element() {
            Type::Struct(_) => list.reader().words().len().max(list.len() as usize) as u64,
            _ => list.reader().words().len() as u64,
        },
        DynamicValue::Text(text) => text.len() as u64 / 8,
        DynamicValue::Data(data) => data.len() as u64 / 8,
        _ => return None,
    };
    Some(words.max(1))
}
