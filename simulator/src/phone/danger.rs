//! What an attacker does to a phone from outside its secure world: access its flash, and set its clock.

use std::fmt;

use soter_bridge::protocol::CommandError;
use soter_tee::{
    Environment, ProvisionedDevice, ROOT_KEY_BYTES, RpmbSlot, SLOT_BYTES, Storage, StorageError, StoredDevice,
};
use soter_text::text;
use tracing::error;
use zeroize::Zeroizing;

use super::context::PhoneContext;
use super::state::{Phone, PhoneState};
use crate::store::DeviceName;

/// Everything that a phone's secure world stores outside itself: the flash with root key and sealed state, and the
/// RPMB.
#[derive(Clone)]
pub(crate) struct Flash {
    root_key: Zeroizing<[u8; ROOT_KEY_BYTES]>,
    sealed: Vec<u8>,
    rpmb: [[u8; SLOT_BYTES]; 2],
}

/// A phone at the moment of a copy.
#[derive(Clone, Debug)]
pub(crate) struct CounterState {
    pub(crate) cpu_id: String,
    pub(crate) counter: u64,
}

impl Phone {
    /// Switches the phone off in an orderly way, so that no counter value is reserved, and copies its flash.
    ///
    /// # Errors
    /// `UnknownDevice` if the phone was removed. `Environment` if it does not start or its storage fails.
    pub(crate) fn copy_flash(&self) -> Result<(Flash, CounterState), CommandError> {
        let mut state = self.state();
        let counter_state = self.counter_state(&mut state)?;
        self.power_off(&mut state)?;
        let stored =
            self.environment(&mut state).storage().load().map_err(|error| self.storage_error(&error))?;
        let flash =
            stored.and_then(|stored| Flash::read(&stored)).ok_or_else(|| self.missing_storage_error())?;
        Ok((flash, counter_state))
    }

    /// Overwrites this phone's flash with a copy, unnoticed by its secure world.
    ///
    /// # Errors
    /// `InvalidParams` if the copy is of another phone, which had this name before. `UnknownDevice` if the phone was
    /// removed. `Environment` if storage fails. The flash has its former contents; or, if these cannot be written back, the phone
    /// refuses to start until the copy is put back whole.
    pub(crate) fn restore_flash(&self, flash: &Flash) -> Result<CounterState, CommandError> {
        let mut state = self.state();
        self.check_not_removed(&state)?;
        self.power_off(&mut state)?;
        let mut environment = self.environment(&mut state);
        let storage = environment.storage();
        let failed = |error: StorageError| self.storage_error(&error);
        let current = storage.load().map_err(failed)?.and_then(|stored| Flash::read(&stored));
        match current {
            Some(current) if current.root_key != flash.root_key => {
                return Err(CommandError::invalid_params(
                    text!("the copy is of another phone that was called `{name}` before", name = self.name),
                    text!("take a copy of the phone that is there now"),
                ));
            }
            Some(current) => flash.overwrite(storage).map_err(|error| {
                if let Err(again) = current.overwrite(storage) {
                    error!(phone = %self.name, error = %again, "the phone's flash may be incomplete");
                }
                failed(error)
            })?,
            None => flash.provision(storage).map_err(failed)?,
        }
        self.counter_state(&mut state)
    }

    /// Forces the clock to stand at a moment at which certificates can be made; `None` ends that.
    pub(crate) fn force_clock(&self, clock: Option<u64>) {
        let mut state = self.state();
        state.record.force_clock(clock);
        state.clock.set(state.record.clock);
    }

    /// A phone with another name and the same secure world.
    ///
    /// # Errors
    /// `UnknownDevice` if this phone was removed. `Environment` if it does not start or storage fails.
    pub(crate) fn duplicate(&self, name: DeviceName, context: PhoneContext) -> Result<Self, CommandError> {
        let (flash, _) = self.copy_flash()?;
        let mut record = self.record();
        record.made_as.get_or_insert_with(|| self.name.clone());
        record.keep_user(self.context.user.as_ref());
        let duplicate = Self::new(name, record, context);
        {
            let mut state = duplicate.state();
            let mut environment = duplicate.environment(&mut state);
            flash.provision(environment.storage()).map_err(|error| duplicate.storage_error(&error))?;
        }
        Ok(duplicate)
    }

    fn counter_state(&self, state: &mut PhoneState) -> Result<CounterState, CommandError> {
        let tee = self.tee(state)?;
        Ok(CounterState { cpu_id: tee.cpu_id(), counter: tee.last_counter() })
    }

    fn storage_error(&self, error: &StorageError) -> CommandError {
        CommandError::environment(
            text!("device `{name}`: {error}", name = self.name, error = error.text()),
            text!("check the folder's rights, the free space and the limit of open files, then try again"),
        )
    }
}

impl Flash {
    /// Reads the flash. `None` if a part is missing or has another size.
    fn read(stored: &StoredDevice) -> Option<Self> {
        let mut root_key = Zeroizing::new([0; ROOT_KEY_BYTES]);
        let stored_key = stored.root_key.as_ref().filter(|key| key.len() == ROOT_KEY_BYTES)?;
        root_key.copy_from_slice(stored_key);
        let (first, second) = stored.rpmb.as_ref()?.split_at_checked(SLOT_BYTES)?;
        let rpmb = [first.try_into().ok()?, second.try_into().ok()?];
        Some(Self { root_key, sealed: stored.sealed.clone()?, rpmb })
    }

    /// Writes this copy as a new phone. The storage must not contain a phone.
    fn provision(&self, storage: &mut dyn Storage) -> Result<(), StorageError> {
        let [first, second] = &self.rpmb;
        storage.provision(&ProvisionedDevice {
            root_key: &self.root_key,
            sealed: &self.sealed,
            rpmb: [first, second],
        })
    }

    /// Overwrites the flash of the same phone.
    fn overwrite(&self, storage: &mut dyn Storage) -> Result<(), StorageError> {
        let [first, second] = &self.rpmb;
        storage.write_sealed(&self.sealed)?;
        storage.write_rpmb_slot(RpmbSlot::First, first)?;
        storage.write_rpmb_slot(RpmbSlot::Second, second)
    }
}

impl fmt::Debug for Flash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Flash").field("sealed_bytes", &self.sealed.len()).finish_non_exhaustive()
    }
}
