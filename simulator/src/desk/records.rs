//! What the normal world stores about the phones: the document `phones.json` of a state folder.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};
use soter_bridge::protocol::CommandError;

use super::refusals::folder_error;
use crate::phone::{PhoneContext, Record, stored_record};
use crate::store::{DeviceName, StateFolder};

const FIRST_PHONE_NAME: &str = "phone";

/// The phones on a desk.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Records {
    pub(super) selected: DeviceName,
    pub(super) phones: BTreeMap<DeviceName, Record>,
}

impl Records {
    pub(super) fn with_phone(name: DeviceName, record: Record) -> Self {
        Self { selected: name.clone(), phones: BTreeMap::from([(name, record)]) }
    }

    /// Loads a state folder's document, and adds phones that have files and no entry: the document is missing, an
    /// older one was put back, or a removal was interrupted. `None` for a folder without phones.
    pub(super) fn load(folder: &StateFolder, context: &PhoneContext) -> Result<Option<Self>, CommandError> {
        let document = folder.load_document::<Self>().map_err(|error| folder_error(&error))?;
        let (selected, mut phones) = match document {
            Some(Self { selected, phones }) => (Some(selected), phones),
            None => (None, BTreeMap::new()),
        };
        for (name, record) in &phones {
            record.check(name)?;
        }
        for name in folder.device_names_on_disk().map_err(|error| folder_error(&error))? {
            if let Entry::Vacant(vacant) = phones.entry(name) {
                let record = stored_record(vacant.key(), context)?;
                vacant.insert(record);
            }
        }
        let selected = selected
            .filter(|name| phones.contains_key(name))
            .or_else(|| phones.keys().find(|name| name.as_str() == FIRST_PHONE_NAME).cloned())
            .or_else(|| phones.keys().next().cloned());
        Ok(selected.map(|selected| Self { selected, phones }))
    }
}

/// The name of the first phone on a new desk.
pub(super) fn first_phone_name() -> Result<DeviceName, CommandError> {
    FIRST_PHONE_NAME.parse().map_err(|error| CommandError::internal(format!("{error}")))
}
