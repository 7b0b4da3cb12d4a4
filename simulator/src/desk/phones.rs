//! The phones on a desk, and which of them is selected.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use soter_bridge::protocol::{CommandError, device};

use super::document::StoredPhones;
use super::fleet::Fleet;
use crate::phone::{Phone, PhoneContext, Record};
use crate::store::DeviceName;

/// All phones, and which of them is selected.
#[derive(Debug)]
pub(super) struct Phones {
    /// The phones that are not of the fleet, sorted by name.
    own: BTreeMap<DeviceName, Arc<Phone>>,
    pub(super) fleet: Option<Arc<Fleet>>,
    /// The fleet's phones that were used, by number.
    used_of_fleet: HashMap<u32, Arc<Phone>>,
    /// The phone for commands that name no device.
    pub(super) selected: DeviceName,
}

impl Phones {
    /// The phones that are stored, switched off.
    ///
    /// # Errors
    /// Those of [`Fleet::phone`].
    pub(super) fn new(
        stored: StoredPhones,
        fleet: Option<Fleet>,
        context: &PhoneContext,
    ) -> Result<Self, CommandError> {
        let StoredPhones { selected, records } = stored;
        let fleet = fleet.map(Arc::new);
        let mut phones = Self { own: BTreeMap::new(), fleet, used_of_fleet: HashMap::new(), selected };
        for (name, record) in records {
            let phone = match phones.fleet_number(&name) {
                Some((fleet, number)) => fleet.phone(number, record, context)?,
                None => Phone::new(name, record, context.clone()),
            };
            phones.insert(Arc::new(phone));
        }
        Ok(phones)
    }

    /// The phone of this name. One of the fleet that was never used is put on the desk.
    ///
    /// # Errors
    /// Those of [`Fleet::new_phone`].
    pub(super) fn get_or_make(
        &mut self,
        name: &DeviceName,
        context: &PhoneContext,
    ) -> Result<Option<Arc<Phone>>, CommandError> {
        let Some((fleet, number)) = self.fleet_number(name).filter(|_| self.get(name).is_none()) else {
            return Ok(self.get(name).cloned());
        };
        let phone = Arc::new(fleet.new_phone(number, context)?);
        self.insert(Arc::clone(&phone));
        Ok(Some(phone))
    }

    /// The phone of this name, unless it is one of the fleet that was never used.
    pub(super) fn get(&self, name: &DeviceName) -> Option<&Arc<Phone>> {
        match self.fleet_number(name) {
            Some((_, number)) => self.used_of_fleet.get(&number),
            None => self.own.get(name),
        }
    }

    /// Adds a phone, or replaces the one of its name.
    pub(super) fn insert(&mut self, phone: Arc<Phone>) {
        match self.fleet_number(phone.name()) {
            Some((_, number)) => drop(self.used_of_fleet.insert(number, phone)),
            None => drop(self.own.insert(phone.name().clone(), phone)),
        }
    }

    /// Removes a phone that is not of the fleet.
    pub(super) fn remove(&mut self, name: &DeviceName) {
        self.own.remove(name);
    }

    /// Removes all phones. Those of the fleet are as if they had never been used.
    pub(super) fn remove_all(&mut self) -> Vec<Arc<Phone>> {
        let own = std::mem::take(&mut self.own).into_values();
        if let Some(fleet) = &self.fleet {
            fleet.forget_uses();
        }
        own.chain(self.used_of_fleet.drain().map(|(_, phone)| phone)).collect()
    }

    /// All phones, except those of the fleet that were never used.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Phone>> {
        self.own.values().chain(self.used_of_fleet.values())
    }

    /// The phones that are not of the fleet, sorted by name.
    pub(super) fn own(&self) -> impl ExactSizeIterator<Item = &Arc<Phone>> {
        self.own.values()
    }

    /// The record of the phone of this name, unless it is one of the fleet that was never used.
    pub(super) fn record(&self, name: &DeviceName) -> Option<Record> {
        self.get(name).map(|phone| phone.record())
    }

    /// The fleet and the number of its phone of this name.
    pub(super) fn fleet_number(&self, name: &DeviceName) -> Option<(Arc<Fleet>, u32)> {
        let fleet = self.fleet.as_ref()?;
        Some((Arc::clone(fleet), fleet.number_of(name)?))
    }

    /// Some phones whose names begin with a prefix, after the one of this name: those that are not of the fleet sorted by name,
    /// then the fleet's by number.
    pub(super) fn list(
        &self,
        prefix: &str,
        after: Option<&DeviceName>,
        limit: usize,
    ) -> Vec<device::Summary> {
        let mut listed = Vec::new();
        let after_of_fleet = after.and_then(|name| self.fleet_number(name));
        if after_of_fleet.is_none() {
            let start = match after {
                Some(name) if name.as_str() >= prefix => Bound::Excluded(name.as_str()),
                _ => Bound::Included(prefix),
            };
            let own = self.own.range::<str, _>((start, Bound::Unbounded));
            let own = own.take_while(|(name, _)| name.as_str().starts_with(prefix));
            listed.extend(own.take(limit).map(|(_, phone)| phone.summary()));
        }
        if let Some(fleet) = &self.fleet {
            let first = after_of_fleet.map_or(0, |(_, number)| number + 1);
            let numbers = fleet.numbers_with_prefix(prefix);
            let numbers = numbers.start.max(first)..numbers.end;
            listed.extend(numbers.take(limit - listed.len()).map(|number| {
                self.used_of_fleet.get(&number).map_or_else(|| fleet.summary(number), |phone| phone.summary())
            }));
        }
        listed
    }
}
