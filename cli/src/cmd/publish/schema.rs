//! The schema of the next version: the dataset's, with what a schema file or the files themselves add.

use anyhow::Result;
use hollowcast::progress::Progress;
use hollowcast::schema::infer::{Inference, ObjectShape, Observed, conform, infer};
use hollowcast::schema::{BreakReason, Compatibility, Schema};

use super::inputs::TypeInput;
use super::{Publish, reading};
use crate::exit::{self, Usage};
use crate::ingest::{Format, Source, observe};

/// The schema that a dataset goes on with when one is given; it takes the place of one that it breaks with if that is accepted.
pub(super) fn together(
    stored: Option<Schema>,
    given: Schema,
    accept_break: bool,
) -> Result<Schema, SchemaBreak> {
    let Some(stored) = stored else { return Ok(given) };
    match stored.compatibility(&given) {
        Compatibility::Same => Ok(stored),
        Compatibility::Extends(both) => Ok(both),
        Compatibility::Break(_) if accept_break => Ok(given),
        Compatibility::Break(reasons) => Err(SchemaBreak { reasons }),
    }
}

impl Publish {
    /// The known schema, extended by what the files have besides; one that was given is not extended. Files that do not fit it are looked at by
    /// themselves if a break is accepted: only the keys of the known schema stay.
    pub(super) fn schema_for(
        &self,
        inputs: &[TypeInput],
        known: Option<Schema>,
        progress: &dyn Progress,
    ) -> Result<Schema> {
        let extended = self.extended(inputs, known.clone(), known.as_ref(), progress);
        match extended {
            Err(error) if self.may_break() && exit::code_of(&error) == exit::INVALID => {
                eprintln!("{error}\na break is accepted: the files alone say what the schema is");
                self.extended(inputs, None, known.as_ref(), progress)
            }
            schema => schema,
        }
    }

    /// Whether what the files say may take the schema's place.
    fn may_break(&self) -> bool {
        self.accept_break && self.schema.is_none()
    }

    /// `schema`, extended by what the files have besides; types without a key of their own have that of `known`.
    fn extended(
        &self,
        inputs: &[TypeInput],
        mut schema: Option<Schema>,
        known: Option<&Schema>,
        progress: &dyn Progress,
    ) -> Result<Schema> {
        let mut has_new_type = false;
        let bytes_read = reading("looking at the files", inputs, progress)?;
        for input in inputs.iter().filter(|input| !input.sources.is_empty()) {
            let records = observe(&input.sources, &bytes_read).map_err(hollowcast::Error::from)?;
            let is_new = schema.as_ref().is_none_or(|known| known.find_type(&input.name).is_none());
            if let (Some(given), true) = (&schema, self.schema.is_some()) {
                self.conform(input, &records, given)?;
            } else if is_new || !records.members().is_empty() {
                let inference = self.infer(input, &records, schema.as_ref(), known)?;
                has_new_type |= is_new;
                schema = Some(inference.schema);
            }
        }
        match schema {
            Some(schema) if has_new_type => {
                eprint!("inferred schema:\n{}", schema.to_text());
                Ok(schema)
            }
            Some(schema) => Ok(schema),
            None => Err(Usage("there is no version yet to delete from".to_owned()).into()),
        }
    }

    fn conform(&self, input: &TypeInput, records: &ObjectShape, schema: &Schema) -> Result<()> {
        let files = names(input);
        let observed = Observed { type_name: &input.name, key: &input.key, records, files: &files };
        let missing = conform(&observed, schema).map_err(hollowcast::Error::from)?;
        // A file without a record lacks nothing.
        if records.members().is_empty() { Ok(()) } else { self.refuse_missing(input, &missing) }
    }

    fn infer(
        &self,
        input: &TypeInput,
        records: &ObjectShape,
        schema: Option<&Schema>,
        known: Option<&Schema>,
    ) -> Result<Inference> {
        let (files, key) = (names(input), input.key_within(known));
        let observed = Observed { type_name: &input.name, key: &key, records, files: &files };
        let inference = infer(&observed, schema).map_err(hollowcast::Error::from)?;
        self.refuse_missing(input, &inference.missing_columns)?;
        for column in &inference.new_columns {
            eprintln!("new column {column} of {} becomes a field", input.name);
        }
        for column in &inference.waiting_columns {
            eprintln!(
                "column {column} of {} has no value yet: it becomes a field when it has one",
                input.name
            );
        }
        Ok(inference)
    }

    fn refuse_missing(&self, input: &TypeInput, missing: &[String]) -> Result<()> {
        let may_lack = self.allow_missing || (!self.upsert.is_empty() && !input.names_columns());
        if missing.is_empty() || may_lack {
            return Ok(());
        }
        let (type_name, columns) = (input.name.clone(), missing.join(", "));
        Err(hollowcast::Error::from(MissingColumns { type_name, columns }).into())
    }
}

impl TypeInput {
    /// The key columns that were given, or those that the type has in `known`.
    fn key_within(&self, known: Option<&Schema>) -> Vec<String> {
        let known = known.and_then(|known| Some(known.key_names(known.find_type(&self.name)?)));
        known.filter(|_| self.key.is_empty()).unwrap_or_else(|| self.key.clone())
    }

    /// Whether a file says for all of its records which columns they have. In one of a few changed lines of JSON, columns without a value are
    /// just not there.
    fn names_columns(&self) -> bool {
        self.sources.iter().any(|source| source.format() == Format::Csv)
    }
}

fn names(input: &TypeInput) -> Vec<String> {
    input.sources.iter().map(Source::name).map(str::to_owned).collect()
}

/// Files without columns that their type has.
#[derive(Debug, thiserror::Error)]
#[error("the files of {type_name} lack columns that it has: {columns}; add them, or say --allow-missing")]
struct MissingColumns {
    type_name: String,
    columns: String,
}

impl hollowcast::error::Classify for MissingColumns {
    fn kind(&self) -> hollowcast::ErrorKind {
        hollowcast::ErrorKind::Invalid
    }
}

/// A schema that the dataset cannot go on with.
#[derive(Debug, thiserror::Error)]
#[error("the schema breaks with the dataset's, so nothing is published; --accept-break puts it in that one's place:{}", lines(.reasons))]
pub(super) struct SchemaBreak {
    reasons: Vec<BreakReason>,
}

impl hollowcast::error::Classify for SchemaBreak {
    fn kind(&self) -> hollowcast::ErrorKind {
        hollowcast::ErrorKind::Invalid
    }
}

fn lines(reasons: &[BreakReason]) -> String {
    reasons.iter().map(|reason| format!("\n  {reason}")).collect()
}
