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
        (MAX_UNIX_SECONDS, "9999-12-31 23:59:59 UTC"),
        (u64::MAX, "9999-12-31 23:59:59 UTC"),
    ] {
        assert_eq!(CalendarTime(seconds).to_string(), expected, "{seconds}");
    }
}

#[test]
fn an_invalid_note_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock.owner");
    assert_eq!(LockOwner::read(&path), None);
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
        assert_eq!(LockOwner::read(&path), None, "{note}");
    }
}

#[test]
fn the_known_members_of_a_note_of_a_later_version_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock.owner");
    std::fs::write(&path, "{\"pid\": 7, \"started\": 8, \"url\": null, \"name\": \"new\"}").unwrap();
    assert_eq!(LockOwner::read(&path), Some(LockOwner { pid: 7, started: 8, url: None }));
}
