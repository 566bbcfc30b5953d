//! Canonical copies: equal records get equal words, whoever wrote them.
//!
//! Cap'n Proto's canonical form is a single segment: the root pointer, then every object in preorder without gaps; the
//! trailing zero words and null pointers of structs are cut, in a list of structs down to the widest of its elements.
//! A canonicalisation that knows no schema would keep the fields of dead union arms: equal records with different
//! words, and deleted values shipped to the fleet. So this copy is driven by the schema through [`CopyPlans`], and it
//! refuses what the schema does not know in place of losing it. One thing it cannot see: a field that a newer schema
//! adds to one arm of a union, in bits that this schema knows as another arm's.
//!
//! Keeps semantics 4 (a record that does not fit the schema or the limits is refused by type and field) and
//! semantics 30 (null and empty differ).

use crate::schema::StructIndex;

use super::copy_error::{CopyError, CopyProblem, Failure, Outcome};
use super::limits::{MAX_NESTING, MAX_RECORD_BYTES, MAX_RECORD_WORDS, MAX_VALUE_BYTES, MAX_VISITED_WORDS};
use super::measure::{Widths, live_field};
use super::order::Choice;
use super::plan::{CopyPlans, Elements, Pointee, StructPlan};
use super::pointer::{EMPTY_STRUCT, composite_pointer, composite_tag, list_pointer, struct_pointer};
use super::{ElementSize, ListReader, Pointer, StructReader, relocated_pointer};

impl CopyPlans {
    /// Appends the canonical message of a record to `out`: root pointer word first, words counted from it.
    ///
    /// `structure` is the record's struct in the schema that the plans were made from; `source` may lie in a message of
    /// any shape, and may be narrower than the schema. On an error `out` is as it was. Some 100 ns for a record of ten
    /// values; no allocation but the growth of `out`.
    pub fn copy(
        &self,
        structure: StructIndex,
        source: StructReader<'_>,
        out: &mut Vec<u64>,
    ) -> Result<(), CopyError> {
        let base = out.len();
        out.push(0);
        let mut copier = Copier { plans: &self.structs, out, base, visits_left: MAX_VISITED_WORDS };
        copier.structure(0, structure, source, 1).map_err(|failure| {
            out.truncate(base);
            failure.in_type(&self.structs[structure.0 as usize].name)
        })
    }
}

/// One record on its way. Words are counted from the root pointer.
pub(super) struct Copier<'p, 'o> {
    pub(super) plans: &'p [StructPlan],
    pub(super) out: &'o mut Vec<u64>,
    pub(super) base: usize,
    pub(super) visits_left: u64,
}

impl<'p> Copier<'p, '_> {
    fn plan(&self, structure: StructIndex) -> &'p StructPlan {
        &self.plans[structure.0 as usize]
    }

    /// Copies a struct and all that it leads to, and makes the pointer at `at` lead to it.
    pub(super) fn structure(
        &mut self,
        at: u32,
        structure: StructIndex,
        source: StructReader<'_>,
        depth: u32,
    ) -> Outcome<()> {
        let plan = self.plan(structure);
        self.visit(1, width_of(source))?;
        let mut widths = Widths::default();
        plan.measure(source, &mut widths)?;
        let start = self.allocate(u64::from(widths.words()))?;
        self.out[self.base + at as usize] = match struct_pointer(widths.data, widths.pointers) {
            0 => EMPTY_STRUCT,
            sized => relocated_pointer(sized, at, start),
        };
        self.data_section(plan, source, start, widths);
        self.pointer_section(plan, source, start + u32::from(widths.data), widths, depth)
    }

    fn data_section(&mut self, plan: &StructPlan, source: StructReader<'_>, start: u32, widths: Widths) {
        let start = self.base + start as usize;
        plan.write(source, &mut self.out[start..start + usize::from(widths.data)]);
    }

    fn pointer_section(
        &mut self,
        plan: &StructPlan,
        source: StructReader<'_>,
        start: u32,
        widths: Widths,
        depth: u32,
    ) -> Outcome<()> {
        let pointers = source.pointer_section().iter().zip(&plan.slots).take(usize::from(widths.pointers));
        for (index, (pointer, fields)) in (0..).zip(pointers) {
            if *pointer == 0 {
                continue;
            }
            if let Some(field) = live_field(fields, source) {
                let (words, from) = (source.segment(), source.pointer_at(index));
                self.pointee(start + index, &field.pointee, words, from, depth + 1)
                    .map_err(|failure| failure.in_field(&field.name))?;
            }
        }
        Ok(())
    }

    /// Copies what the pointer in word `from` of `words` leads to, and makes the pointer at `at` lead there.
    fn pointee(&mut self, at: u32, pointee: &Pointee, words: &[u64], from: u32, depth: u32) -> Outcome<()> {
        if depth > MAX_NESTING {
            return Err(Failure::new(CopyProblem::TooDeep { limit: MAX_NESTING }));
        }
        if let Pointee::Struct(structure) = pointee {
            return match Pointer::at(words, from).and_then(Pointer::structure).map_err(Failure::new)? {
                Some(source) => self.structure(at, *structure, source, depth),
                None => Ok(()),
            };
        }
        let Some(list) = Pointer::at(words, from).and_then(Pointer::list).map_err(Failure::new)? else {
            return Ok(());
        };
        match pointee {
            Pointee::Text => self.text(at, list),
            Pointee::Data => self.value(at, list, list.len()),
            Pointee::List(elements) => self.list(at, elements, list, Choice::All(list.len()), depth),
            Pointee::Collection(elements, order) => self.collection(at, elements, order, list, depth),
            Pointee::Struct(_) => unreachable!("structs were copied above"),
        }
    }

    fn text(&mut self, at: u32, text: ListReader<'_>) -> Outcome<()> {
        let bytes = text.text().map_err(Failure::new)?.len() as u32;
        self.value(at, text, bytes)
    }

    /// Copies text or data, of which `bytes` count for the limit.
    fn value(&mut self, at: u32, list: ListReader<'_>, bytes: u32) -> Outcome<()> {
        if bytes > MAX_VALUE_BYTES {
            let (found, limit) = (bytes.into(), MAX_VALUE_BYTES.into());
            return Err(Failure::new(CopyProblem::ValueTooLarge { found, limit }));
        }
        self.plain(at, ElementSize::Byte, list)
    }

    /// Copies those elements of a list that are chosen.
    pub(super) fn list(
        &mut self,
        at: u32,
        elements: &Elements,
        list: ListReader<'_>,
        chosen: Choice<'_>,
        depth: u32,
    ) -> Outcome<()> {
        match elements {
            Elements::Plain(element) => self.data(at, *element, list, chosen),
            Elements::Enum(enumerants) => self.enums(at, *enumerants, list, chosen),
            Elements::Pointers(pointee) => self.pointers(at, pointee, list, chosen, depth),
            Elements::Structs(structure) => self.structs(at, *structure, list, chosen, depth),
        }
    }

    /// Copies elements that are data.
    fn data(
        &mut self,
        at: u32,
        element: ElementSize,
        list: ListReader<'_>,
        chosen: Choice<'_>,
    ) -> Outcome<()> {
        if matches!(chosen, Choice::All(_)) {
            return self.plain(at, element, list);
        }
        let width = element.bits();
        let start = self.allocate(element.words_for(chosen.len()))?;
        for (to, index) in chosen.iter() {
            let first_bit = u64::from(to) * u64::from(width);
            let word = self.base + start as usize + (first_bit / 64) as usize;
            self.out[word] |= list.bits(index) << (first_bit % 64);
        }
        self.point_to_list(at, element, chosen.len(), start);
        Ok(())
    }

    /// Copies elements that are data, as they are.
    fn plain(&mut self, at: u32, element: ElementSize, list: ListReader<'_>) -> Outcome<()> {
        let list = list.expect(element).map_err(Failure::new)?;
        self.visit(if element == ElementSize::Void { u64::from(list.len()) } else { 1 }, 0)?;
        let words = list.words();
        let start = self.place_for(words.len() as u64)?;
        self.out.extend_from_slice(words);
        let used_bits = u64::from(list.len()) * u64::from(element.bits()) % 64;
        if let (Some(last), 1..) = (self.out.last_mut(), used_bits) {
            *last &= u64::MAX >> (64 - used_bits);
        }
        self.point_to_list(at, element, list.len(), start);
        Ok(())
    }

    fn enums(&mut self, at: u32, enumerants: u32, list: ListReader<'_>, chosen: Choice<'_>) -> Outcome<()> {
        let list = list.expect(ElementSize::TwoBytes).map_err(Failure::new)?;
        for index in 0..list.len() {
            let found = list.bits(index) as u16;
            if u32::from(found) >= enumerants {
                return Err(
                    Failure::new(CopyProblem::UnknownEnumerant { found, enumerants }).in_element(index)
                );
            }
        }
        self.data(at, ElementSize::TwoBytes, list, chosen)
    }

    fn pointers(
        &mut self,
        at: u32,
        pointee: &Pointee,
        list: ListReader<'_>,
        chosen: Choice<'_>,
        depth: u32,
    ) -> Outcome<()> {
        let list = list.expect(ElementSize::Pointer).map_err(Failure::new)?;
        self.visit(1, u64::from(list.len()))?;
        let start = self.allocate(u64::from(chosen.len()))?;
        self.point_to_list(at, ElementSize::Pointer, chosen.len(), start);
        for (to, index) in chosen.iter() {
            self.pointee(start + to, pointee, list.segment(), list.start() + index, depth + 1)
                .map_err(|failure| failure.in_element(index))?;
        }
        Ok(())
    }

    fn point_to_list(&mut self, at: u32, element: ElementSize, len: u32, start: u32) {
        self.out[self.base + at as usize] = relocated_pointer(list_pointer(element, len), at, start);
    }

    /// Copies a list of structs: all of them as wide as the widest needs, then what they lead to.
    fn structs(
        &mut self,
        at: u32,
        structure: StructIndex,
        list: ListReader<'_>,
        chosen: Choice<'_>,
        depth: u32,
    ) -> Outcome<()> {
        let list =
            list.expect(ElementSize::Composite { data_words: 0, pointer_words: 0 }).map_err(Failure::new)?;
        let plan = self.plan(structure);
        self.visit(u64::from(list.len()) + 1, list.words().len() as u64)?;
        // Of equal elements one is chosen, so those that are not make none wider.
        let widths = measure_elements(plan, list)?;
        let room = u64::from(chosen.len()) * u64::from(widths.words());
        let tag = self.place_for(room + 1)?;
        self.out.push(composite_tag(chosen.len(), widths.data, widths.pointers));
        self.out[self.base + at as usize] = relocated_pointer(composite_pointer(room as u32), at, tag);
        let is_whole = matches!(chosen, Choice::All(_)) && room == list.words().len() as u64;
        if widths.pointers == 0 && plan.is_plain && is_whole {
            self.out.extend_from_slice(list.words());
            return Ok(());
        }
        self.out.resize(self.out.len() + room as usize, 0);
        for (to, index) in chosen.iter() {
            let source = list.struct_within(index);
            self.data_section(plan, source, tag + 1 + to * widths.words(), widths);
        }
        for (to, index) in chosen.iter().filter(|_| widths.pointers > 0) {
            let (source, start) =
                (list.struct_within(index), tag + 1 + to * widths.words() + u32::from(widths.data));
            self.pointer_section(plan, source, start, widths, depth)
                .map_err(|failure| failure.in_element(index))?;
        }
        Ok(())
    }

    /// Counts `nodes` values and the words that they take in the source.
    pub(super) fn visit(&mut self, nodes: u64, words: u64) -> Outcome<()> {
        match self.visits_left.checked_sub(nodes + words) {
            Some(left) => self.visits_left = left,
            None => return Err(Failure::new(CopyProblem::TooManyVisits { limit: MAX_VISITED_WORDS })),
        }
        Ok(())
    }

    /// Room for `words` more, all zero: the first of them.
    fn allocate(&mut self, words: u64) -> Outcome<u32> {
        let start = self.place_for(words)?;
        self.out.resize(self.out.len() + words as usize, 0);
        Ok(start)
    }

    /// Where `words` more would begin.
    fn place_for(&self, words: u64) -> Outcome<u32> {
        let start = (self.out.len() - self.base) as u64;
        let end = start + words;
        if end > MAX_RECORD_WORDS {
            let problem = CopyProblem::RecordTooLarge { found: end * 8, limit: MAX_RECORD_BYTES };
            return Err(Failure::new(problem));
        }
        Ok(start as u32)
    }
}

fn width_of(source: StructReader<'_>) -> u64 {
    u64::from(source.data_words()) + u64::from(source.pointer_words())
}

fn measure_elements(plan: &StructPlan, list: ListReader<'_>) -> Outcome<Widths> {
    let mut widths = Widths::default();
    for (index, source) in elements(list) {
        plan.measure(source, &mut widths).map_err(|failure| failure.in_element(index))?;
    }
    Ok(widths)
}

/// The structs of a list that is one of structs, with their indexes.
fn elements(list: ListReader<'_>) -> impl Iterator<Item = (u32, StructReader<'_>)> {
    (0..list.len()).map(move |index| (index, list.struct_within(index)))
}
