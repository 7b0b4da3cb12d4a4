//! A number next to the ledger's database that only grows: how many groups of changes are in the database.
//!
//! SQLite takes a log whose end is damaged or missing for one that ends earlier, which is what it must do after a crash. It
//! cannot tell that changes are gone that were durable. A ledger with fewer groups than the mark says has lost some, and must
//! not be used, because it would accept their results once more.
//!
//! The file has two slots, which are written in turn. Each has the ledger's id, the number and their SHA-256. It is written after
//! a group is durable, so the number is never greater than that of the durable groups.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use soter_text::{Text, text};

const SLOT_BYTES: usize = 56;
/// Where the slots begin.
const SLOTS: [u64; 2] = [0, 56];
/// More than the file has.
const READ_LIMIT: u64 = 200;
/// After this many groups the file is synchronised with the disk. A process that is killed loses nothing. If the power fails, the
/// mark may be up to this many groups behind, and damage of these is not noticed.
const SYNC_INTERVAL: i64 = 64;

/// The open file of a mark.
#[derive(Debug)]
pub(super) struct Mark {
    file: File,
    /// The slot of the next write.
    next_slot: usize,
    /// The ledger's id.
    pub(super) id: [u8; 16],
    pub(super) number: i64,
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
    pub(super) fn create(path: &Path, id: [u8; 16], number: i64) -> io::Result<Self> {
        remove(path)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(&[slot(&id, number), slot(&id, number)].concat())?;
        file.sync_all()?;
        #[cfg(unix)]
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(Self { file, next_slot: 0, id, number })
    }

    /// Reads a file, if it is there. The error is its cause.
    pub(super) fn open(path: &Path) -> Result<Stored, Text> {
        let cause = |error: io::Error| Text::verbatim(error.to_string());
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_file() => Self::read(path).map_err(cause),
            // Reading a pipe could wait for ever.
            Ok(_) => Err(text!("it is not a regular file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Stored::Missing),
            Err(error) => Err(cause(error)),
        }
    }

    fn read(path: &Path) -> io::Result<Stored> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut bytes = Vec::new();
        Read::by_ref(&mut file).take(READ_LIMIT).read_to_end(&mut bytes)?;
        let (slots, []) = bytes.as_chunks::<SLOT_BYTES>() else { return Ok(Stored::Damaged) };
        let newest = slots
            .iter()
            .enumerate()
            .filter_map(|(index, slot)| Some((contents(slot)?, index)))
            .max_by_key(|((_, number), _)| *number);
        Ok(match newest {
            Some(((id, number), index)) if slots.len() == SLOTS.len() => {
                Stored::Intact(Self { file, next_slot: 1 - index, id, number })
            }
            _ => Stored::Damaged,
        })
    }

    /// Writes a greater number.
    pub(super) fn write(&mut self, number: i64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(SLOTS[self.next_slot]))?;
        self.file.write_all(&slot(&self.id, number))?;
        if number / SYNC_INTERVAL != self.number / SYNC_INTERVAL {
            self.file.sync_data()?;
        }
        self.next_slot = 1 - self.next_slot;
        self.number = number;
        Ok(())
    }
}

fn slot(id: &[u8; 16], number: i64) -> [u8; SLOT_BYTES] {
    let mut slot = [0; SLOT_BYTES];
    let (contents, checksum) = slot.split_at_mut(24);
    contents[..16].copy_from_slice(id);
    contents[16..].copy_from_slice(&number.to_le_bytes());
    checksum.copy_from_slice(&checksum_of(contents));
    slot
}

/// The id and the number of an intact slot.
fn contents(slot: &[u8; SLOT_BYTES]) -> Option<([u8; 16], i64)> {
    let (contents, checksum) = slot.split_at(24);
    let (id, number) = contents.split_first_chunk::<16>()?;
    let number = i64::from_le_bytes(number.try_into().ok()?);
    (checksum_of(contents).as_slice() == checksum).then_some((*id, number))
}

fn checksum_of(contents: &[u8]) -> [u8; 32] {
    Sha256::new_with_prefix(b"soter-sim ledger mark").chain_update(contents).finalize().into()
}
