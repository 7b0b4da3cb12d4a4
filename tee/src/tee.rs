//! The device's secure world: identity, keys, counter, matcher, and the signing sessions.

use std::collections::HashMap;

use soter_wire::{AskForm, PROFILES, Profile, PublicKey, UidShape, shortened};

use crate::derive::VALUE_BYTES;
use crate::environment::Environment;
use crate::error::{OpenError, TeeError};
use crate::key_path::KeyPath;
use crate::private_key::PrivateKey;
use crate::seed::ReproducedKeys;
use crate::session::Sessions;
use crate::state::{App, AuthKey, MAX_APPS, MAX_AUTH_KEYS, MAX_KEY_NAME_BYTES};
use crate::vault::Vault;

use manufacture::{check_identity, enroll_first, manufacture, seeded_key};

pub use manufacture::DeviceIdentity;

mod biometrics;
mod exports;
mod manufacture;
pub(crate) mod signing;

/// The longest challenge, in bytes: more than WeChat's 511 UTF-16 units can take.
pub const MAX_CHALLENGE_BYTES: usize = 4096;

/// The largest session number, which JavaScript represents exactly.
const MAX_SESSION_NUMBER: u64 = (1 << 53) - 1;

/// The secure world of one device, powered on.
///
/// Every command is complete when it returns, and none waits for a user. Call [`close`](Self::close) before you drop
/// it, so that the unused rest of the counter's block is not skipped; only dropping it is like removing the battery.
pub struct Tee {
    vault: Vault,
    profile: &'static Profile,
    sessions: Sessions,
    /// Number of sessions opened so far; a seeded device derives session numbers from it.
    sessions_opened: u64,
    /// Cache of AuthKeys, ready to sign. The other keys sign rarely, and are parsed each time.
    auth_keys: HashMap<KeyPath, PrivateKey>,
    /// Cache of public halves.
    public_keys: HashMap<KeyPath, PublicKey>,
    /// The seed's cache of keys, on a seeded device.
    reproduced: ReproducedKeys,
}

/// The public half of a key, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// Which key.
    pub path: KeyPath,
    /// The app's uid as written in exports; `None` for the ATTK.
    pub uid: Option<String>,
    /// The public half.
    pub public: PublicKey,
    /// `false` for an AuthKey that a later enrolment made invalid.
    pub valid: bool,
}

/// The value of a hardware parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExtraParameter {
    /// A number.
    Number(i32),
    /// Left, top, right and bottom on the screen, in pixels.
    Rectangle([i32; 4]),
}

impl Tee {
    /// Powers a device on. A device that was never stored is made first.
    ///
    /// # Errors
    /// [`OpenError::Missing`], [`OpenError::NotAuthentic`], [`OpenError::RpmbDamaged`] or
    /// [`OpenError::UnknownFormat`] if a part of the device cannot be used. [`OpenError::StorageRolledBack`] or
    /// [`OpenError::RpmbRolledBack`] if an older copy of a part was put back. [`OpenError::OtherProfile`],
    /// [`OpenError::OtherSeed`] or [`OpenError::UnknownProfile`] if the device is not the requested one or its family
    /// is unknown. [`OpenError::Tee`] if storage fails or a new device cannot be made. [`OpenError`] says what remains.
    pub fn open(
        mut environment: Box<dyn Environment>,
        identity: &DeviceIdentity<'_>,
    ) -> Result<Self, OpenError> {
        let (vault, profile) = match environment.storage().load()? {
            None => {
                let profile = identity.profile.unwrap_or(&PROFILES[0]);
                (manufacture(environment, identity, profile)?, profile)
            }
            Some(stored) => {
                let vault = Vault::open(environment, identity.name, stored)?;
                let profile = check_identity(vault.state(), identity)?;
                (vault, profile)
            }
        };
        Ok(Self {
            vault,
            profile,
            sessions: Sessions::default(),
            sessions_opened: 0,
            auth_keys: HashMap::new(),
            public_keys: HashMap::new(),
            reproduced: identity.seed.map(|seed| seed.keys().clone()).unwrap_or_default(),
        })
    }

    /// Powers the device off in an orderly way: releases the counter values that were reserved and not used. The
    /// device can still be used afterwards.
    ///
    /// # Errors
    /// [`TeeError::Storage`], [`TeeError::Randomness`] or [`TeeError::Encoding`] if the new state cannot be stored.
    /// The values are skipped.
    pub fn close(&mut self) -> Result<(), TeeError> {
        self.vault.close()
    }

    /// The device's identity in exports.
    pub fn cpu_id(&self) -> String {
        let state = self.vault.state();
        let random = state.identity.derive("cpu_id", &[&state.upgrades.to_le_bytes()]);
        self.profile.cpu_id.write(random.as_slice())
    }

    /// The phone family.
    pub fn profile(&self) -> &'static Profile {
        self.profile
    }

    /// Whether the device is reproducible from a seed.
    pub fn is_seeded(&self) -> bool {
        self.vault.state().seeded
    }

    /// The last counter value that was used or skipped; 0 for none.
    pub fn last_counter(&self) -> u64 {
        self.vault.last_counter()
    }

    /// The calendar clock, in milliseconds since 1970.
    pub fn unix_millis(&self) -> u64 {
        self.vault.environment.unix_millis()
    }

    /// The public half of every key: the ATTK, then for each app its ASK and its AuthKeys by name.
    ///
    /// # Errors
    /// [`TeeError::Key`] if a stored key cannot be parsed: a bug.
    pub fn keys(&mut self) -> Result<Vec<KeyInfo>, TeeError> {
        let mut paths = vec![KeyPath::Attk];
        for (uid, app) in &self.vault.state().apps {
            paths.push(KeyPath::Ask { uid: *uid });
            paths.extend(app.auth_keys.keys().map(|name| KeyPath::AuthKey { uid: *uid, name: name.clone() }));
        }
        paths.into_iter().map(|path| self.key_info(path)).collect()
    }

    /// A key's public half.
    ///
    /// # Errors
    /// [`TeeError::NoAsk`] or [`TeeError::AuthKeyNotFound`] if there is no such key, [`TeeError::Key`] if it cannot
    /// be parsed.
    pub fn public_key(&mut self, path: &KeyPath) -> Result<PublicKey, TeeError> {
        if let Some(public) = self.public_keys.get(path) {
            return Ok(public.clone());
        }
        let public = self.private_key(path)?.public().clone();
        self.public_keys.insert(path.clone(), public.clone());
        Ok(public)
    }

    /// Makes an app's ASK. It replaces an existing one and removes its AuthKeys.
    ///
    /// # Errors
    /// [`TeeError::AppsFull`] if [`MAX_APPS`] other apps have an ASK, [`TeeError::AuthKeysFull`] if a seeded device
    /// has made keys under too many names, [`TeeError::Key`] if no key is made, [`TeeError::CounterExhausted`] if no
    /// counter value is left. [`TeeError::Storage`], [`TeeError::Randomness`] or [`TeeError::Encoding`] if the new
    /// state cannot be stored.
    pub fn generate_app_secure_key(&mut self, uid: u32) -> Result<PublicKey, TeeError> {
        let apps = &self.vault.state().apps;
        if apps.len() >= MAX_APPS && !apps.contains_key(&uid) {
            return Err(TeeError::AppsFull { limit: MAX_APPS });
        }
        let key = self.make_key(&KeyPath::Ask { uid })?;
        let public = key.public().clone();
        let made_at = self.unix_millis();
        self.vault.spend_counter()?;
        self.vault.commit(|state| {
            state.count_generation(uid, "")?;
            state.apps.insert(uid, Box::new(App::new(&key, made_at)));
            Ok(())
        })?;
        self.unload_app(uid);
        self.public_keys.insert(KeyPath::Ask { uid }, public.clone());
        Ok(public)
    }

    /// Whether an app has an ASK.
    pub fn has_app_secure_key(&self, uid: u32) -> bool {
        self.app(uid).is_ok()
    }

    /// Makes an AuthKey. It replaces an existing one of that name.
    ///
    /// # Errors
    /// [`TeeError::ParameterLength`] if the name is empty or longer than [`MAX_KEY_NAME_BYTES`], [`TeeError::NoAsk`]
    /// if the app has no ASK, [`TeeError::AuthKeysFull`] if it has [`MAX_AUTH_KEYS`] others or a seeded device has
    /// made keys under too many names, [`TeeError::Key`] if no key is made, [`TeeError::CounterExhausted`] if no
    /// counter value is left. [`TeeError::Storage`], [`TeeError::Randomness`] or [`TeeError::Encoding`] if the new
    /// state cannot be stored.
    pub fn generate_auth_key(&mut self, uid: u32, name: &str) -> Result<PublicKey, TeeError> {
        check_length("the AuthKey's name", name, MAX_KEY_NAME_BYTES)?;
        let auth_keys = &self.app(uid)?.auth_keys;
        if auth_keys.len() >= MAX_AUTH_KEYS && !auth_keys.contains_key(name) {
            return Err(TeeError::AuthKeysFull { limit: MAX_AUTH_KEYS });
        }
        let path = KeyPath::AuthKey { uid, name: name.to_owned() };
        let key = self.make_key(&path)?;
        let public = key.public().clone();
        self.vault.spend_counter()?;
        self.vault.commit(|state| {
            state.count_generation(uid, name)?;
            let epoch = state.matcher.epoch();
            let app = state.apps.get_mut(&uid).ok_or(TeeError::NoAsk { uid })?;
            app.auth_keys.insert(name.to_owned(), AuthKey { key: key.pkcs8().clone(), epoch });
            Ok(())
        })?;
        self.public_keys.insert(path.clone(), public.clone());
        self.auth_keys.insert(path, key);
        Ok(public)
    }

    /// Whether an AuthKey of that name exists, valid or not.
    pub fn has_auth_key(&self, uid: u32, name: &str) -> bool {
        self.app(uid).is_ok_and(|app| app.auth_keys.contains_key(name))
    }

    /// Whether an AuthKey of that name exists and no later enrolment has made it invalid.
    pub fn has_valid_auth_key(&self, uid: u32, name: &str) -> bool {
        self.check_auth_key(uid, name).is_ok()
    }

    /// Removes an AuthKey.
    ///
    /// # Errors
    /// [`TeeError::NoAsk`] if the app has no ASK, [`TeeError::AuthKeyNotFound`] if there is no such AuthKey.
    /// [`TeeError::Storage`], [`TeeError::Randomness`] or [`TeeError::Encoding`] if the new state cannot be stored.
    pub fn remove_auth_key(&mut self, uid: u32, name: &str) -> Result<(), TeeError> {
        if !self.app(uid)?.auth_keys.contains_key(name) {
            return Err(TeeError::AuthKeyNotFound { name: name.to_owned() });
        }
        self.vault.commit(|state| {
            if let Some(app) = state.apps.get_mut(&uid) {
                app.auth_keys.remove(name);
            }
            Ok(())
        })?;
        self.forget_keys(|path| matches!(path, KeyPath::AuthKey { uid: owner, name: other } if (*owner, other.as_str()) == (uid, name)));
        Ok(())
    }

    /// Removes an app's AuthKeys and its ASK.
    ///
    /// # Errors
    /// [`TeeError::NoAsk`] if the app has no ASK. [`TeeError::Storage`], [`TeeError::Randomness`] or
    /// [`TeeError::Encoding`] if the new state cannot be stored.
    pub fn remove_all_auth_keys(&mut self, uid: u32) -> Result<(), TeeError> {
        self.app(uid)?;
        self.vault.commit(|state| {
            state.apps.remove(&uid);
            Ok(())
        })?;
        self.unload_app(uid);
        Ok(())
    }

    /// The version of SOTER: 2 for phones that export certificate chains (SDK 2.0), else 1. Modelled.
    pub fn version(&self) -> i32 {
        match self.profile.ask {
            AskForm::Json => 1,
            AskForm::CertificateChain => 2,
        }
    }

    /// A hardware parameter: `fingerprint_type` (1: not under the screen) or `fingerprint_hardware_position`.
    /// The values are modelled; the names are the SDK's (`ISoterExParameters`).
    ///
    /// # Errors
    /// [`TeeError::UnknownParameter`] if the phone has no such parameter.
    pub fn extra_parameter(&self, key: &str) -> Result<ExtraParameter, TeeError> {
        match key {
            "fingerprint_type" => Ok(ExtraParameter::Number(1)),
            "fingerprint_hardware_position" => Ok(ExtraParameter::Rectangle([0, 0, 0, 0])),
            _ => Err(TeeError::UnknownParameter { key: shortened(key, 80).to_owned() }),
        }
    }

    /// A factory reset of the normal world: removes apps' keys, enrolments and open sessions, and enrols one new
    /// finger. Identity, ATTK and counter stay.
    ///
    /// # Errors
    /// [`TeeError::Storage`], [`TeeError::Randomness`] or [`TeeError::Encoding`] if the new state cannot be stored.
    pub fn factory_reset(&mut self) -> Result<(), TeeError> {
        let profile = self.profile;
        self.vault.commit(|state| {
            state.apps.clear();
            state.matcher.clear();
            let identity = state.identity.clone();
            enroll_first(&mut state.matcher, profile, &identity)
        })?;
        self.sessions.clear();
        self.forget_keys(|path| *path != KeyPath::Attk);
        Ok(())
    }

    /// A system upgrade as on some phones: the device gets another `cpu_id`. Keys and counter stay.
    ///
    /// # Errors
    /// [`TeeError::Storage`], [`TeeError::Randomness`] or [`TeeError::Encoding`] if the new state cannot be stored.
    pub fn system_upgrade(&mut self) -> Result<(), TeeError> {
        self.vault.commit(|state| {
            state.upgrades = state.upgrades.wrapping_add(1);
            Ok(())
        })
    }

    /// An app's uid as written in exports.
    pub fn uid(&self, uid: u32) -> String {
        match self.profile.uid {
            UidShape::Decimal => uid.to_string(),
            UidShape::LowerHex32 => {
                let value = self.vault.state().identity.derive("uid", &[&uid.to_le_bytes()]);
                let digits = value.iter().take(16).fold(0_u128, |sum, byte| (sum << 8) | u128::from(*byte));
                format!("{digits:032x}")
            }
        }
    }

    fn app(&self, uid: u32) -> Result<&App, TeeError> {
        self.vault.state().apps.get(&uid).map(Box::as_ref).ok_or(TeeError::NoAsk { uid })
    }

    fn check_auth_key(&self, uid: u32, name: &str) -> Result<(), TeeError> {
        let Some(key) = self.app(uid)?.auth_keys.get(name) else {
            return Err(TeeError::AuthKeyNotFound { name: name.to_owned() });
        };
        if key.epoch != self.vault.state().matcher.epoch() {
            return Err(TeeError::AuthKeyInvalidated { name: name.to_owned() });
        }
        Ok(())
    }

    fn key_info(&mut self, path: KeyPath) -> Result<KeyInfo, TeeError> {
        let public = self.public_key(&path)?;
        let (uid, valid) = match &path {
            KeyPath::Attk => (None, true),
            KeyPath::Ask { uid } => (Some(self.uid(*uid)), true),
            KeyPath::AuthKey { uid, name } => (Some(self.uid(*uid)), self.check_auth_key(*uid, name).is_ok()),
        };
        Ok(KeyInfo { path, uid, public, valid })
    }

    /// A key, ready to sign.
    fn private_key(&mut self, path: &KeyPath) -> Result<PrivateKey, TeeError> {
        if let Some(key) = self.auth_keys.get(path) {
            return Ok(key.clone());
        }
        let state = self.vault.state();
        let sealed = match path {
            KeyPath::Attk => &state.attk,
            KeyPath::Ask { uid } => &self.app(*uid)?.ask,
            KeyPath::AuthKey { uid, name } => {
                let keys = &self.app(*uid)?.auth_keys;
                &keys.get(name).ok_or_else(|| TeeError::AuthKeyNotFound { name: name.clone() })?.key
            }
        };
        let key = PrivateKey::restore(sealed, state.seeded)?;
        if matches!(path, KeyPath::AuthKey { .. }) {
            self.auth_keys.insert(path.clone(), key.clone());
        }
        Ok(key)
    }

    fn unload_app(&mut self, uid: u32) {
        self.forget_keys(|path| match path {
            KeyPath::Attk => false,
            KeyPath::Ask { uid: owner } | KeyPath::AuthKey { uid: owner, .. } => *owner == uid,
        });
    }

    /// Removes keys that do not exist any more from the caches.
    fn forget_keys(&mut self, is_gone: impl Fn(&KeyPath) -> bool) {
        self.auth_keys.retain(|path, _| !is_gone(path));
        self.public_keys.retain(|path, _| !is_gone(path));
    }

    fn make_key(&mut self, path: &KeyPath) -> Result<PrivateKey, TeeError> {
        let state = self.vault.state();
        if state.seeded {
            let (_, uid, name) = path.parts();
            let generation = state.generation(uid, name);
            let identity = state.identity.clone();
            let environment = &mut *self.vault.environment;
            return Ok(seeded_key(environment, &self.reproduced, &identity, path, generation)?);
        }
        Ok(self.vault.environment.new_key()?)
    }

    /// Signs as the profile says; a seeded device derives the salt from the counter value.
    fn sign(&mut self, path: &KeyPath, message: &[u8], counter: u64) -> Result<Vec<u8>, TeeError> {
        let scheme = self.profile.scheme;
        let identity = self.vault.state().identity.clone();
        let salt_rng = || identity.generator("salt", &[&counter.to_le_bytes()]);
        Ok(self.private_key(path)?.sign(scheme, message, salt_rng)?)
    }

    /// Random bytes; a seeded device derives them from the purpose and its parts.
    fn random(&mut self, purpose: &str, parts: &[&[u8]]) -> Result<[u8; VALUE_BYTES], TeeError> {
        let state = self.vault.state();
        if state.seeded {
            return Ok(*state.identity.derive(purpose, parts));
        }
        let mut bytes = [0; VALUE_BYTES];
        self.vault.environment.random(&mut bytes)?;
        Ok(bytes)
    }
}

impl std::fmt::Debug for Tee {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Tee")
            .field("profile", &self.profile.name)
            .field("cpu_id", &self.cpu_id())
            .field("last_counter", &self.last_counter())
            .finish_non_exhaustive()
    }
}

fn check_length(parameter: &'static str, text: &str, limit: usize) -> Result<(), TeeError> {
    let bytes = text.len();
    if (1..=limit).contains(&bytes) {
        Ok(())
    } else {
        Err(TeeError::ParameterLength { parameter, bytes, limit })
    }
}

#[cfg(test)]
mod tests;
