//! `watch`: follow a dataset as a consumer.

use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use hollowcast::ErrorKind;
use hollowcast::announce::PollOptions;
use hollowcast::consumer::{Consumer, ConsumerError, Memory, Refresh, RefreshListener, RefreshRoute, Wait};
use hollowcast::error::Classify;
use hollowcast::store::{StoreError, existing_local};
use object_store::ObjectStore;
use serde_json::json;
use tokio::sync::oneshot;

use super::holds::{by_whom, hold_json, reason_name};
use crate::arguments::Common;
use crate::dataset_url::DatasetUrl;
use crate::exit;
use crate::output::{bytes, json_line, print_to_reader};
use crate::session::memory;

/// Follow a dataset: one line a refresh
///
/// Each line says the version, the route taken (delta, reverse delta, snapshot, or kept state where the version was still in memory), the bytes fetched and the time it took.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  hollowcast watch ./data/airports
  hollowcast watch ./data/airports --poll 1s --json
  hollowcast watch ./data/airports --until 6
  hollowcast watch ./data/shop --type Product --type Price")]
pub struct Watch {
    /// The dataset; it need not be there yet
    url: DatasetUrl,
    /// How often the store is looked at
    #[arg(long, default_value = "2s", value_parser = humantime::parse_duration)]
    poll: Duration,
    /// Follow only this type; may be given several times
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// End when this version is reached
    #[arg(long, value_name = "VERSION")]
    until: Option<u64>,
    /// Keep the data on this process's own heap, not in the state directory
    #[arg(long)]
    heap: bool,
}

impl Watch {
    /// Follows until interrupted.
    pub async fn run(&self, common: &Common) -> Result<u8> {
        let memory = if self.heap { Memory::Heap } else { memory(common) };
        let poll = PollOptions { interval: self.poll, unprompted: self.poll.max(Duration::from_secs(5)) };
        let (reached, mut versions) = tokio::sync::watch::channel(0);
        let (end, ended) = oneshot::channel();
        let end = Mutex::new(Some(end));
        let printer = Arc::new(Printer { json: common.json, reached, waiting: Once::new(), end });
        let consumer = async {
            let store = self.store().await?;
            let builder = Consumer::builder(self.url.name.clone(), store).memory(memory).poll(poll);
            let builder = if self.types.is_empty() { builder } else { builder.types(&self.types) };
            builder.wait(Wait::Forever).listener(printer).start().await
        };
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        let _consumer = tokio::select! {
            consumer = consumer => consumer?,
            _ = &mut interrupted => return Ok(exit::DONE),
        };
        let until = self.until.unwrap_or(u64::MAX);
        tokio::select! {
            // First: what could not be written is an error also if it was the last line.
            biased;
            Ok(written) = ended => written?,
            _ = versions.wait_for(|version| *version >= until) => {}
            _ = &mut interrupted => {}
        }
        Ok(exit::DONE)
    }

    /// The store, once its folder is there.
    async fn store(&self) -> Result<Arc<dyn ObjectStore>, StoreError> {
        let mut is_told = false;
        loop {
            match existing_local(&self.url.folder) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    if !std::mem::replace(&mut is_told, true) {
                        eprintln!("waiting: {error}");
                    }
                    tokio::time::sleep(self.poll).await;
                }
                store => return store,
            }
        }
    }
}

struct Printer {
    json: bool,
    reached: tokio::sync::watch::Sender<u64>,
    /// That there is no version yet is said once.
    waiting: Once,
    /// Ends the program, once: nobody reads any more, or nothing can be written.
    end: Mutex<Option<oneshot::Sender<Result<()>>>>,
}

impl Printer {
    fn print(&self, refresh: &Refresh) {
        let Some(route) = refresh.route else { return };
        let printed = match self.line(refresh, route).and_then(|line| print_to_reader(&line)) {
            Ok(true) => return,
            printed => printed.map(|_| ()),
        };
        if let Some(end) = self.end.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = end.send(printed);
        }
    }

    fn line(&self, refresh: &Refresh, route: RefreshRoute) -> Result<Vec<u8>> {
        let elapsed_ms = refresh.elapsed.as_secs_f64() * 1e3;
        if self.json {
            return json_line(&json!({
                "from": refresh.from.0,
                "version": refresh.to.0,
                "route": route.name(),
                "blobs": refresh.blobs,
                "bytes": refresh.fetched_bytes,
                "records": refresh.records,
                "hold": refresh.hold.as_ref().map(hold_json),
                "elapsed_ms": elapsed_ms,
            }));
        }
        let hold = refresh.hold.as_ref();
        let hold = hold.map(|hold| format!("; {} {}", reason_name(hold.reason), by_whom(hold)));
        let line = format!(
            "version {} by {route}, {} fetched, {} records, {elapsed_ms:.1} ms{}\n",
            refresh.to,
            bytes(refresh.fetched_bytes),
            refresh.records,
            hold.unwrap_or_default(),
        );
        Ok(line.into_bytes())
    }
}

impl RefreshListener for Printer {
    fn refreshed(&self, refresh: &Refresh) {
        for refused in &refresh.refused {
            eprintln!("refused the route by {}: {}", refused.route, refused.reason);
        }
        self.print(refresh);
        self.reached.send_replace(refresh.to.0);
    }

    fn failed(&self, error: &hollowcast::Error) {
        // What fails because the program ends is nobody's concern.
        if self.reached.is_closed() {
            return;
        }
        match error.downcast_ref() {
            Some(ConsumerError::NothingAnnounced { .. }) => {
                self.waiting.call_once(|| eprintln!("waiting: {error}"));
            }
            // Before the first version there is nothing to stay at: what does not pass ends the program, which says so.
            _ if *self.reached.borrow() == 0 && !may_pass(error) => {}
            _ => eprintln!("staying: {error}"),
        }
    }
}

fn may_pass(error: &hollowcast::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Unavailable)
}
