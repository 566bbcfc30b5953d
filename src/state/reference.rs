//! From records to those they reference, and back (keeps semantics 29).

use rayon::prelude::*;

use super::per_schema::PerSchema;
use super::typed::place_of;
use super::{Row, State, TableMismatch};
use crate::schema::{Schema, TypeIndex};
use crate::wire::{HeldKey, ReferencePlan, WireError};
use crate::workers;

/// A handle on a field with `$references`, which holds the key of a record of another type, or several.
///
/// Made once for a schema known at run time ([`State::reference`]); every later state whose schema only gained fields and types is followed
/// without another check. Cheap to clone, and shared freely between threads.
#[derive(Clone)]
pub struct Reference {
    type_name: String,
    path: String,
    plans: PerSchema<Plan>,
}

/// Where a reference leads from and to, and by which way, under one schema.
struct Plan {
    source: usize,
    target: usize,
    keys: ReferencePlan,
}

impl State {
    /// The reference in the field `path` of the type called `type_name`.
    ///
    /// `path` is dotted and leads through groups, structs and lists of structs: `cast.actor` holds as many keys as there are members of the
    /// cast. A field that is an optional group stands for its value.
    ///
    /// # Errors
    /// `Invalid`: there is no such type, or no such field, or it references no type of the dataset, or one that this state was filtered of.
    pub fn reference(&self, type_name: &str, path: &str) -> Result<Reference, TableMismatch> {
        let plans = PerSchema::new(self, Plan::new(self, type_name, path)?);
        Ok(Reference { type_name: type_name.to_owned(), path: path.to_owned(), plans })
    }
}

impl Reference {
    /// Name of the type whose records hold the keys.
    #[must_use]
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// The field, dotted.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Name of the type whose keys they are; `None` in a state that lacks the reference.
    #[must_use]
    pub fn target<'s>(&self, state: &'s State) -> Option<&'s str> {
        self.with(state, |plan| state.tables()[plan.target].name())
    }

    /// What the record at `row` references, in the order in which it holds the keys: one lookup each. Null references count for nothing.
    /// Nothing is allocated for a single key of up to 256 bytes; for several keys, one list of rows is.
    ///
    /// `row` is a record of the type that the reference is a field of, of this or of another state. A state that lacks the field, or one of the
    /// types, references nothing.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn follow<'s>(&self, state: &'s State, row: Row<'_>) -> Result<Followed<'s>, WireError> {
        let follow = |plan: &Plan| {
            let target = &state.tables()[plan.target];
            let (mut first, mut others) = (None, Vec::new());
            plan.keys.visit(state.schema(), row.reader(), &mut |_, key| {
                let found = target.get_bytes(key);
                match first {
                    None => first = Some(found),
                    Some(_) => others.push(found),
                }
            })?;
            Ok(Followed { first: first.into_iter(), others: others.into_iter() })
        };
        self.with(state, follow).unwrap_or_else(|| Ok(Followed::nothing()))
    }

    /// The records that hold the key with these bytes (see [`KeyPlan`](crate::wire::KeyPlan)), each once, in no promised order; also for a key
    /// that no record of the target has.
    ///
    /// Costs a scan of all records of [`Reference::type_name`], in parallel on the library's threads, while the calling thread waits.
    ///
    /// # Errors
    /// A record cannot be read.
    pub fn referring<'s>(
        &self,
        state: &'s State,
        key: &[u8],
    ) -> Result<impl Iterator<Item = Row<'s>> + use<'s>, WireError> {
        let scan = |plan: &Plan| {
            let holds = |row: Row<'s>| {
                let mut found = false;
                let read = plan.keys.visit(state.schema(), row.reader(), &mut |_, held| found |= held == key);
                read.map(|()| found.then_some(row)).transpose()
            };
            let rows = state.tables()[plan.source].par_rows();
            workers::work(|| rows.filter_map(holds).collect::<Result<Vec<_>, _>>())
        };
        Ok(self.with(state, scan).transpose()?.unwrap_or_default().into_iter())
    }

    /// Whether the states of this schema have the reference.
    ///
    /// # Errors
    /// Why not: the schema broke with the one that the handle was made for.
    pub fn check(&self, state: &State) -> Result<(), TableMismatch> {
        Plan::new(state, &self.type_name, &self.path).map(|_| ())
    }

    fn with<R>(&self, state: &State, read: impl FnOnce(&Plan) -> R) -> Option<R> {
        self.plans.with(state, |state| Plan::new(state, &self.type_name, &self.path).ok(), read)
    }
}

impl Plan {
    fn new(state: &State, type_name: &str, path: &str) -> Result<Self, TableMismatch> {
        let schema = state.schema();
        let index = schema
            .find_type(type_name)
            .ok_or_else(|| TableMismatch::NoSuchType { type_name: type_name.to_owned() })?;
        let keys = ReferencePlan::at(schema, index, path).ok_or_else(|| TableMismatch::NoReference {
            type_name: type_name.to_owned(),
            path: path.to_owned(),
            known: known(schema, index),
        })?;
        let target = &schema.record_type(keys.held()[0].target).name;
        Ok(Self { source: place_of(type_name, state)?, target: place_of(target, state)?, keys })
    }
}

/// The reference fields that records of a type have.
fn known(schema: &Schema, index: TypeIndex) -> Vec<String> {
    ReferencePlan::all(schema, index).held().iter().map(|held: &HeldKey| held.name.to_string()).collect()
}

/// What a record references: for each key that it holds the record that has it, or `None` where there is none: a dangling reference.
#[derive(Clone, Debug)]
pub struct Followed<'s> {
    first: std::option::IntoIter<Option<Row<'s>>>,
    others: std::vec::IntoIter<Option<Row<'s>>>,
}

impl Followed<'_> {
    fn nothing() -> Self {
        Self { first: None.into_iter(), others: Vec::new().into_iter() }
    }
}

impl<'s> Iterator for Followed<'s> {
    type Item = Option<Row<'s>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.first.next().or_else(|| self.others.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.first.len() + self.others.len();
        (left, Some(left))
    }
}

impl ExactSizeIterator for Followed<'_> {}
