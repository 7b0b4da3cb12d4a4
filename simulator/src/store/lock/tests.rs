use std::fs;

use super::super::durable::{Action, crash};
use super::*;

#[test]
fn a_lock_ends_when_it_is_dropped_even_if_a_child_process_still_has_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let lock = FolderLock::acquire(folder.path()).unwrap();
    let _inherited = lock.file.try_clone().unwrap();

    drop(lock);

    FolderLock::acquire(folder.path()).unwrap();
}

#[test]
fn the_note_of_a_holder_that_was_killed_is_gone_before_the_next_one_writes_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join(OWNER_FILE);
    let (acquired, steps) = crash::trace(|| FolderLock::acquire(folder.path()));
    drop(acquired.unwrap());
    let writes_note = (Action::CreateFile, durable::sibling(&note, "new"));
    let before_note = steps.iter().position(|step| *step == writes_note).unwrap();

    fs::write(&note, "{\"pid\": 7, \"started\": 8, \"url\": null}").unwrap();
    crash::stop_after(before_note, || FolderLock::acquire(folder.path())).unwrap_err();

    assert!(!note.exists());
}
