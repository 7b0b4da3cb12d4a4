//! What one step of a durable change does to the file system, and how it failed.

use std::io;
use std::path::{Path, PathBuf};

/// A file operation that failed: what was tried, on which file or folder, and why it failed.
#[derive(Debug)]
pub(in crate::store) struct FileError {
    pub(in crate::store) action: &'static str,
    pub(in crate::store) path: PathBuf,
    pub(in crate::store) source: io::Error,
}

/// What a step does to the file system. A crash can come between any two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Action {
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

/// The folder that holds `path`.
pub(in crate::store) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
