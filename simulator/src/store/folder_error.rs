//! Why a state folder cannot be used, and what a person can do about it.

use std::io;
use std::path::PathBuf;

use soter_bridge::BadAuthority;
use soter_bridge::protocol::CommandError;
use soter_text::{Text, text};

use super::document::DocumentDefect;
use super::durable::{FileAction, FileError};
use super::lock_owner::LockOwner;

/// The state folder, or something in it, cannot be used. [`FolderError::remedy`] says what a person can do.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text().english())]
pub enum FolderError {
    /// Another process or value holds the folder's lock. Nothing was changed.
    InUse {
        /// The state folder.
        folder: PathBuf,
        /// Who holds the lock, if the note is readable.
        owner: Option<LockOwner>,
    },
    /// The folder at this path is no longer the one that was opened: it was removed, moved or replaced. Nothing was
    /// written.
    Replaced {
        /// The state folder's path.
        folder: PathBuf,
    },
    /// A document of the normal world was not written by this program. It stays as it is.
    Document {
        /// The document's file.
        path: PathBuf,
        /// What is wrong with it.
        defect: DocumentDefect,
        /// What is lost without it, and what is not.
        what_is_lost: Text,
    },
    /// The certificate authority that is kept cannot be used. It stays as it is.
    Authority {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        defect: BadAuthority,
    },
    /// The operating system refused, or something under this name cannot be used.
    File {
        /// What was tried.
        action: FileAction,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl FolderError {
    /// What happened, in one line.
    pub fn text(&self) -> Text {
        match self {
            Self::InUse { folder, owner } => text!(
                "state folder {folder} is in use by {owner}",
                folder = folder.display(),
                owner = describe(owner.as_ref())
            ),
            Self::Replaced { folder } => text!(
                "state folder {folder} was removed, moved or replaced while this process used it",
                folder = folder.display()
            ),
            Self::Document { path, defect, .. } => {
                text!("{path} {defect}", path = path.display(), defect = defect.text())
            }
            Self::Authority { path, defect } => text!(
                "the certificate authority {path} cannot be used: {defect}",
                path = path.display(),
                defect = defect.text()
            ),
            Self::File { action, path, source } => action.failed(path, source),
        }
    }

    /// What to do next. It is the second line of the error message.
    pub fn remedy(&self) -> Text {
        match self {
            Self::InUse { owner: Some(LockOwner { url: Some(url), .. }), .. } => text!(
                "Wait for it to end, choose another folder with --state, or use --ephemeral; or use the one that is running: --connect {url}",
                url = url
            ),
            Self::InUse { .. } => {
                text!("Wait for it to end, choose another folder with --state, or use --ephemeral.")
            }
            Self::Replaced { .. } => text!("Nothing more is written. End this process, and start again."),
            Self::Document { path, defect: DocumentDefect::Version { .. }, what_is_lost } => text!(
                "Use the version of soter-sim that wrote it, or delete {path}: {what_is_lost}.",
                path = path.display(),
                what_is_lost = what_is_lost
            ),
            Self::Document { path, what_is_lost, .. } => text!(
                "Restore it from a copy, or delete {path}: {what_is_lost}.",
                path = path.display(),
                what_is_lost = what_is_lost
            ),
            Self::Authority { path, .. } => text!(
                "Delete {path} and run `soter-sim ca --export DIR`: programs have to trust the new ca.pem then.",
                path = path.display()
            ),
            Self::File { path, source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    text!(
                        "Free some space and try again, choose another folder with --state, or use --ephemeral."
                    )
                }
                _ if is_too_many_files(source) => {
                    text!("Raise the limit of open files (ulimit -n), or end other programs, then repeat.")
                }
                io::ErrorKind::InvalidData => {
                    text!("Restore {path} from a copy, or move it away and try again.", path = path.display())
                }
                _ => text!(
                    "Check that {path} is where you may read and write, choose another folder with --state, or use --ephemeral.",
                    path = path.display()
                ),
            },
        }
    }
}

impl From<FileError> for FolderError {
    fn from(error: FileError) -> Self {
        Self::File { action: error.action, path: error.path, source: error.source }
    }
}

impl From<FolderError> for CommandError {
    fn from(error: FolderError) -> Self {
        Self::environment(error.text(), error.remedy())
    }
}

/// Whether this process, or the whole system, has too many files open: EMFILE and ENFILE, which are 24 and 23 on Linux and
/// macOS.
fn is_too_many_files(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

fn describe(owner: Option<&LockOwner>) -> Text {
    owner.map_or_else(|| text!("another process"), LockOwner::text)
}
