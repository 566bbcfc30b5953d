//! When a table is due for a rebase.

use std::sync::Arc;

use crate::state::{State, Table};

/// How far a type's changes may grow over its base before a consumer puts it on another one.
///
/// They bound what lookups, scans and starts go through besides a base, and what is written for that; there is hardly ever a reason for others
/// than the defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RebaseThresholds {
    /// A base is written anew when more than one in so many records differ from it. 8: a record is rewritten eight times for each change at
    /// most, and at most one lookup in eight has to ask the overlay.
    pub base_share: u64,
    /// Unless fewer records than this differ from it. 65,536: below, the overlay fits a processor's cache, and a base is not worth its files.
    pub base_records: u64,
    /// Changes are gathered in one section when so many sections are held. 64: each is an open file, a mapping, and a part of every scan.
    pub sections: usize,
    /// They are gathered as well after so many steps, held or not. 256: a start applies them one by one, and each keeps its files open where there is a
    /// state directory, as a restart needs them.
    pub steps: usize,
    /// Where there is a state directory, those tables that have most are gathered when the steps of all types hold so many files open. 512: half of
    /// what a process that cannot raise its limit may usually have.
    pub files: usize,
}

/// A table whose steps hold fewer files open is not gathered for their sake: each time writes all that differs from its base.
const FEW_FILES: usize = 8;

impl Default for RebaseThresholds {
    fn default() -> Self {
        Self { base_share: 8, base_records: 1 << 16, sections: 64, steps: 256, files: 512 }
    }
}

/// What a rebase writes for a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// All its records, as a base.
    Base,
    /// What differs from its base, as one step.
    Changes,
    /// Nothing but the levels that find it.
    Levels,
}

impl State {
    /// Whether any table is due for a rebase. Costs a look at each section that is held.
    pub(crate) fn is_rebase_due(&self, thresholds: &RebaseThresholds) -> bool {
        self.due(thresholds).next().is_some()
    }

    /// The tables for which something is due.
    pub(super) fn due(&self, thresholds: &RebaseThresholds) -> impl Iterator<Item = (&Arc<Table>, Due)> {
        let files = self.files_of_a_table(thresholds.files.max(1));
        self.tables().iter().filter_map(move |table| Some((table, table.due(thresholds, files)?)))
    }

    /// From how many files on a table is to be gathered: the average of those that have any, once all tables together have `most`.
    fn files_of_a_table(&self, most: usize) -> usize {
        let files = self.tables().iter().map(|table| table.files_to_gather()).filter(|files| *files > 0);
        let (tables, total) = files.fold((0, 0), |(tables, total), files| (tables + 1, total + files));
        if total < most { usize::MAX } else { FEW_FILES.max(total / tables) }
    }
}

impl Table {
    /// What is due for this table, if anything; changes are gathered from `files` open files on as well.
    fn due(&self, thresholds: &RebaseThresholds, files: usize) -> Option<Due> {
        let outweighs = self.different().saturating_mul(thresholds.base_share) > self.count;
        if outweighs && self.different() > thresholds.base_records {
            return Some(Due::Base);
        }
        // The first step counts as one, however many parts it has: it may be what a rebase gathered.
        let first = self.applied.first().map_or(0, |step| step.sections.len());
        let sections = (self.overlay.held().count() + 1).saturating_sub(first);
        let is_long = sections >= thresholds.sections.max(2)
            || self.applied.len() >= thresholds.steps.max(2)
            || self.files_to_gather() >= files;
        match is_long {
            true if outweighs => Some(Due::Base),
            true => Some(Due::Changes),
            false => self.overlay.is_merge_due().then_some(Due::Levels),
        }
    }

    /// Files that the steps hold open after the first, which may be what a rebase gathered.
    fn files_to_gather(&self) -> usize {
        self.applied.iter().skip(1).map(|step| step.files()).sum()
    }

    /// Records that differ from the base: those the overlay holds, or, where more went than came, rows of the base that are dead.
    fn different(&self) -> u64 {
        let held = self.overlay.live_rows();
        held.max((self.base.records() + held).saturating_sub(self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::table::AppliedStep;
    use crate::state::testing::{Items, base_of, step};

    const SMALL: RebaseThresholds =
        RebaseThresholds { base_share: 8, base_records: 4, sections: 3, steps: 5, files: 100 };

    fn due(state: &State) -> Option<Due> {
        let due = state.due(&SMALL).next().map(|(_, due)| due);
        assert_eq!(state.is_rebase_due(&SMALL), due.is_some());
        due
    }

    /// A base of the ids below `records`, all of value 0.
    fn zeros(records: u64) -> (Items, State) {
        let items: Items = (0..records).map(|id| (id, 0)).collect();
        (items.clone(), base_of(&items))
    }

    fn changed(items: &Items, state: &State, change: impl FnOnce(&mut Items)) -> (Items, State) {
        let mut next = items.clone();
        change(&mut next);
        let state = step(state, items, &next);
        (next, state)
    }

    #[test]
    fn a_base_is_due_beyond_a_share_of_the_records_and_a_number_of_them() {
        let (items, state) = zeros(48);
        let update = |count: u64| {
            let change = |items: &mut Items| items.extend((0..count).map(|id| (id, 1)));
            due(&changed(&items, &state, change).1)
        };
        assert_eq!([update(1), update(6), update(7)], [None, None, Some(Due::Base)]);
        let (items, state) = zeros(16);
        let update = |count: u64| {
            let change = |items: &mut Items| items.extend((0..count).map(|id| (id, 1)));
            due(&changed(&items, &state, change).1)
        };
        assert_eq!(
            [update(3), update(4), update(5)],
            [None, None, Some(Due::Base)],
            "4 records are no reason"
        );
    }

    #[test]
    fn records_that_went_count_as_those_that_came() {
        let (items, state) = zeros(48);
        let remove = |count: u64| due(&changed(&items, &state, |items| items.retain(|id, _| *id >= count)).1);
        assert_eq!([remove(5), remove(6)], [None, Some(Due::Base)], "6 of the 42 that are left");
        let add = |count: u64| {
            let change = |items: &mut Items| items.extend((100..100 + count).map(|id| (id, 1)));
            due(&changed(&items, &state, change).1)
        };
        assert_eq!([add(6), add(7)], [None, Some(Due::Base)], "7 of 55");
    }

    #[test]
    fn many_sections_are_gathered_and_a_small_base_is_written_anew() {
        let changes = |records: u64, steps: u64| {
            let (mut items, mut state) = zeros(records);
            for id in 0..steps {
                (items, state) = changed(&items, &state, |items| items.extend([(id, 1)]));
            }
            due(&state)
        };
        assert_eq!([changes(100, 2), changes(100, 3)], [None, Some(Due::Changes)]);
        assert_eq!(changes(10, 3), Some(Due::Base), "3 of 10 are worth a base of 10");
    }

    /// One record that changes for ever leaves one section, and a step each time.
    #[test]
    fn many_steps_are_gathered_even_if_they_left_nothing() {
        let (mut items, mut state) = zeros(100);
        for value in 1..=5 {
            assert_eq!(due(&state), None);
            (items, state) = changed(&items, &state, |items| items.extend([(7, value)]));
            assert_eq!(state.tables()[0].overlay.held().count(), 1);
        }
        assert_eq!(due(&state), Some(Due::Changes));
    }

    #[test]
    fn parts_of_the_first_step_are_not_gathered_again() {
        let (items, state) = zeros(100);
        let (_, state) = changed(&items, &state, |items| items.extend([(7, 1)]));
        let mut table = Table::clone(&state.tables()[0]);
        let step = &table.applied[0];
        let sections = vec![step.sections[0]; 9];
        let mut parts = AppliedStep::new((step.from, step.to), step.fingerprint, Vec::new());
        parts.sections = sections;
        table.applied = vec![Arc::new(parts)];
        assert_eq!(table.due(&RebaseThresholds { sections: 2, ..SMALL }, usize::MAX), None);
    }

    #[test]
    fn a_fresh_state_is_never_due() {
        let greedy =
            RebaseThresholds { base_share: u64::MAX, base_records: 0, sections: 0, steps: 0, files: 0 };
        assert!(!zeros(0).1.is_rebase_due(&greedy));
        assert!(!zeros(100).1.is_rebase_due(&greedy));
    }
}
