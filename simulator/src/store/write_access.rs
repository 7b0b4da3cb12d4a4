//! Whether this process may write a state folder, found out without a write.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use soter_text::{own_error, text};

use super::disk::RPMB_FILE;
use super::durable::{FileAction, FileError};
use super::folder::{DEVICES_FOLDER, LEDGER_FILE, RECORDS_FOLDER, StateFolder, list};
use super::folder_error::FolderError;

impl StateFolder {
    /// Checks that this process may write what commands write: names in the folder and in those below it, and the files that
    /// are overwritten in place, which are the ledger's and each device's RPMB. Changes nothing.
    ///
    /// On Windows only the files are checked, because a folder's access list does not say what it permits in the end.
    ///
    /// # Errors
    /// [`FolderError::File`] with the first file or folder that may not be written, or whose rights cannot be read.
    pub fn check_write_access(&self) -> Result<(), FolderError> {
        let root = self.path();
        check(root, may_change_names)?;
        let ledger_files = list(root, |entry| {
            let is_ledger = entry.file_name().to_string_lossy().starts_with(LEDGER_FILE);
            Ok((is_ledger && entry.file_type()?.is_file()).then(|| entry.path()))
        })?;
        for file in ledger_files {
            check(&file, may_overwrite)?;
        }
        let devices = root.join(DEVICES_FOLDER);
        for folder in [&root.join(RECORDS_FOLDER), &devices].into_iter().filter(|folder| folder.is_dir()) {
            check(folder, may_change_names)?;
        }
        let device_folders = list(&devices, |entry| Ok(entry.file_type()?.is_dir().then(|| entry.path())))?;
        for folder in device_folders {
            check(&folder, may_change_names)?;
            let partition = folder.join(RPMB_FILE);
            if fs::symlink_metadata(&partition).is_ok_and(|metadata| metadata.is_file()) {
                check(&partition, may_overwrite)?;
            }
        }
        Ok(())
    }

    /// Checks that the first command may make this folder, or put its files into it if it exists. Changes nothing.
    ///
    /// # Errors
    /// [`FolderError::File`] with the folder that may not be written, or if something else has the path: a file, or a link that
    /// leads to nothing.
    pub fn check_may_be_made(path: &Path) -> Result<(), FolderError> {
        let failed =
            |path: &Path, source| FileError { action: FileAction::Create, path: path.to_owned(), source };
        let absolute = std::path::absolute(path).map_err(|source| failed(path, source))?;
        // Those above it are made, too.
        for folder in absolute.ancestors() {
            match fs::metadata(folder) {
                Ok(_) => {
                    return Ok(may_change_names(folder).map_err(|source| failed(folder, source))?);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if fs::symlink_metadata(folder).is_ok() {
                        let cause = own_error(error.kind(), text!("it is a link that leads to nothing"));
                        return Err(failed(folder, cause).into());
                    }
                }
                Err(source) => return Err(failed(folder, source).into()),
            }
        }
        Ok(())
    }
}

fn check(path: &Path, may: impl Fn(&Path) -> io::Result<()>) -> Result<(), FileError> {
    may(path).map_err(|source| FileError { action: FileAction::Write, path: path.to_owned(), source })
}

/// Whether files of this folder can be made, renamed and removed.
#[cfg(unix)]
fn may_change_names(folder: &Path) -> io::Result<()> {
    use rustix::fs::{Access, access};
    Ok(access(folder, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK)?)
}

#[cfg(not(unix))]
fn may_change_names(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether a file can be overwritten. It is opened, neither created nor made shorter.
fn may_overwrite(file: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).open(file).map(drop)
}
