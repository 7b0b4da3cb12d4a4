//! The ledger's contents in memory.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use soter_wire::{PublicKey, SignatureScheme};

use super::change::{AuthKey, Change};

/// Maximum number of a device's counters that are remembered, to distinguish a replay from a roll-back.
const MAX_SPENT_COUNTERS: usize = 1024;
/// Maximum number of an app's retired AuthKeys that are remembered, to distinguish an old key from a wrong one.
const MAX_RETIRED_KEYS: usize = 16;

/// The contents of a ledger: devices by `cpu_id`, and the owners of their AuthKeys.
#[derive(Debug, Default)]
pub(crate) struct LedgerState {
    /// See [`Change::Clear`].
    generation: u32,
    devices: HashMap<String, Device>,
    /// By appid: the openids of all users for whom an AuthKey was uploaded.
    owners: HashMap<String, HashSet<String>>,
}

#[derive(Debug)]
struct Device {
    attk: PublicKey,
    highest: u64,
    /// Counters that results have spent, the newest last.
    spent: VecDeque<u64>,
    apps: BTreeMap<String, App>,
}

#[derive(Debug)]
struct App {
    ask: PublicKey,
    ask_scheme: SignatureScheme,
    auth_keys: Vec<AuthKey>,
}

/// A key that is known, for diagnoses.
#[derive(Clone, Debug)]
pub(crate) struct KnownKey {
    pub(crate) key: PublicKey,
    /// What it is and where it belongs, for people.
    pub(crate) description: String,
}

/// Why a counter cannot be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spent {
    /// The highest counter that the device has shown.
    pub(crate) highest: u64,
    /// Whether an earlier result had this counter.
    pub(crate) replayed: bool,
}

impl LedgerState {
    /// The state after these changes.
    pub(super) fn of(changes: &[Change]) -> Self {
        let mut state = Self::default();
        for change in changes {
            state.apply(change);
        }
        state
    }

    /// Applies a change.
    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Clear { generation } => *self = Self { generation: *generation, ..Self::default() },
            Change::Device { cpu_id, attk } => {
                self.devices.entry(cpu_id.clone()).or_insert_with(|| Device {
                    attk: attk.clone(),
                    highest: 0,
                    spent: VecDeque::new(),
                    apps: BTreeMap::new(),
                });
            }
            Change::Counter { cpu_id, highest } => {
                if let Some(device) = self.devices.get_mut(cpu_id) {
                    device.highest = device.highest.max(*highest);
                }
            }
            Change::Ask { cpu_id, uid, key, scheme } => {
                let Some(device) = self.devices.get_mut(cpu_id) else { return };
                let app = device.apps.entry(uid.clone()).or_insert_with(|| App {
                    ask: key.clone(),
                    ask_scheme: *scheme,
                    auth_keys: Vec::new(),
                });
                if app.ask != *key {
                    app.auth_keys.iter_mut().for_each(|old| old.retired = true);
                }
                app.ask = key.clone();
                app.ask_scheme = *scheme;
            }
            Change::AuthKey { cpu_id, uid, key } => {
                let app = self.devices.get_mut(cpu_id).and_then(|device| device.apps.get_mut(uid));
                let Some(app) = app else { return };
                self.owners.entry(key.appid.clone()).or_default().insert(key.openid.clone());
                app.auth_keys.retain(|old| old.key != key.key);
                if !key.retired {
                    let same_owner = |old: &&mut AuthKey| old.appid == key.appid && old.openid == key.openid;
                    app.auth_keys.iter_mut().filter(same_owner).for_each(|old| old.retired = true);
                }
                app.auth_keys.push(key.clone());
                if app.auth_keys.iter().filter(|old| old.retired).count() > MAX_RETIRED_KEYS
                    && let Some(oldest) = app.auth_keys.iter().position(|old| old.retired)
                {
                    app.auth_keys.remove(oldest);
                }
            }
        }
    }

    /// Checks that a counter is greater than all earlier ones, and returns the change that records it.
    ///
    /// # Errors
    /// [`Spent`] if it is not, or if the device is not known. Nothing changes.
    pub(crate) fn spend(&mut self, cpu_id: &str, counter: u64, by_result: bool) -> Result<Change, Spent> {
        let refuse = |highest, replayed| Err(Spent { highest, replayed });
        let Some(device) = self.devices.get_mut(cpu_id) else { return refuse(0, false) };
        if counter <= device.highest {
            // After a restart the list is empty; the highest counter is most probably that of the last result.
            let replayed = device.spent.contains(&counter)
                || (device.spent.is_empty() && counter == device.highest && by_result);
            return refuse(device.highest, replayed);
        }
        if by_result {
            if device.spent.len() >= MAX_SPENT_COUNTERS {
                device.spent.pop_front();
            }
            device.spent.push_back(counter);
        }
        Ok(Change::Counter { cpu_id: cpu_id.to_owned(), highest: counter })
    }

    /// See [`Change::Clear`].
    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    /// The change after which the ledger has at least this generation; `None` if it has.
    pub(crate) fn clear(&self, generation: u32) -> Option<Change> {
        (self.generation < generation).then_some(Change::Clear { generation })
    }

    /// A device's ATTK.
    pub(crate) fn attk(&self, cpu_id: &str) -> Option<&PublicKey> {
        self.devices.get(cpu_id).map(|device| &device.attk)
    }

    /// An app's ASK, and how its signatures are made.
    pub(crate) fn ask(&self, cpu_id: &str, uid: &str) -> Option<(&PublicKey, SignatureScheme)> {
        let app = self.devices.get(cpu_id)?.apps.get(uid)?;
        Some((&app.ask, app.ask_scheme))
    }

    /// An app's AuthKeys, retired ones included.
    pub(crate) fn auth_keys(&self, cpu_id: &str, uid: &str) -> &[AuthKey] {
        let app = self.devices.get(cpu_id).and_then(|device| device.apps.get(uid));
        app.map_or(&[], |app| &app.auth_keys)
    }

    /// How many devices are known.
    pub(crate) fn device_count(&self) -> usize {
        self.devices.len()
    }

    /// Whether an AuthKey was ever uploaded for a mini program's user.
    pub(crate) fn has_owner(&self, appid: &str, openid: &str) -> bool {
        self.owners.get(appid).is_some_and(|openids| openids.contains(openid))
    }

    /// At most `limit` keys that could have signed instead, those of the same device first.
    pub(crate) fn other_keys(&self, cpu_id: &str, limit: usize) -> Vec<KnownKey> {
        let same = self.devices.get_key_value(cpu_id);
        let others = self.devices.iter().filter(|(id, _)| *id != cpu_id);
        same.into_iter().chain(others).flat_map(|(id, device)| device.known_keys(id)).take(limit).collect()
    }
}

impl Device {
    fn known_keys(&self, cpu_id: &str) -> Vec<KnownKey> {
        let mut keys =
            vec![KnownKey { key: self.attk.clone(), description: format!("the ATTK of {cpu_id}") }];
        for (uid, app) in &self.apps {
            let description = format!("the ASK of uid {uid} on {cpu_id}");
            keys.push(KnownKey { key: app.ask.clone(), description });
            keys.extend(app.auth_keys.iter().map(|auth_key| KnownKey {
                key: auth_key.key.clone(),
                description: format!(
                    "the AuthKey of {} and its user {} in uid {uid} on {cpu_id}",
                    auth_key.appid, auth_key.openid
                ),
            }));
        }
        keys
    }
}
