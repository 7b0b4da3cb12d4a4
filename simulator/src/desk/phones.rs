//! The phones on a desk, and which of them is selected.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::records::Records;
use crate::phone::{Phone, PhoneContext};
use crate::store::DeviceName;

/// Every phone, and which of them is selected.
#[derive(Debug)]
pub(super) struct Phones {
    /// In the order of their names.
    pub(super) by_name: BTreeMap<DeviceName, Arc<Phone>>,
    /// The one that commands without a device go to.
    pub(super) selected: DeviceName,
}

impl Phones {
    /// The phones that a document tells of, switched off.
    pub(super) fn from_records(records: Records, context: &PhoneContext) -> Self {
        let by_name = records
            .phones
            .into_iter()
            .map(|(name, record)| (name.clone(), Arc::new(Phone::new(name, record, context.clone()))))
            .collect();
        Self { by_name, selected: records.selected }
    }
}
