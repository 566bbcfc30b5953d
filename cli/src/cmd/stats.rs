//! `stats`: how much there is and where the bytes go.

use anyhow::Result;
use clap::Args;
use hollowcast::tools::TypeStats;
use serde_json::{Value, json};

use crate::arguments::Common;
use crate::dataset_url::DatasetUrl;
use crate::exit;
use crate::output::{bytes, print, print_json, print_table};
use crate::session::Session;

/// Print records, sizes, bytes a record and the share of each field
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  hollowcast stats ./data/airports")]
pub struct Stats {
    /// The dataset
    url: DatasetUrl,
    /// The version, if not the newest
    #[arg(long)]
    version: Option<u64>,
}

impl Stats {
    /// Prints the figures.
    pub async fn run(&self, common: &Common) -> Result<u8> {
        let session = Session::open(&self.url, common)?;
        let loaded = session.load(self.version).await?;
        let state = &loaded.state;
        let stats = TypeStats::of_state(state).map_err(hollowcast::Error::from)?;
        if common.json {
            let types: Vec<Value> = stats.iter().map(json_of).collect();
            print_json(&json!({"version": state.version().0, "types": types}))?;
        } else {
            for part in &stats {
                print_type(part)?;
            }
        }
        Ok(exit::DONE)
    }
}

fn json_of(part: &TypeStats) -> Value {
    let fields: Vec<Value> = part
        .fields
        .iter()
        .map(|field| json!({"field": field.name, "bytes": field.bytes, "distinct": field.distinct}))
        .collect();
    json!({
        "type": part.name,
        "records": part.records,
        "bytes": {"rows": part.rows_bytes, "keys": part.keys_bytes, "overlay": part.overlay_bytes},
        "bytes_a_record": part.bytes_a_record(),
        "shards": part.shards,
        "overlay_sections": part.overlay_sections,
        "fields": fields,
    })
}

fn print_type(part: &TypeStats) -> Result<()> {
    let line = format!(
        "{}: {} records, {:.1} bytes a record; rows {} in {} shards, keys {}, overlay {} in {} sections\n",
        part.name,
        part.records,
        part.bytes_a_record(),
        bytes(part.rows_bytes),
        part.shards,
        bytes(part.keys_bytes),
        bytes(part.overlay_bytes),
        part.overlay_sections,
    );
    print(line.as_bytes())?;
    let total: u64 = part.fields.iter().map(|field| field.bytes).sum();
    let rows = part.fields.iter().map(|field| {
        let share = 100.0 * field.bytes as f64 / total.max(1) as f64;
        let distinct = field.distinct.map_or_else(String::new, |count| count.to_string());
        vec![field.name.clone(), bytes(field.bytes), format!("{share:.1} %"), distinct]
    });
    print_table(&["FIELD", "BYTES", "SHARE", "DISTINCT"], &[1, 2, 3], rows.collect())
}
