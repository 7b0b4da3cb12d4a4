//! The phones on a desk, and which of them is selected.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::records::Records;
use crate::phone::{Phone, PhoneContext};
use crate::store::DeviceName;

/// All phones, and which of them is selected.
#[derive(Debug)]
pub(super) struct Phones {
    /// The phones, sorted by name.
    pub(super) by_name: BTreeMap<DeviceName, Arc<Phone>>,
    /// The phone for commands that name no device.
    pub(super) selected: DeviceName,
}

impl Phones {
    /// The phones of a document, switched off.
    pub(super) fn from_records(records: Records, context: &PhoneContext) -> Self {
        let by_name = records
            .phones
            .into_iter()
            .map(|(name, record)| (name.clone(), Arc::new(Phone::new(name, record, context.clone()))))
            .collect();
        Self { by_name, selected: records.selected }
    }
}
