//! Changes of the list of phones and of their records: first on disk, then in memory. A command whose change cannot be
//! written has changed nothing. What a change writes does not depend on the number of phones.
//!
//! After a write that failed, the disk may have the refused change all the same. The files are then written as they are in memory:
//! when the command ends, and before anything else is changed. Until that works, commands fail.

use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};

use soter_bridge::protocol::CommandError;
use tracing::{error, warn};

use super::Desk;
use super::document::Document;
use super::uncertain_files::{Content, UncertainFiles};
use crate::phone::{Phone, Record};
use crate::store::{DeviceName, StateFolder};

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

    /// Brings the folder in line with memory after a command. The record of the command's phone may have changed by itself,
    /// because the phone was used or a planned failure has happened. A write of this command or of an earlier one may have failed.
    ///
    /// # Errors
    /// `Environment` if files are uncertain and cannot be written. After a crash, the next process could then find another desk
    /// than the one that was used.
    pub(super) fn finish_command(&self, phone: Option<&Phone>) -> Result<(), CommandError> {
        let changed = phone.filter(|phone| phone.take_record_changed());
        if changed.is_none() && !self.has_uncertain_files() {
            return Ok(());
        }
        let change = self.begin_change();
        let changed = changed.filter(|phone| change.is_on_desk(phone));
        let saved = change.rewrite_uncertain().and_then(|()| match changed {
            Some(phone) => change.write_record(phone.name(), &phone.record(), Content::Present),
            None => Ok(()),
        });
        saved.or_else(|error| {
            if let Some(phone) = changed {
                phone.mark_record_changed();
            }
            if self.could_change_after_a_crash() {
                error!("the state folder may have a change that was refused: {}", error.what.english());
                Err(error)
            } else {
                warn!("the state folder is not up to date yet: {}", error.what.english());
                Ok(())
            }
        })
    }

    /// As [`finish_command`](Self::finish_command) for all phones, at the end.
    pub(super) fn finish_all_commands(&self) {
        let change = self.begin_change();
        if let Err(error) = change.rewrite_uncertain() {
            error!("the state folder may have a change that was refused: {}", error.what.english());
        }
        let phones: Vec<_> =
            self.phones().iter().filter(|phone| phone.take_record_changed()).cloned().collect();
        for phone in phones {
            if let Err(error) = change.write_record(phone.name(), &phone.record(), Content::Present) {
                phone.mark_record_changed();
                error!(phone = %phone.name(), "the phone's record is not saved: {}", error.what.english());
            }
        }
    }

    /// Whether the next process could find another desk than this one: with a change that was refused, or without the files of a
    /// phone that has the name of a removed one.
    fn could_change_after_a_crash(&self) -> bool {
        let Some(folder) = self.inner.context.place.folder() else { return false };
        let (phones, planned) = (self.phones(), folder.planned_removals());
        self.uncertain().could_change_the_desk(|name| {
            phones.get(name).is_some_and(|phone| phone.is_used()) && !planned.contains(name)
        })
    }

    /// Whether files of the folder may differ from memory.
    fn has_uncertain_files(&self) -> bool {
        let Some(folder) = self.inner.context.place.folder() else { return false };
        let planned = folder.planned_removals();
        self.uncertain().any(&planned)
    }

    fn uncertain(&self) -> MutexGuard<'_, UncertainFiles> {
        self.inner.uncertain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the files of a phone that could not be added to the desk.
    pub(super) fn discard_files(&self, name: &DeviceName) {
        let Some(folder) = self.inner.context.place.folder() else { return };
        let removed = folder.remove_device(name);
        self.uncertain().files_removed(name, removed.is_ok());
        if let Err(error) = removed {
            warn!(device = %name, %error, "the files of a device that could not be created stay behind");
        }
    }

    /// The document as it describes the desk now.
    fn document(&self) -> Document {
        let phones = self.phones();
        let folder = self.inner.context.place.folder();
        let removing = folder.map(StateFolder::planned_removals).unwrap_or_default();
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
    /// Writes the files that may differ from memory.
    ///
    /// # Errors
    /// `Environment` if that fails.
    pub(super) fn rewrite_uncertain(&self) -> Result<(), CommandError> {
        let Some(folder) = self.desk.inner.context.place.folder() else { return Ok(()) };
        if !self.desk.has_uncertain_files() {
            return Ok(());
        }
        self.write_document(&self.desk.document(), Content::Present)?;
        let records = self.desk.uncertain().records();
        for name in records {
            let record = self.desk.phones().record(&name);
            if let Some(record) = record {
                self.write_record(&name, &record, Content::Present)?;
            } else {
                folder.remove_device(&name)?;
                self.desk.uncertain().files_removed(&name, true);
            }
        }
        Ok(())
    }

    /// Writes the document with this change, if there is a folder. The caller then makes the same change in memory.
    ///
    /// # Errors
    /// `Environment` if the document cannot be written. Nothing has changed.
    pub(super) fn save(&self, change: impl FnOnce(&mut Document)) -> Result<(), CommandError> {
        self.rewrite_uncertain()?;
        let mut document = self.desk.document();
        change(&mut document);
        self.write_document(&document, Content::Change)
    }

    /// Adds the record of a phone that is on the desk from now on.
    ///
    /// # Errors
    /// `Environment` if something cannot be written. The caller then removes the phone's files.
    pub(super) fn save_new(&self, phone: &Phone) -> Result<(), CommandError> {
        let Some(folder) = self.desk.inner.context.place.folder() else { return Ok(()) };
        let name = phone.name();
        folder.finish_removal(name, None::<&Record>)?;
        self.write_record(name, &phone.record(), Content::Change)?;
        // The document may list the name, because the files of an older phone or of this one were made under it.
        if self.desk.has_uncertain_files() {
            self.write_document(&self.desk.document(), Content::Present)
        } else {
            Ok(())
        }
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
        self.rewrite_uncertain()?;
        phone.check_on_desk()?;
        let mut record = phone.record();
        change(&mut record);
        self.write_record(phone.name(), &record, Content::Change)?;
        apply().inspect_err(|_| self.desk.uncertain().record_refused(phone.name()))
    }

    /// Writes the document, if there is a folder.
    fn write_document(&self, document: &Document, content: Content) -> Result<(), CommandError> {
        let Some(folder) = self.desk.inner.context.place.folder() else { return Ok(()) };
        let saved = folder.save_document(document);
        self.desk.uncertain().document_written(&document.removing, content, saved.is_ok());
        Ok(saved?)
    }

    /// Writes a phone's record, if there is a folder: to its own file; or to the document, as long as the files of an older
    /// phone of this name are to be removed.
    fn write_record(&self, name: &DeviceName, record: &Record, content: Content) -> Result<(), CommandError> {
        let Some(folder) = self.desk.inner.context.place.folder() else { return Ok(()) };
        let saved = if folder.planned_removals().contains(name) {
            let mut document = self.desk.document();
            document.phones.insert(name.clone(), record.clone());
            self.write_document(&document, content)
        } else {
            folder.save_record(name, record).map_err(CommandError::from)
        };
        self.desk.uncertain().record_written(name, content, saved.is_ok());
        saved
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
        let Some(folder) = self.desk.inner.context.place.folder() else { return Ok(()) };
        self.rewrite_uncertain()?;
        folder.plan_removals([name.clone()]);
        let saved = self.write_document(&self.desk.document(), Content::Present);
        // Only the document lists the removal now. It is written again without it when the phone has a record.
        folder.finish_removal(name, None::<&Record>)?;
        saved
    }

    /// Says that the document lists these phones as removed. Call this after they are discarded, and before a new phone has
    /// one of their names.
    pub(super) fn plan_removals(&self, names: impl IntoIterator<Item = DeviceName>) {
        if let Some(folder) = self.desk.inner.context.place.folder() {
            folder.plan_removals(names);
        }
    }

    /// Removes the files of phones whose removal is planned. What fails is tried again later.
    pub(super) fn finish_removals(&self) {
        let Some(folder) = self.desk.inner.context.place.folder() else { return };
        for name in folder.planned_removals() {
            let record = self.desk.phones().record(&name);
            if let Err(error) = folder.finish_removal(&name, record.as_ref()) {
                warn!(device = %name, %error, "the files of a removed device are not removed yet");
            }
        }
        if let Err(error) = self.rewrite_uncertain() {
            // The next process removes them once more, which does nothing.
            warn!("the document still lists phones that are removed: {}", error.what.english());
        }
    }
}
