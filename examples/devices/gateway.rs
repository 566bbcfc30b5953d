//! A gateway: a consumer, and a thread that takes messages from devices.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use object_store::ObjectStore;

use hollowcast::announce::InProcessBus;
use hollowcast::collections::MapView;
use hollowcast::consumer::{Consumer, Memory};
use hollowcast::environment::{Random, SeededRandom};
use hollowcast::identifiers::Version;
use hollowcast::state::{State, TypedReference, TypedTable};

use super::generated::devices_capnp::{device, firmware, setting};
use super::registry::{DEFAULT_TOPIC, Name, name, token};
use super::{DATASET, PATIENCE};

/// Numbers from here on are never registered.
const STRANGERS: u64 = 1 << 40;
/// Messages that are answered from one state.
const BATCH: u32 = 256;

pub(crate) struct Gateway {
    consumer: Arc<Consumer>,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Result<Traffic>>,
}

impl Gateway {
    /// Follows the dataset as a part of `ring`, and takes messages of the first `devices`.
    pub(crate) async fn start(
        store: Arc<dyn ObjectStore>,
        memory: Memory,
        bus: &InProcessBus,
        ring: &str,
        devices: u64,
    ) -> Result<Self> {
        let consumer = Consumer::builder(DATASET, store).memory(memory).ring(ring);
        let consumer = Arc::new(consumer.watcher(bus.watcher(DATASET)).start().await?);
        let desk = Desk { devices: consumer.table()?, firmware: consumer.reference("firmware")? };
        let is_over = Arc::new(AtomicBool::new(false));
        let (reader, end) = (Arc::clone(&consumer), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || take_messages(&reader, &desk, &end, devices));
        Ok(Self { consumer, is_over, thread })
    }

    pub(crate) fn consumer(&self) -> &Consumer {
        &self.consumer
    }

    /// Waits until this gateway is at `version`; it gets there by itself.
    pub(crate) async fn reach(&self, version: Version) -> Result<()> {
        let begun = Instant::now();
        while self.consumer.read().version() != version {
            let found = self.consumer.read().version();
            ensure!(begun.elapsed() < PATIENCE, "a gateway is at version {found}, expected {version}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// Ends its thread.
    pub(crate) fn stop(self) -> Result<Traffic> {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("a gateway panicked"))?
    }
}

fn take_messages(consumer: &Consumer, desk: &Desk, is_over: &AtomicBool, devices: u64) -> Result<Traffic> {
    let (random, begun) = (SeededRandom::new(devices), Instant::now());
    let mut traffic = Traffic::default();
    while !is_over.load(Ordering::Relaxed) {
        // One state for the whole batch; a refresh meanwhile changes nothing about it.
        let state = consumer.read();
        for _ in 0..BATCH {
            let message = Message::made(random.next_u64(), devices);
            let answer = desk.answer(&state, &message)?;
            traffic.note(&message, &answer);
        }
    }
    traffic.per_second = traffic.messages as f64 / begun.elapsed().as_secs_f64();
    Ok(traffic)
}

/// What a device, or somebody who says to be one, sends.
struct Message {
    from: Name,
    token: u64,
    sender: Sender,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sender {
    Honest,
    Stranger,
    Forger,
}

impl Message {
    /// Of a hundred messages two are from strangers, and one has a wrong token.
    fn made(random: u64, devices: u64) -> Self {
        let number = (random >> 8) % devices;
        let (number, token, sender) = match random % 100 {
            0 | 1 => (number + STRANGERS, 0, Sender::Stranger),
            2 => (number, !token(number), Sender::Forger),
            _ => (number, token(number), Sender::Honest),
        };
        Self { from: name(number), token, sender }
    }
}

/// What a gateway makes of a message.
enum Answer<'s> {
    /// It goes to this topic; the device shall run this build.
    Routed {
        topic: &'s str,
        build: &'s str,
    },
    Unknown,
    Forged,
}

/// Handles that are checked against the schema once and serve every later state.
struct Desk {
    devices: TypedTable<device::Owned, (u32, Vec<u8>)>,
    firmware: TypedReference<device::Owned, firmware::Owned, String>,
}

impl Desk {
    fn answer<'s>(&self, state: &'s State, message: &Message) -> Result<Answer<'s>> {
        let (tenant, serial) = &message.from;
        let Some(device) = self.devices.get(state, (*tenant, serial)) else { return Ok(Answer::Unknown) };
        if device.get_token() != message.token {
            return Ok(Answer::Forged);
        }
        let settings = MapView::new(device.get_settings()?, setting::Reader::get_name);
        let topic = match settings.get("topic")? {
            Some(topic) => topic.get_value()?.to_str()?,
            None => DEFAULT_TOPIC,
        };
        let firmware = self.firmware.follow(state, device.get_firmware()?.to_str()?);
        let firmware = firmware.ok_or_else(|| anyhow!("{:?} shall run what there is not", message.from))?;
        Ok(Answer::Routed { topic, build: firmware.get_build()?.to_str()? })
    }
}

/// What came of messages.
#[derive(Default)]
pub(crate) struct Traffic {
    messages: u64,
    per_second: f64,
    unknown: u64,
    forged: u64,
    topics: BTreeMap<String, u64>,
    builds: BTreeMap<String, u64>,
    /// Messages that were answered otherwise than they should have been.
    wrong: u64,
}

impl Traffic {
    fn note(&mut self, message: &Message, answer: &Answer<'_>) {
        self.messages += 1;
        let found = match answer {
            Answer::Routed { topic, build } => {
                count(&mut self.topics, topic, 1);
                count(&mut self.builds, build, 1);
                Sender::Honest
            }
            Answer::Unknown => {
                self.unknown += 1;
                Sender::Stranger
            }
            Answer::Forged => {
                self.forged += 1;
                Sender::Forger
            }
        };
        self.wrong += u64::from(found != message.sender);
    }

    /// Adds the traffic of another gateway.
    pub(crate) fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.per_second += other.per_second;
        self.unknown += other.unknown;
        self.forged += other.forged;
        self.wrong += other.wrong;
        other.topics.iter().for_each(|(topic, messages)| count(&mut self.topics, topic, *messages));
        other.builds.iter().for_each(|(build, messages)| count(&mut self.builds, build, *messages));
    }

    /// Whoever sent it, each message was answered as it had to be.
    pub(crate) fn check(&self) -> Result<()> {
        ensure!(self.messages > 0, "no message came");
        ensure!(self.wrong == 0, "{} messages were answered wrongly", self.wrong);
        let routed: u64 = self.topics.values().sum();
        ensure!(routed + self.unknown + self.forged == self.messages, "messages were lost");
        Ok(())
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str, messages: u64) {
    match counts.get_mut(name) {
        Some(count) => *count += messages,
        None => drop(counts.insert(name.to_owned(), messages)),
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} messages, each looked up: {:.0} a second", self.messages, self.per_second)?;
        writeln!(out, "refused: {} of unknown devices, {} with a wrong token", self.unknown, self.forged)?;
        writeln!(out, "routed: {:?}", self.topics)?;
        write!(out, "builds that the senders shall run: {:?}", self.builds)
    }
}
