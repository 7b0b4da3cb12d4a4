//! `soter-sim doctor` says what stands in the way, and changes nothing.

#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::Value;
#[cfg(unix)]
use soter_tests::NOBODY;
use soter_tests::{Program, Server};

/// The observations of a run with these arguments, and its exit code.
fn observations(arguments: &[&str]) -> (Vec<Value>, Option<i32>) {
    let finished = Program::new(["doctor", "--json"]).arguments(arguments).run();
    let answer: Vec<Value> = serde_json::from_str(&finished.stdout).unwrap();
    (answer, finished.code)
}

/// What was said of one thing that was looked at: severity, text, and what to do.
fn of<'a>(observations: &'a [Value], check: &str) -> Vec<(&'a str, &'a str, &'a str)> {
    let text = |value: &'a Value| value.as_str().unwrap_or_default();
    let of_check = observations.iter().filter(|one| one["check"] == check);
    of_check.map(|one| (text(&one["severity"]), text(&one["what"]), text(&one["next"]))).collect()
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn on_a_new_computer_nothing_stands_in_the_way_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let (seen, code) = observations(&["--listen", &free_address(), "--state", state.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{seen:?}");
    assert_eq!(of(&seen, "port")[0].0, "good", "{seen:?}");
    assert!(of(&seen, "state")[0].1.contains("does not exist yet"), "{seen:?}");
    assert!(of(&seen, "version")[0].1.contains(env!("CARGO_PKG_VERSION")), "{seen:?}");
    assert!(of(&seen, "language").is_empty(), "JSON is always English: {seen:?}");
    assert!(!state.exists());
}

/// Every file and folder below a folder, with the bytes of the files, except the note about the lock's holder.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
            found.insert(path, None);
        } else if !path.ends_with("lock.owner") {
            let bytes = fs::read(&path).unwrap();
            found.insert(path, Some(bytes));
        }
    }
    found
}

#[test]
fn looking_at_a_state_folder_changes_no_byte_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    // A phone that was never switched on, then the same one with keys.
    for words in [["device", "list"].as_slice(), &["auth", "order-42", "--touch", "1"]] {
        assert_eq!(Program::new(["--state", state]).arguments(words).run().code, Some(0), "{words:?}");
        let before = contents(folder.path());
        let (seen, code) = observations(&["--listen", &free_address(), "--state", state]);
        assert_eq!((code, of(&seen, "phone")[0].0), (Some(0), "good"), "{seen:?}");
        assert!(of(&seen, "state")[0].1.contains("can be read"), "{seen:?}");
        assert_eq!(contents(folder.path()), before, "{words:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_with_something_that_may_not_be_written_is_a_problem() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    if rustix::process::geteuid().is_root() {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let run = |words: &[&str]| Some(Program::new(["--state", state]).arguments(words).without_root()?.run());
    let Some(made) = run(&["auth", "order-42", "--touch", "1"]) else { return };
    assert_eq!(made.code, Some(0), "{made}");
    let look = || {
        let finished = run(&["doctor", "--json", "--listen", &free_address()]).unwrap();
        (serde_json::from_str::<Vec<Value>>(&finished.stdout).unwrap(), finished.code)
    };
    for name in ["wechat.db", "phones", "devices", "devices/phone", "devices/phone/rpmb.bin"] {
        let path = folder.path().join(name);
        let before = fs::metadata(&path).unwrap().permissions();
        let read_only = if path.is_dir() { 0o500 } else { 0o400 };
        fs::set_permissions(&path, fs::Permissions::from_mode(read_only)).unwrap();
        let (seen, code) = look();
        let (severity, what, _) = of(&seen, "state")[0];
        assert_eq!((severity, code), ("problem", Some(1)), "{name}: {seen:?}");
        assert!(what.contains(&format!("cannot write {}:", path.display())), "{name}: {what}");
        // The phones are looked at nevertheless.
        assert!(!of(&seen, "phone").is_empty(), "{name}: {seen:?}");
        fs::set_permissions(&path, before).unwrap();
    }
    let (seen, code) = look();
    assert_eq!((of(&seen, "state")[0].0, code), ("good", Some(0)), "{seen:?}");
    assert!(of(&seen, "state")[0].1.contains("can be read and written"), "{seen:?}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_the_first_command_cannot_make_or_fill_is_a_problem() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    symlink("nowhere", path("link")).unwrap();
    fs::create_dir(path("shut")).unwrap();
    for (path, mode) in [(folder.path(), 0o755), (&folder.path().join("shut"), 0o555)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    for (state, at) in [("link", "link"), ("link/below", "link"), ("shut", "shut"), ("shut/a/b", "shut")] {
        let doctor = Program::new(["doctor", "--json", "--listen", &free_address(), "--state", &path(state)]);
        // What a folder permits does not bind root.
        let Some(doctor) = doctor.without_root() else { return };
        let finished = doctor.run().exits(1);
        let seen: Vec<Value> = serde_json::from_str(&finished.stdout).unwrap();
        let (severity, what, _) = of(&seen, "state")[0];
        assert_eq!(severity, "problem", "{state}: {seen:?}");
        assert!(what.contains(&format!("cannot create {}:", path(at))), "{state}: {what}");
    }
}

#[test]
fn a_file_and_a_folder_without_phones_are_told_from_a_folder_that_does_not_exist() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let look = |path: &Path| observations(&["--listen", &free_address(), "--state", path.to_str().unwrap()]);
    let (seen, code) = look(&file);
    assert_eq!((of(&seen, "state")[0].0, code), ("problem", Some(1)), "{seen:?}");
    let (seen, code) = look(folder.path());
    assert_eq!((of(&seen, "state")[0].0, code), ("good", Some(0)), "{seen:?}");
    assert!(of(&seen, "state")[0].1.contains("no phones yet"), "{seen:?}");
    assert_eq!(contents(folder.path()).len(), 1);
}

#[test]
fn a_phone_that_is_not_selected_is_named_in_the_commands_for_it() {
    let server = Server::ephemeral(&[]);
    server.rpc("device.create", &serde_json::json!({"name": "other"}));
    let _ = server.connected(&["device", "set", "latency", "5", "--device", "other"]).exits(0);
    let failure = serde_json::json!({"errcode": 45009, "times": 2, "path": "/cgi-bin/token"});
    server.rpc("servers.set", &serde_json::json!({"failure": failure}));
    let (seen, _) = observations(&["--connect", &server.url, "--device", "other"]);
    // The command is complete: it can be typed where the doctor was called.
    let command = format!("`soter-sim device set latency default --device other --connect {}`", server.url);
    assert!(of(&seen, "phone")[0].2.contains(&command), "{seen:?}");
    let command = format!("`soter-sim servers set failure default --connect {}`", server.url);
    assert!(of(&seen, "servers")[0].2.contains(&command), "{seen:?}");
    let what = of(&seen, "servers")[0].1;
    assert!(what.contains("of /cgi-bin/token fail with 45009, 2 calls are left"), "{what}");
    // A phone that does not exist hides nothing about the servers.
    let (seen, code) = observations(&["--connect", &server.url, "--device", "nobody"]);
    assert_eq!(
        (of(&seen, "phone")[0].0, of(&seen, "servers").len(), code),
        ("problem", 1, Some(1)),
        "{seen:?}"
    );
}

#[test]
fn a_folder_in_use_is_looked_at_through_its_server_unless_that_wants_its_token() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let look = || observations(&["--listen", &free_address(), "--state", state]);
    let serve = |words: &[&str]| {
        let program = Program::new(["serve", "--listen", "127.0.0.1:0", "--state", state]);
        Server::start(program.arguments(words))
    };
    let server = serve(&[]);
    server.rpc("servers.set", &serde_json::json!({"silent": true}));
    let (seen, code) = look();
    assert_eq!((of(&seen, "state")[0].0, code), ("note", Some(0)), "{seen:?}");
    let advice = format!("add --connect {} to commands for its phones", server.url);
    assert_eq!(of(&seen, "state")[0].2, advice, "{seen:?}");
    assert!(of(&seen, "servers")[0].1.contains("do not answer"), "{seen:?}");
    server.running.kill();

    let token = folder.path().join("token");
    fs::write(&token, "0123456789abcdef0123456789abcdef").unwrap();
    let server = serve(&["--token-file", token.to_str().unwrap()]);
    let (seen, code) = look();
    assert_eq!((of(&seen, "servers")[0].0, code), ("note", Some(0)), "{seen:?}");
    assert!(
        of(&seen, "servers")[0].2.contains(&format!("--connect '{}/?token=TOKEN'", server.url)),
        "{seen:?}"
    );
}

#[test]
fn any_address_finds_a_server_on_this_computer_and_port_0_is_chosen_by_the_system() {
    let server = Server::ephemeral(&[]);
    let port = server.url.rsplit(':').next().unwrap();
    let (seen, code) = observations(&["--listen", &format!("0.0.0.0:{port}"), "--ephemeral"]);
    assert_eq!(code, Some(0), "{seen:?}");
    assert!(of(&seen, "port")[0].1.contains(&server.url) && !of(&seen, "servers").is_empty(), "{seen:?}");
    let (seen, _) = observations(&["--listen", "127.0.0.1:0", "--ephemeral"]);
    assert!(of(&seen, "port")[0].1.contains("chooses a free port"), "{seen:?}");
    let both = Program::new(["doctor", "--listen", "127.0.0.1:0", "--connect", &server.url]).run().refuses(2);
    assert!(both.stderr.contains("--listen"), "{both}");
}

#[test]
fn what_is_switched_on_in_a_state_folder_is_named_with_the_command_that_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    for words in [["support", "off"], ["failNext", "90009"]] {
        let program = Program::new(["--state", state, "device", "set"]).arguments(words);
        assert_eq!(program.run().code, Some(0), "{words:?}");
    }
    let (seen, code) = observations(&["--listen", &free_address(), "--state", state]);
    let phone = of(&seen, "phone");
    assert_eq!((phone.len(), code), (2, Some(0)), "{seen:?}");
    for (text, setting) in [("90001", "support"), ("90009", "failNext")] {
        let command = format!("`soter-sim device set {setting} default --state ");
        let is_said = |one: &&(&str, &str, &str)| {
            let (severity, what, next) = **one;
            severity == "note" && what.contains(text) && next.contains(&command) && next.contains(state)
        };
        assert!(phone.iter().any(|one| is_said(&one)), "{text}: {phone:?}");
    }
    // The phone still fails once: looking has not used that up.
    let failed = Program::new(["--state", state, "auth", "order-42", "--touch", "1"]).run();
    assert!(failed.stdout.contains("90009"), "{}", failed.stdout);
}

#[test]
fn a_running_server_is_found_and_its_switches_are_named() {
    let server = Server::ephemeral(&[]);
    server.rpc("servers.set", &serde_json::json!({"silent": true}));
    let address = server.url.strip_prefix("http://").unwrap();
    let (seen, code) = observations(&["--listen", address, "--ephemeral"]);
    assert_eq!(code, Some(0), "{seen:?}");
    assert!(of(&seen, "port")[0].1.contains(address), "{seen:?}");
    let servers = of(&seen, "servers");
    assert!(servers[0].1.contains("do not answer") && servers[0].2.contains("silent default"), "{seen:?}");
    let (connected, _) = observations(&["--connect", &server.url]);
    assert_eq!(of(&connected, "servers"), servers);
}

#[cfg(unix)]
#[test]
fn a_server_whose_ledger_fails_is_a_problem_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let server = Server::start(Program::new(["serve", "--listen", "127.0.0.1:0", "--state", state]));
    fs::remove_file(folder.path().join("wechat.db")).unwrap();
    // It has something to write now: the keys of the phone.
    let failed = server.connected(&["auth", "order-42", "--touch", "1"]);
    assert_ne!(failed.code, Some(0), "{failed}");
    let address = server.url.strip_prefix("http://").unwrap();
    let (seen, code) = observations(&["--listen", address, "--ephemeral"]);
    let (severity, what, next) = of(&seen, "port")[0];
    assert_eq!((severity, code), ("problem", Some(1)), "{seen:?}");
    assert!(what.contains(&server.url) && what.contains("wechat.db"), "{what}");
    assert!(next.contains("put the file back"), "{next}");
    // Its phones are looked at nevertheless.
    assert!(!of(&seen, "phone").is_empty(), "{seen:?}");
}

#[test]
fn a_port_of_another_program_and_a_damaged_folder_are_problems() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answering = std::thread::spawn(move || drop(listener.accept()));
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    // Makes the folder.
    assert_eq!(Program::new(["--state", state, "device", "list"]).run().code, Some(0));
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            fs::write(path, "{").unwrap();
        }
    }
    let (seen, code) = observations(&["--listen", &address, "--state", state]);
    answering.join().unwrap();
    assert_eq!(code, Some(1), "{seen:?}");
    for check in ["port", "state"] {
        let (severity, _, next) = of(&seen, check)[0];
        assert!(severity == "problem" && !next.is_empty(), "{check}: {seen:?}");
    }
}

#[test]
fn a_person_gets_lines_in_their_language() {
    let run = |language: &str| {
        let program =
            Program::new(["doctor", "--ephemeral", "--listen", &free_address(), "--lang", language]);
        program.run().exits(0).stdout
    };
    let (english, chinese) = (run("en"), run("zh-CN"));
    assert!(english.contains("is free") && english.lines().count() >= 4, "{english}");
    assert!(chinese.contains("空闲") && !chinese.contains("free"), "{chinese}");
}
