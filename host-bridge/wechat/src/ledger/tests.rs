//! Durability, damage, and a store that fails.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

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

/// Opens a ledger of at least a generation.
type Open = fn(&Path, u32) -> Result<Ledger, LedgerError>;

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
    sqlite: |path, generation| SqliteStore::open(path).and_then(|store| Ledger::open(store, generation)),
}

#[test]
fn every_store_is_tested() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ledger");
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

async fn make(ledger: &Ledger, changes: Vec<Change>) {
    let receipt = ledger.change(|_| Ok::<_, LedgerError>(changes)).unwrap().unwrap();
    receipt.durable().await.unwrap();
}

async fn spend(ledger: &Ledger, cpu_id: &str, value: u64) -> bool {
    match ledger.change(|state| state.spend(cpu_id, value, true).map(|change| vec![change])) {
        Ok(Ok(receipt)) => receipt.durable().await.is_ok(),
        Ok(Err(_)) | Err(_) => false,
    }
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
    ledger.read(|state| {
        assert_eq!(
            state.ask("a", "1").map(|(key, scheme)| (key.clone(), scheme)),
            Some((public(1), pss(32)))
        );
        let keys = state.auth_keys("a", "1");
        assert_eq!((keys.len(), &keys[0].key, keys[0].scheme), (1, &public(2), pss(32)));
    });
    ledger.clear(1).await.unwrap();
    drop(ledger);
    let after = open(&path, 0).unwrap();
    assert!(after.read(|state| state.attk("a").is_none() && state.auth_keys("a", "1").is_empty()));
}

async fn an_older_generation_is_forgotten_once(open: Open) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    let ledger = open(&path, 0).unwrap();
    make(&ledger, vec![device("a")]).await;
    drop(ledger);
    let ledger = open(&path, 2).unwrap();
    assert!(ledger.read(|state| state.attk("a").is_none()));
    assert_eq!(ledger.generation(), 2);
    make(&ledger, vec![device("b")]).await;
    ledger.clear(2).await.unwrap();
    assert!(ledger.read(|state| state.attk("b").is_some()));
    drop(ledger);
    let ledger = open(&path, 2).unwrap();
    assert!(ledger.read(|state| state.attk("b").is_some()));
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
                        assert_eq!(ledger.read(|state| state.attk("a").cloned()), Some(public(0)));
                        assert_eq!(ledger.read(|state| state.auth_keys("a", "1").len()), 1);
                        *outcomes.entry((case, "no effect")).or_insert(0) += 1;
                    }
                    Err(LedgerError { what: error, next, .. }) => {
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
    newer.execute_batch("PRAGMA user_version = 3").unwrap();
    drop(newer);
    let bytes = std::fs::read(&path).unwrap();
    assert!(SqliteStore::open(&path).unwrap_err().what.contains("format 3"));
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[tokio::test]
async fn a_ledger_of_the_first_format_is_read_and_converted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    SqliteStore::open(&path).unwrap().commit(&[device("a"), counter("a", 7)]).unwrap();
    let older = rusqlite::Connection::open(&path).unwrap();
    older.execute_batch("DROP TABLE ledger; PRAGMA user_version = 1").unwrap();
    drop(older);
    std::fs::remove_file(mark::path_of(&path)).unwrap();
    let ledger = Ledger::open(SqliteStore::open(&path).unwrap(), 0).unwrap();
    assert!(!spend(&ledger, "a", 7).await && spend(&ledger, "a", 8).await);
    ledger.clear(3).await.unwrap();
    drop(ledger);
    assert_eq!(Ledger::open(SqliteStore::open(&path).unwrap(), 0).unwrap().generation(), 3);
}

fn write_files(folder: &Path, files: &Files) {
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}

#[tokio::test]
async fn copies_of_some_files_of_a_ledger_are_refused_beside_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    let begin = || Ledger::open(SqliteStore::open(&path).unwrap(), 0).unwrap();
    let ledger = begin();
    // So many that the counters of `a` and `z` are on different pages.
    let devices = (0..500).map(|number| device(&format!("{number:040}")));
    make(&ledger, [device("a"), device("z")].into_iter().chain(devices).collect()).await;
    drop(ledger);
    let first = read_files(folder.path());
    let ledger = begin();
    assert!(spend(&ledger, "a", 5).await);
    drop(ledger);
    let ledger = begin();
    assert!(spend(&ledger, "z", 5).await);
    let killed = read_files(folder.path());
    drop(ledger);
    let last = read_files(folder.path());

    let part = |files: &Files, names: &[&str]| -> Files {
        files
            .iter()
            .filter(|(name, _)| names.iter().any(|part| *name == part))
            .map(|(n, b)| (n.clone(), b.clone()))
            .collect()
    };
    for (old, new, expected) in [
        // A copy from before, over what a killed process left.
        (part(&first, &["wechat.db"]), &killed, "another copy"),
        (first.clone(), &killed, "another copy"),
        (part(&first, &["wechat.db"]), &last, "has lost"),
        (part(&killed, &["wechat.db-wal"]), &first, "another copy"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write_files(folder.path(), new);
        write_files(folder.path(), &old);
        let error = SqliteStore::open(&folder.path().join("wechat.db")).unwrap_err();
        assert!(error.what.contains(expected), "{error}");
    }
    // All files together are as they were then, which nothing shows.
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path(), &first);
    drop(SqliteStore::open(&folder.path().join("wechat.db")).unwrap());
}

#[tokio::test]
async fn a_ledger_that_was_moved_away_is_missed_until_all_its_files_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    let ledger = Ledger::open(SqliteStore::open(&path).unwrap(), 0).unwrap();
    make(&ledger, vec![device("a")]).await;
    assert!(spend(&ledger, "a", 5).await);
    let killed = read_files(folder.path());
    drop(ledger);
    for left in [&["wechat.db-mark"][..], &["wechat.db-wal"], &["wechat.db-mark", "wechat.db-wal"]] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wechat.db");
        for name in left {
            std::fs::write(folder.path().join(name), &killed[std::ffi::OsStr::new(name)]).unwrap();
        }
        let before = read_files(folder.path());
        let error = SqliteStore::open(&path).unwrap_err();
        assert!(error.what.contains("missing") && error.next.contains("accepted once more"), "{error}");
        assert_eq!(read_files(folder.path()), before);
        // It comes back, without a new one in between.
        write_files(folder.path(), &killed);
        let ledger = Ledger::open(SqliteStore::open(&path).unwrap(), 0).unwrap();
        assert!(!spend(&ledger, "a", 5).await);
    }
    // A new ledger began in between.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    SqliteStore::open(&path).unwrap().commit(&[device("b")]).unwrap();
    std::fs::write(&path, &killed[std::ffi::OsStr::new("wechat.db")]).unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(error.what.contains("another ledger"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_mark_that_is_not_a_file_is_an_error_and_is_not_waited_for() {
    use std::os::unix::net::UnixListener;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    SqliteStore::open(&path).unwrap().commit(&[device("a")]).unwrap();
    let mark = mark::path_of(&path);
    std::fs::rename(&mark, folder.path().join("moved")).unwrap();
    std::os::unix::fs::symlink("moved", &mark).unwrap();
    assert!(SqliteStore::open(&path).unwrap_err().what.contains("not a regular file"));
    std::fs::remove_file(&mark).unwrap();
    let _socket = UnixListener::bind(&mark).unwrap();
    assert!(SqliteStore::open(&path).unwrap_err().what.contains("not a regular file"));
}

#[test]
fn a_ledger_that_was_killed_before_its_first_group_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    drop(SqliteStore::open(&path).unwrap());
    let mark = mark::path_of(&path);
    let whole = std::fs::read(&mark).unwrap();
    for length in 0..whole.len() {
        std::fs::write(&mark, &whole[..length]).unwrap();
        drop(SqliteStore::open(&path).unwrap());
    }
    std::fs::remove_file(&mark).unwrap();
    drop(SqliteStore::open(&path).unwrap());
    assert_eq!(std::fs::read(&mark).unwrap(), whole);
    // The database is made before its tables are.
    std::fs::remove_file(&mark).unwrap();
    std::fs::write(&path, b"").unwrap();
    drop(SqliteStore::open(&path).unwrap());
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

/// The outcome of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Stored,
    /// An error, and nothing is stored.
    Lost,
    /// An error, because only the last barrier failed.
    StoredWithError,
}

/// A store in memory whose commits end as planned. After the plan, all succeed. It recovers unless it is down.
struct Fragile {
    contents: Vec<Change>,
    commits: VecDeque<Outcome>,
    is_down: Arc<AtomicBool>,
    may_pass: bool,
}

impl Fragile {
    fn new(commits: impl IntoIterator<Item = Outcome>) -> Self {
        let commits = commits.into_iter().collect();
        Self { contents: vec![device("a")], commits, is_down: Arc::default(), may_pass: true }
    }

    fn error(&self) -> LedgerError {
        let may_pass = self.may_pass;
        LedgerError { what: "the disk is full".to_owned(), next: "make room".to_owned(), may_pass }
    }
}

impl LedgerStore for Fragile {
    fn load(&mut self) -> Result<Vec<Change>, LedgerError> {
        Ok(self.contents.clone())
    }

    fn commit(&mut self, group: &[Change]) -> Result<(), LedgerError> {
        let outcome = self.commits.pop_front().unwrap_or(Outcome::Stored);
        if outcome != Outcome::Lost {
            self.contents.extend_from_slice(group);
        }
        if outcome == Outcome::Stored { Ok(()) } else { Err(self.error()) }
    }

    fn recover(&mut self) -> Result<Vec<Change>, LedgerError> {
        if self.is_down.load(Ordering::SeqCst) { Err(self.error()) } else { self.load() }
    }
}

/// Waits until the ledger accepts changes again.
async fn recovered(ledger: &Ledger) {
    while ledger.failure().is_some() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_ledger_whose_store_failed_accepts_nothing_until_it_has_recovered() {
    let store = Fragile::new([Outcome::Stored, Outcome::Lost]);
    let is_down = Arc::clone(&store.is_down);
    is_down.store(true, Ordering::SeqCst);
    let ledger = Ledger::open(store, 0).unwrap();
    let observed = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&observed);
    ledger.observe(Arc::new(move |failure: Option<&LedgerError>| {
        seen.lock().unwrap().push(failure.map(|error| error.what.clone()));
    }));
    assert!(spend(&ledger, "a", 1).await);
    assert!(!spend(&ledger, "a", 2).await);
    assert_eq!(ledger.failure().unwrap().what, "the disk is full");
    // A later write would depend on the one that failed.
    assert!(!spend(&ledger, "a", 3).await);
    is_down.store(false, Ordering::SeqCst);
    recovered(&ledger).await;
    assert!(!spend(&ledger, "a", 1).await, "it was accepted before");
    assert!(spend(&ledger, "a", 2).await, "nobody has accepted it");
    assert_eq!(*observed.lock().unwrap(), [Some("the disk is full".to_owned()), None]);
}

#[tokio::test]
async fn a_ledger_that_was_to_be_emptied_while_its_store_failed_is_emptied_once_when_it_recovers() {
    use Outcome::{Lost, Stored, StoredWithError};
    for plan in [
        // The store fails before the ledger is to be emptied, and then once more.
        &[Lost, Stored, Stored, Stored, Lost][..],
        // It fails when the ledger is to be emptied, and then once more.
        &[Stored, Lost, Stored, Stored, Stored, Lost],
        // Only the last barrier fails, so it is empty already when it recovers.
        &[Stored, StoredWithError, Stored, Stored, Lost],
    ] {
        let store = Fragile::new(plan.iter().copied());
        let is_down = Arc::clone(&store.is_down);
        is_down.store(true, Ordering::SeqCst);
        let ledger = Ledger::open(store, 0).unwrap();
        assert_eq!(spend(&ledger, "a", 5).await, plan[0] == Stored);
        ledger.clear(1).await.unwrap_err();
        is_down.store(false, Ordering::SeqCst);
        recovered(&ledger).await;
        assert!(ledger.read(|state| state.attk("a").is_none()));
        make(&ledger, vec![device("a")]).await;
        assert!(spend(&ledger, "a", 1).await);
        assert!(!spend(&ledger, "a", 2).await);
        recovered(&ledger).await;
        assert!(!spend(&ledger, "a", 1).await, "{plan:?}");
        assert!(spend(&ledger, "a", 2).await, "{plan:?}");
    }
}

#[tokio::test]
async fn a_ledger_whose_store_cannot_recover_stays_closed() {
    let store = Fragile { may_pass: false, ..Fragile::new([Outcome::Lost]) };
    let ledger = Ledger::open(store, 0).unwrap();
    assert!(!spend(&ledger, "a", 1).await);
    tokio::time::sleep(4 * FIRST_RETRY_DELAY).await;
    assert!(ledger.failure().is_some());
    assert!(!spend(&ledger, "a", 2).await);
}

#[test]
fn a_ledger_that_waits_for_its_store_can_be_closed() {
    let store = Fragile { is_down: Arc::new(true.into()), ..Fragile::new([Outcome::Lost]) };
    let ledger = Ledger::open(store, 0).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(!runtime.block_on(spend(&ledger, "a", 1)));
    drop(ledger);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]

    #[test]
    fn no_counter_is_accepted_twice_whichever_commits_fail(
        outcomes in proptest::collection::vec(
            proptest::prop_oneof![
                proptest::prelude::Just(Outcome::Stored),
                proptest::prelude::Just(Outcome::Lost),
                proptest::prelude::Just(Outcome::StoredWithError),
            ],
            0..8,
        ),
        counters in proptest::collection::vec(1_u64..6, 1..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let ledger = Ledger::open(Fragile::new(outcomes), 0).unwrap();
        let mut highest_accepted = 0;
        for counter in counters {
            if runtime.block_on(spend(&ledger, "a", counter)) {
                assert!(counter > highest_accepted, "{counter} after {highest_accepted}");
                highest_accepted = counter;
            }
            runtime.block_on(recovered(&ledger));
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_ledger_whose_file_was_moved_accepts_nothing_and_makes_no_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    let ledger = Ledger::open(SqliteStore::open(&path).unwrap(), 0).unwrap();
    make(&ledger, vec![device("a")]).await;
    std::fs::rename(&path, folder.path().join("moved.db")).unwrap();
    assert!(!spend(&ledger, "a", 1).await);
    assert!(ledger.failure().unwrap().what.contains("moved"));
    tokio::time::sleep(4 * FIRST_RETRY_DELAY).await;
    assert!(ledger.failure().is_some() && !path.exists());
}

#[test]
fn a_ledger_that_was_emptied_does_not_recover() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    SqliteStore::open(&path).unwrap().commit(&[device("a")]).unwrap();
    let mut store = SqliteStore::open(&path).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    let error = store.recover().unwrap_err();
    assert!(error.what.contains("0 bytes") && !error.may_pass, "{error}");
}

#[cfg(unix)]
#[test]
fn a_dangling_link_is_refused_and_no_file_is_made_where_it_leads() {
    let folder = tempfile::tempdir().unwrap();
    let (path, target) = (folder.path().join("wechat.db"), folder.path().join("elsewhere.db"));
    std::os::unix::fs::symlink(&target, &path).unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(error.what.contains("symbolic link") && !target.exists(), "{error}");
}

#[test]
fn a_ledger_that_cannot_be_written_is_noticed_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    drop(SqliteStore::open(&path).unwrap());
    // The write version of the file format: 1 and 2 exist. SQLite opens a file with another one for reading only.
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[18] = 7;
    std::fs::write(&path, &bytes).unwrap();
    SqliteStore::open(&path).unwrap_err();
}

#[test]
fn beginning_anew_is_advised_for_damage_alone_and_with_what_it_costs() {
    use rusqlite::ffi;
    let advice = |code| {
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        sqlite_error::unusable(Path::new("wechat.db"), &error)
    };
    for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR, ffi::SQLITE_PERM, ffi::SQLITE_READONLY] {
        assert!(advice(code).may_pass && !advice(code).next.contains("new ledger"), "{code}");
    }
    for code in
        [ffi::SQLITE_CANTOPEN, ffi::SQLITE_BUSY, ffi::SQLITE_LOCKED, ffi::SQLITE_NOMEM, ffi::SQLITE_MISUSE]
    {
        assert!(!advice(code).next.contains("new ledger"), "{code}");
    }
    for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB] {
        let LedgerError { next, may_pass, .. } = advice(code);
        assert!(
            !may_pass && next.contains("to start a new ledger") && next.contains("accepted once more"),
            "{next}"
        );
    }
}
