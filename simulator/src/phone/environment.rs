//! What a phone's secure world gets from outside: randomness, a clock, storage.

use soter_tee::{Environment, KeyError, KeyPath, MemoryStorage, PrivateKey, RandomnessError, Storage};
use zeroize::Zeroizing;

use super::clock::Clock;
use super::context::PhoneContext;
use super::new_keys::NewKeys;
use crate::store::DeviceName;

/// The environment of one phone's secure world.
pub(super) struct PhoneEnvironment {
    storage: Box<dyn Storage>,
    clock: Clock,
    keys: NewKeys,
}

impl PhoneEnvironment {
    /// The environment of a phone. Its storage is in the desk's folder, or in `memory`, which is created on first use.
    pub(super) fn new(
        context: &PhoneContext,
        name: &DeviceName,
        memory: &mut Option<MemoryStorage>,
        clock: Clock,
    ) -> Self {
        let storage: Box<dyn Storage> = match context.place.folder() {
            Some(folder) => Box::new(folder.device_storage(name)),
            None => Box::new(memory.get_or_insert_with(MemoryStorage::new).clone()),
        };
        Self { storage, clock, keys: context.keys.clone() }
    }
}

impl Environment for PhoneEnvironment {
    fn random(&mut self, out: &mut [u8]) -> Result<(), RandomnessError> {
        soter_tee::operating_system_random(out)
    }

    fn unix_millis(&self) -> u64 {
        self.clock.unix_millis()
    }

    fn new_key(&mut self) -> Result<PrivateKey, KeyError> {
        self.keys.random()
    }

    fn seeded_key(
        &mut self,
        path: &KeyPath,
        generation: u32,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
        self.keys.seeded(path, generation)
    }

    fn storage(&mut self) -> &mut dyn Storage {
        self.storage.as_mut()
    }
}
