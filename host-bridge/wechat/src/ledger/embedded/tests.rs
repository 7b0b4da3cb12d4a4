//! What every store of a ledger promises: durability, and damage that is noticed.

use std::collections::BTreeMap;
use std::path::Path;

use super::sqlite::SqliteStore;
use super::*;
use crate::ledger::change::AuthKey;
use crate::ledger::retry::FIRST_RETRY_DELAY;
use crate::test_phone::{pss, public};

mod failing_store;
mod sqlite_files;

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

/// Opens a ledger of at least a generation.
type Open = fn(&Path, u32) -> Result<EmbeddedLedger, LedgerError>;

/// Runs the tests of what every store promises. A store has the name of its file.
macro_rules! test_stores {
    ($($store:ident: $open:expr,)*) => {
        const STORES: &[&str] = &[$(stringify!($store)),*];
        $(mod $store {
            use super::*;
            test_stores! { @tests $open;
                durable_changes_are_loaded_after_a_restart,
                an_older_generation_is_forgotten_once,
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
    sqlite: |path, generation| SqliteStore::open(path).and_then(|store| EmbeddedLedger::open(store, generation)),
}

#[test]
fn every_store_is_tested() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ledger/embedded");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap();
        let is_store = std::fs::read_to_string(&path).unwrap().contains("impl LedgerStore for ");
        assert!(!is_store || name == "tests" || STORES.contains(&name), "{name} is not in `test_stores!`");
    }
}

async fn make(ledger: &EmbeddedLedger, changes: Vec<Change>) {
    let receipt = ledger.change(|_| Ok::<_, LedgerError>(changes)).unwrap().unwrap();
    receipt.durable().await.unwrap();
}

/// Spends a result's counter, judged with the device's present keys.
async fn spend(ledger: &EmbeddedLedger, cpu_id: &str, counter: u64) -> bool {
    let version = keys(ledger, cpu_id).map(|keys| keys.version).unwrap_or_default();
    let spending = Spending { cpu_id: cpu_id.to_owned(), counter, version };
    ledger.spend(spending).await == Ok(SpendOutcome::Spent)
}

fn keys(ledger: &EmbeddedLedger, cpu_id: &str) -> Option<AppKeys> {
    ledger.read(|state| state.app_keys(cpu_id, "1"))
}

async fn durable_changes_are_loaded_after_a_restart(open: Open) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    let ledger = open(&path, 0).unwrap();
    make(&ledger, vec![device("a"), device("b"), ask("a", 1), auth_key("a", 2, "o")]).await;
    assert!(spend(&ledger, "a", 7).await);
    drop(ledger);

    let ledger = open(&path, 0).unwrap();
    assert!(!spend(&ledger, "a", 7).await && spend(&ledger, "a", 8).await && spend(&ledger, "b", 1).await);
    let AppKeys { ask, auth_keys, .. } = keys(&ledger, "a").unwrap();
    assert_eq!(ask, Some((public(1), pss(32))));
    assert_eq!((auth_keys.len(), &auth_keys[0].key, auth_keys[0].scheme), (1, &public(2), pss(32)));
    ledger.clear(1).await.unwrap();
    drop(ledger);
    let after = open(&path, 0).unwrap();
    assert!(keys(&after, "a").is_none());
}

async fn an_older_generation_is_forgotten_once(open: Open) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    let ledger = open(&path, 0).unwrap();
    make(&ledger, vec![device("a")]).await;
    drop(ledger);
    let ledger = open(&path, 2).unwrap();
    assert!(keys(&ledger, "a").is_none());
    assert_eq!(ledger.generation(), 2);
    make(&ledger, vec![device("b")]).await;
    ledger.clear(2).await.unwrap();
    assert!(keys(&ledger, "b").is_some());
    drop(ledger);
    let ledger = open(&path, 2).unwrap();
    assert!(keys(&ledger, "b").is_some());
}

async fn every_accepted_counter_is_still_spent_after_a_crash(open: Open) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    let ledger = open(&path, 0).unwrap();
    make(&ledger, vec![device("a")]).await;
    for value in 1..20 {
        assert!(spend(&ledger, "a", value).await);
        // What is on the disk while the ledger is open is what a killed process leaves.
        let crashed = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), crashed.path().join(entry.file_name())).unwrap();
        }
        let after = open(&crashed.path().join("wechat.db"), 0).unwrap();
        assert!(!spend(&after, "a", value).await, "{value}");
    }
}

/// The files of a ledger by name.
type Files = BTreeMap<std::ffi::OsString, Vec<u8>>;

fn read_files(folder: &Path) -> Files {
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        (entry.file_name(), std::fs::read(entry.path()).unwrap())
    };
    std::fs::read_dir(folder).unwrap().map(read).collect()
}

/// Every byte of every file is changed, and every file is cut at every length, or is gone. `SOTER_DAMAGE=all` does all of that;
/// without it, a sample is enough.
async fn damage_is_an_error_or_has_no_effect(open: Open) {
    const ACCEPTED: std::ops::RangeInclusive<u64> = 1..=6;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    let ledger = open(&path, 0).unwrap();
    make(&ledger, vec![device("a"), device("b"), ask("a", 1), auth_key("a", 2, "o")]).await;
    // After this many changes the log begins again, over what it had.
    make(&ledger, vec![counter("b", 0); 2100]).await;
    for value in ACCEPTED {
        assert!(spend(&ledger, "a", value).await);
    }
    // What is on the disk while the ledger is open is what a killed process leaves.
    let killed = read_files(folder.path());
    drop(ledger);
    let ended = read_files(folder.path());
    assert_ne!(killed.len(), ended.len(), "there is no log");

    let runs_all = std::env::var("SOTER_DAMAGE").is_ok_and(|damage| damage == "all");
    let mut outcomes = BTreeMap::new();
    for (case, files) in [("killed", &killed), ("ended", &ended)] {
        for (name, whole) in files {
            let step = if runs_all { 1 } else { 1 + whole.len() / 60 };
            let flips = (0..whole.len()).step_by(step).map(|at| {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << (at % 8);
                Some(bytes)
            });
            let cuts = (0..whole.len()).step_by(step).map(|length| Some(whole[..length].to_vec()));
            for damaged in flips.chain(cuts).chain([None]) {
                let folder = tempfile::tempdir().unwrap();
                for (other, bytes) in files {
                    let bytes = if other == name { damaged.as_ref() } else { Some(bytes) };
                    if let Some(bytes) = bytes {
                        std::fs::write(folder.path().join(other), bytes).unwrap();
                    }
                }
                let what =
                    || format!("{case}, {}: {:?} bytes", name.display(), damaged.as_ref().map(Vec::len));
                match open(&folder.path().join("wechat.db"), 0) {
                    Ok(ledger) => {
                        for value in ACCEPTED {
                            assert!(!spend(&ledger, "a", value).await, "{value}: {}", what());
                        }
                        assert!(spend(&ledger, "a", 7).await && spend(&ledger, "b", 1).await, "{}", what());
                        let AppKeys { attk, auth_keys, .. } = keys(&ledger, "a").unwrap();
                        assert_eq!((attk, auth_keys.len()), (public(0), 1));
                        *outcomes.entry((case, "no effect")).or_insert(0) += 1;
                    }
                    Err(LedgerError { what: error, next, .. }) => {
                        let (error, next) = (error.english(), next.english());
                        let is_one_line = !error.contains('\n') && !next.contains('\n');
                        assert!(error.contains("wechat.db") && is_one_line && !next.is_empty(), "{error}");
                        // Nothing of it is thrown away.
                        let mut expected = files.clone();
                        match &damaged {
                            Some(bytes) => expected.insert(name.clone(), bytes.clone()),
                            None => expected.remove(name),
                        };
                        let mut left = read_files(folder.path());
                        // SQLite makes an empty log when it finds none.
                        left.retain(|name, bytes| expected.contains_key(name) || !bytes.is_empty());
                        assert_eq!(
                            left.keys().collect::<Vec<_>>(),
                            expected.keys().collect::<Vec<_>>(),
                            "{}",
                            what()
                        );
                        assert!(left == expected, "{} has changed: {error}", what());
                        *outcomes.entry((case, "refused")).or_insert(0) += 1;
                    }
                }
            }
        }
    }
    println!("{outcomes:?}");
    assert!(outcomes.len() == 4 && outcomes.values().all(|number| *number > 20), "{outcomes:?}");
}

async fn a_file_that_is_not_a_ledger_is_refused_and_unchanged(open: Open) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    for bytes in [&b"short"[..], b"no ledger at all, but long enough to be read as one"] {
        std::fs::write(&path, bytes).unwrap();
        let error = open(&path, 0).unwrap_err();
        assert!(error.what.english().contains("wechat.db"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}

#[cfg(unix)]
async fn nobody_else_can_read_the_ledger(open: Open) {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    let _ledger = open(&path, 0).unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}
