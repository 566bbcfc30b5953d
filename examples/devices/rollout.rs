//! Firmware for the fleet, tried by the canary before anyone else sees it.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use hollowcast::identifiers::Version;
use hollowcast::producer::CycleOptions;
use hollowcast::state::State;

use super::generated::devices_capnp::device;
use super::registry::{Device, NEWEST, state_changes};
use super::{CANARY, Site};

/// The tenant whose devices the canary tries firmware on.
const TRIAL_TENANT: u32 = 0;
/// What holds the rings, for people who read the log.
const WHY: &str = "firmware 2.0.0 is on trial";

/// How a rollout went.
pub(crate) struct Rollout {
    version: Version,
    trial: Trial,
    end: End,
}

enum End {
    /// Everyone has it, so long after the release.
    Released(Duration),
    /// Nobody but the canary saw it, and this version has the content of before.
    RolledBack(Version),
}

impl Rollout {
    pub(crate) fn is_released(&self) -> bool {
        matches!(self.end, End::Released(_))
    }
}

/// Publishes the newest build for all devices that `gets_it`, tries it, and releases it or takes it back.
pub(crate) async fn roll_out(site: &mut Site, gets_it: impl Fn(&Device) -> bool) -> Result<Rollout> {
    let before = site.producer.version();
    let upgrades = site.registry.upgrades(gets_it);
    let options = CycleOptions { hold_back: Some(WHY.to_owned()), ..CycleOptions::default() };
    let published = site.producer.incremental_with(options, |writer| state_changes(writer, &upgrades));
    let version = published.await?.version();

    site.operator.pin(CANARY, version, WHY).await?;
    site.canary.reach(version).await?;
    let trial = Trial::of(&site.canary.consumer().read())?;
    for gateway in &site.gateways {
        ensure!(gateway.consumer().read().version() == before, "a gateway went where only the canary may be");
    }
    let end = if trial.failed == 0 {
        site.registry.apply(&upgrades);
        End::Released(release(site, version).await?)
    } else {
        End::RolledBack(take_back(site, before).await?)
    };
    Ok(Rollout { version, trial, end })
}

/// Lets everyone follow the newest version again, which is `version`. How long that took, from the decision to the last gateway.
async fn release(site: &mut Site, version: Version) -> Result<Duration> {
    let begun = Instant::now();
    site.operator.unpin(CANARY).await?;
    site.operator.unpin("").await?;
    site.everyone_at(version).await?;
    Ok(begun.elapsed())
}

/// The canary goes back first, to a state that it still has. The others need not go anywhere: what they are released to has the content that they
/// serve.
async fn take_back(site: &mut Site, before: Version) -> Result<Version> {
    site.operator.pin(CANARY, before, "firmware 2.0.0 failed").await?;
    site.canary.reach(before).await?;
    let content = site.canary.consumer().read().fingerprint();
    let version = site.producer.rollback(before).await?.version();
    release(site, version).await?;
    ensure!(site.canary.consumer().read().fingerprint() == content, "the rollback has other content");
    Ok(version)
}

/// What the canary saw of its devices.
struct Trial {
    tried: u64,
    failed: u64,
}

impl Trial {
    /// Has the devices of one tenant boot what `state` says. That boards of the first revision do not come up again is something that no record
    /// says and no validator could find: one has to try.
    fn of(state: &State) -> Result<Self> {
        let devices = state.table("Device").expect("the dataset has devices");
        let mut trial = Self { tried: 0, failed: 0 };
        for device in devices.rows().map(|row| row.typed::<device::Owned>()) {
            if device.get_tenant() == TRIAL_TENANT && device.get_firmware()?.to_str()? == NEWEST {
                trial.tried += 1;
                trial.failed += u64::from(device.get_board() == 1);
            }
        }
        ensure!(trial.tried > 0, "nothing was tried");
        Ok(trial)
    }
}

impl fmt::Display for Rollout {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, trial: Trial { tried, failed }, end } = self;
        write!(out, "version {version} held back, {failed} of {tried} devices failed at the canary, ")?;
        match end {
            End::Released(took) => write!(out, "released; everyone had it {took:.1?} later"),
            End::RolledBack(version) => write!(out, "taken back by version {version}; nobody else saw it"),
        }
    }
}
