//! A number beside the ledger's database that only grows: how many groups of changes are in the database.
//!
//! SQLite takes a log whose end is damaged or missing for one that ends earlier, which is what it must do after a crash. It
//! cannot tell that changes are gone that were durable. A ledger with fewer groups than the mark says has lost some, and must
//! not be used, because it would accept their results once more.
//!
//! The file has two slots, which are written in turn. Each has the number and its SHA-256. It is written after a group is
//! durable, so the newest slot that is intact never promises too much.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

const SLOT_BYTES: usize = 40;
/// Where the slots begin.
const SLOTS: [u64; 2] = [0, 40];
/// More than the file has.
const READ_LIMIT: u64 = 100;
/// After so many groups the file is synchronised with the disk. A process that is killed loses nothing. If the power fails, the
/// mark may be up to so many groups behind, and damage of these is not noticed.
const SYNC_INTERVAL: u64 = 64;

/// The open file of a mark.
#[derive(Debug)]
pub(super) struct Mark {
    file: File,
    /// The slot of the next write.
    next_slot: usize,
    pub(super) number: u64,
}

/// What is stored of a mark.
pub(super) enum Stored {
    /// There is no file.
    Missing,
    /// No slot is intact, or the file has another size.
    Damaged,
    Intact(Mark),
}

/// Removes a mark's file, if there is one.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// The mark's file of a database.
pub(super) fn path_of(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-mark");
    path.into()
}

impl Mark {
    /// Makes a file, and its name, durably. It replaces an older one. Mode 0600 on Unix.
    pub(super) fn create(path: &Path, number: u64) -> io::Result<Self> {
        remove(path)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(&[slot(number), slot(number)].concat())?;
        file.sync_all()?;
        #[cfg(unix)]
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(Self { file, next_slot: 0, number })
    }

    /// Reads a file.
    pub(super) fn open(path: &Path) -> io::Result<Stored> {
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_file() => {}
            // Reading a pipe could wait for ever.
            Ok(_) => return Err(io::Error::other("it is not a regular file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Stored::Missing),
            Err(error) => return Err(error),
        }
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut bytes = Vec::new();
        Read::by_ref(&mut file).take(READ_LIMIT).read_to_end(&mut bytes)?;
        let (slots, []) = bytes.as_chunks::<SLOT_BYTES>() else { return Ok(Stored::Damaged) };
        let newest = slots
            .iter()
            .enumerate()
            .filter_map(|(index, slot)| Some((number_of(slot)?, index)))
            .max_by_key(|(number, _)| *number);
        Ok(match newest {
            Some((number, index)) if slots.len() == SLOTS.len() => {
                Stored::Intact(Self { file, next_slot: 1 - index, number })
            }
            _ => Stored::Damaged,
        })
    }

    /// Writes a greater number.
    pub(super) fn write(&mut self, number: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(SLOTS[self.next_slot]))?;
        self.file.write_all(&slot(number))?;
        if number / SYNC_INTERVAL != self.number / SYNC_INTERVAL {
            self.file.sync_data()?;
        }
        self.next_slot = 1 - self.next_slot;
        self.number = number;
        Ok(())
    }
}

fn slot(number: u64) -> [u8; SLOT_BYTES] {
    let mut slot = [0; SLOT_BYTES];
    let (first, checksum) = slot.split_at_mut(8);
    first.copy_from_slice(&number.to_le_bytes());
    checksum.copy_from_slice(&checksum_of(first));
    slot
}

fn number_of(slot: &[u8; SLOT_BYTES]) -> Option<u64> {
    let (first, checksum) = slot.split_first_chunk::<8>()?;
    (checksum_of(first).as_slice() == checksum).then_some(u64::from_le_bytes(*first))
}

fn checksum_of(number: &[u8]) -> [u8; 32] {
    Sha256::new_with_prefix(b"soter-sim ledger mark").chain_update(number).finalize().into()
}
