//! `device.*`: creates, selects, changes and removes phones on the desk.

use std::sync::Arc;

use soter_bridge::protocol::sensor::{Sensor, SensorMode};
use soter_bridge::protocol::{CommandError, ErrorKind, SeedText, device};
use soter_tee::Seed;
use soter_wire::{PROFILES, Profile};

use super::Desk;
use super::change::Change;
use super::refusals::{clock_without_seed, find_profile};
use crate::phone::{Phone, Record};
use crate::store::DeviceName;

/// The maximum number of phones on a desk.
const MAX_PHONES: usize = 100_000;

impl Desk {
    pub(super) fn create(&self, create: &device::Create) -> Result<device::Summary, CommandError> {
        let name: DeviceName = create.name.parse().map_err(|error| {
            CommandError::invalid_params(format!("{error}"), "choose another name, such as `second`")
        })?;
        let profile = create.profile.as_deref().map_or(Ok(&PROFILES[0]), find_profile)?;
        let own_seed = create.seed.as_ref().map(|SeedText(seed)| Seed::from_text(seed.expose()));
        let seed = own_seed.as_ref().or(self.inner.seed.as_ref());
        let clock = create.clock.or(self.inner.clock);
        if clock.is_some() && seed.is_none() {
            return Err(clock_without_seed());
        }
        let mut record = Record::new(profile);
        if let Some(mode) = self.inner.sensor.clone() {
            record.set_sensor(mode);
        }
        let phone = Phone::new(name.clone(), record, self.inner.context.clone());
        let change = self.begin_change();
        self.check_name_and_limit(&name)?;
        if let Some(seed) = seed {
            change.announce_files(phone.name())?;
            phone.make_reproducible(seed, clock).inspect_err(|_| {
                self.discard_files(phone.name());
                change.restore();
            })?;
        }
        self.add(&change, phone)
    }

    /// Adds a phone to the desk. If that fails, its files are removed.
    pub(super) fn add(&self, change: &Change<'_>, phone: Phone) -> Result<device::Summary, CommandError> {
        let name = phone.name().clone();
        let saved = change.save(|records| drop(records.phones.insert(name.clone(), phone.record())));
        if let Err(error) = saved {
            self.discard_files(&name);
            return Err(error);
        }
        let summary = phone.summary();
        self.phones().by_name.insert(name, Arc::new(phone));
        Ok(summary)
    }

    /// Checks that there is room for one more phone, and that the name is free.
    pub(super) fn check_name_and_limit(&self, name: &DeviceName) -> Result<(), CommandError> {
        let phones = self.phones();
        if phones.by_name.contains_key(name) {
            return Err(CommandError::invalid_params(
                format!("there is a device `{name}` already"),
                "choose another name, or remove that device first",
            ));
        }
        if phones.by_name.len() >= MAX_PHONES {
            return Err(CommandError::new(
                ErrorKind::LimitReached,
                format!("there are {MAX_PHONES} devices, and no more fit"),
                "remove some first",
            ));
        }
        Ok(())
    }

    pub(super) fn list(&self) -> device::Devices {
        let phones = self.phones();
        device::Devices {
            devices: phones.by_name.values().map(|phone| phone.summary()).collect(),
            selected: phones.selected.to_string(),
        }
    }

    pub(super) fn select(&self, name: &str) -> Result<device::Summary, CommandError> {
        let phone = self.phone(Some(name))?;
        let change = self.begin_change();
        change.save(|records| records.selected = phone.name().clone())?;
        self.phones().selected = phone.name().clone();
        Ok(phone.summary())
    }

    pub(super) fn remove(&self, name: &str) -> Result<device::Removed, CommandError> {
        let change = self.begin_change();
        let phone = self.phone(Some(name))?;
        let selected = {
            let phones = self.phones();
            let mut others = phones.by_name.keys().filter(|other| *other != phone.name());
            let Some(first) = others.next() else {
                return Err(CommandError::invalid_params(
                    format!("`{name}` is the only device on the desk"),
                    "create another one first",
                ));
            };
            if phones.selected == *phone.name() { first.clone() } else { phones.selected.clone() }
        };
        change.save(|records| {
            records.phones.remove(phone.name());
            records.removing.insert(phone.name().clone());
            records.selected = selected.clone();
        })?;
        {
            let mut phones = self.phones();
            phones.by_name.remove(phone.name());
            phones.selected = selected.clone();
        }
        phone.discard();
        change.plan_removals([phone.name().clone()]);
        change.finish_removals();
        Ok(device::Removed { removed: phone.name().to_string(), selected: selected.to_string() })
    }

    pub(super) fn set(&self, name: Option<&str>, set: &device::Set) -> Result<device::Device, CommandError> {
        let phone = self.phone(name)?;
        let change = self.begin_change();
        phone.check_settings(set)?;
        change.save_record(&phone, |record| record.set(set), || phone.set(set))?;
        self.describe(&phone)
    }

    pub(super) fn set_sensor_mode(
        &self,
        name: Option<&str>,
        mode: &SensorMode,
    ) -> Result<Sensor, CommandError> {
        let phone = self.phone(name)?;
        let set = |record: &mut Record| record.set_sensor(mode.clone());
        self.begin_change().save_record(&phone, set, || Ok(phone.set_sensor_mode(mode.clone())))
    }

    pub(super) fn reset_normal_world(&self, name: Option<&str>) -> Result<device::Device, CommandError> {
        let phone = self.phone(name)?;
        self.begin_change().save_record(&phone, Record::reset, || phone.reset_normal_world())?;
        self.describe(&phone)
    }
}

/// Every family that a phone can be of.
pub(super) fn families() -> device::Families {
    let family = |profile: &Profile| device::Family {
        name: profile.name.to_owned(),
        description: profile.description.to_owned(),
        modes: profile.modes.to_vec(),
        scheme: profile.scheme,
    };
    device::Families { profiles: PROFILES.iter().map(family).collect() }
}
