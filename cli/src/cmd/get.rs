//! `get`: records by key.

use anyhow::Result;
use clap::Args;
use hollowcast::tools::json::JsonPrinter;

use super::fields::record_json;
use crate::arguments::Common;
use crate::dataset_url::DatasetUrl;
use crate::exit;
use crate::ingest::KeyParser;
use crate::output::print_json;
use crate::session::{Session, table_of};

/// Print records by key, as JSON lines
///
/// A key that is not there goes to standard error, and the exit status is 4.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  hollowcast get ./data/airports EDDF KJFK
  hollowcast get ./data/cities '3039154,\"Ehl, Tarter\"' --type City --version 3")]
pub struct Get {
    /// The dataset
    url: DatasetUrl,
    /// Keys; a composite key is one CSV row
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<String>,
    /// The type, if the dataset has several
    #[arg(long = "type", value_name = "TYPE")]
    type_name: Option<String>,
    /// The version, if not the newest
    #[arg(long)]
    version: Option<u64>,
}

impl Get {
    /// Prints the records.
    pub async fn run(&self, common: &Common) -> Result<u8> {
        let session = Session::open(&self.url, common)?.of_type(self.type_name.as_deref());
        let loaded = session.load(self.version).await?;
        let state = &loaded.state;
        let table = table_of(state, self.type_name.as_deref())?;
        let schema = state.schema();
        let index = schema.find_type(table.name()).expect("a table is of a type of its schema");
        let parser = KeyParser::new(schema, index).map_err(hollowcast::Error::from)?;
        let printer = JsonPrinter::new(schema);
        let mut code = exit::DONE;
        for key in &self.keys {
            let Some(row) = table.get_bytes(&parser.parse(key).map_err(hollowcast::Error::from)?) else {
                eprintln!("not found: {key}");
                code = exit::NOT_FOUND;
                continue;
            };
            print_json(&record_json(schema, &printer, table.name(), row)?)?;
        }
        Ok(code)
    }
}
