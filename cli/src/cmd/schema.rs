//! `schema`: what records look like.

use anyhow::Result;
use clap::Args;

use crate::arguments::Common;
use crate::dataset_url::DatasetUrl;
use crate::exit;
use crate::output::print;
use crate::session::Session;

/// Print the dataset's schema as Cap'n Proto text
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  hollowcast schema ./data/airports > airport.capnp
  hollowcast schema ./data/airports --compiled | capnpc-rust")]
pub struct SchemaVerb {
    /// The dataset
    url: DatasetUrl,
    /// The version, if not the newest
    #[arg(long)]
    version: Option<u64>,
    /// Print it compiled: the message that `capnp compile -o-` gives
    #[arg(long)]
    compiled: bool,
}

impl SchemaVerb {
    /// Prints the schema.
    pub async fn run(&self, common: &Common) -> Result<u8> {
        let session = Session::open(&self.url, common)?.without_records();
        let loaded = session.load(self.version).await?;
        let schema = loaded.state.schema();
        if self.compiled {
            print(&schema.to_code_generator_request())?;
        } else {
            print(schema.to_text().as_bytes())?;
        }
        Ok(exit::DONE)
    }
}
