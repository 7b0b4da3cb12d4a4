//! What a TEE remembers: the content of the sealed state.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::TeeError;
use crate::matcher::Matcher;
use crate::private_key::PrivateKey;
use crate::secret::Secret;
use crate::seed::Identity;

/// Apps that can have an ASK at once.
pub const MAX_APPS: usize = 64;
/// AuthKeys that an app can have at once.
pub const MAX_AUTH_KEYS: usize = 64;
/// The longest AuthKey name, in bytes.
pub const MAX_KEY_NAME_BYTES: usize = 256;

/// Maximum number of names under which a seeded device makes keys in its life.
const MAX_GENERATIONS: usize = 4096;

/// The state of a device's secure world.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    /// The profile's name.
    pub(crate) profile: String,
    /// The source of the device's ids and, on a seeded device, of keys, salts and session numbers.
    pub(crate) identity: Identity,
    /// Whether keys and salts are derived from the identity.
    pub(crate) seeded: bool,
    /// How often a system upgrade has changed the `cpu_id`.
    pub(crate) upgrades: u32,
    /// The highest counter value that may have been used.
    pub(crate) counter_limit: u64,
    /// When the device was made, in milliseconds since 1970.
    pub(crate) made_at: u64,
    /// The device's root key, PKCS#8.
    pub(crate) attk: Secret,
    /// Apps with an ASK, by Android uid. Boxed because a map has room for eleven, and most phones have one.
    pub(crate) apps: BTreeMap<u32, Box<App>>,
    /// Number of keys that a seeded device has made under a uid and name (the ASK's name is empty). It outlives the
    /// keys, so that a key that is made again is another key. Empty on other devices.
    pub(crate) generations: BTreeMap<(u32, String), u32>,
    /// Fingers, faces and lockouts.
    pub(crate) matcher: Matcher,
}

/// One app's keys.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct App {
    /// The ASK, PKCS#8.
    pub(crate) ask: Secret,
    /// When the ASK was made, in milliseconds since 1970.
    pub(crate) made_at: u64,
    /// AuthKeys by name.
    pub(crate) auth_keys: BTreeMap<String, AuthKey>,
}

/// One AuthKey.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AuthKey {
    /// The key, PKCS#8.
    pub(crate) key: Secret,
    /// The enrolment epoch of the key. It is invalid in any other epoch.
    pub(crate) epoch: u32,
}

impl State {
    pub(crate) fn encode(&self) -> Result<Zeroizing<Vec<u8>>, postcard::Error> {
        // The size is computed first: a buffer that grows would leave unwiped copies of private keys behind.
        let size = postcard::experimental::serialized_size(self)?;
        let mut bytes = Zeroizing::new(vec![0; size]);
        let used = postcard::to_slice(self, &mut bytes)?.len();
        bytes.truncate(used);
        Ok(bytes)
    }

    /// Decodes the plaintext of an authenticated state; `None` for anything that this version did not write.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (state, rest) = postcard::take_from_bytes::<Self>(bytes).ok()?;
        rest.is_empty().then_some(state)
    }

    /// Number of keys that a seeded device has made under this name. It is the generation of the next key.
    pub(crate) fn generation(&self, uid: u32, name: &str) -> u32 {
        self.generations.get(&(uid, name.to_owned())).copied().unwrap_or_default()
    }

    /// Counts another key under this name. Does nothing on a device without a seed.
    ///
    /// # Errors
    /// [`TeeError::AuthKeysFull`] if the name is new and the device has made keys under [`MAX_GENERATIONS`] names.
    pub(crate) fn count_generation(&mut self, uid: u32, name: &str) -> Result<(), TeeError> {
        if !self.seeded {
            return Ok(());
        }
        let label = (uid, name.to_owned());
        if self.generations.len() >= MAX_GENERATIONS && !self.generations.contains_key(&label) {
            return Err(TeeError::AuthKeysFull { limit: MAX_GENERATIONS });
        }
        let made = self.generations.entry(label).or_default();
        *made = made.saturating_add(1);
        Ok(())
    }
}

impl App {
    pub(crate) fn new(ask: &PrivateKey, made_at: u64) -> Self {
        Self { ask: ask.pkcs8().clone(), made_at, auth_keys: BTreeMap::new() }
    }
}
