//! `device.*`: creates, selects, changes and removes phones on the desk.

use std::sync::Arc;

use soter_bridge::protocol::device::{LIST_LIMIT, MAX_LIST_LIMIT};
use soter_bridge::protocol::sensor::{Sensor, SensorMode};
use soter_bridge::protocol::{CommandError, ErrorKind, SeedText, device};
use soter_tee::Seed;
use soter_text::{Text, text};
use soter_wire::{PROFILES, Profile};

use super::Desk;
use super::change::Change;
use super::refusals::{clock_without_seed, find_profile};
use crate::phone::{Phone, Record};
use crate::store::{DeviceName, DeviceNameError};

/// The maximum number of phones on a desk, apart from the fleet's.
const MAX_PHONES: usize = 100_000;

impl Desk {
    pub(super) fn create(&self, create: &device::Create) -> Result<device::Summary, CommandError> {
        let name: DeviceName = create.name.parse().map_err(|error: DeviceNameError| {
            CommandError::invalid_params(error.text(), text!("choose another name, such as `second`"))
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
            phone.make_reproducible(seed, clock).inspect_err(|_| self.discard_files(phone.name()))?;
        }
        self.add(&change, phone)
    }

    /// Adds a phone to the desk. If that fails, its files are removed.
    pub(super) fn add(&self, change: &Change<'_>, phone: Phone) -> Result<device::Summary, CommandError> {
        let name = phone.name().clone();
        if let Err(error) = change.save_new(&phone) {
            self.discard_files(&name);
            return Err(error);
        }
        let summary = phone.summary();
        self.phones().insert(Arc::new(phone));
        Ok(summary)
    }

    /// Checks that there is room for one more phone, and that the name is free.
    pub(super) fn check_name_and_limit(&self, name: &DeviceName) -> Result<(), CommandError> {
        let phones = self.phones();
        if phones.get(name).is_some() || phones.fleet_number(name).is_some() {
            return Err(CommandError::invalid_params(
                text!("there is a device `{name}` already", name = name),
                text!("choose another name, or remove that device first"),
            ));
        }
        if phones.own().len() >= MAX_PHONES {
            return Err(CommandError::new(
                ErrorKind::LimitReached,
                text!("there are {most} devices, and no more fit", most = MAX_PHONES),
                text!("remove some first"),
            ));
        }
        Ok(())
    }

    pub(super) fn list(&self, list: &device::List) -> Result<device::Devices, CommandError> {
        let limit = list.limit.unwrap_or(LIST_LIMIT);
        if !(1..=MAX_LIST_LIMIT).contains(&limit) {
            return Err(CommandError::invalid_params(
                text!("a list cannot have {limit} devices", limit = limit),
                text!("ask for 1 to {most}, and for the next ones with `after`", most = MAX_LIST_LIMIT),
            ));
        }
        let after = list.after.as_deref().map(str::parse::<DeviceName>).transpose().map_err(|error| {
            CommandError::invalid_params(error.text(), text!("give the name of the last device of a list"))
        })?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX - 1);
        let phones = self.phones();
        // One more shows whether there are more.
        let mut devices = phones.list(list.prefix.as_deref().unwrap_or(""), after.as_ref(), limit + 1);
        let more = devices.len() > limit;
        devices.truncate(limit);
        Ok(device::Devices { devices, selected: phones.selected.to_string(), more })
    }

    pub(super) fn select(&self, name: &str) -> Result<device::Summary, CommandError> {
        let change = self.begin_change();
        let phone = self.phone(Some(name))?;
        change.save(|document| document.selected = phone.name().clone())?;
        self.phones().selected = phone.name().clone();
        Ok(phone.summary())
    }

    pub(super) fn remove(&self, name: &str) -> Result<device::Removed, CommandError> {
        let change = self.begin_change();
        let phone = self.phone(Some(name))?;
        let selected = {
            let phones = self.phones();
            if phones.fleet_number(phone.name()).is_some() {
                return Err(CommandError::invalid_params(
                    text!("`{name}` is a phone of the fleet, and the fleet stays whole", name = name),
                    text!("to give its apps new keys, reset it: device reset"),
                ));
            }
            let mut others = phones.own().map(|other| other.name()).filter(|other| *other != phone.name());
            let Some(first) = others.next() else {
                return Err(CommandError::invalid_params(
                    text!("`{name}` is the only device on the desk", name = name),
                    text!("create another one first"),
                ));
            };
            if phones.selected == *phone.name() { first.clone() } else { phones.selected.clone() }
        };
        change.save(|document| {
            document.phones.remove(phone.name());
            document.removing.insert(phone.name().clone());
            document.selected = selected.clone();
        })?;
        {
            let mut phones = self.phones();
            phones.remove(phone.name());
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
        // The answer describes the phone, and must not fail after the change.
        phone.power_on()?;
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
        phone.power_on()?;
        self.begin_change().save_record(&phone, Record::reset, || phone.reset_normal_world())?;
        self.describe(&phone)
    }
}

/// Every family that a phone can be of.
pub(super) fn families() -> device::Families {
    let family = |profile: &Profile| device::Family {
        name: profile.name.to_owned(),
        description: Text::whole(profile.description),
        modes: profile.modes.to_vec(),
        scheme: profile.scheme,
    };
    device::Families { profiles: PROFILES.iter().map(family).collect() }
}
