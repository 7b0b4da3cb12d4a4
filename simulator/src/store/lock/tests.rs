use super::super::durable::{Action, crash};
use super::*;

#[test]
fn seconds_are_shown_as_calendar_time() {
    for (seconds, expected) in [
        (0, "1970-01-01 00:00:00 UTC"),
        (86_399, "1970-01-01 23:59:59 UTC"),
        (951_782_399, "2000-02-28 23:59:59 UTC"),
        (951_827_696, "2000-02-29 12:34:56 UTC"),
        (951_868_800, "2000-03-01 00:00:00 UTC"),
        (1_735_689_599, "2024-12-31 23:59:59 UTC"),
        (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        (LAST_SECOND, "9999-12-31 23:59:59 UTC"),
        (u64::MAX, "9999-12-31 23:59:59 UTC"),
    ] {
        assert_eq!(CalendarTime(seconds).to_string(), expected, "{seconds}");
    }
}

#[test]
fn a_note_that_makes_no_sense_is_no_note() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(OWNER);
    assert_eq!(read_owner(&path), None);
    for note in [
        "",
        "{",
        "null",
        "{\"pid\": 7}",
        "{\"pid\": -7, \"started\": 0, \"url\": null}",
        "{\"pid\": 7, \"started\": 253402300800, \"url\": null}",
        "{\"pid\": 7, \"started\": 0, \"url\": \"http://\\u001b[2J\"}",
        &format!("{{\"pid\": 7, \"started\": 0, \"url\": null}}{}", " ".repeat(4096)),
    ] {
        std::fs::write(&path, note).unwrap();
        assert_eq!(read_owner(&path), None, "{note}");
    }
}

#[test]
fn a_note_of_a_later_version_is_understood_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(OWNER);
    std::fs::write(&path, "{\"pid\": 7, \"started\": 8, \"url\": null, \"name\": \"new\"}").unwrap();
    assert_eq!(read_owner(&path), Some(LockOwner { pid: 7, started: 8, url: None }));
}

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
    let note = folder.path().join(OWNER);
    let (acquired, steps) = crash::trace(|| FolderLock::acquire(folder.path()));
    drop(acquired.unwrap());
    let writes_note = (Action::CreateFile, durable::sibling(&note, "new"));
    let before_note = steps.iter().position(|step| *step == writes_note).unwrap();

    std::fs::write(&note, "{\"pid\": 7, \"started\": 8, \"url\": null}").unwrap();
    crash::stop_after(before_note, || FolderLock::acquire(folder.path())).unwrap_err();

    assert!(!note.exists());
}
