//! The ledger in a file: one SQLite database.
//!
//! It is written through a write-ahead log with full synchronisation, so that a group costs one write to the log and
//! one barrier. When the ledger is closed, the log is merged into the file. SQLite keeps no checksums of its data, so
//! each row has one of its own, and the whole file is checked when it is opened: damage is an error and is never read
//! as other content.
//!
//! SQLite takes a log without its end for a shorter one, and a log next to an older file for the file's own. The
//! [`numbers`] in the database and the [`mark`] next to it show both. Older copies of all files together are
//! not noticed.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, params};
use soter_text::{Text, text};
use soter_wire::{PublicKey, SignatureScheme};

use super::mark::{self, Mark, Stored};
use super::sqlite_error::{damaged, mark_unusable, missing_advice, refused, unusable};
use super::store::LedgerStore;
use crate::ledger::change::{AuthKey, Change};
use crate::ledger::error::{LedgerError, one_line};

mod checksum;
mod numbers;

use self::checksum::{bad_value, checksum, verify};
use self::numbers::{Numbers, connect_without_log};

/// `SOTR`: distinguishes the file from other databases.
const APPLICATION_ID: i32 = 0x534F_5452;
const FORMAT_VERSION: i32 = 2;
/// The first format, which has no [`Numbers`] and no mark.
const FORMAT_WITHOUT_NUMBERS: i32 = 1;

const SCHEMA: &str = "
    CREATE TABLE device (cpu_id TEXT PRIMARY KEY, attk BLOB NOT NULL, checksum BLOB NOT NULL) STRICT;
    CREATE TABLE counter (
        cpu_id TEXT PRIMARY KEY, highest INTEGER NOT NULL, checksum BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE ask (
        cpu_id TEXT NOT NULL, uid TEXT NOT NULL, key BLOB NOT NULL, salt_length INTEGER NOT NULL,
        checksum BLOB NOT NULL, PRIMARY KEY (cpu_id, uid)
    ) STRICT;
    CREATE TABLE auth_key (
        number INTEGER PRIMARY KEY AUTOINCREMENT, cpu_id TEXT NOT NULL, uid TEXT NOT NULL, key BLOB NOT NULL,
        appid TEXT NOT NULL, openid TEXT NOT NULL, salt_length INTEGER NOT NULL, checksum BLOB NOT NULL,
        UNIQUE (cpu_id, uid, key)
    ) STRICT;
";
/// After this many changes the log is moved into the file and begins again, so that it stays small.
const MAX_LOGGED_CHANGES: usize = 2048;
/// SQLite takes a shorter file for an empty one.
const MIN_FILE_BYTES: u64 = 100;

/// A ledger's database file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    path: PathBuf,
    identity: FileIdentity,
    numbers: Numbers,
    mark: Mark,
    /// The changes in the log.
    logged_changes: usize,
}

impl SqliteStore {
    /// Opens the file, or creates it (mode 0600 on Unix) if it does not exist. Its folder must exist. The caller must
    /// keep other processes away from it.
    ///
    /// # Errors
    /// [`LedgerError`] if the file cannot be created, opened or written, is not a ledger, is damaged, or has another format
    /// version. Its contents stay.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        create(path)?;
        Self::open_existing(path)
    }

    /// Checks a file as [`open`](Self::open) does, and changes nothing. A ledger that was never written is good.
    ///
    /// # Errors
    /// [`LedgerError`] if the file cannot be read, is not a ledger, is damaged, or has another format version.
    pub fn check(path: &Path) -> Result<(), LedgerError> {
        check_left(path)?;
        if !path.exists() {
            return Ok(());
        }
        // SQLite makes a log that does not exist, unless it reads the file alone.
        if log_path(path).exists() {
            Checked::read(path, connect).map(drop)
        } else {
            let connect = |path: &Path| {
                connect_without_log(path).ok_or_else(|| rusqlite::Error::InvalidPath(path.to_owned()))
            };
            Checked::read(path, connect).map(drop)
        }
    }

    fn open_existing(path: &Path) -> Result<Self, LedgerError> {
        let fail = |error: &rusqlite::Error| unusable(path, error);
        // Everything is checked before the first write: what is refused must not change.
        let Checked { mut connection, identity, lacks, mut numbers, mark } = Checked::read(path, connect)?;
        prepare(&mut connection, lacks, numbers).map_err(|error| fail(&error))?;
        keep_log(&connection, false).map_err(|error| fail(&error))?;
        numbers.base = numbers.groups;
        // Also if the number is the same: a mark that cannot be written is noticed here.
        let mark = match mark {
            None => Mark::create(&mark::path_of(path), numbers.id, numbers.groups),
            Some(mut mark) => mark.write(numbers.groups).map(|()| mark),
        };
        let mark = mark.map_err(|error| mark_unusable(path, &error))?;
        Ok(Self { connection, path: path.to_owned(), identity, numbers, mark, logged_changes: 0 })
    }

    /// Checks that the file at the path is still the one that was opened.
    fn check_identity(&self) -> Result<(), LedgerError> {
        if FileIdentity::of(&self.path) == self.identity {
            return Ok(());
        }
        let what = text!("it was removed, moved or replaced while this process used it");
        let next = text!("end this process, put the file back, and start again");
        Err(refused(&self.path, what, next, false))
    }

    fn write(&mut self, group: &[Change]) -> rusqlite::Result<()> {
        // Of a device's counters in one group, the last is the highest.
        let mut last = HashMap::new();
        for (index, change) in group.iter().enumerate() {
            if let Change::Counter { cpu_id, .. } = change {
                last.insert(cpu_id, index);
            }
        }
        let is_superseded = |index, change: &Change| match change {
            Change::Counter { cpu_id, .. } => last.get(cpu_id) != Some(&index),
            _ => false,
        };
        let mut numbers = Numbers { groups: self.numbers.groups.saturating_add(1), ..self.numbers };
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (index, change) in group.iter().enumerate() {
            if let Change::Clear { generation } = change {
                numbers.generation = *generation;
            }
            if !is_superseded(index, change) {
                write_change(&transaction, change)?;
            }
        }
        numbers.write(&transaction)?;
        transaction.commit()?;
        self.numbers = numbers;
        self.logged_changes += group.len();
        Ok(())
    }
}

impl LedgerStore for SqliteStore {
    fn load(&mut self) -> Result<Vec<Change>, LedgerError> {
        read_changes(&self.connection, self.numbers.generation).map_err(|error| unusable(&self.path, &error))
    }

    fn commit(&mut self, group: &[Change]) -> Result<(), LedgerError> {
        self.check_identity()?;
        self.write(group).map_err(|error| unusable(&self.path, &error))?;
        self.mark.write(self.numbers.groups).map_err(|error| mark_unusable(&self.path, &error))?;
        if self.logged_changes >= MAX_LOGGED_CHANGES {
            // The log keeps its length: a write that makes a file longer takes many times as long to become durable.
            move_log(&self.connection, "RESTART").map_err(|error| unusable(&self.path, &error))?;
            self.numbers.base = self.numbers.groups;
            self.logged_changes = 0;
        }
        Ok(())
    }

    fn recover(&mut self) -> Result<Vec<Change>, LedgerError> {
        // A new file must not be used, because it would accept old results once more.
        self.check_identity()?;
        let fail = |error: rusqlite::Error| unusable(&self.path, &error);
        // The old connection locks the file until it is closed.
        self.connection = Connection::open_in_memory().map_err(fail)?;
        *self = Self::open_existing(&self.path)?;
        self.load()
    }
}

/// A file that was checked, and not written yet.
struct Checked {
    connection: Connection,
    identity: FileIdentity,
    lacks: Lacks,
    numbers: Numbers,
    mark: Option<Mark>,
}

impl Checked {
    fn read(
        path: &Path,
        connect: impl FnOnce(&Path) -> rusqlite::Result<Connection>,
    ) -> Result<Self, LedgerError> {
        let fail = |error: &rusqlite::Error| unusable(path, error);
        let mark = Mark::open(&mark::path_of(path)).map_err(|error| mark_unusable(path, &error))?;
        check_length(path, &mark)?;
        let without_log = Numbers::read_without_log(path);
        let identity = FileIdentity::of(path);
        let connection = connect(path).map_err(|error| fail(&error))?;
        keep_log(&connection, true).map_err(|error| fail(&error))?;
        let lacks = what_it_lacks(&connection, path)?;
        let numbers = match lacks {
            Lacks::Nothing => Numbers::read(&connection).map_err(|error| fail(&error))?,
            Lacks::Numbers | Lacks::Everything => Numbers::new(),
        };
        check_log(path, numbers, without_log)?;
        let mark = check_mark(path, mark, numbers)?;
        if lacks != Lacks::Everything {
            read_changes(&connection, numbers.generation).map_err(|error| fail(&error))?;
        }
        Ok(Self { connection, identity, lacks, numbers, mark })
    }
}

/// Opens the file with its log.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
}

/// Creates the file if it does not exist.
fn create(path: &Path) -> Result<(), LedgerError> {
    let fail = |error: &std::io::Error| {
        let next = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                text!("free some space, then start the server again")
            }
            _ => text!("check that you may read and write the file and its folder"),
        };
        refused(path, Text::verbatim(error.to_string()), next, false)
    };
    check_left(path)?;
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|error| fail(&error))
}

/// Refuses a file that does not exist although there was one: a link names it, or its log or mark is there.
fn check_left(path: &Path) -> Result<(), LedgerError> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    if is_link && !path.exists() {
        let what = text!("it is a symbolic link to a file that does not exist");
        let next = text!("restore the file that the link points to, or remove the link");
        return Err(refused(path, what, next, false));
    }
    let left =
        [mark::path_of(path), log_path(path)].into_iter().find(|left| fs::symlink_metadata(left).is_ok());
    if !path.exists()
        && let Some(left) = left
    {
        // SQLite would remove the log, and the results in it would be accepted once more when the file comes back.
        let what = text!("it is missing, and {left} is there", left = left.display());
        return Err(refused(path, what, missing_advice(), false));
    }
    Ok(())
}

/// Refuses a file that is too short to be a ledger, although there was one. SQLite would take it for a new one, and remove its
/// log.
fn check_length(path: &Path, mark: &Stored) -> Result<(), LedgerError> {
    let length = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    let bytes = length(path);
    let had_contents = !matches!(mark, Stored::Missing) || length(&log_path(path)) > 0;
    if bytes < MIN_FILE_BYTES && had_contents {
        return Err(damaged(path, text!("it has {bytes} bytes, and had more", bytes = bytes)));
    }
    Ok(())
}

/// Checks that the file belongs to this program and is intact, and returns what it lacks.
fn what_it_lacks(connection: &Connection, path: &Path) -> Result<Lacks, LedgerError> {
    let fail = |error: rusqlite::Error| unusable(path, &error);
    // Exclusive before the first access: the log then needs no shared-memory file.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(fail)?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(fail)?;
    let application = read_pragma(connection, "application_id").map_err(fail)?;
    if tables == 0 && application == 0 {
        return Ok(Lacks::Everything);
    }
    if application != APPLICATION_ID {
        let next = text!("choose another state folder with --state, or move that database out of this one");
        return Err(refused(path, text!("it is another program's database"), next, false));
    }
    let lacks = match read_pragma(connection, "user_version").map_err(fail)? {
        FORMAT_VERSION => Lacks::Nothing,
        FORMAT_WITHOUT_NUMBERS => Lacks::Numbers,
        version => {
            let what = text!(
                "it has format {version}, and this version reads formats {oldest} to {newest}",
                version = version,
                oldest = FORMAT_WITHOUT_NUMBERS,
                newest = FORMAT_VERSION
            );
            let next =
                text!("use the version of soter-sim that wrote it, or another state folder with --state");
            return Err(refused(path, what, next, false));
        }
    };
    let integrity: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(fail)?;
    if integrity == "ok" { Ok(lacks) } else { Err(damaged(path, Text::verbatim(one_line(&integrity)))) }
}

/// The tables that a file does not have yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lacks {
    Nothing,
    /// It has [`FORMAT_WITHOUT_NUMBERS`].
    Numbers,
    Everything,
}

/// Whether SQLite keeps its log when the connection is closed. Otherwise it moves the log into the file.
fn keep_log(connection: &Connection, keep: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep).map(drop)
}

/// Makes the tables that are missing, and moves the log into the file.
fn prepare(connection: &mut Connection, lacks: Lacks, numbers: Numbers) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // `move_log` does that, so that the numbers say when.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    if lacks != Lacks::Nothing {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if lacks == Lacks::Everything {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        transaction.execute_batch(numbers::SCHEMA)?;
        numbers.write(&transaction)?;
        transaction.pragma_update(None, "user_version", FORMAT_VERSION)?;
        transaction.commit()?;
    }
    write_back(connection)
}

/// Writes a value that is there already, then moves the whole log into the file, durably. A file that cannot be written
/// is noticed here, before any result comes. After a failed write, the log can be readable and still not be on the disk.
/// This puts it there.
fn write_back(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.pragma_update(None, "user_version", FORMAT_VERSION)?;
    transaction.commit()?;
    move_log(connection, "TRUNCATE")
}

/// Moves the whole log into the file, durably. Afterwards the log has no bytes (`TRUNCATE`), or its bytes are written over
/// from the beginning (`RESTART`).
fn move_log(connection: &Connection, mode: &str) -> rusqlite::Result<()> {
    let checkpoint = format!("PRAGMA wal_checkpoint({mode})");
    let is_busy: bool = connection.query_row(&checkpoint, [], |row| row.get(0))?;
    if is_busy {
        let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
        return Err(rusqlite::Error::SqliteFailure(busy, None));
    }
    Ok(())
}

fn read_pragma(connection: &Connection, pragma: &str) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

/// Refuses a file whose log belongs to another state of it: an older or a newer copy of the file was put next to it.
fn check_log(path: &Path, numbers: Numbers, without_log: Option<Numbers>) -> Result<(), LedgerError> {
    let Some(file) = without_log else { return Ok(()) };
    // If a crash came while the log was moved into the file, the file has the newest row already.
    if file.id == numbers.id && [numbers.base, numbers.groups].contains(&file.groups) {
        return Ok(());
    }
    let log = log_path(path);
    Err(damaged(path, text!("its log {log} belongs to another copy of it", log = log.display())))
}

/// Refuses a ledger that has fewer groups than its mark says, or whose mark is damaged or another ledger's. `None` if no group
/// was written and there is no intact mark, because a crash may have come before the mark was complete.
fn check_mark(path: &Path, stored: Stored, numbers: Numbers) -> Result<Option<Mark>, LedgerError> {
    let Numbers { groups, .. } = numbers;
    let mark_path = mark::path_of(path);
    match stored {
        Stored::Missing | Stored::Damaged if groups == 0 => Ok(None),
        Stored::Missing => Err(damaged(path, text!("{mark} is missing", mark = mark_path.display()))),
        Stored::Damaged => Err(damaged(path, text!("{mark} is damaged", mark = mark_path.display()))),
        Stored::Intact(mark) if mark.id != numbers.id => {
            Err(damaged(path, text!("{mark} belongs to another ledger", mark = mark_path.display())))
        }
        Stored::Intact(mark) if groups < mark.number => {
            let what = text!(
                "it has {groups} of {all} groups of changes, and has lost the others",
                groups = groups,
                all = mark.number
            );
            Err(damaged(path, what))
        }
        Stored::Intact(mark) => Ok(Some(mark)),
    }
}

fn log_path(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// Reads everything, and checks every row.
fn read_changes(connection: &Connection, generation: u32) -> rusqlite::Result<Vec<Change>> {
    let mut changes = vec![Change::Clear { generation }];
    // A device without a counter is damage as well: a device is always written together with its counter.
    let mut devices = connection.prepare(
        "SELECT cpu_id, attk, device.checksum, highest, counter.checksum
         FROM device LEFT JOIN counter USING (cpu_id)",
    )?;
    let mut rows = devices.query([])?;
    while let Some(row) = rows.next()? {
        let (cpu_id, attk, highest): (String, Vec<u8>, i64) = (row.get(0)?, row.get(1)?, row.get(3)?);
        verify(row, 2, &[b"device", cpu_id.as_bytes(), &attk])?;
        verify(row, 4, &[b"counter", cpu_id.as_bytes(), &highest.to_le_bytes()])?;
        let highest = u64::try_from(highest).map_err(|error| bad_value(3, error))?;
        changes.push(Change::Device { cpu_id: cpu_id.clone(), attk: key(&attk, 1)? });
        changes.push(Change::Counter { cpu_id, highest });
    }
    let mut asks = connection.prepare("SELECT cpu_id, uid, key, salt_length, checksum FROM ask")?;
    let mut rows = asks.query([])?;
    while let Some(row) = rows.next()? {
        let (cpu_id, uid): (String, String) = (row.get(0)?, row.get(1)?);
        let (spki, salt_length): (Vec<u8>, u16) = (row.get(2)?, row.get(3)?);
        verify(row, 4, &[b"ask", cpu_id.as_bytes(), uid.as_bytes(), &spki, &salt_length.to_le_bytes()])?;
        changes.push(Change::Ask { cpu_id, uid, key: key(&spki, 2)?, scheme: scheme(salt_length, 3)? });
    }
    let mut auth_keys = connection.prepare(
        "SELECT cpu_id, uid, key, appid, openid, salt_length, checksum FROM auth_key ORDER BY number",
    )?;
    let mut rows = auth_keys.query([])?;
    while let Some(row) = rows.next()? {
        let (cpu_id, uid, spki): (String, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (appid, openid, salt_length): (String, String, u16) = (row.get(3)?, row.get(4)?, row.get(5)?);
        let fields: [&[u8]; 7] = [
            b"auth_key",
            cpu_id.as_bytes(),
            uid.as_bytes(),
            &spki,
            appid.as_bytes(),
            openid.as_bytes(),
            &salt_length.to_le_bytes(),
        ];
        verify(row, 6, &fields)?;
        let scheme = scheme(salt_length, 5)?;
        let key = AuthKey { key: key(&spki, 2)?, appid, openid, scheme, retired: false };
        changes.push(Change::AuthKey { cpu_id, uid, key });
    }
    Ok(changes)
}

/// What distinguishes a file from another one at the same path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileIdentity(Option<(u64, u64)>);

impl FileIdentity {
    #[cfg(unix)]
    fn of(path: &Path) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self(fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino())))
    }

    /// Windows has no such number in the standard library, so only the file's existence is checked.
    #[cfg(not(unix))]
    fn of(path: &Path) -> Self {
        Self(path.exists().then_some((0, 0)))
    }
}

fn write_change(transaction: &Transaction<'_>, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::Clear { .. } => transaction
            .execute_batch("DELETE FROM auth_key; DELETE FROM ask; DELETE FROM counter; DELETE FROM device;"),
        Change::Device { cpu_id, attk } => {
            let attk = attk.spki_der();
            transaction
                .prepare_cached("INSERT OR REPLACE INTO device (cpu_id, attk, checksum) VALUES (?1, ?2, ?3)")?
                .execute(params![cpu_id, attk, checksum(&[b"device", cpu_id.as_bytes(), attk])])?;
            write_counter(transaction, cpu_id, 0)
        }
        // INVARIANT: counters are at most MAX_COUNTER, the greatest i64, and the state only lets them grow.
        Change::Counter { cpu_id, highest } => {
            write_counter(transaction, cpu_id, i64::try_from(*highest).unwrap_or(i64::MAX))
        }
        Change::Ask { cpu_id, uid, key, scheme } => {
            let spki = key.spki_der();
            let salt_length = salt_length(*scheme);
            let fields: [&[u8]; 5] =
                [b"ask", cpu_id.as_bytes(), uid.as_bytes(), spki, &salt_length.to_le_bytes()];
            let mut other = transaction
                .prepare_cached("SELECT 1 FROM ask WHERE cpu_id = ?1 AND uid = ?2 AND key <> ?3")?;
            if other.exists(params![cpu_id, uid, spki])? {
                // Keys under another ASK are retired. Only memory keeps them, for diagnoses, until the process ends.
                transaction
                    .execute("DELETE FROM auth_key WHERE cpu_id = ?1 AND uid = ?2", params![cpu_id, uid])?;
            }
            transaction
                .prepare_cached("INSERT OR REPLACE INTO ask (cpu_id, uid, key, salt_length, checksum) VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![cpu_id, uid, spki, salt_length, checksum(&fields)])
                .map(|_| ())
        }
        Change::AuthKey { cpu_id, uid, key } => {
            let spki = key.key.spki_der();
            let salt_length = salt_length(key.scheme);
            let fields: [&[u8]; 7] = [
                b"auth_key",
                cpu_id.as_bytes(),
                uid.as_bytes(),
                spki,
                key.appid.as_bytes(),
                key.openid.as_bytes(),
                &salt_length.to_le_bytes(),
            ];
            transaction.execute(
                "DELETE FROM auth_key WHERE cpu_id = ?1 AND uid = ?2 AND appid = ?3 AND openid = ?4",
                params![cpu_id, uid, key.appid, key.openid],
            )?;
            transaction
                .execute(
                    "INSERT OR REPLACE INTO auth_key (cpu_id, uid, key, appid, openid, salt_length, checksum)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![cpu_id, uid, spki, key.appid, key.openid, salt_length, checksum(&fields)],
                )
                .map(|_| ())
        }
    }
}

fn write_counter(transaction: &Transaction<'_>, cpu_id: &str, highest: i64) -> rusqlite::Result<()> {
    let fields: [&[u8]; 3] = [b"counter", cpu_id.as_bytes(), &highest.to_le_bytes()];
    transaction
        .prepare_cached("INSERT OR REPLACE INTO counter (cpu_id, highest, checksum) VALUES (?1, ?2, ?3)")?
        .execute(params![cpu_id, highest, checksum(&fields)])
        .map(|_| ())
}

fn key(spki: &[u8], column: usize) -> rusqlite::Result<PublicKey> {
    PublicKey::from_spki_der(spki).map_err(|error| bad_value(column, error))
}

/// The part of a scheme that a row stores.
fn salt_length(scheme: SignatureScheme) -> u16 {
    let SignatureScheme::RsaPss { salt_length } = scheme;
    salt_length.get()
}

fn scheme(salt_length: u16, column: usize) -> rusqlite::Result<SignatureScheme> {
    SignatureScheme::rsa_pss(salt_length)
        .ok_or_else(|| rusqlite::Error::IntegralValueOutOfRange(column, salt_length.into()))
}
