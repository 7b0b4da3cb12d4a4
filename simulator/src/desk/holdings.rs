//! The attacker's possessions on a desk: copies of phones, and a key.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use soter_attack::SoftwareKey;
use soter_bridge::protocol::CommandError;

use crate::phone::Flash;
use crate::store::DeviceName;

/// The attacker's possessions on this desk. They are lost when the process ends.
#[derive(Debug, Default)]
pub(super) struct AttackerHoldings {
    snapshots: Mutex<BTreeMap<DeviceName, FlashCopy>>,
    key: Mutex<Option<SoftwareKey>>,
}

/// A copy of a phone's flash.
#[derive(Debug)]
pub(super) struct FlashCopy {
    pub(super) device: DeviceName,
    pub(super) flash: Flash,
}

impl AttackerHoldings {
    /// Removes all copies.
    pub(super) fn clear(&self) {
        self.snapshots().clear();
    }

    /// The attacker's own key, made when it is first needed.
    pub(super) fn own_key(&self) -> Result<SoftwareKey, CommandError> {
        let mut own = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &*own {
            return Ok(key.clone());
        }
        Ok(own.insert(SoftwareKey::generate()?).clone())
    }

    pub(super) fn snapshots(&self) -> MutexGuard<'_, BTreeMap<DeviceName, FlashCopy>> {
        self.snapshots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
