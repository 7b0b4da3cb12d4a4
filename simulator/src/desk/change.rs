//! Changes of the list of phones and of their records: first the document, then memory. A command whose document cannot
//! be written has changed nothing.

use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

use soter_bridge::protocol::CommandError;
use tracing::{error, warn};

use super::Desk;
use super::records::Records;
use crate::phone::{Phone, Record};
use crate::store::DeviceName;

/// The right to change the list of phones, their records and the document. One change at a time is made.
pub(super) struct Change<'a> {
    desk: &'a Desk,
    _lock: MutexGuard<'a, ()>,
}

impl Desk {
    pub(super) fn begin_change(&self) -> Change<'_> {
        let lock = self.inner.change_lock.lock().unwrap_or_else(PoisonError::into_inner);
        Change { desk: self, _lock: lock }
    }

    /// Writes a phone's record if it changed by itself: the phone was used, or a planned failure has happened. The command
    /// that caused it has been carried out. If the document cannot be written, the next command tries again.
    ///
    /// # Errors
    /// `Environment` if the document cannot be written and the one on disk lists removed phones. This phone may have the name
    /// of one of them, so the next process could remove its files.
    pub(super) fn save_changed_record(&self, phone: &Phone) -> Result<(), CommandError> {
        if phone.take_record_changed()
            && let Err(error) = self.begin_change().save(|_| {})
        {
            phone.mark_record_changed();
            warn!(phone = %phone.name(), "the phone's record is not saved yet: {}", error.what);
            if self.inner.lists_removed.load(Ordering::Relaxed) {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Removes the files of a phone that could not be added to the desk.
    pub(super) fn discard_files(&self, name: &DeviceName) {
        if let Some(folder) = &self.inner.context.folder
            && let Err(error) = folder.remove_device(name)
        {
            warn!(device = %name, %error, "the files of a device that could not be created stay behind");
        }
    }

    /// The document as it describes the phones now.
    fn records(&self) -> Records {
        let phones = self.phones();
        let by_name = phones.by_name.iter().map(|(name, phone)| (name.clone(), phone.record())).collect();
        let folder = self.inner.context.folder.as_ref();
        Records {
            selected: phones.selected.clone(),
            phones: by_name,
            removing: folder.map(|folder| folder.planned_removals()).unwrap_or_default(),
            ledger_generation: self.inner.ledger_generation.load(Ordering::Relaxed),
        }
    }
}

impl Change<'_> {
    /// Writes the document with this change, if there is a folder. The caller then makes the same change in memory.
    ///
    /// # Errors
    /// `Environment` if the document cannot be written. Nothing has changed.
    pub(super) fn save(&self, change: impl FnOnce(&mut Records)) -> Result<(), CommandError> {
        let Some(folder) = &self.desk.inner.context.folder else { return Ok(()) };
        let mut records = self.desk.records();
        change(&mut records);
        let lists_removed = !records.removing.is_empty();
        // After an error the new document may be in place already, without being durable.
        folder.save_document(&records).inspect_err(|_| self.restore())?;
        self.desk.inner.lists_removed.store(lists_removed, Ordering::Relaxed);
        Ok(())
    }

    /// Changes a phone's record: first in the document, then in memory.
    ///
    /// # Errors
    /// Those of [`save`](Self::save) and of `apply`, which changes the phone in memory and its secure world. Nothing has
    /// changed.
    pub(super) fn save_record<T>(
        &self,
        phone: &Phone,
        change: impl FnOnce(&mut Record),
        apply: impl FnOnce() -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        self.save(|records| {
            if let Some(record) = records.phones.get_mut(phone.name()) {
                change(record);
            }
        })?;
        apply().inspect_err(|_| self.restore())
    }

    /// Call this before files are made for a phone that the document does not list yet. If this process ends early, the next
    /// one removes the files.
    ///
    /// # Errors
    /// `Environment` if the document cannot be written, or if files of an older phone of that name cannot be removed.
    pub(super) fn announce_files(&self, name: &DeviceName) -> Result<(), CommandError> {
        let Some(folder) = &self.desk.inner.context.folder else { return Ok(()) };
        folder.plan_removals([name.clone()]);
        let saved = self.save(|_| {});
        // Only the document lists the removal now. The next document lists the phone.
        folder.finish_removal(name)?;
        saved
    }

    /// Says that the document lists these phones as removed. Call this after they are discarded, and before a new phone has
    /// one of their names.
    pub(super) fn plan_removals(&self, names: impl IntoIterator<Item = DeviceName>) {
        if let Some(folder) = &self.desk.inner.context.folder {
            folder.plan_removals(names);
        }
    }

    /// Removes the files of phones whose removal is planned. What fails is tried again later.
    pub(super) fn finish_removals(&self) {
        let Some(folder) = &self.desk.inner.context.folder else { return };
        folder.finish_removals();
        if let Err(error) = self.save(|_| {}) {
            // The next process removes them once more, which does nothing.
            warn!("the document still lists phones that are removed: {}", error.what);
        }
    }

    /// Writes the document as it describes the phones in memory, after a change that was not made there.
    pub(super) fn restore(&self) {
        let Some(folder) = &self.desk.inner.context.folder else { return };
        if let Err(error) = folder.save_document(&self.desk.records()) {
            error!(%error, "the document may have a change that was refused, until it is written again");
        }
    }
}
