//! Changes to files that survive a crash at any moment, made of small steps in a safe order.
//!
//! A file's bytes are synced before its name appears, and a name is durable once its folder is synced. On macOS
//! `sync_all` and `sync_data` of the standard library use `F_FULLFSYNC`, which also flushes the drive's own cache.
//! Windows cannot sync a folder: NTFS records renames in its journal, in order, so a crash may undo the last one but
//! leaves the old or the new name intact.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use soter_text::{Text, own_error, text};

pub use action::FileAction;
pub(super) use action::{Action, FileError, parent};

mod action;
#[cfg(test)]
pub(crate) mod crash;
#[cfg(test)]
mod tests;

/// Replaces a file's contents. Afterwards, or after a crash, the old or the new bytes are there, complete.
///
/// The temporary file has a fixed name, so a crash leaves at most one, which the next call removes. Only one caller
/// at a time may replace the same file.
pub(super) fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let temporary = sibling(path, "new");
    remove_file(&temporary)?;
    create_file(&temporary, bytes)?;
    rename(&temporary, path)
}

impl FileError {
    /// Whether [`replace_file`] failed before it could change the file at this path: with its temporary file.
    pub(super) fn is_before_replacing(&self, path: &Path) -> bool {
        self.path == sibling(path, "new") && self.action != FileAction::Rename
    }
}

/// Creates a file of mode 0600. It is durable except for its name: the caller has to sync its folder.
pub(super) fn create_file(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    // `create_new` does not follow a symbolic link, and does not open a pipe of this name.
    let mut file = step(Action::CreateFile, path, || private_file().write(true).create_new(true).open(path))?;
    step(Action::Write, path, || file.write_all(bytes))?;
    step(Action::SyncFile, path, || file.sync_all())
}

/// Overwrites part of a file in place, durably. A crash may leave a mixture of old and new in that part.
///
/// The file must exist and be `file_bytes` long.
pub(super) fn overwrite(path: &Path, file_bytes: u64, offset: u64, bytes: &[u8]) -> Result<(), FileError> {
    let mut file = step(Action::Write, path, || {
        check_regular(&fs::symlink_metadata(path)?)?;
        let mut file = OpenOptions::new().write(true).open(path)?;
        let found_bytes = file.metadata()?.len();
        if found_bytes != file_bytes {
            return Err(invalid(text!(
                "it is {found} bytes long instead of {expected}",
                found = found_bytes,
                expected = file_bytes
            )));
        }
        file.seek(SeekFrom::Start(offset))?;
        Ok(file)
    })?;
    step(Action::Write, path, || file.write_all(bytes))?;
    step(Action::SyncFile, path, || file.sync_data())
}

/// Renames a file or folder within its folder, durably.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), FileError> {
    step(Action::Rename, from, || fs::rename(from, to))?;
    sync_folder(parent(to))
}

/// Creates one folder of mode 0700. It is durable except for its name.
pub(super) fn create_folder(path: &Path) -> Result<(), FileError> {
    step(Action::CreateFolder, path, || private_folder().create(path))
}

/// Ensures that a folder exists. Creates it and its missing parents with mode 0700, durably.
pub(super) fn ensure_folder(path: &Path) -> Result<(), FileError> {
    let missing: Vec<&Path> =
        path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()).collect();
    for folder in missing.into_iter().rev() {
        match create_folder(folder) {
            // Another process may have created the folder at the same time.
            Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
            created => created?,
        }
        sync_folder(parent(folder))?;
    }
    Ok(())
}

/// Makes the names in a folder durable; does nothing on Windows.
pub(super) fn sync_folder(path: &Path) -> Result<(), FileError> {
    step(Action::SyncFolder, path, || if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) })
}

/// Makes a file durable that an earlier process may have written. It is not an error if the file does not exist.
pub(super) fn sync_file(path: &Path) -> Result<(), FileError> {
    ignore_absent(step(Action::SyncFile, path, || {
        check_regular(&fs::symlink_metadata(path)?)?;
        OpenOptions::new().write(true).open(path)?.sync_all()
    }))
}

/// Removes a file, or a symbolic link itself. It is not an error if the path does not exist.
pub(super) fn remove_file(path: &Path) -> Result<(), FileError> {
    ignore_absent(step(Action::Remove, path, || fs::remove_file(path)))
}

/// Removes a folder with its contents. It is not an error if the folder does not exist.
pub(super) fn remove_folder(path: &Path) -> Result<(), FileError> {
    ignore_absent(step(Action::Remove, path, || fs::remove_dir_all(path)))
}

fn ignore_absent(removed: Result<(), FileError>) -> Result<(), FileError> {
    match removed {
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Opens a file for locking. Creates it empty with mode 0600 if it does not exist; existing contents stay.
pub(super) fn open_lock_file(path: &Path) -> Result<File, FileError> {
    step(Action::CreateFile, path, || {
        match fs::symlink_metadata(path) {
            Ok(metadata) => check_regular(&metadata)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        private_file().read(true).write(true).create(true).truncate(false).open(path)
    })
}

/// Reads a regular file, or returns `None` if it does not exist. A file of more than `limit` bytes is not read at all.
pub(super) fn read_file(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, FileError> {
    match try_read(path, limit) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FileError { action: FileAction::Read, path: path.to_owned(), source }),
    }
}

fn try_read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    // Opening a pipe would wait for a writer, so the type is checked before opening.
    check_regular(&fs::symlink_metadata(path)?)?;
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > limit {
        return Err(too_long(length, limit));
    }
    // Enough capacity from the start: growing the buffer would leave parts of a secret in freed memory.
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The error for a file that is, or would be, larger than the limit.
pub(super) fn too_long(length: u64, limit: u64) -> io::Error {
    invalid(text!(
        "it is {length} bytes long, and at most {limit} are allowed",
        length = length,
        limit = limit
    ))
}

fn check_regular(metadata: &fs::Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(invalid(if metadata.is_symlink() {
        text!("it is a symbolic link, not a regular file")
    } else if metadata.is_dir() {
        text!("it is a folder, not a regular file")
    } else {
        text!("it is not a regular file")
    }))
}

fn invalid(reason: Text) -> io::Error {
    own_error(io::ErrorKind::InvalidData, reason)
}

/// The hidden name in the same folder under which `path` is prepared (`new`) or removed (`removed`).
pub(super) fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}

#[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix sets a mode"))]
fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix sets a mode"))]
fn private_folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Carries out one step. In tests, a crash may come before it.
fn step<T>(action: Action, path: &Path, operation: impl FnOnce() -> io::Result<T>) -> Result<T, FileError> {
    #[cfg(test)]
    crash::check_step(action, path)?;
    operation().map_err(|source| FileError { action: action.with_file(), path: path.to_owned(), source })
}
