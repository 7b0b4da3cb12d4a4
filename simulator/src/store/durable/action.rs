//! The steps of a durable change, and the error if one fails.

use std::io;
use std::path::{Path, PathBuf};

use soter_text::{Text, text};

/// A file operation that failed: the action, the file or folder, and the cause.
#[derive(Debug)]
pub(in crate::store) struct FileError {
    pub(in crate::store) action: FileAction,
    pub(in crate::store) path: PathBuf,
    pub(in crate::store) source: io::Error,
}

/// The action of a step on the file system. A crash can come between any two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    CreateFile,
    CreateFolder,
    Remove,
    Rename,
    SyncFile,
    SyncFolder,
    Write,
}

/// What is done with a file or a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileAction {
    /// It is made.
    Create,
    /// Other processes are kept out.
    Lock,
    /// It is opened.
    Open,
    /// It is read.
    Read,
    /// It is removed.
    Remove,
    /// It gets another name.
    Rename,
    /// It is made durable.
    Sync,
    /// It is written.
    Write,
}

impl Action {
    pub(super) fn with_file(self) -> FileAction {
        match self {
            Self::CreateFile | Self::CreateFolder => FileAction::Create,
            Self::Remove => FileAction::Remove,
            Self::Rename => FileAction::Rename,
            Self::SyncFile | Self::SyncFolder => FileAction::Sync,
            Self::Write => FileAction::Write,
        }
    }
}

impl FileAction {
    /// That it failed, in one line.
    pub(in crate::store) fn failed(self, path: &Path, source: &io::Error) -> Text {
        let location = path.display();
        match self {
            Self::Create => text!("cannot create {location}: {cause}", location = location, cause = source),
            Self::Lock => text!("cannot lock {location}: {cause}", location = location, cause = source),
            Self::Open => text!("cannot open {location}: {cause}", location = location, cause = source),
            Self::Read => text!("cannot read {location}: {cause}", location = location, cause = source),
            Self::Remove => text!("cannot remove {location}: {cause}", location = location, cause = source),
            Self::Rename => text!("cannot rename {location}: {cause}", location = location, cause = source),
            Self::Sync => text!("cannot sync {location}: {cause}", location = location, cause = source),
            Self::Write => text!("cannot write {location}: {cause}", location = location, cause = source),
        }
    }
}

/// The folder that contains `path`.
pub(in crate::store) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
