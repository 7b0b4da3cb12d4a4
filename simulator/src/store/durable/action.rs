//! The steps of a durable change, and the error if one fails.

use std::io;
use std::path::{Path, PathBuf};

/// A file operation that failed: the action, the file or folder, and the cause.
#[derive(Debug)]
pub(in crate::store) struct FileError {
    pub(in crate::store) action: &'static str,
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

impl Action {
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::CreateFile | Self::CreateFolder => "create",
            Self::Remove => "remove",
            Self::Rename => "rename",
            Self::SyncFile | Self::SyncFolder => "sync",
            Self::Write => "write",
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
