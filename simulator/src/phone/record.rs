//! What the normal world stores about a phone: its record.

use serde::{Deserialize, Serialize};
use soter_bridge::protocol::sensor::SensorMode;
use soter_bridge::protocol::{CommandError, device};
use soter_tee::CrlDistributionPoints;
use soter_text::text;
use soter_wire::Profile;

use super::apps::{new_apps, wechat_uid};
use super::clock::SEEDED_CLOCK_MS;
use crate::store::DeviceName;

/// What the normal world stores about a phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Record {
    /// The phone family.
    pub(super) profile: String,
    /// Whether the secure world was made from a seed, which only it remembers.
    pub(super) seeded: bool,
    /// The time at which a seeded or forced clock stands; `None`: the clock is the computer's.
    pub(super) clock: Option<u64>,
    /// The name under which the secure world was made; `None`: the phone's own. A duplicate has its original's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) made_as: Option<DeviceName>,
    /// Whether the phone was ever switched on, so that its secure world must have files.
    #[serde(default)]
    pub(super) used: bool,
    pub(super) apps: Vec<device::App>,
    pub(super) sensor: SensorMode,
    pub(super) settings: device::Settings,
}

impl Record {
    /// A new phone of this family, with WeChat and one demo app on it.
    pub(crate) fn new(profile: &Profile) -> Self {
        Self {
            profile: profile.name.to_owned(),
            seeded: false,
            clock: None,
            made_as: None,
            used: false,
            apps: new_apps(),
            sensor: SensorMode::default(),
            settings: device::Settings::default(),
        }
    }

    /// The record of a phone that was switched on, and whose record was not written.
    pub(crate) fn of_used_phone(profile: &Profile, is_seeded: bool) -> Self {
        let clock = is_seeded.then_some(SEEDED_CLOCK_MS);
        Self { used: true, seeded: is_seeded, clock, ..Self::new(profile) }
    }

    /// Whether the phone was ever switched on.
    pub(crate) fn is_used(&self) -> bool {
        self.used
    }

    /// Replaces apps and settings by those of a new phone.
    pub(crate) fn reset(&mut self) {
        let new = Self {
            apps: new_apps(),
            sensor: SensorMode::default(),
            settings: device::Settings::default(),
            ..self.clone()
        };
        *self = new;
    }

    /// Keeps the user on a phone that does not have this one by itself.
    pub(super) fn keep_user(&mut self, user: Option<&String>) {
        if self.settings.user.is_none() {
            self.settings.user = user.cloned();
        }
    }

    /// Changes how the sensor is touched.
    pub(crate) fn set_sensor(&mut self, mode: SensorMode) {
        self.sensor = mode;
    }

    /// Makes the clock stand at a moment; `None` ends that, except for a seeded phone.
    pub(crate) fn force_clock(&mut self, clock: Option<u64>) {
        self.clock = clock.or_else(|| self.seeded.then_some(SEEDED_CLOCK_MS));
    }

    /// Checks that this version knows the phone's profile.
    pub(crate) fn check(&self, name: &DeviceName) -> Result<(), CommandError> {
        if Profile::named(&self.profile).is_some() {
            return Ok(());
        }
        Err(CommandError::environment(
            text!(
                "device `{name}` is a `{profile}` phone, which this version does not know",
                name = name,
                profile = self.profile
            ),
            text!("use the version of soter-sim that made it, or choose another folder with --state"),
        ))
    }

    /// What the leaf certificates of this phone have for CRL distribution points.
    pub(super) fn crl_distribution_points(&self) -> CrlDistributionPoints {
        if self.settings.malformed_crl {
            CrlDistributionPoints::Malformed
        } else {
            CrlDistributionPoints::Absent
        }
    }

    /// WeChat's Android uid on this phone.
    pub(super) fn wechat_uid(&self) -> u32 {
        wechat_uid(&self.apps)
    }
}
