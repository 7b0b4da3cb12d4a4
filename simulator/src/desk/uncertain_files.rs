//! Which files of a state folder may differ from memory, after a write that failed or a removal.

use std::collections::BTreeSet;

use crate::store::DeviceName;

/// The files of a folder that may differ from memory.
#[derive(Debug, Default)]
pub(super) struct UncertainFiles {
    /// Whether the document on disk may have a change that was refused.
    document: bool,
    /// The phones that the document on disk may list as removed.
    listed: BTreeSet<DeviceName>,
    /// Phones whose records on disk may have a change that was refused, or that must have no record.
    records: BTreeSet<DeviceName>,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// As it is in memory. If that fails, the disk has it, or what was there before.
    Present,
    /// A change that is refused if it cannot be written.
    Change,
}

impl UncertainFiles {
    /// Notes that the document was written, or could not be written, with these phones listed as removed.
    pub(super) fn document_written(
        &mut self,
        removing: &BTreeSet<DeviceName>,
        content: Content,
        is_written: bool,
    ) {
        if is_written {
            self.document = false;
            self.listed.clone_from(removing);
        } else {
            self.document |= content == Content::Change;
            self.listed.extend(removing.iter().cloned());
        }
    }

    /// Notes that a phone's record was written, or could not be written.
    pub(super) fn record_written(&mut self, name: &DeviceName, content: Content, is_written: bool) {
        if is_written {
            self.records.remove(name);
        } else if content == Content::Change {
            self.records.insert(name.clone());
        }
    }

    /// Notes that a phone's record on disk has a change that was refused later.
    pub(super) fn record_refused(&mut self, name: &DeviceName) {
        self.records.insert(name.clone());
    }

    /// Notes that the files of a phone that is not on the desk were removed, or could not be removed.
    pub(super) fn files_removed(&mut self, name: &DeviceName, is_removed: bool) {
        if is_removed {
            self.records.remove(name);
        } else {
            self.records.insert(name.clone());
        }
    }

    /// The phones whose records are uncertain.
    pub(super) fn records(&self) -> Vec<DeviceName> {
        self.records.iter().cloned().collect()
    }

    /// Whether there is any difference, if these removals are planned.
    pub(super) fn any(&self, planned: &BTreeSet<DeviceName>) -> bool {
        self.document || !self.records.is_empty() || self.listed != *planned
    }

    /// Whether the next process could find another desk: with a change that was refused, or without the files of a phone that
    /// has the name of a removed one and was used.
    pub(super) fn could_change_the_desk(&self, is_used_again: impl Fn(&DeviceName) -> bool) -> bool {
        self.document || !self.records.is_empty() || self.listed.iter().any(is_used_again)
    }
}
