//! `retain`: old versions are given up.

use anyhow::Result;
use clap::Args;
use hollowcast::retention::{Retained, Retention, RetentionPolicy};
use serde_json::{Value, json};

use crate::arguments::Common;
use crate::dataset_url::DatasetUrl;
use crate::exit;
use crate::output::{bytes, counted, print, print_json};
use crate::progress::bars;
use crate::session::dataset_store;

/// Give old versions up, and delete what nothing needs any more
///
/// A version stays while its number or its age keeps it, and while consumers are told to be at it or need it on their way; so do the
/// versions back to the snapshot before. What failed publications left goes as well. Safe to run anywhere, at any time, beside everything
/// else.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  hollowcast retain ./data/airports --dry-run
  hollowcast retain ./data/airports --keep 20 --max-age 7d")]
pub struct Retain {
    /// The dataset
    url: DatasetUrl,
    /// How many versions to keep, counted from where consumers shall be
    #[arg(long, value_name = "VERSIONS", default_value_t = RetentionPolicy::default().versions, value_parser = clap::value_parser!(u64).range(1..))]
    keep: u64,
    /// How long to keep a version that was the newest
    #[arg(long, value_name = "TIME", default_value_t = RetentionPolicy::default().max_age.into())]
    max_age: humantime::Duration,
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
}

impl Retain {
    /// Raises the floor and deletes.
    pub async fn run(&self, common: &Common) -> Result<u8> {
        let policy = RetentionPolicy { versions: self.keep, max_age: self.max_age.into() };
        let writer = format!("hollowcast retain, process {}", std::process::id());
        let mut retention = Retention::new(dataset_store(&self.url)?, writer, policy);
        let retained = if self.dry_run { retention.plan().await? } else { retention.run(&*bars()).await? };
        if retained.wanted > retained.oldest {
            eprintln!(
                "versions before {} stay because the snapshot that it is built on is that of version {}",
                retained.wanted, retained.oldest
            );
        }
        if common.json {
            print_json(&self.json(&retained))?;
        } else {
            print(self.words(&retained).as_bytes())?;
        }
        Ok(exit::DONE)
    }

    fn json(&self, retained: &Retained) -> Value {
        json!({
            "dry_run": self.dry_run,
            "wanted": retained.wanted.0,
            "oldest": retained.oldest.0,
            "newest": retained.latest.0,
            "bytes": retained.bytes(),
            "objects": retained.objects.iter().map(|object| object.name.to_string()).collect::<Vec<_>>(),
        })
    }

    fn words(&self, retained: &Retained) -> String {
        let mut words = String::new();
        if self.dry_run {
            retained.objects.iter().for_each(|object| {
                words += &format!("{:>12}  {}\n", bytes(object.bytes), object.name);
            });
        }
        words += &match retained.latest.is_none() {
            true => "no version yet; ".to_owned(),
            false => format!("versions {} to {} are kept; ", retained.oldest, retained.latest),
        };
        let objects = counted(retained.objects.len() as u64, "object", "objects");
        words += &match (retained.objects.is_empty(), self.dry_run) {
            (true, _) => "nothing to delete\n".to_owned(),
            (false, true) => format!("{objects} would go, {}\n", bytes(retained.bytes())),
            (false, false) => format!("{objects} deleted, {}\n", bytes(retained.bytes())),
        };
        words
    }
}
