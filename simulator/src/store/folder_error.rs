//! Why a state folder cannot be used, and what a person can do about it.

use std::io;
use std::path::PathBuf;

use soter_bridge::BadAuthority;
use soter_bridge::protocol::CommandError;

use super::document::DocumentDefect;
use super::durable::FileError;
use super::lock_owner::LockOwner;

/// The state folder, or something in it, cannot be used. [`FolderError::remedy`] says what a person can do.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another process or value holds the folder's lock. Nothing was changed.
    #[error("state folder {} is in use by {}", folder.display(), describe(owner.as_ref()))]
    InUse {
        /// The state folder.
        folder: PathBuf,
        /// Who holds the lock, if the note is readable.
        owner: Option<LockOwner>,
    },
    /// The folder at this path is no longer the one that was opened: it was removed, moved or replaced. Nothing was
    /// written.
    #[error("state folder {} was removed, moved or replaced while this process used it", folder.display())]
    Replaced {
        /// The state folder's path.
        folder: PathBuf,
    },
    /// A document of the normal world was not written by this program. It stays as it is.
    #[error("{} {defect}", path.display())]
    Document {
        /// The document's file.
        path: PathBuf,
        /// What is wrong with it.
        defect: DocumentDefect,
        /// What is lost without it, and what is not.
        what_is_lost: &'static str,
    },
    /// The certificate authority that is kept cannot be used. It stays as it is.
    #[error("the certificate authority {} cannot be used: {defect}", path.display())]
    Authority {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        defect: BadAuthority,
    },
    /// The operating system refused, or something under this name cannot be used.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried, as a verb: `read`, `write`, `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl FolderError {
    /// What to do next. It is the second line of the error message.
    pub fn remedy(&self) -> String {
        match self {
            Self::InUse { owner, .. } => {
                let options = "Wait for it to end, choose another folder with --state, or use --ephemeral";
                match owner.as_ref().and_then(|owner| owner.url.as_ref()) {
                    Some(url) => format!("{options}; or use the one that is running: --connect {url}"),
                    None => format!("{options}."),
                }
            }
            Self::Replaced { .. } => "Nothing more is written. End this process, and start again.".to_owned(),
            Self::Document { path, defect, what_is_lost } => {
                let better = match defect {
                    DocumentDefect::Version { .. } => "Use the version of soter-sim that wrote it",
                    _ => "Restore it from a copy",
                };
                format!("{better}, or delete {}: {what_is_lost}.", path.display())
            }
            Self::Authority { path, .. } => format!(
                "Delete {} and run `soter-sim ca --export DIR`: programs have to trust the new ca.pem then.",
                path.display()
            ),
            Self::File { path, source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "Free some space and try again, choose another folder with --state, or use --ephemeral."
                        .to_owned()
                }
                _ if is_too_many_files(source) => {
                    "Raise the limit of open files (ulimit -n), or end other programs, then repeat."
                        .to_owned()
                }
                io::ErrorKind::InvalidData => {
                    format!("Restore {} from a copy, or move it away and try again.", path.display())
                }
                _ => format!(
                    "Check that {} is where you may read and write, choose another folder with --state, or use \
                     --ephemeral.",
                    path.display()
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
        Self::environment(error.to_string(), error.remedy())
    }
}

/// Whether this process, or the whole system, has too many files open: EMFILE and ENFILE, which are 24 and 23 on Linux and
/// macOS.
fn is_too_many_files(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

fn describe(owner: Option<&LockOwner>) -> String {
    owner.map_or_else(|| "another process".to_owned(), ToString::to_string)
}
