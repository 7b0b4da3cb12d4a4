//! Simulates a crash: stops the current thread's durable changes between two steps.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::action::{Action, FileError, parent};

thread_local! {
    static SCRIPT: RefCell<Option<Script>> = const { RefCell::new(None) };
}

/// The steps so far, and how many are allowed before the crash.
struct Script {
    steps: Vec<(Action, PathBuf)>,
    allowed: usize,
}

/// Runs `work`, and returns its steps.
pub(crate) fn trace<T>(work: impl FnOnce() -> T) -> (T, Vec<(Action, PathBuf)>) {
    run(usize::MAX, work)
}

/// Runs `work` and allows this many steps. Every later step fails, so nothing more happens on disk.
pub(crate) fn stop_after<T>(allowed: usize, work: impl FnOnce() -> T) -> T {
    run(allowed, work).0
}

fn run<T>(allowed: usize, work: impl FnOnce() -> T) -> (T, Vec<(Action, PathBuf)>) {
    SCRIPT.set(Some(Script { steps: Vec::new(), allowed }));
    let result = work();
    let steps = SCRIPT.take().map(|script| script.steps).unwrap_or_default();
    (result, steps)
}

pub(super) fn check_step(action: Action, path: &Path) -> Result<(), FileError> {
    SCRIPT.with_borrow_mut(|script| match script {
        Some(script) if script.steps.len() == script.allowed => {
            let source = io::Error::other("the process died here");
            Err(FileError { action: action.with_file(), path: path.to_owned(), source })
        }
        Some(script) => {
            script.steps.push((action, path.to_owned()));
            Ok(())
        }
        None => Ok(()),
    })
}

/// Asserts that a power failure after this change can neither undo nor tear any part of it.
///
/// Nothing is renamed before it is synced with everything below it, and nothing is unsynced at the end.
pub(crate) fn assert_durable(steps: &[(Action, PathBuf)]) {
    let mut unsynced: BTreeSet<&Path> = BTreeSet::new();
    for (action, path) in steps {
        match action {
            Action::CreateFile => unsynced.extend([path, parent(path)]),
            Action::CreateFolder | Action::Remove => _ = unsynced.insert(parent(path)),
            Action::Write => _ = unsynced.insert(path),
            Action::SyncFile | Action::SyncFolder => _ = unsynced.remove(path.as_path()),
            Action::Rename => {
                let lost = unsynced.iter().find(|unsynced| unsynced.starts_with(path));
                assert_eq!(lost, None, "{} is renamed before this is synced", path.display());
                unsynced.insert(parent(path));
            }
        }
    }
    assert_eq!(unsynced, BTreeSet::new(), "unsynced in the end");
}
