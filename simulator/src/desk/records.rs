//! What the normal world stores about the phones: the document `phones.json` of a state folder.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use soter_bridge::protocol::CommandError;

use crate::phone::{PhoneContext, Record, stored_record};
use crate::store::{DeviceName, StateFolder};

const FIRST_PHONE_NAME: &str = "phone";

/// The phones on a desk.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Records {
    pub(super) selected: DeviceName,
    pub(super) phones: BTreeMap<DeviceName, Record>,
    /// Devices that were removed, and whose folders may still be there. A new phone may have the name of one of them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) removing: BTreeSet<DeviceName>,
    /// The generation of the ledger in the same folder. A reset that could not empty the ledger left an older one.
    #[serde(default)]
    pub(super) ledger_generation: u32,
}

impl Records {
    pub(super) fn with_phone(name: DeviceName, record: Record) -> Self {
        Self {
            selected: name.clone(),
            phones: BTreeMap::from([(name, record)]),
            removing: BTreeSet::new(),
            ledger_generation: 0,
        }
    }

    /// Completes a state folder's document: finishes the removals that it lists, and adds phones that have files and no
    /// entry, because the document is missing or an older one was put back. `None` for a folder without phones.
    pub(super) fn complete(
        document: Option<Self>,
        folder: &StateFolder,
        context: &PhoneContext,
    ) -> Result<Option<Self>, CommandError> {
        let (selected, mut phones, removing) = match document {
            Some(Self { selected, phones, removing, .. }) => (Some(selected), phones, removing),
            None => (None, BTreeMap::new(), BTreeSet::new()),
        };
        for name in &removing {
            folder.remove_device(name)?;
        }
        for (name, record) in &phones {
            record.check(name)?;
        }
        for name in folder.device_names_on_disk()? {
            if let Entry::Vacant(vacant) = phones.entry(name) {
                let record = stored_record(vacant.key(), context)?;
                vacant.insert(record);
            }
        }
        let selected = selected
            .filter(|name| phones.contains_key(name))
            .or_else(|| phones.keys().find(|name| name.as_str() == FIRST_PHONE_NAME).cloned())
            .or_else(|| phones.keys().next().cloned());
        Ok(selected.map(|selected| Self {
            selected,
            phones,
            removing: BTreeSet::new(),
            ledger_generation: 0,
        }))
    }
}

/// The name of the first phone on a new desk.
pub(super) fn first_phone_name() -> Result<DeviceName, CommandError> {
    FIRST_PHONE_NAME.parse().map_err(|error| CommandError::internal(format!("{error}")))
}
