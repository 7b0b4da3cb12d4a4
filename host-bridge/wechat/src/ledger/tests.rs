//! Durability, damage, and a store that fails.

use std::collections::BTreeMap;
use std::path::Path;

use super::change::AuthKey;
use super::sqlite::SqliteStore;
use super::*;
use crate::test_phone::{pss, public};

fn device(cpu_id: &str) -> Change {
    Change::Device { cpu_id: cpu_id.to_owned(), attk: public(0) }
}

fn counter(cpu_id: &str, highest: u64) -> Change {
    Change::Counter { cpu_id: cpu_id.to_owned(), highest }
}

fn ask(cpu_id: &str, key: usize) -> Change {
    Change::Ask { cpu_id: cpu_id.to_owned(), uid: "1".to_owned(), key: public(key), scheme: pss(32) }
}

fn auth_key(cpu_id: &str, key: usize, openid: &str) -> Change {
    let key = AuthKey {
        key: public(key),
        appid: "wx".to_owned(),
        openid: openid.to_owned(),
        scheme: pss(32),
        retired: false,
    };
    Change::AuthKey { cpu_id: cpu_id.to_owned(), uid: "1".to_owned(), key }
}

type Open = fn(&Path) -> Result<Ledger, LedgerError>;

/// Runs the tests of what every store promises. A store has the name of its file.
macro_rules! test_stores {
    ($($store:ident: $open:expr,)*) => {
        const STORES: &[&str] = &[$(stringify!($store)),*];
        $(mod $store {
            use super::*;
            test_stores! { @tests $open;
                durable_changes_are_loaded_after_a_restart,
                every_accepted_counter_is_still_spent_after_a_crash,
                damage_is_an_error_or_has_no_effect,
                a_file_that_is_not_a_ledger_is_refused_and_unchanged,
                #[cfg(unix)] nobody_else_can_read_the_ledger,
            }
        })*
    };
    (@tests $open:expr; $($(#[$attribute:meta])* $test:ident,)*) => {
        $($(#[$attribute])* #[tokio::test]
        async fn $test() {
            super::$test($open).await;
        })*
    };
}

test_stores! {
    sqlite: |path| SqliteStore::open(path).and_then(Ledger::open),
}

#[test]
fn every_store_is_tested() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ledger");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let is_store = std::fs::read_to_string(&path).unwrap().contains("impl LedgerStore for ");
        assert!(!is_store || name == "tests" || STORES.contains(&name), "{name} is not in `test_stores!`");
    }
}

async fn make(ledger: &Ledger, changes: Vec<Change>) {
    let receipt = ledger.change(|_| Ok::<_, LedgerError>(changes)).unwrap().unwrap();
    receipt.durable().await.unwrap();
}

async fn spend(ledger: &Ledger, cpu_id: &str, value: u64) -> bool {
    match ledger.change(|state| state.spend(cpu_id, value, true).map(|change| vec![change])) {
        Ok(receipt) => receipt.unwrap().durable().await.is_ok(),
        Err(_) => false,
    }
}

async fn durable_changes_are_loaded_after_a_restart(open: Open) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    let ledger = open(&path).unwrap();
    make(&ledger, vec![device("a"), device("b"), ask("a", 1), auth_key("a", 2, "o")]).await;
    assert!(spend(&ledger, "a", 7).await);
    drop(ledger);

    let ledger = open(&path).unwrap();
    assert!(!spend(&ledger, "a", 7).await && spend(&ledger, "a", 8).await && spend(&ledger, "b", 1).await);
    ledger.read(|state| {
        assert_eq!(
            state.ask("a", "1").map(|(key, scheme)| (key.clone(), scheme)),
            Some((public(1), pss(32)))
        );
        let keys = state.auth_keys("a", "1");
        assert_eq!((keys.len(), &keys[0].key, keys[0].scheme), (1, &public(2), pss(32)));
    });
    make(&ledger, vec![Change::Clear]).await;
    drop(ledger);
    let after = open(&path).unwrap();
    assert!(after.read(|state| state.attk("a").is_none() && state.auth_keys("a", "1").is_empty()));
}

async fn every_accepted_counter_is_still_spent_after_a_crash(open: Open) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    let ledger = open(&path).unwrap();
    make(&ledger, vec![device("a")]).await;
    for value in 1..20 {
        assert!(spend(&ledger, "a", value).await);
        // What is on the disk while the ledger is open is what a killed process leaves.
        let crashed = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), crashed.path().join(entry.file_name())).unwrap();
        }
        let after = open(&crashed.path().join("wechat.db")).unwrap();
        assert!(!spend(&after, "a", value).await, "{value}");
    }
}

async fn damage_is_an_error_or_has_no_effect(open: Open) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    let ledger = open(&path).unwrap();
    make(&ledger, vec![device("a"), ask("a", 1), auth_key("a", 2, "o"), counter("a", 1000)]).await;
    drop(ledger);
    let whole = std::fs::read(&path).unwrap();
    let mut outcomes = BTreeMap::new();
    let flips = (0..whole.len()).step_by(37).chain(0..100);
    let truncations = (0..whole.len()).step_by(997);
    let damaged = flips
        .map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x41;
            bytes
        })
        .chain(truncations.map(|length| whole[..length].to_vec()));
    for bytes in damaged {
        std::fs::write(&path, &bytes).unwrap();
        match open(&path) {
            Ok(ledger) if bytes.is_empty() => assert!(ledger.read(|state| state.attk("a").is_none())),
            Ok(ledger) => {
                assert_eq!(ledger.read(|state| state.attk("a").cloned()), Some(public(0)));
                assert!(!spend(&ledger, "a", 1000).await, "a lower counter");
                assert_eq!(ledger.read(|state| state.auth_keys("a", "1").len()), 1);
                *outcomes.entry("same").or_insert(0) += 1;
            }
            Err(error) => {
                assert!(
                    error.what.contains("wechat.db") && !error.next.is_empty() && !error.what.contains('\n')
                );
                *outcomes.entry("error").or_insert(0) += 1;
            }
        }
        for suffix in ["-wal", "-shm", "-journal"] {
            let _ = std::fs::remove_file(folder.path().join(format!("wechat.db{suffix}")));
        }
    }
    assert!(outcomes["error"] > 100, "{outcomes:?}");
}

async fn a_file_that_is_not_a_ledger_is_refused_and_unchanged(open: Open) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    for bytes in [&b"short"[..], b"no ledger at all, but long enough to be read as one"] {
        std::fs::write(&path, bytes).unwrap();
        let error = open(&path).unwrap_err();
        assert!(error.what.contains("wechat.db"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn the_database_of_another_program_is_refused_and_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE t (a); PRAGMA application_id = 7;").unwrap();
    drop(other);
    let bytes = std::fs::read(&path).unwrap();
    assert!(SqliteStore::open(&path).unwrap_err().what.contains("another program's"));
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_newer_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    drop(SqliteStore::open(&path).unwrap());
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.execute_batch("PRAGMA user_version = 2").unwrap();
    drop(newer);
    let bytes = std::fs::read(&path).unwrap();
    assert!(SqliteStore::open(&path).unwrap_err().what.contains("format 2"));
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[cfg(unix)]
async fn nobody_else_can_read_the_ledger(open: Open) {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    let _ledger = open(&path).unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}

/// Fails after `commits_left` commits.
struct Failing {
    commits_left: usize,
}

impl LedgerStore for Failing {
    fn load(&mut self) -> Result<Vec<Change>, LedgerError> {
        Ok(vec![device("a")])
    }

    fn commit(&mut self, _: &[Change]) -> Result<(), LedgerError> {
        if self.commits_left == 0 {
            return Err(LedgerError { what: "the disk is full".to_owned(), next: "make room".to_owned() });
        }
        self.commits_left -= 1;
        Ok(())
    }
}

#[tokio::test]
async fn a_counter_that_could_not_be_written_is_not_accepted() {
    let ledger = Ledger::open(Failing { commits_left: 1 }).unwrap();
    assert!(spend(&ledger, "a", 1).await);
    assert!(!spend(&ledger, "a", 2).await);
    // A later write would depend on the one that failed.
    assert!(!spend(&ledger, "a", 3).await);
    assert!(!spend(&ledger, "a", 2).await, "it is spent in memory, which is the safe direction");
}
