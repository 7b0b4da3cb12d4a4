//! The fleet: many phones, each with a user of its own, which are made when they are first used.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use soter_bridge::protocol::sensor::SensorMode;
use soter_bridge::protocol::{CommandError, ErrorKind, device};
use soter_tee::Seed;
use soter_text::{Text, text};
use soter_wechat::{FLEET_NAME_DIGITS, FLEET_NAME_PREFIX, fleet_name, fleet_number};
use soter_wire::{PROFILES, Profile, shortened};

use super::refusals::find_profile;
use crate::phone::{FleetKeyPool, NewKeys, Phone, PhoneContext, Record};
use crate::store::DeviceName;

/// What is stored about a fleet. Its phones have records when they were used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FleetRecord {
    /// The number of phones.
    pub(super) size: u32,
    /// Their phone family.
    pub(super) profile: String,
    /// If they are made from a seed: a value that is derived from it, to recognise the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) seed_check: Option<String>,
}

/// The phones of a fleet, numbered from 0. One that was never used takes no memory.
#[derive(Debug)]
pub(super) struct Fleet {
    stored: FleetRecord,
    profile: &'static Profile,
    seed: Option<Seed>,
    /// The clock at which the phones of a seeded fleet stand.
    clock: Option<u64>,
    /// Who touches the sensors of phones that are not set otherwise.
    sensor: SensorMode,
    keys: FleetKeyPool,
    uses: Mutex<Uses>,
}

/// Which phones somebody uses.
#[derive(Debug, Default)]
struct Uses {
    /// Phones from this number on were not handed out.
    next: u32,
    /// Phones below `next` that were given back.
    returned: BTreeSet<u32>,
    /// Where the search for the next phone begins that signs in bulk, among those that nobody uses.
    next_signer: u32,
}

/// The options of a fleet.
#[derive(Debug)]
pub(super) struct FleetOptions {
    /// The number of phones; `None`: as stored.
    pub(super) size: Option<u32>,
    pub(super) profile: Option<&'static Profile>,
    pub(super) seed: Option<Seed>,
    pub(super) clock: Option<u64>,
    pub(super) sensor: Option<SensorMode>,
}

impl Fleet {
    /// The fleet that is stored, or a new one of this size. `None` if there is no fleet.
    ///
    /// # Errors
    /// `InvalidParams` if another fleet is stored than the options say. `Environment` if this version does not know the
    /// stored fleet's profile.
    pub(super) fn new(
        stored: Option<FleetRecord>,
        options: FleetOptions,
    ) -> Result<Option<Self>, CommandError> {
        let FleetOptions { size, profile, seed, clock, sensor } = options;
        let stored = match (stored, size) {
            (None, None) => return Ok(None),
            (Some(stored), size) => {
                check_same(&stored, size, profile, seed.as_ref())?;
                stored
            }
            (None, Some(size)) => {
                let profile = profile.unwrap_or(&PROFILES[0]).name.to_owned();
                FleetRecord { size, profile, seed_check: seed.as_ref().map(seed_check) }
            }
        };
        let profile = find_profile(&stored.profile).map_err(|error| {
            CommandError::environment(error.what, text!("use the version of soter-sim that made the fleet"))
        })?;
        let keys = FleetKeyPool::new(seed.clone());
        let sensor = sensor.unwrap_or(SensorMode::Auto);
        Ok(Some(Self { stored, profile, seed, clock, sensor, keys, uses: Mutex::default() }))
    }

    /// What the document stores about it.
    pub(super) fn stored(&self) -> &FleetRecord {
        &self.stored
    }

    /// The number of phones.
    pub(super) fn size(&self) -> u32 {
        self.stored.size
    }

    /// The first and the last name, for people: `fleet-000000 to fleet-000099`.
    pub(super) fn names(&self) -> Text {
        text!("{first} to {last}", first = fleet_name(0), last = fleet_name(self.size().saturating_sub(1)))
    }

    /// The number of the phone of this name.
    pub(super) fn number_of(&self, name: &DeviceName) -> Option<u32> {
        fleet_number(name.as_str()).filter(|&number| number < self.stored.size)
    }

    /// Whether the fleet has a phone of this name.
    pub(super) fn has(&self, name: &DeviceName) -> bool {
        self.number_of(name).is_some()
    }

    /// The numbers of the phones whose names begin with this text.
    pub(super) fn numbers_with_prefix(&self, prefix: &str) -> Range<u32> {
        let (letters, digits) = prefix.split_at_checked(FLEET_NAME_PREFIX.len()).unwrap_or((prefix, ""));
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        if !FLEET_NAME_PREFIX.starts_with(letters) || !is_number {
            return 0..0;
        }
        let range = if digits.is_empty() { Some(0..u32::MAX) } else { numbers_that_begin_with(digits) };
        let range = range.unwrap_or(0..0);
        range.start..range.end.min(self.size())
    }

    /// A phone that was never used.
    ///
    /// # Errors
    /// `InvalidParams` if the clock is too late, and `Internal` for defects.
    pub(super) fn new_phone(&self, number: u32, context: &PhoneContext) -> Result<Phone, CommandError> {
        let mut record = Record::new(self.profile);
        record.set_sensor(self.sensor.clone());
        self.phone(number, record, context)
    }

    /// The phone with this number and record.
    ///
    /// # Errors
    /// As of [`new_phone`](Self::new_phone).
    pub(super) fn phone(
        &self,
        number: u32,
        record: Record,
        context: &PhoneContext,
    ) -> Result<Phone, CommandError> {
        let name = device_name(number)?;
        let appid = &context.wechat.accounts().first_app().appid;
        let openid = context.wechat.openid(name.as_str(), appid)?;
        let keys = NewKeys::Fleet(self.keys.keys(number, appid, &openid));
        let context = PhoneContext { keys, user: Some(name.to_string()), ..context.clone() };
        let is_used = record.is_used();
        let phone = Phone::new(name, record, context);
        if let Some(seed) = self.seed.as_ref().filter(|_| !is_used) {
            phone.plan_seed(seed, self.clock)?;
        }
        Ok(phone)
    }

    /// The record of a phone that was used, and whose record was not written.
    pub(super) fn used_record(&self) -> Record {
        let mut record = Record::of_used_phone(self.profile, self.seed.is_some());
        record.set_sensor(self.sensor.clone());
        record
    }

    /// A phone that was never used, in a list.
    pub(super) fn summary(&self, number: u32) -> device::Summary {
        device::Summary {
            name: fleet_name(number),
            profile: self.profile.name.to_owned(),
            seeded: self.seed.is_some(),
            sensor: self.sensor.clone(),
            fleet: true,
            waits: false,
        }
    }

    /// Hands out phones that nobody uses: those that were given back, then the lowest numbers.
    ///
    /// # Errors
    /// `LimitReached` if there are fewer. None is handed out.
    pub(super) fn take(&self, count: u32) -> Result<Vec<DeviceName>, CommandError> {
        let mut uses = self.uses();
        let returned = u32::try_from(uses.returned.len()).unwrap_or(u32::MAX);
        let free = (self.size() - uses.next).saturating_add(returned);
        if count > free {
            return Err(CommandError::new(
                ErrorKind::LimitReached,
                text!(
                    "{free} of the fleet's {size} phones are free, and {count} are asked for",
                    free = free,
                    size = self.size(),
                    count = count
                ),
                text!("give phones back with fleet.release, or start with a larger --fleet"),
            ));
        }
        let mut taken = Vec::new();
        for _ in 0..count {
            let number = uses.returned.pop_first().unwrap_or(uses.next);
            uses.next = uses.next.max(number + 1);
            taken.push(device_name(number)?);
        }
        Ok(taken)
    }

    /// Takes back phones that were handed out.
    ///
    /// # Errors
    /// `InvalidParams` if one of them was not. None is taken back.
    pub(super) fn give_back(&self, names: &[String]) -> Result<(), CommandError> {
        let mut uses = self.uses();
        let mut numbers = BTreeSet::new();
        for name in names {
            let number = fleet_number(name);
            let number = number.filter(|number| *number < uses.next && !uses.returned.contains(number));
            if !number.is_some_and(|number| numbers.insert(number)) {
                return Err(CommandError::invalid_params(
                    text!("`{name}` is not a phone that was handed out", name = shortened(name, 80)),
                    text!("give back each phone of fleet.next once"),
                ));
            }
        }
        uses.returned.append(&mut numbers);
        Ok(())
    }

    /// The phones that sign next in bulk: those that nobody uses, in turn.
    ///
    /// # Errors
    /// `LimitReached` if all are handed out.
    pub(super) fn next_signers(&self, count: usize) -> Result<Vec<DeviceName>, CommandError> {
        let mut uses = self.uses();
        let Uses { next, returned, next_signer } = &*uses;
        let (next, first) = (*next, *next_signer);
        // Those from `first` on, then those before it.
        let from_first = returned.range(first..).copied().chain(next.max(first)..self.size());
        let before_first = returned.range(..first).copied().chain(next..first.max(next));
        let free: Vec<u32> = from_first.chain(before_first).take(count).collect();
        // If there are too few, each signs again in its turn.
        let signers: Vec<u32> = free.into_iter().cycle().take(count).collect();
        let Some(&last) = signers.last() else {
            return Err(CommandError::new(
                ErrorKind::LimitReached,
                text!("all {size} phones of the fleet are handed out", size = self.size()),
                text!("give some back with fleet.release, or start with a larger --fleet"),
            ));
        };
        uses.next_signer = if last + 1 < self.size() { last + 1 } else { 0 };
        signers.into_iter().map(device_name).collect()
    }

    /// Forgets who uses which phone.
    pub(super) fn forget_uses(&self) {
        *self.uses() = Uses::default();
    }

    fn uses(&self) -> MutexGuard<'_, Uses> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The numbers whose six digits begin with these.
fn numbers_that_begin_with(digits: &str) -> Option<Range<u32>> {
    let rest = FLEET_NAME_DIGITS.checked_sub(digits.len())?;
    let numbers = 10_u32.checked_pow(u32::try_from(rest).ok()?)?;
    let first = digits.parse::<u32>().ok()?;
    Some(first * numbers..(first + 1) * numbers)
}

/// A value by which a seed is recognised, in 16 hexadecimal digits.
fn seed_check(seed: &Seed) -> String {
    base16ct::lower::encode_string(&seed.derived_bytes("fleet", "check")[..8])
}

fn device_name(number: u32) -> Result<DeviceName, CommandError> {
    fleet_name(number).parse().map_err(|error| CommandError::defect(format!("{error}")))
}

/// Checks that a stored fleet is the one that the options describe.
fn check_same(
    stored: &FleetRecord,
    size: Option<u32>,
    profile: Option<&'static Profile>,
    seed: Option<&Seed>,
) -> Result<(), CommandError> {
    let FleetRecord { size: stored_size, profile: stored_profile, seed_check: stored_check } = stored;
    if let Some(stored_check) = stored_check
        && seed.is_none_or(|seed| seed_check(seed) != *stored_check)
    {
        return Err(CommandError::invalid_params(
            if seed.is_some() {
                text!("the state folder has a fleet that is made from a seed, and another one is given")
            } else {
                text!("the state folder has a fleet that is made from a seed, and none is given")
            },
            text!("give the same seed with --seed, or choose another folder with --state"),
        ));
    }
    let difference = if let Some(size) = size.filter(|size| size != stored_size) {
        text!(
            "the state folder has a fleet of {stored} phones, not {size}",
            stored = stored_size,
            size = size
        )
    } else if let Some(profile) = profile.filter(|profile| profile.name != stored_profile) {
        text!(
            "the state folder has a fleet of `{stored}` phones, not `{profile}`",
            stored = stored_profile,
            profile = profile.name
        )
    } else if seed.is_some() && stored_check.is_none() {
        text!("the state folder has a fleet of random phones, not from a seed")
    } else {
        return Ok(());
    };
    Err(CommandError::invalid_params(
        difference,
        text!("leave the option out, or choose another folder with --state"),
    ))
}
