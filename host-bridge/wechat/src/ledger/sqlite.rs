//! The ledger in a file: one SQLite database.
//!
//! It is written through a write-ahead log with full synchronisation, so that a group costs one write to the log and
//! one barrier. When the ledger is closed, the log is merged into the file. SQLite keeps no checksums of its data, so
//! each row has one of its own, and the whole file is checked when it is opened: damage is an error and is never read
//! as other content. One kind of damage is not noticed: if the log loses its end in a crash, the crash seems to have
//! happened earlier.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::types::Type;
use rusqlite::{Connection, OpenFlags, Row, Transaction, TransactionBehavior, params};
use sha2::{Digest, Sha256};
use soter_wire::{PublicKey, SignatureScheme};

use super::change::{AuthKey, Change};
use super::sqlite_error::{damaged, refused, unusable};
use super::store::{LedgerError, LedgerStore};

/// `SOTR`: distinguishes the file from other databases.
const APPLICATION_ID: i32 = 0x534F_5452;
const FORMAT_VERSION: i32 = 2;
/// The first format, which has no generation.
const FORMAT_WITHOUT_GENERATION: i32 = 1;

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
/// What [`FORMAT_WITHOUT_GENERATION`] does not have. The table has one row.
const GENERATION_SCHEMA: &str =
    "CREATE TABLE generation (number INTEGER NOT NULL, checksum BLOB NOT NULL) STRICT;";

/// A ledger's database file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    path: PathBuf,
    identity: FileIdentity,
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
        Self::open_existing(path, IfEmpty::Begin)
    }

    fn open_existing(path: &Path, if_empty: IfEmpty) -> Result<Self, LedgerError> {
        let fail = |error: &rusqlite::Error| unusable(path, error);
        let identity = FileIdentity::of(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| fail(&error))?;
        let mut store = Self { connection, path: path.to_owned(), identity };
        let is_new = store.is_empty().map_err(|error| fail(&error))?;
        if is_new && if_empty == IfEmpty::Refuse {
            return Err(damaged(path, "it was emptied while this process used it"));
        }
        if !is_new {
            // Before `prepare`, which writes WAL mode into the file: another program's file must not change.
            store.check()?;
        }
        store.prepare(is_new).map_err(|error| fail(&error))?;
        Ok(store)
    }

    /// Whether the file is empty and belongs to no program.
    fn is_empty(&self) -> rusqlite::Result<bool> {
        // Exclusive before the first access: the log then needs no shared-memory file.
        self.connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        let tables: i64 =
            self.connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok(tables == 0 && self.read_pragma("application_id")? == 0)
    }

    fn prepare(&mut self, is_new: bool) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "journal_mode", "WAL")?;
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        if is_new || self.read_pragma("user_version")? == FORMAT_WITHOUT_GENERATION {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if is_new {
                transaction.execute_batch(SCHEMA)?;
                transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            }
            transaction.execute_batch(GENERATION_SCHEMA)?;
            write_generation(&transaction, 0)?;
            transaction.pragma_update(None, "user_version", FORMAT_VERSION)?;
            transaction.commit()?;
        }
        self.write_back()
    }

    /// Writes a value that is there already, then moves the whole log into the file, durably. A file that cannot be written
    /// is noticed here, before any result comes. After a failed write, the log can be readable and still not be on the disk.
    /// This puts it there.
    fn write_back(&mut self) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.pragma_update(None, "user_version", FORMAT_VERSION)?;
        transaction.commit()?;
        let is_busy: bool =
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if is_busy {
            let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
            return Err(rusqlite::Error::SqliteFailure(busy, None));
        }
        Ok(())
    }

    fn check(&self) -> Result<(), LedgerError> {
        let fail = |error: rusqlite::Error| unusable(&self.path, &error);
        if self.read_pragma("application_id").map_err(fail)? != APPLICATION_ID {
            let next = "choose another state folder with --state, or move that database out of this one";
            return Err(refused(&self.path, "it is another program's database", next, false));
        }
        let version = self.read_pragma("user_version").map_err(fail)?;
        if !(FORMAT_WITHOUT_GENERATION..=FORMAT_VERSION).contains(&version) {
            let what = format!(
                "it has format {version}, and this version reads formats {FORMAT_WITHOUT_GENERATION} to {FORMAT_VERSION}"
            );
            let next = "use the version of soter-sim that wrote it, or another state folder with --state";
            return Err(refused(&self.path, &what, next, false));
        }
        let integrity: String =
            self.connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(fail)?;
        if integrity == "ok" { Ok(()) } else { Err(damaged(&self.path, &integrity)) }
    }

    /// Checks that the file at the path is still the one that was opened.
    fn check_identity(&self) -> Result<(), LedgerError> {
        if FileIdentity::of(&self.path) == self.identity {
            return Ok(());
        }
        let what = "it was removed, moved or replaced while this process used it";
        Err(refused(&self.path, what, "end this process, and start again", false))
    }

    fn read_pragma(&self, pragma: &str) -> rusqlite::Result<i32> {
        self.connection.pragma_query_value(None, pragma, |row| row.get(0))
    }

    fn read_changes(&self) -> rusqlite::Result<Vec<Change>> {
        let generation = self.connection.query_row("SELECT number, checksum FROM generation", [], |row| {
            let number: u32 = row.get(0)?;
            verify(row, 1, &[b"generation", &number.to_le_bytes()])?;
            Ok(number)
        })?;
        let mut changes = vec![Change::Clear { generation }];
        // A device without a counter is damage as well: a device is always written together with its counter.
        let mut devices = self.connection.prepare(
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
        let mut asks = self.connection.prepare("SELECT cpu_id, uid, key, salt_length, checksum FROM ask")?;
        let mut rows = asks.query([])?;
        while let Some(row) = rows.next()? {
            let (cpu_id, uid): (String, String) = (row.get(0)?, row.get(1)?);
            let (spki, salt_length): (Vec<u8>, u16) = (row.get(2)?, row.get(3)?);
            verify(row, 4, &[b"ask", cpu_id.as_bytes(), uid.as_bytes(), &spki, &salt_length.to_le_bytes()])?;
            changes.push(Change::Ask { cpu_id, uid, key: key(&spki, 2)?, scheme: scheme(salt_length, 3)? });
        }
        let mut auth_keys = self.connection.prepare(
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
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (index, change) in group.iter().enumerate() {
            if !is_superseded(index, change) {
                write_change(&transaction, change)?;
            }
        }
        transaction.commit()
    }
}

impl LedgerStore for SqliteStore {
    fn load(&mut self) -> Result<Vec<Change>, LedgerError> {
        self.read_changes().map_err(|error| unusable(&self.path, &error))
    }

    fn commit(&mut self, group: &[Change]) -> Result<(), LedgerError> {
        self.check_identity()?;
        self.write(group).map_err(|error| unusable(&self.path, &error))
    }

    fn recover(&mut self) -> Result<Vec<Change>, LedgerError> {
        // A new file must not be used, because it would accept old results once more.
        self.check_identity()?;
        let fail = |error: rusqlite::Error| unusable(&self.path, &error);
        // The old connection locks the file until it is closed.
        self.connection = Connection::open_in_memory().map_err(fail)?;
        self.connection = Self::open_existing(&self.path, IfEmpty::Refuse)?.connection;
        self.load()
    }
}

/// Creates the file if it does not exist.
fn create(path: &Path) -> Result<(), LedgerError> {
    let fail = |what: &str, kind| {
        let next = match kind {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                "free some space, then start the server again"
            }
            _ => "check that you may read and write the file and its folder",
        };
        refused(path, what, next, false)
    };
    let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    if is_link && !path.exists() {
        let what = "it is a symbolic link to a file that does not exist";
        return Err(refused(
            path,
            what,
            "restore the file that the link points to, or remove the link",
            false,
        ));
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|error| fail(&error.to_string(), error.kind()))
}

/// What to do with a file without any table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IfEmpty {
    /// Begin a new ledger in it.
    Begin,
    /// Refuse it.
    Refuse,
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
        Change::Clear { generation } => {
            transaction.execute_batch(
                "DELETE FROM auth_key; DELETE FROM ask; DELETE FROM counter; DELETE FROM device;",
            )?;
            write_generation(transaction, *generation)
        }
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

fn write_generation(transaction: &Transaction<'_>, number: u32) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM generation", [])?;
    let checksum = checksum(&[b"generation", &number.to_le_bytes()]);
    transaction
        .execute("INSERT INTO generation (number, checksum) VALUES (?1, ?2)", params![number, checksum])
        .map(|_| ())
}

fn write_counter(transaction: &Transaction<'_>, cpu_id: &str, highest: i64) -> rusqlite::Result<()> {
    let fields: [&[u8]; 3] = [b"counter", cpu_id.as_bytes(), &highest.to_le_bytes()];
    transaction
        .prepare_cached("INSERT OR REPLACE INTO counter (cpu_id, highest, checksum) VALUES (?1, ?2, ?3)")?
        .execute(params![cpu_id, highest, checksum(&fields)])
        .map(|_| ())
}

/// SHA-256 over fields, each preceded by its length.
fn checksum(fields: &[&[u8]]) -> Vec<u8> {
    let mut digest = Sha256::new();
    for field in fields {
        digest.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_le_bytes());
        digest.update(field);
    }
    digest.finalize().to_vec()
}

fn verify(row: &Row<'_>, column: usize, fields: &[&[u8]]) -> rusqlite::Result<()> {
    let stored: Vec<u8> = row.get(column)?;
    if stored == checksum(fields) { Ok(()) } else { Err(bad_value(column, WrongChecksum)) }
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

fn bad_value(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, Box::new(error))
}

#[derive(Debug, thiserror::Error)]
#[error("a row is damaged: its checksum does not fit")]
struct WrongChecksum;
