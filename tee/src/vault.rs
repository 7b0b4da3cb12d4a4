//! The TEE's durable memory: the state, its versions, and the counter.
//!
//! ```text
//!   commit:   state, version V+1 --seal--> storage      (1)
//!             limit, version V+1 --HMAC--> RPMB slot    (2)
//!
//!   open:     storage == RPMB        consistent
//!             storage == RPMB + 1    power failed between (1) and (2): RPMB catches up
//!             storage <  RPMB        an older copy of storage was put back: refuse
//!             storage >  RPMB + 1    an older copy of RPMB was put back: refuse
//! ```
//!
//! If older copies of both are put back together, they are consistent. No phone detects that without help from
//! outside, and neither does this one: it is what an attacker who clones a phone does.
//!
//! If (1) or (2) fails, the old state is written with version V+1, which is consistent with both versions of the RPMB.
//!
//! Counter values are reserved in blocks by a limit that is durable before any value up to it is used. After a crash
//! the counter continues after the limit, so values are skipped and never repeated. Both places store the limit; the
//! higher one counts.

use soter_wire::MAX_COUNTER;

use crate::environment::Environment;
use crate::error::{DevicePart, OpenError, TeeError};
use crate::rpmb::{self, Slot};
use crate::seal::{StorageKeys, UnsealError};
use crate::state::State;
use crate::storage::{ProvisionedDevice, ROOT_KEY_BYTES, RpmbSlot, StorageError, StoredDevice};

/// Blocks start small, so that a crash of a little-used phone skips few values, and grow with use, so that a busy one
/// rarely waits for storage.
const MIN_BLOCK: u64 = 16;
const MAX_BLOCK: u64 = 4096;

/// The durable memory of one device.
pub(crate) struct Vault {
    pub(crate) environment: Box<dyn Environment>,
    keys: StorageKeys,
    state: State,
    version: u64,
    rpmb: Slot,
    rpmb_slot: RpmbSlot,
    last_counter: u64,
    /// Values used since the device was opened.
    used: u64,
}

impl Vault {
    /// Makes a new device with this state.
    pub(crate) fn provision(
        mut environment: Box<dyn Environment>,
        device: &str,
        state: State,
    ) -> Result<Self, TeeError> {
        let mut root_key = zeroize::Zeroizing::new([0; ROOT_KEY_BYTES]);
        environment.random(root_key.as_mut_slice())?;
        let keys = StorageKeys::new(&root_key, device);
        let rpmb = Slot { sequence: 1, counter_limit: state.counter_limit, storage_version: 1 };
        let sealed = seal(&keys, 1, &state)?;
        let slot = rpmb.encode(&keys.rpmb);
        environment.storage().provision(&ProvisionedDevice {
            root_key: &root_key,
            sealed: &sealed,
            rpmb: [&slot, &slot],
        })?;
        let last_counter = state.counter_limit;
        Ok(Self {
            environment,
            keys,
            state,
            version: 1,
            rpmb,
            rpmb_slot: RpmbSlot::First,
            last_counter,
            used: 0,
        })
    }

    /// Opens a device that was made before.
    pub(crate) fn open(
        environment: Box<dyn Environment>,
        device: &str,
        stored: StoredDevice,
    ) -> Result<Self, OpenError> {
        let missing = |part| OpenError::Missing { device: device.to_owned(), part };
        let root_key = stored.root_key.ok_or(missing(DevicePart::RootKey))?;
        let root_key: &[u8; ROOT_KEY_BYTES] =
            root_key.as_slice().try_into().map_err(|_| missing(DevicePart::RootKey))?;
        let sealed = stored.sealed.ok_or(missing(DevicePart::SealedState))?;
        let partition = stored.rpmb.ok_or(missing(DevicePart::Rpmb))?;

        let keys = StorageKeys::new(root_key, device);
        let (version, plaintext) = keys.unseal(&sealed).map_err(|error| match error {
            UnsealError::UnknownFormat(format) => {
                OpenError::UnknownFormat { device: device.to_owned(), format }
            }
            UnsealError::NotSealedState | UnsealError::NotAuthentic => {
                OpenError::NotAuthentic { device: device.to_owned() }
            }
        })?;
        let state =
            State::decode(&plaintext).ok_or_else(|| OpenError::NotAuthentic { device: device.to_owned() })?;
        let (rpmb_slot, rpmb) = rpmb::newest(&partition, &keys.rpmb)
            .ok_or_else(|| OpenError::RpmbDamaged { device: device.to_owned() })?;
        if version < rpmb.storage_version {
            let rpmb = rpmb.storage_version;
            return Err(OpenError::StorageRolledBack { device: device.to_owned(), storage: version, rpmb });
        }
        if version - rpmb.storage_version > 1 {
            let rpmb = rpmb.storage_version;
            return Err(OpenError::RpmbRolledBack { device: device.to_owned(), storage: version, rpmb });
        }

        let last_counter = state.counter_limit.max(rpmb.counter_limit);
        let mut vault = Self { environment, keys, state, version, rpmb, rpmb_slot, last_counter, used: 0 };
        vault.state.counter_limit = last_counter;
        if version > vault.rpmb.storage_version {
            vault.write_rpmb(version, last_counter)?;
        }
        Ok(vault)
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// The last counter value that was used or skipped.
    pub(crate) fn last_counter(&self) -> u64 {
        self.last_counter
    }

    /// Changes the state durably. If the change or storage fails, the state stays as it was, also in storage, unless the error
    /// is [`TeeError::StorageInDoubt`].
    pub(crate) fn commit<T>(
        &mut self,
        change: impl FnOnce(&mut State) -> Result<T, TeeError>,
    ) -> Result<T, TeeError> {
        let mut state = self.state.clone();
        let answer = change(&mut state)?;
        let version = self.version + 1;
        let sealed = seal(&self.keys, version, &state)?;
        self.store(&sealed, version, state.counter_limit)?;
        self.version = version;
        self.state = state;
        Ok(answer)
    }

    /// Uses up the next counter value. It is durable when this returns.
    pub(crate) fn spend_counter(&mut self) -> Result<u64, TeeError> {
        if self.last_counter >= self.state.counter_limit {
            let last = self.last_counter;
            if last >= MAX_COUNTER {
                return Err(TeeError::CounterExhausted { last });
            }
            let block = self.used.clamp(MIN_BLOCK, MAX_BLOCK);
            let limit = last.saturating_add(block).min(MAX_COUNTER);
            self.commit(|state| {
                state.counter_limit = limit;
                Ok(())
            })?;
        }
        self.last_counter += 1;
        self.used += 1;
        Ok(self.last_counter)
    }

    /// Releases the counter values that were reserved and not used, if any.
    pub(crate) fn close(&mut self) -> Result<(), TeeError> {
        let last = self.last_counter;
        if self.state.counter_limit == last {
            return Ok(());
        }
        let result = self.commit(|state| {
            state.counter_limit = last;
            Ok(())
        });
        // Even if that failed, it may be durable: no value of the old block may be used any more.
        self.state.counter_limit = last;
        result
    }

    fn store(&mut self, sealed: &[u8], version: u64, counter_limit: u64) -> Result<(), TeeError> {
        match self.environment.storage().write_sealed(sealed) {
            Ok(()) => {}
            Err(error) if error.untouched => return Err(error.into()),
            Err(error) => return Err(self.undo(error, version)),
        }
        self.write_rpmb(version, counter_limit).map_err(|error| self.undo(error, version))
    }

    /// Writes the present state, after a write of this version has failed. The error says whether that worked. The version
    /// stays the same, because the RPMB slot may have it already.
    fn undo(&mut self, error: StorageError, version: u64) -> TeeError {
        let undone = match seal(&self.keys, version, &self.state) {
            Ok(sealed) => self.environment.storage().write_sealed(&sealed).is_ok(),
            Err(_) => false,
        };
        if undone { TeeError::Storage(error) } else { TeeError::StorageInDoubt(error) }
    }

    fn write_rpmb(&mut self, storage_version: u64, counter_limit: u64) -> Result<(), StorageError> {
        let rpmb_slot = self.rpmb_slot.other();
        let slot = Slot { sequence: self.rpmb.sequence + 1, counter_limit, storage_version };
        self.environment.storage().write_rpmb_slot(rpmb_slot, &slot.encode(&self.keys.rpmb))?;
        self.rpmb = slot;
        self.rpmb_slot = rpmb_slot;
        Ok(())
    }
}

fn seal(keys: &StorageKeys, version: u64, state: &State) -> Result<Vec<u8>, TeeError> {
    let plaintext = state.encode().map_err(|_| TeeError::Encoding)?;
    keys.seal(version, plaintext)
}
