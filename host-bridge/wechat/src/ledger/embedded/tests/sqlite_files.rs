//! What only SQLite's files can do: other formats, copies of some of them, and files that are not files.

use std::ffi::OsStr;

use super::*;

fn ledger_at(path: &Path) -> EmbeddedLedger {
    EmbeddedLedger::open(SqliteStore::open(path).unwrap(), 0).unwrap()
}

#[test]
fn the_database_of_another_program_is_refused_and_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE t (a); PRAGMA application_id = 7;").unwrap();
    drop(other);
    let bytes = std::fs::read(&path).unwrap();
    assert!(SqliteStore::open(&path).unwrap_err().what.english().contains("another program's"));
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
    assert!(SqliteStore::open(&path).unwrap_err().what.english().contains("format 3"));
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
    let ledger = ledger_at(&path);
    assert!(!spend(&ledger, "a", 7).await && spend(&ledger, "a", 8).await);
    ledger.clear(3).await.unwrap();
    drop(ledger);
    assert_eq!(ledger_at(&path).generation(), 3);
}

#[test]
fn a_check_finds_what_opening_finds_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    SqliteStore::check(&path).unwrap();
    assert!(read_files(folder.path()).is_empty());
    let mut store = SqliteStore::open(&path).unwrap();
    store.commit(&[device("a"), counter("a", 7)]).unwrap();
    let after_a_crash = read_files(folder.path());
    drop(store);
    let closed = read_files(folder.path());
    assert!(after_a_crash.contains_key(OsStr::new("wechat.db-wal")) && closed.len() == 2);
    let without = |name: &str| {
        let mut files = after_a_crash.clone();
        files.remove(OsStr::new(name)).unwrap();
        files
    };
    let mut damaged = closed.clone();
    let bytes = damaged.get_mut(OsStr::new("wechat.db")).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    for (files, is_good) in [
        (closed, true),
        (damaged, false),
        (without("wechat.db"), false),
        (without("wechat.db-wal"), false),
        (without("wechat.db-mark"), false),
        (after_a_crash, true),
    ] {
        let copy = tempfile::tempdir().unwrap();
        let path = copy.path().join("wechat.db");
        write_files(copy.path(), &files);
        let checked = SqliteStore::check(&path);
        assert_eq!(checked.is_ok(), is_good, "{checked:?}");
        assert_eq!(read_files(copy.path()), files, "{checked:?}");
        assert_eq!(SqliteStore::open(&path).map(drop), checked);
    }
}

fn write_files(folder: &Path, files: &Files) {
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}

#[test]
fn the_log_begins_again_and_keeps_its_length_and_a_killed_process_loses_nothing() {
    const GROUP: u64 = 512;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    let mut store = SqliteStore::open(&path).unwrap();
    store.commit(&[device("a"), counter("a", 1)]).unwrap();
    let mut lengths = Vec::new();
    for group in 1..=12 {
        let changes: Vec<_> = (0..GROUP).map(|value| counter("a", group * GROUP + value)).collect();
        store.commit(&changes).unwrap();
        let killed = read_files(folder.path());
        lengths.push(killed[OsStr::new("wechat.db-wal")].len());
        let copy = tempfile::tempdir().unwrap();
        write_files(copy.path(), &killed);
        let read = SqliteStore::open(&copy.path().join("wechat.db")).unwrap().load().unwrap();
        assert!(read.contains(&counter("a", group * GROUP + GROUP - 1)), "{group}: {read:?}");
    }
    // It is moved into the file after the fourth group, and after every fourth one from then on.
    assert!(lengths[0] < lengths[3], "{lengths:?}");
    assert!(lengths[3..].iter().all(|length| *length == lengths[3]), "{lengths:?}");
}

#[tokio::test]
async fn copies_of_some_files_of_a_ledger_are_refused_beside_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    let ledger = ledger_at(&path);
    // So many that the counters of `a` and `z` are on different pages.
    let devices = (0..500).map(|number| device(&format!("{number:040}")));
    make(&ledger, [device("a"), device("z")].into_iter().chain(devices).collect()).await;
    drop(ledger);
    let first = read_files(folder.path());
    let ledger = ledger_at(&path);
    assert!(spend(&ledger, "a", 5).await);
    drop(ledger);
    let ledger = ledger_at(&path);
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
        let parent = tempfile::tempdir().unwrap();
        // The file's address, with which it is read without its log, must escape such a name.
        let folder = parent.path().join("a?b#c%41 字");
        std::fs::create_dir(&folder).unwrap();
        write_files(&folder, new);
        write_files(&folder, &old);
        let error = SqliteStore::open(&folder.join("wechat.db")).unwrap_err();
        assert!(error.what.english().contains(expected), "{error}");
    }
    // All files together are as they were then, which nothing shows.
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path(), &first);
    drop(SqliteStore::open(&folder.path().join("wechat.db")).unwrap());
}

#[tokio::test]
async fn a_missing_database_is_not_replaced_while_its_log_or_mark_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    let ledger = ledger_at(&path);
    make(&ledger, vec![device("a")]).await;
    assert!(spend(&ledger, "a", 5).await);
    let killed = read_files(folder.path());
    drop(ledger);
    for left in [&["wechat.db-mark"][..], &["wechat.db-wal"], &["wechat.db-mark", "wechat.db-wal"]] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wechat.db");
        for name in left {
            std::fs::write(folder.path().join(name), &killed[OsStr::new(name)]).unwrap();
        }
        let before = read_files(folder.path());
        let error = SqliteStore::open(&path).unwrap_err();
        assert!(
            error.what.english().contains("missing") && error.next.english().contains("accepted once more"),
            "{error}"
        );
        assert_eq!(read_files(folder.path()), before);
        // It comes back, without a new one in between.
        write_files(folder.path(), &killed);
        let ledger = ledger_at(&path);
        assert!(!spend(&ledger, "a", 5).await);
    }
    // A new ledger began in between.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    SqliteStore::open(&path).unwrap().commit(&[device("b")]).unwrap();
    std::fs::write(&path, &killed[OsStr::new("wechat.db")]).unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(error.what.english().contains("another ledger"), "{error}");
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
    assert!(SqliteStore::open(&path).unwrap_err().what.english().contains("not a regular file"));
    std::fs::remove_file(&mark).unwrap();
    let _socket = UnixListener::bind(&mark).unwrap();
    assert!(SqliteStore::open(&path).unwrap_err().what.english().contains("not a regular file"));
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
#[tokio::test]
async fn a_ledger_whose_file_was_moved_accepts_nothing_and_makes_no_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wechat.db");
    let ledger = ledger_at(&path);
    make(&ledger, vec![device("a")]).await;
    std::fs::rename(&path, folder.path().join("moved.db")).unwrap();
    assert!(!spend(&ledger, "a", 1).await);
    assert!(ledger.failure().unwrap().what.english().contains("moved"));
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
    assert!(error.what.english().contains("0 bytes") && !error.may_pass, "{error}");
}

#[cfg(unix)]
#[test]
fn a_dangling_link_is_refused_and_no_file_is_made_where_it_leads() {
    let folder = tempfile::tempdir().unwrap();
    let (path, target) = (folder.path().join("wechat.db"), folder.path().join("elsewhere.db"));
    std::os::unix::fs::symlink(&target, &path).unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(error.what.english().contains("symbolic link") && !target.exists(), "{error}");
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
        assert!(advice(code).may_pass && !advice(code).next.english().contains("new ledger"), "{code}");
    }
    for code in
        [ffi::SQLITE_CANTOPEN, ffi::SQLITE_BUSY, ffi::SQLITE_LOCKED, ffi::SQLITE_NOMEM, ffi::SQLITE_MISUSE]
    {
        assert!(!advice(code).next.english().contains("new ledger"), "{code}");
    }
    for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB] {
        let LedgerError { next, may_pass, .. } = advice(code);
        let next = next.english();
        assert!(
            !may_pass && next.contains("to start a new ledger") && next.contains("accepted once more"),
            "{next}"
        );
    }
}
