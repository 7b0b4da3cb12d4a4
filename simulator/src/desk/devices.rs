//! `device.*`: creates, selects, changes and removes phones on the desk.

use std::sync::Arc;

use soter_bridge::protocol::{CommandError, ErrorKind, SeedText, device};
use soter_tee::Seed;
use soter_wire::{PROFILES, Profile};

use super::Desk;
use super::refusals::{clock_without_seed, find_profile, folder_error};
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
        let phone = Phone::new(name.clone(), Record::new(profile), self.inner.context.clone());
        let phone = Arc::new(phone);
        let change = self.begin_change();
        self.check_name_and_limit(&name)?;
        if let Some(mode) = self.inner.sensor.clone() {
            phone.set_sensor_mode(mode);
        }
        if let Some(seed) = seed {
            phone.make_reproducible(seed, clock)?;
        }
        let summary = phone.summary();
        self.phones().by_name.insert(name, phone);
        self.save(&change)?;
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
        self.phones().selected = phone.name().clone();
        self.save(&change)?;
        Ok(phone.summary())
    }

    pub(super) fn remove(&self, name: &str) -> Result<device::Removed, CommandError> {
        let change = self.begin_change();
        let phone = self.phone(Some(name))?;
        let selected = {
            let mut phones = self.phones();
            if phones.by_name.len() == 1 {
                return Err(CommandError::invalid_params(
                    format!("`{name}` is the only device on the desk"),
                    "create another one first",
                ));
            }
            phones.by_name.remove(phone.name());
            if phones.selected == *phone.name()
                && let Some(next) = phones.by_name.keys().next().cloned()
            {
                phones.selected = next;
            }
            phones.selected.to_string()
        };
        phone.discard();
        // After a crash between these two steps, files without an entry are left, and the phone is on the desk again.
        self.save(&change)?;
        if let Some(folder) = &self.inner.context.folder {
            folder.remove_device(phone.name()).map_err(|error| folder_error(&error))?;
        }
        Ok(device::Removed { removed: phone.name().to_string(), selected })
    }

    pub(super) fn set(&self, name: Option<&str>, set: device::Set) -> Result<device::Device, CommandError> {
        let phone = self.phone(name)?;
        phone.set(set)?;
        self.save(&self.begin_change())?;
        self.describe(&phone)
    }

    pub(super) fn reset_normal_world(&self, name: Option<&str>) -> Result<device::Device, CommandError> {
        let phone = self.phone(name)?;
        phone.reset_normal_world()?;
        self.save(&self.begin_change())?;
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
