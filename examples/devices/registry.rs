//! Which devices there are: made up, the same in every run, and kept in a plain map beside the dataset to check it by.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};

use hollowcast::collections::{MapView, SetView};
use hollowcast::environment::{Random, SeededRandom};
use hollowcast::producer::{ChangeWriter, Writer};
use hollowcast::state::State;

use super::generated::devices_capnp::{device, firmware, setting};

/// Builds of the firmware; devices begin with the first.
const BUILDS: [(&str, u32); 3] = [("1.0.0", 700_000), ("1.1.0", 720_000), (NEWEST, 810_000)];
/// The build that is rolled out.
pub(crate) const NEWEST: &str = "2.0.0";
/// Where messages go whose device does not say.
pub(crate) const DEFAULT_TOPIC: &str = "telemetry/other";
const TENANTS: u64 = 50;
/// How many devices come, go, and get other firmware with a version.
const CHANGES: u64 = 50;

/// What a device is known by: its tenant, and the serial number that was burnt in.
pub(crate) type Name = (u32, [u8; 8]);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    /// What its messages have to bear.
    pub(crate) token: u64,
    /// Revision of the board.
    pub(crate) board: u16,
    pub(crate) firmware: String,
    pub(crate) tags: BTreeSet<String>,
    pub(crate) settings: BTreeMap<String, String>,
}

/// The name of the device of this number.
pub(crate) fn name(number: u64) -> Name {
    ((number % TENANTS) as u32, SeededRandom::new(number).next_u64().to_be_bytes())
}

/// The token of the device of this number.
pub(crate) fn token(number: u64) -> u64 {
    SeededRandom::new(!number).next_u64()
}

impl Device {
    /// The device of this number, as it comes from the factory.
    fn made(number: u64) -> Self {
        let mut settings = BTreeMap::from([("interval".to_owned(), (number % 60 + 1).to_string())]);
        if let Some(region) = ["eu", "us", "asia"].get((number / TENANTS % 4) as usize) {
            settings.insert("topic".to_owned(), format!("telemetry/{region}"));
        }
        let tags = [("indoor", 2), ("battery", 3), ("leased", 5)];
        let tags = tags.into_iter().filter(|(_, every)| number.is_multiple_of(*every));
        Self {
            token: token(number),
            board: if (number / TENANTS).is_multiple_of(10) { 1 } else { 2 },
            firmware: BUILDS[0].0.to_owned(),
            tags: tags.map(|(tag, _)| tag.to_owned()).collect(),
            settings,
        }
    }

    /// The fields of a record; a set and a map are read through their views.
    fn read(record: device::Reader<'_>) -> Result<Self> {
        let tags = SetView::new(record.get_tags()?);
        let settings = MapView::new(record.get_settings()?, setting::Reader::get_name);
        let settings = settings.iter().map(|setting| {
            let setting = setting?;
            Ok((setting.get_name()?.to_string()?, setting.get_value()?.to_string()?))
        });
        Ok(Self {
            token: record.get_token(),
            board: record.get_board(),
            firmware: record.get_firmware()?.to_string()?,
            tags: tags.iter().map(|tag| Ok(tag?.to_string()?)).collect::<Result<_>>()?,
            settings: settings.collect::<Result<_>>()?,
        })
    }

    /// Fills a record. The order in which a set or a map is stated is of no importance.
    fn write(&self, name: &Name, mut record: device::Builder<'_>) {
        record.set_tenant(name.0);
        record.set_serial(&name.1);
        record.set_token(self.token);
        record.set_board(self.board);
        record.set_firmware(&self.firmware);
        let mut tags = record.reborrow().init_tags(self.tags.len() as u32);
        for (at, tag) in (0..).zip(self.tags.iter().rev()) {
            tags.set(at, tag);
        }
        let mut settings = record.init_settings(self.settings.len() as u32);
        for (at, (name, value)) in (0..).zip(self.settings.iter().rev()) {
            let mut setting = settings.reborrow().get(at);
            setting.set_name(name);
            setting.set_value(value);
        }
    }
}

/// What a version changes: devices by name, `None` for those that go.
pub(crate) type Changes = BTreeMap<Name, Option<Device>>;

/// States only what changes; what goes by its key.
pub(crate) fn state_changes(writer: &ChangeWriter, changes: &Changes) -> hollowcast::Result<()> {
    changes.iter().try_for_each(|(name, device)| match device {
        Some(device) => writer.upsert::<device::Owned>(|record| device.write(name, record)),
        None => writer.delete::<device::Owned, (u32, Vec<u8>)>((name.0, &name.1)),
    })
}

/// The plain map.
pub(crate) struct Registry {
    devices: BTreeMap<Name, Device>,
    /// How many there were at first: those stay, and it is they who send messages.
    steady: u64,
    /// The number of the device that comes next.
    next: u64,
}

impl Registry {
    pub(crate) fn new(devices: u64) -> Self {
        let made = (0..devices).map(|number| (name(number), Device::made(number)));
        Self { devices: made.collect(), steady: devices, next: devices }
    }

    pub(crate) fn len(&self) -> usize {
        self.devices.len()
    }

    /// Everything there is, for a first version.
    pub(crate) fn state_all(&self, writer: &Writer) -> hollowcast::Result<()> {
        for (build, bytes) in BUILDS {
            writer.add::<firmware::Owned>(|mut firmware| {
                firmware.set_build(build);
                firmware.set_bytes(bytes);
            })?;
        }
        let mut devices = self.devices.iter();
        devices
            .try_for_each(|(name, device)| writer.add::<device::Owned>(|record| device.write(name, record)))
    }

    /// Some devices come, some of those that came earlier go, and some others get a build of their own; the map has it already.
    pub(crate) fn next_changes(&mut self) -> Changes {
        let (first, last) = (self.next, self.next + CHANGES);
        self.next = last;
        let mut changes: Changes =
            (first..last).map(|number| (name(number), Some(Device::made(number)))).collect();
        let gone = (first - CHANGES..first).step_by(5).filter(|number| *number >= self.steady);
        changes.extend(gone.map(|number| (name(number), None)));
        for number in (first..last).map(|number| number % self.steady) {
            let device = Device { firmware: BUILDS[1].0.to_owned(), ..Device::made(number) };
            changes.insert(name(number), Some(device));
        }
        self.apply(&changes);
        changes
    }

    /// The newest build for all devices that `gets_it`; the map does not have it yet.
    pub(crate) fn upgrades(&self, gets_it: impl Fn(&Device) -> bool) -> Changes {
        let chosen = self.devices.iter().filter(|(_, device)| gets_it(device));
        let upgraded = |device: &Device| Device { firmware: NEWEST.to_owned(), ..device.clone() };
        chosen.map(|(name, device)| (*name, Some(upgraded(device)))).collect()
    }

    pub(crate) fn apply(&mut self, changes: &Changes) {
        for (name, device) in changes {
            match device {
                Some(device) => self.devices.insert(*name, device.clone()),
                None => self.devices.remove(name),
            };
        }
    }

    /// Holds every device of `state` against the map, by a scan and not by key.
    pub(crate) fn check(&self, state: &State) -> Result<()> {
        let table = state.table("Device").expect("the dataset has devices");
        let mut found = BTreeMap::new();
        for row in table.rows() {
            let record = row.typed::<device::Owned>();
            found.insert((record.get_tenant(), record.get_serial()?.try_into()?), Device::read(record)?);
        }
        ensure!(found.len() as u64 == table.len(), "a device is there twice");
        ensure!(found.len() == self.len(), "{} devices, expected {}", found.len(), self.len());
        let wrong = self.devices.iter().find(|(name, device)| found.get(name) != Some(device));
        ensure!(wrong.is_none(), "expected {wrong:?}, found {:?}", wrong.map(|(name, _)| found.get(name)));
        Ok(())
    }
}
