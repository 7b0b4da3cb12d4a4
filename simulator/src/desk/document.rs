//! What the normal world stores about the desk: the document `phones.json` of a state folder. Each phone has a record of its
//! own, in a file of its own.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use soter_bridge::protocol::CommandError;

use super::fleet::{Fleet, FleetRecord};
use crate::phone::{PhoneContext, Record, stored_record};
use crate::store::{DeviceName, StateFolder};

const FIRST_PHONE_NAME: &str = "phone";

/// What is on the desk, apart from the phones' records.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) selected: DeviceName,
    /// Records that are newer than those in files: of phones that have the names of phones in `removing`, or all of them in a
    /// document of version 1.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) phones: BTreeMap<DeviceName, Record>,
    /// Devices that were removed, and whose files may still be there. A new phone may have the name of one of them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) removing: BTreeSet<DeviceName>,
    /// The generation of the ledger in the same folder. A reset that could not empty the ledger left an older one.
    #[serde(default)]
    pub(super) ledger_generation: u32,
    /// The fleet, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fleet: Option<FleetRecord>,
}

/// The phones that a state folder has.
#[derive(Debug)]
pub(super) struct StoredPhones {
    pub(super) selected: DeviceName,
    pub(super) records: BTreeMap<DeviceName, Record>,
}

impl StoredPhones {
    /// The phones of a folder whose document is this one: finishes the removals that it lists, and writes records that are
    /// not in files yet. A phone that has a secure world and no record gets one. `None` for a folder without phones.
    ///
    /// # Errors
    /// `Environment` if a file cannot be read or written, or a record is damaged. What was written stays valid.
    pub(super) fn load(
        document: Option<Document>,
        folder: &StateFolder,
        fleet: Option<&Fleet>,
        context: &PhoneContext,
    ) -> Result<Option<Self>, CommandError> {
        for name in document.iter().flat_map(|document| &document.removing) {
            folder.remove_device(name)?;
        }
        let found = FoundPhones::find(document, folder, fleet, context)?;
        for (name, record) in &found.unsaved {
            folder.save_record(name, record)?;
        }
        Ok(found.phones)
    }

    /// As [`load`](Self::load), and changes nothing: the removals stay planned in this value of the folder.
    ///
    /// # Errors
    /// `Environment` if a file cannot be read, or a record is damaged.
    pub(super) fn copy(
        document: Option<Document>,
        folder: &StateFolder,
        fleet: Option<&Fleet>,
        context: &PhoneContext,
    ) -> Result<Option<Self>, CommandError> {
        folder.plan_removals(document.iter().flat_map(|document| document.removing.iter().cloned()));
        Ok(FoundPhones::find(document, folder, fleet, context)?.phones)
    }
}

/// The phones that were found in a folder.
struct FoundPhones {
    phones: Option<StoredPhones>,
    /// The records among them that are not in files.
    unsaved: BTreeMap<DeviceName, Record>,
}

impl FoundPhones {
    /// Reads the phones. Files of devices whose removal is planned do not count.
    fn find(
        document: Option<Document>,
        folder: &StateFolder,
        fleet: Option<&Fleet>,
        context: &PhoneContext,
    ) -> Result<Self, CommandError> {
        let (selected, mut unsaved) = match document {
            Some(Document { selected, phones, .. }) => (Some(selected), phones),
            None => (None, BTreeMap::new()),
        };
        let removing = folder.planned_removals();
        let mut records = unsaved.clone();
        for name in folder.record_names()?.into_iter().filter(|name| !removing.contains(name)) {
            if let Entry::Vacant(vacant) = records.entry(name)
                && let Some(record) = folder.load_record(vacant.key())?
            {
                vacant.insert(record);
            }
        }
        for (name, record) in &records {
            record.check(name)?;
        }
        for name in folder.device_names_on_disk()?.into_iter().filter(|name| !removing.contains(name)) {
            if let Entry::Vacant(vacant) = records.entry(name) {
                let name = vacant.key();
                let record = match fleet.filter(|fleet| fleet.has(name)) {
                    Some(fleet) => fleet.used_record(),
                    None => stored_record(name, context)?,
                };
                unsaved.insert(name.clone(), record.clone());
                vacant.insert(record);
            }
        }
        let selected = selected
            .filter(|name| records.contains_key(name) || fleet.is_some_and(|fleet| fleet.has(name)))
            .or_else(|| records.keys().find(|name| name.as_str() == FIRST_PHONE_NAME).cloned())
            .or_else(|| records.keys().next().cloned());
        let phones = selected.map(|selected| StoredPhones { selected, records });
        Ok(Self { phones, unsaved })
    }
}

/// The name of the first phone on a new desk.
pub(super) fn first_phone_name() -> Result<DeviceName, CommandError> {
    FIRST_PHONE_NAME.parse().map_err(|error| CommandError::defect(format!("{error}")))
}
