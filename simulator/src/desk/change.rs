//! Changes of the list of phones and of their records: first on disk, then in memory. A command whose change cannot be
//! written has changed nothing. What a change writes does not depend on the number of phones.

use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};

use soter_bridge::protocol::CommandError;
use tracing::{error, warn};

use super::Desk;
use super::document::Document;
use crate::phone::{Phone, Record};
use crate::store::DeviceName;

/// The right to change the list of phones, their records and the documents. One change at a time is made.
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
    /// that caused it has been carried out. If the record cannot be written, the next command tries again.
    ///
    /// # Errors
    /// `Environment` if nothing can be written and the document on disk lists removed phones. This phone may have the name
    /// of one of them, so the next process could remove its files.
    pub(super) fn save_changed_record(&self, phone: &Phone) -> Result<(), CommandError> {
        if !phone.take_record_changed() {
            return Ok(());
        }
        let change = self.begin_change();
        if !change.is_on_desk(phone) {
            return Ok(());
        }
        let lists_removed = self.inner.lists_removed.load(Ordering::Relaxed);
        let saved = change.write_record(phone.name(), &phone.record());
        if let Err(error) = saved.and_then(|()| if lists_removed { change.save(|_| {}) } else { Ok(()) }) {
            phone.mark_record_changed();
            warn!(phone = %phone.name(), "the phone's record is not saved yet: {}", error.what);
            if lists_removed {
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

    /// The document as it describes the desk now.
    fn document(&self) -> Document {
        let phones = self.phones();
        let folder = self.inner.context.folder.as_ref();
        let removing = folder.map(|folder| folder.planned_removals()).unwrap_or_default();
        // A record in a file would be removed with the older phone's.
        let newer = removing.iter().filter_map(|name| Some((name.clone(), phones.record(name)?)));
        Document {
            selected: phones.selected.clone(),
            phones: newer.collect(),
            removing,
            ledger_generation: self.inner.ledger_generation.load(Ordering::Relaxed),
            fleet: phones.fleet.as_ref().map(|fleet| fleet.stored().clone()),
        }
    }
}

impl Change<'_> {
    /// Writes the document with this change, if there is a folder. The caller then makes the same change in memory.
    ///
    /// # Errors
    /// `Environment` if the document cannot be written. Nothing has changed.
    pub(super) fn save(&self, change: impl FnOnce(&mut Document)) -> Result<(), CommandError> {
        let Some(folder) = &self.desk.inner.context.folder else { return Ok(()) };
        let mut document = self.desk.document();
        change(&mut document);
        let lists_removed = !document.removing.is_empty();
        // After an error the new document may be in place already, without being durable.
        folder.save_document(&document).inspect_err(|_| self.restore())?;
        self.desk.inner.lists_removed.store(lists_removed, Ordering::Relaxed);
        Ok(())
    }

    /// Adds the record of a phone that is on the desk from now on.
    ///
    /// # Errors
    /// `Environment` if something cannot be written. The caller then removes the phone's files.
    pub(super) fn save_new(&self, phone: &Phone) -> Result<(), CommandError> {
        let Some(folder) = &self.desk.inner.context.folder else { return Ok(()) };
        let name = phone.name();
        folder.finish_removal(name, None::<&Record>)?;
        folder.save_record(name, &phone.record())?;
        // The document may list the name, because the files of an older phone or of this one were made under it.
        if self.desk.inner.lists_removed.load(Ordering::Relaxed) { self.save(|_| {}) } else { Ok(()) }
    }

    /// Changes a phone's record: first on disk, then in memory.
    ///
    /// # Errors
    /// `UnknownDevice` if the phone was removed, `Environment` if the record cannot be written, and the errors of `apply`, which
    /// changes the phone in memory and its secure world. Nothing has changed.
    pub(super) fn save_record<T>(
        &self,
        phone: &Phone,
        change: impl FnOnce(&mut Record),
        apply: impl FnOnce() -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        phone.check_on_desk()?;
        let mut record = phone.record();
        change(&mut record);
        let saved = self.write_record(phone.name(), &record);
        saved.and_then(|()| apply()).inspect_err(|_| {
            // After an error the new record may be in place already, without being durable.
            if let Err(error) = self.write_record(phone.name(), &phone.record()) {
                error!(phone = %phone.name(), "the phone's record may have a change that was refused: {}", error.what);
            }
        })
    }

    /// Writes a phone's record, if there is a folder: to its own file; or to the document, as long as the files of an older
    /// phone of this name are to be removed.
    fn write_record(&self, name: &DeviceName, record: &Record) -> Result<(), CommandError> {
        let Some(folder) = &self.desk.inner.context.folder else { return Ok(()) };
        if folder.planned_removals().contains(name) {
            return self.save(|document| drop(document.phones.insert(name.clone(), record.clone())));
        }
        Ok(folder.save_record(name, record)?)
    }

    /// Whether this phone is on the desk, and not only another one of its name.
    fn is_on_desk(&self, phone: &Phone) -> bool {
        self.desk.phones().get(phone.name()).is_some_and(|other| std::ptr::eq(Arc::as_ptr(other), phone))
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
        folder.finish_removal(name, None::<&Record>)?;
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
        for name in folder.planned_removals() {
            let record = self.desk.phones().record(&name);
            if let Err(error) = folder.finish_removal(&name, record.as_ref()) {
                warn!(device = %name, %error, "the files of a removed device are not removed yet");
            }
        }
        if let Err(error) = self.save(|_| {}) {
            // The next process removes them once more, which does nothing.
            warn!("the document still lists phones that are removed: {}", error.what);
        }
    }

    /// Writes the document as it describes the phones in memory, after a change that was not made there.
    pub(super) fn restore(&self) {
        let Some(folder) = &self.desk.inner.context.folder else { return };
        if let Err(error) = folder.save_document(&self.desk.document()) {
            error!(%error, "the document may have a change that was refused, until it is written again");
        }
    }
}
