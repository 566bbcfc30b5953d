//! Sets and maps are put in order by the canonical copy, so that equal ones have equal words.
//!
//! Whoever adds a record may state them in any order and an element more than once; what comes out does not tell. Which
//! elements stay, and in which order, is known before any of the list is laid out. One that lies in order already, as all
//! records that are carried over do, is only looked through.
//!
//! Keeps semantics 4 (two different entries under one key are refused by type, field and key) and semantics 30 (a null
//! is no element of a set, and an empty set is one).

use crate::schema::StructIndex;

use super::ListReader;
use super::canonical::Copier;
use super::copy_error::{CopyProblem, Failure, Outcome};
use super::order::{Choice, ListOrder, SortKey};
use super::plan::Elements;

impl Copier<'_, '_> {
    /// Copies a set or map, each element once and in order.
    pub(super) fn collection(
        &mut self,
        at: u32,
        elements: &Elements,
        order: &ListOrder,
        list: ListReader<'_>,
        depth: u32,
    ) -> Outcome<()> {
        let list = list.expect(elements.size()).map_err(Failure::new)?;
        if self.is_in_order(order, list)? {
            return self.list(at, elements, list, Choice::All(list.len()), depth);
        }
        let chosen = self.arrange(order, list, depth)?;
        self.list(at, elements, list, Choice::Of(&chosen), depth)
    }

    /// Whether the elements of a set or map lie in order, each once.
    fn is_in_order(&mut self, order: &ListOrder, list: ListReader<'_>) -> Outcome<bool> {
        let mut last = None;
        for index in 0..list.len() {
            let key = order.key(list, index)?;
            self.visit(0, key.words())?;
            if last.replace(key).is_some_and(|last| last >= key) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The elements of a set or map in order, each once, by their indexes.
    fn arrange(&mut self, order: &ListOrder, list: ListReader<'_>, depth: u32) -> Outcome<Vec<u32>> {
        let mut keyed = Vec::new();
        for index in 0..list.len() {
            let key = order.key(list, index)?;
            self.visit(1, key.words())?;
            keyed.push((key, index));
        }
        keyed.sort_unstable();
        if let ListOrder::Entries { entry, .. } = order {
            for equal in keyed.chunk_by(|(one, _), (other, _)| one == other).filter(|equal| equal.len() > 1) {
                self.refuse_different(*entry, list, equal, depth)?;
            }
        }
        keyed.dedup_by_key(|(key, _)| *key);
        Ok(keyed.into_iter().map(|(_, index)| index).collect())
    }

    /// Refuses entries that have one key and are not equal.
    fn refuse_different(
        &mut self,
        entry: StructIndex,
        list: ListReader<'_>,
        equal: &[(SortKey<'_>, u32)],
        depth: u32,
    ) -> Outcome<()> {
        let (key, first) = equal[0];
        let message = self.message_of(entry, list, first, depth)?;
        for (_, second) in &equal[1..] {
            if self.message_of(entry, list, *second, depth)? != message {
                let problem = CopyProblem::DuplicateKey { key: key.text(), first, second: *second };
                return Err(Failure::new(problem));
            }
        }
        Ok(())
    }

    /// The canonical message of one element of a list of structs.
    fn message_of(
        &mut self,
        structure: StructIndex,
        list: ListReader<'_>,
        index: u32,
        depth: u32,
    ) -> Outcome<Vec<u64>> {
        let mut out = vec![0];
        let mut copier = Copier { plans: self.plans, out: &mut out, base: 0, visits_left: self.visits_left };
        let copied = copier.structure(0, structure, list.struct_within(index), depth);
        self.visits_left = copier.visits_left;
        copied.map_err(|failure| failure.in_element(index))?;
        Ok(out)
    }
}
