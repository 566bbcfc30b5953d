//! What is given of each type.

use std::path::PathBuf;

use anyhow::Result;
use hollowcast::schema::Schema;

use super::Publish;
use super::typed::TypedPath;
use crate::exit::Usage;
use crate::ingest::{Format, Source};

/// What is given of one type.
#[derive(Debug)]
pub(super) struct TypeInput {
    pub(super) name: String,
    /// Key columns; none if the dataset or the schema has them, or records have no key.
    pub(super) key: Vec<String>,
    /// Files of records.
    pub(super) sources: Vec<Source>,
    /// Files of keys to remove.
    pub(super) deletes: Vec<PathBuf>,
}

impl Publish {
    /// What is given, by type in the order of first mention; `known` is the schema that there is before the files are looked at.
    pub(super) fn inputs(&self, known: Option<&Schema>) -> Result<Vec<TypeInput>> {
        let mut inputs: Vec<TypeInput> = Vec::new();
        let format = self.format.map(Format::from);
        for file in self.files.iter().chain(&self.upsert) {
            let source = Source::open(&file.path, format).map_err(hollowcast::Error::from)?;
            self.input_of(file, known, &mut inputs)?.sources.push(source);
        }
        for file in &self.delete {
            self.input_of(file, known, &mut inputs)?.deletes.push(file.path.clone());
        }
        self.refuse_idle_type()?;
        self.distribute_keys(&mut inputs)?;
        Ok(inputs)
    }

    fn given(&self) -> impl Iterator<Item = &TypedPath> {
        self.files.iter().chain(&self.upsert).chain(&self.delete)
    }

    pub(super) fn refuse_second_reader_of_standard_input(&self) -> Result<()> {
        let schema = self.schema.iter().filter(|path| path.as_os_str() == "-").count();
        if schema + self.given().filter(|file| file.is_standard_input()).count() > 1 {
            return Err(Usage("standard input can be read once: say `-` for one file only".to_owned()).into());
        }
        Ok(())
    }

    fn refuse_idle_type(&self) -> Result<()> {
        match &self.type_name {
            Some(name) if self.given().all(|file| file.type_name.is_some()) => {
                Err(Usage(format!("--type {name} is of no use: each file says its type")).into())
            }
            _ => Ok(()),
        }
    }

    fn input_of<'i>(
        &self,
        file: &TypedPath,
        known: Option<&Schema>,
        inputs: &'i mut Vec<TypeInput>,
    ) -> Result<&'i mut TypeInput> {
        let name = match &file.type_name {
            Some(name) => name.clone(),
            None => self.default_type(known)?,
        };
        let at = inputs.iter().position(|input| input.name == name).unwrap_or_else(|| {
            inputs.push(TypeInput { name, key: Vec::new(), sources: Vec::new(), deletes: Vec::new() });
            inputs.len() - 1
        });
        Ok(&mut inputs[at])
    }

    /// The type of what has none before it.
    fn default_type(&self, known: Option<&Schema>) -> Result<String> {
        match (&self.type_name, known.map(Schema::types)) {
            (Some(name), _) => Ok(name.clone()),
            (None, Some([only])) => Ok(only.name.clone()),
            (None, None) => Err(Usage(
                "the first version needs --type, such as --type Airport, or Airport=FILE".to_owned(),
            )
            .into()),
            (None, Some(types)) => {
                let names: Vec<&str> = types.iter().map(|is| is.name.as_str()).collect();
                let names = names.join(", ");
                Err(Usage(format!("there are several types, {names}: say --type, or TYPE=FILE")).into())
            }
        }
    }

    fn distribute_keys(&self, inputs: &mut [TypeInput]) -> Result<()> {
        for key in &self.key {
            let columns = key.columns.join(",");
            let input = match (&key.type_name, &mut *inputs) {
                (Some(name), inputs) => {
                    let found = inputs.iter_mut().find(|input| input.name == *name);
                    found
                        .ok_or_else(|| Usage(format!("--key {name}={columns}: no file is of type {name}")))?
                }
                (None, [only]) => only,
                (None, _) => {
                    let advice =
                        format!("--key {columns}: say of which type, such as {}={columns}", inputs[0].name);
                    return Err(Usage(advice).into());
                }
            };
            if !input.key.is_empty() && input.key != key.columns {
                let (name, first) = (&input.name, input.key.join(","));
                let advice = format!("--key {name}={first},{columns} if it has several columns");
                return Err(Usage(format!("two keys for {name}, {first} and {columns}: say {advice}")).into());
            }
            input.key.clone_from(&key.columns);
        }
        Ok(())
    }
}
