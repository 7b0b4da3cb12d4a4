//! Storage whose power fails at a chosen write, for tests of what must survive that.
//!
//! A test runs its scenario once without a cut and reads from [`PowerCutStorage::durable_writes`] how many writes
//! there were. Then it runs the scenario for each write and each [`PowerCut`], restores the power, opens the device
//! again and asserts what must hold.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use soter_text::text;

use super::memory::{MemoryStorage, cannot_write, device_in_memory, failed};
use super::{ProvisionedDevice, RpmbSlot, SLOT_BYTES, Storage, StorageError, StoredDevice};

/// Storage in memory whose power can be made to fail. Clones are handles of the same storage.
#[derive(Clone, Debug)]
pub struct PowerCutStorage {
    memory: MemoryStorage,
    power_state: Arc<Mutex<PowerState>>,
}

/// What happens to the durable write at which the power is cut. Its caller sees an error in every case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerCut {
    /// Nothing of the write is stored.
    Before,
    /// All of the write is stored.
    After,
    /// The first bytes of the write are stored, if it is a write of an RPMB slot.
    ///
    /// Other writes are atomic: nothing is stored if `prefix_bytes` is 0, otherwise everything.
    Torn {
        /// Number of bytes stored. More than [`SLOT_BYTES`] is the whole slot.
        prefix_bytes: usize,
    },
}

#[derive(Debug, Default)]
struct PowerState {
    durable_writes: u64,
    planned_cut: Option<(u64, PowerCut)>,
    is_off: bool,
}

impl PowerCutStorage {
    /// Wraps a storage. The power is on and no cut is planned.
    pub fn new(memory: MemoryStorage) -> Self {
        Self { memory, power_state: Arc::default() }
    }

    /// Plans a cut at durable write number `write`. It replaces a cut that was planned earlier.
    ///
    /// Writes are numbered from 1 since [`PowerCutStorage::new`], across power cuts. A cut at a number that has
    /// passed never happens.
    pub fn cut_at(&self, write: u64, cut: PowerCut) {
        self.power_state().planned_cut = Some((write, cut));
    }

    /// Number of durable writes that began while the power was on, including the one at which it was cut.
    pub fn durable_writes(&self) -> u64 {
        self.power_state().durable_writes
    }

    /// Whether the power was cut and not yet restored.
    pub fn is_off(&self) -> bool {
        self.power_state().is_off
    }

    /// Switches the power on again. Stored bytes are still there; no further cut is planned.
    pub fn restore_power(&self) {
        let mut power_state = self.power_state();
        power_state.is_off = false;
        power_state.planned_cut = None;
    }

    /// The wrapped storage, accessible whether the power is on or off.
    pub fn memory(&self) -> &MemoryStorage {
        &self.memory
    }

    fn power_state(&self) -> MutexGuard<'_, PowerState> {
        self.power_state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a durable write and returns the cut that happens during it, if any.
    fn begin_write(&self) -> Result<Option<PowerCut>, StorageError> {
        let mut power_state = self.power_state();
        if power_state.is_off {
            return Err(power_is_off());
        }
        power_state.durable_writes += 1;
        let cut = power_state
            .planned_cut
            .filter(|(write, _)| *write == power_state.durable_writes)
            .map(|(_, cut)| cut);
        power_state.is_off = cut.is_some();
        Ok(cut)
    }

    fn write_atomically(
        &mut self,
        write: impl FnOnce(&mut MemoryStorage) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        match self.begin_write()? {
            None => write(&mut self.memory),
            Some(PowerCut::Before | PowerCut::Torn { prefix_bytes: 0 }) => Err(power_is_off()),
            Some(PowerCut::After | PowerCut::Torn { .. }) => write(&mut self.memory).and(Err(power_is_off())),
        }
    }
}

impl Storage for PowerCutStorage {
    fn load(&mut self) -> Result<Option<StoredDevice>, StorageError> {
        if self.is_off() {
            return Err(failed(text!(
                "cannot read {location}: {cause}",
                location = device_in_memory(),
                cause = text!("power is off")
            )));
        }
        self.memory.load()
    }

    fn provision(&mut self, device: &ProvisionedDevice<'_>) -> Result<(), StorageError> {
        self.write_atomically(|memory| memory.provision(device))
    }

    fn write_sealed(&mut self, sealed: &[u8]) -> Result<(), StorageError> {
        self.write_atomically(|memory| memory.write_sealed(sealed))
    }

    fn write_rpmb_slot(&mut self, slot: RpmbSlot, bytes: &[u8; SLOT_BYTES]) -> Result<(), StorageError> {
        let stored_bytes = match self.begin_write()? {
            None => return self.memory.write_rpmb_slot(slot, bytes),
            Some(PowerCut::Before) => 0,
            Some(PowerCut::After) => SLOT_BYTES,
            Some(PowerCut::Torn { prefix_bytes }) => prefix_bytes.min(SLOT_BYTES),
        };
        self.memory.write_rpmb_prefix(slot, &bytes[..stored_bytes])?;
        Err(power_is_off())
    }
}

fn power_is_off() -> StorageError {
    cannot_write(&text!("power is off"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD_SLOT: [u8; SLOT_BYTES] = [0x11; SLOT_BYTES];
    const NEW_SLOT: [u8; SLOT_BYTES] = [0x22; SLOT_BYTES];

    fn provisioned() -> PowerCutStorage {
        let mut storage = PowerCutStorage::new(MemoryStorage::new());
        let device = ProvisionedDevice { root_key: &[7; 32], sealed: b"old", rpmb: [&OLD_SLOT, &OLD_SLOT] };
        storage.provision(&device).unwrap();
        storage
    }

    fn sealed(storage: &PowerCutStorage) -> Vec<u8> {
        storage.memory().contents().unwrap().sealed.unwrap()
    }

    fn rpmb(storage: &PowerCutStorage) -> Vec<u8> {
        storage.memory().contents().unwrap().rpmb.unwrap()
    }

    #[test]
    fn the_power_fails_at_the_planned_write_and_at_no_other() {
        let mut storage = provisioned();
        storage.cut_at(3, PowerCut::Before);

        storage.write_sealed(b"second write").unwrap();
        storage.write_sealed(b"third write").unwrap_err();

        assert!(storage.is_off());
        assert_eq!(sealed(&storage), b"second write");
        assert_eq!(storage.durable_writes(), 3);
    }

    #[test]
    fn without_power_nothing_can_be_read_or_written_until_it_is_restored() {
        let mut storage = provisioned();
        storage.cut_at(2, PowerCut::After);
        storage.write_sealed(b"new").unwrap_err();

        let errors = [
            storage.load().unwrap_err(),
            storage.write_sealed(b"later").unwrap_err(),
            storage.write_rpmb_slot(RpmbSlot::First, &NEW_SLOT).unwrap_err(),
        ];
        for error in errors {
            assert!(error.to_string().ends_with("power is off"), "{error}");
        }

        storage.restore_power();
        assert_eq!(storage.load().unwrap().unwrap().sealed.unwrap(), b"new");
        storage.write_sealed(b"later").unwrap();
        assert_eq!(sealed(&storage), b"later");
    }

    #[test]
    fn an_atomic_write_is_complete_or_has_no_effect() {
        for (cut, expected) in [
            (PowerCut::Before, &b"old"[..]),
            (PowerCut::Torn { prefix_bytes: 0 }, b"old"),
            (PowerCut::Torn { prefix_bytes: 1 }, b"new"),
            (PowerCut::After, b"new"),
        ] {
            let mut storage = provisioned();
            storage.cut_at(2, cut);
            storage.write_sealed(b"new").unwrap_err();
            assert_eq!(sealed(&storage), expected, "{cut:?}");
        }
    }

    #[test]
    fn a_device_is_provisioned_completely_or_not_at_all() {
        for (cut, exists) in [(PowerCut::Before, false), (PowerCut::After, true)] {
            let mut storage = PowerCutStorage::new(MemoryStorage::new());
            storage.cut_at(1, cut);
            let device =
                ProvisionedDevice { root_key: &[7; 32], sealed: b"old", rpmb: [&OLD_SLOT, &OLD_SLOT] };
            storage.provision(&device).unwrap_err();
            storage.restore_power();
            assert_eq!(storage.load().unwrap().is_some(), exists, "{cut:?}");
        }
    }

    #[test]
    fn a_torn_slot_holds_exactly_the_prefix_and_the_other_slot_is_unchanged() {
        for prefix_bytes in 0..=SLOT_BYTES {
            let mut storage = provisioned();
            storage.cut_at(2, PowerCut::Torn { prefix_bytes });
            storage.write_rpmb_slot(RpmbSlot::Second, &NEW_SLOT).unwrap_err();

            let rpmb = rpmb(&storage);
            assert_eq!(rpmb[..SLOT_BYTES], OLD_SLOT);
            assert_eq!(rpmb[SLOT_BYTES..][..prefix_bytes], NEW_SLOT[..prefix_bytes]);
            assert_eq!(rpmb[SLOT_BYTES + prefix_bytes..], OLD_SLOT[prefix_bytes..]);
        }
    }
}
