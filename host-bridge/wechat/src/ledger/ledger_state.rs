//! A ledger's contents in memory.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use soter_text::text;
use soter_wire::{PublicKey, SignatureScheme};

use super::app_keys::{AppKeys, KnownKey};
use super::change::{AuthKey, Change};
use super::spending::{SpendOutcome, Spending};

/// Maximum number of a device's counters that are remembered, to distinguish a replay from a roll-back.
const MAX_SPENT_COUNTERS: usize = 1024;
/// Maximum number of an app's retired AuthKeys that are remembered, to distinguish an old key from a wrong one.
pub(super) const MAX_RETIRED_KEYS: usize = 16;

/// The contents of a ledger: devices by `cpu_id`, and the owners of their AuthKeys.
#[derive(Debug, Default)]
pub(super) struct LedgerState {
    /// See [`Change::Clear`].
    generation: u32,
    devices: HashMap<String, Device>,
    /// The version of the keys that changed last. It is new for each change.
    last_version: u64,
    /// By appid: the openids of all users for whom an AuthKey was uploaded.
    owners: HashMap<String, HashSet<String>>,
}

#[derive(Debug)]
struct Device {
    attk: PublicKey,
    highest: u64,
    /// See [`AppKeys::version`].
    version: u64,
    /// Counters that results have spent, the newest last.
    spent: VecDeque<u64>,
    /// Boxed because a map has room for eleven, and most devices have one.
    apps: BTreeMap<String, Box<App>>,
}

#[derive(Debug)]
struct App {
    ask: PublicKey,
    ask_scheme: SignatureScheme,
    /// Shared with the requests that are being judged.
    auth_keys: Arc<Vec<AuthKey>>,
}

impl LedgerState {
    /// The state after these changes, which a store has kept.
    pub(super) fn of(changes: &[Change]) -> Self {
        let mut state = Self::default();
        for change in changes {
            state.apply(change);
        }
        for device in state.devices.values_mut().filter(|device| device.highest > 0) {
            // A store keeps the highest counter alone, which is most probably that of the last result.
            device.spent.push_back(device.highest);
        }
        state
    }

    /// Gives all keys versions that differ from those of an earlier state, which this one replaces.
    pub(super) fn replacing(mut self, earlier: &Self) -> Self {
        let offset = earlier.last_version;
        self.devices.values_mut().for_each(|device| device.version += offset);
        self.last_version += offset;
        self
    }

    /// Gives a device's keys the version that a database has for them.
    pub(super) fn set_version(&mut self, cpu_id: &str, version: u64) {
        if let Some(device) = self.devices.get_mut(cpu_id) {
            device.version = version;
        }
    }

    /// Applies a change.
    pub(super) fn apply(&mut self, change: &Change) {
        let version = self.last_version + 1;
        match change {
            Change::Clear { generation } => {
                *self = Self { generation: *generation, last_version: self.last_version, ..Self::default() };
            }
            Change::Device { cpu_id, attk } => {
                self.last_version = version;
                self.devices.entry(cpu_id.clone()).or_insert_with(|| Device {
                    attk: attk.clone(),
                    highest: 0,
                    version,
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
                self.last_version = version;
                device.version = version;
                let app = device.apps.entry(uid.clone()).or_insert_with(|| {
                    Box::new(App { ask: key.clone(), ask_scheme: *scheme, auth_keys: Arc::default() })
                });
                if app.ask != *key {
                    for old in Arc::make_mut(&mut app.auth_keys) {
                        old.retired = true;
                    }
                }
                app.ask = key.clone();
                app.ask_scheme = *scheme;
            }
            Change::AuthKey { cpu_id, uid, key } => {
                let Some(device) = self.devices.get_mut(cpu_id) else { return };
                let Some(app) = device.apps.get_mut(uid) else { return };
                self.last_version = version;
                device.version = version;
                self.owners.entry(key.appid.clone()).or_default().insert(key.openid.clone());
                let auth_keys = Arc::make_mut(&mut app.auth_keys);
                auth_keys.retain(|old| old.key != key.key);
                if !key.retired {
                    let same_owner = |old: &&mut AuthKey| old.appid == key.appid && old.openid == key.openid;
                    auth_keys.iter_mut().filter(same_owner).for_each(|old| old.retired = true);
                }
                auth_keys.push(key.clone());
                if auth_keys.iter().filter(|old| old.retired).count() > MAX_RETIRED_KEYS
                    && let Some(oldest) = auth_keys.iter().position(|old| old.retired)
                {
                    auth_keys.remove(oldest);
                }
            }
        }
    }

    /// Checks whether a result's counter can be spent, and returns the change that records it.
    ///
    /// # Errors
    /// Another [`SpendOutcome`] if it cannot. Nothing changes.
    pub(super) fn spend(&mut self, spending: &Spending) -> Result<Change, SpendOutcome> {
        let Spending { cpu_id, counter, version } = spending;
        let device = self.devices.get_mut(cpu_id).filter(|device| device.version == *version);
        let device = device.ok_or(SpendOutcome::KeysChanged)?;
        if *counter <= device.highest {
            let replayed = device.spent.contains(counter);
            return Err(SpendOutcome::NotGreater { highest: device.highest, replayed });
        }
        if device.spent.len() >= MAX_SPENT_COUNTERS {
            device.spent.pop_front();
        }
        device.spent.push_back(*counter);
        Ok(Change::Counter { cpu_id: cpu_id.clone(), highest: *counter })
    }

    /// See [`Change::Clear`].
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// The change after which the ledger has at least this generation; `None` if it has.
    pub(super) fn clear(&self, generation: u32) -> Option<Change> {
        (self.generation < generation).then_some(Change::Clear { generation })
    }

    /// A device's ATTK.
    pub(super) fn attk(&self, cpu_id: &str) -> Option<&PublicKey> {
        self.devices.get(cpu_id).map(|device| &device.attk)
    }

    /// The highest counter that a device has shown.
    pub(super) fn highest(&self, cpu_id: &str) -> Option<u64> {
        self.devices.get(cpu_id).map(|device| device.highest)
    }

    /// An app's ASK, and how its signatures are made.
    pub(super) fn ask(&self, cpu_id: &str, uid: &str) -> Option<(&PublicKey, SignatureScheme)> {
        let app = self.devices.get(cpu_id)?.apps.get(uid)?;
        Some((&app.ask, app.ask_scheme))
    }

    /// Whether an AuthKey was uploaded for another user, or for a user of another mini program.
    pub(super) fn is_of_other_owner(&self, cpu_id: &str, uid: &str, auth_key: &AuthKey) -> bool {
        let app = self.devices.get(cpu_id).and_then(|device| device.apps.get(uid));
        let is_same_owner = |old: &AuthKey| (&old.appid, &old.openid) == (&auth_key.appid, &auth_key.openid);
        app.is_some_and(|app| app.auth_keys.iter().any(|old| old.key == auth_key.key && !is_same_owner(old)))
    }

    /// The keys of an app on a device. `None` if the device is not known.
    pub(super) fn app_keys(&self, cpu_id: &str, uid: &str) -> Option<AppKeys> {
        let device = self.devices.get(cpu_id)?;
        let app = device.apps.get(uid);
        Some(AppKeys {
            attk: device.attk.clone(),
            ask: app.map(|app| (app.ask.clone(), app.ask_scheme)),
            auth_keys: app.map(|app| app.auth_keys.clone()).unwrap_or_default(),
            version: device.version,
        })
    }

    /// How many devices are known.
    pub(super) fn device_count(&self) -> usize {
        self.devices.len()
    }

    /// Whether an AuthKey was ever uploaded for a mini program's user.
    pub(super) fn has_owner(&self, appid: &str, openid: &str) -> bool {
        self.owners.get(appid).is_some_and(|openids| openids.contains(openid))
    }

    /// At most `limit` keys that could have signed instead, those of the same device first.
    pub(super) fn other_keys(&self, cpu_id: &str, limit: usize) -> Vec<KnownKey> {
        let same = self.devices.get_key_value(cpu_id);
        let others = self.devices.iter().filter(|(id, _)| *id != cpu_id);
        same.into_iter().chain(others).flat_map(|(id, device)| device.known_keys(id)).take(limit).collect()
    }
}

impl Device {
    fn known_keys(&self, cpu_id: &str) -> Vec<KnownKey> {
        let description = text!("the ATTK of {cpu_id}", cpu_id = cpu_id);
        let mut keys = vec![KnownKey { key: self.attk.clone(), description }];
        for (uid, app) in &self.apps {
            let description = text!("the ASK of uid {uid} on {cpu_id}", uid = uid, cpu_id = cpu_id);
            keys.push(KnownKey { key: app.ask.clone(), description });
            keys.extend(app.auth_keys.iter().map(|auth_key| KnownKey {
                key: auth_key.key.clone(),
                description: text!(
                    "the AuthKey of {appid} and its user {openid} in uid {uid} on {cpu_id}",
                    appid = auth_key.appid,
                    openid = auth_key.openid,
                    uid = uid,
                    cpu_id = cpu_id
                ),
            }));
        }
        keys
    }
}
