use super::*;

fn temporary_folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_replaced_file_is_old_or_new_wherever_the_write_is_interrupted() {
    let folder = temporary_folder();
    let path = folder.path().join("file");
    fs::write(&path, "old").unwrap();
    let (replaced, steps) = crash::trace(|| replace_file(&path, b"new"));
    replaced.unwrap();

    for allowed in 0..steps.len() {
        fs::write(&path, "old").unwrap();
        crash::stop_after(allowed, || replace_file(&path, b"new")).unwrap_err();

        let found = fs::read(&path).unwrap();
        assert!(found == b"old" || found == b"new", "after {:?}", &steps[..allowed]);
        replace_file(&path, b"next").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"next");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }
}

#[test]
fn bytes_are_synced_before_their_name_appears_and_names_before_the_call_returns() {
    let folder = temporary_folder();
    let path = folder.path().join("file");

    let (replaced, steps) = crash::trace(|| replace_file(&path, b"new"));
    replaced.unwrap();
    crash::assert_durable(&steps);

    let (overwritten, steps) = crash::trace(|| overwrite(&path, 3, 1, b"o"));
    overwritten.unwrap();
    crash::assert_durable(&steps);
    assert_eq!(fs::read(&path).unwrap(), b"now");

    let (ensured, steps) = crash::trace(|| ensure_folder(&folder.path().join("a/b/c")));
    ensured.unwrap();
    crash::assert_durable(&steps);
}

#[test]
fn the_check_of_the_order_notices_a_missing_sync() {
    let path = Path::new("folder/file");
    let complete = [
        (Action::CreateFile, path.to_owned()),
        (Action::Write, path.to_owned()),
        (Action::SyncFile, path.to_owned()),
        (Action::Rename, path.to_owned()),
        (Action::SyncFolder, parent(path).to_owned()),
    ];
    crash::assert_durable(&complete);
    for missing in [2, 4] {
        let mut steps = complete.to_vec();
        steps.remove(missing);
        std::panic::catch_unwind(|| crash::assert_durable(&steps)).unwrap_err();
    }
}

#[test]
fn a_stale_temporary_file_of_any_length_is_replaced() {
    let folder = temporary_folder();
    let path = folder.path().join("file");
    fs::write(sibling(&path, "new"), "left by a crash and longer than what comes").unwrap();

    replace_file(&path, b"new").unwrap();

    assert_eq!(fs::read(&path).unwrap(), b"new");
}

#[cfg(unix)]
#[test]
fn a_link_under_the_temporary_name_is_not_followed() {
    let folder = temporary_folder();
    let path = folder.path().join("file");
    let elsewhere = folder.path().join("elsewhere");
    fs::write(&elsewhere, "precious").unwrap();
    std::os::unix::fs::symlink(&elsewhere, sibling(&path, "new")).unwrap();

    replace_file(&path, b"new").unwrap();

    assert_eq!(fs::read(&elsewhere).unwrap(), b"precious");
    assert_eq!(fs::read(&path).unwrap(), b"new");
}

#[test]
fn a_folder_under_the_temporary_name_is_an_error_and_is_kept() {
    let folder = temporary_folder();
    let path = folder.path().join("file");
    let in_the_way = sibling(&path, "new");
    fs::create_dir(&in_the_way).unwrap();

    let error = replace_file(&path, b"new").unwrap_err();

    assert_eq!(error.path, in_the_way);
    assert!(in_the_way.is_dir());
}

#[test]
fn a_file_of_exactly_the_limit_is_read_and_a_longer_one_is_not() {
    let folder = temporary_folder();
    let path = folder.path().join("file");
    fs::write(&path, "12345").unwrap();

    assert_eq!(read_file(&path, 5).unwrap().unwrap(), b"12345");
    let error = read_file(&path, 4).unwrap_err();
    assert_eq!(error.source.to_string(), "it is 5 bytes long, and at most 4 are allowed");
    assert!(read_file(&folder.path().join("absent"), 4).unwrap().is_none());
}

#[test]
fn only_a_file_of_the_stated_length_is_overwritten() {
    let folder = temporary_folder();
    let path = folder.path().join("file");
    fs::write(&path, "12345").unwrap();

    let error = overwrite(&path, 6, 0, b"x").unwrap_err();

    assert_eq!(error.source.to_string(), "it is 5 bytes long instead of 6");
    assert_eq!(fs::read(&path).unwrap(), b"12345");
}

#[test]
fn a_file_in_place_of_a_folder_is_an_error() {
    let folder = temporary_folder();
    let path = folder.path().join("file");
    fs::write(&path, "").unwrap();

    ensure_folder(&path).unwrap_err();
    ensure_folder(&path.join("below")).unwrap_err();
}

#[test]
fn a_relative_path_without_a_folder_is_in_the_current_one() {
    assert_eq!(parent(Path::new("file")), Path::new("."));
    assert_eq!(parent(Path::new("folder/file")), Path::new("folder"));
    assert_eq!(sibling(Path::new("file"), "new"), Path::new(".file.new"));
    assert_eq!(sibling(Path::new("folder/file"), "new"), Path::new("folder/.file.new"));
}
