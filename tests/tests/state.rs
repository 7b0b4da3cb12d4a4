//! What is kept from process to process, what a seed determines, and who may use a folder.

use std::fs;

use serde_json::{Value, json};
use soter_tests::{Callback, Key, Program, State, call};

fn seeded(seed: &str, profile: &str) -> String {
    let arguments = ["auth", "order-42", "--touch", "1", "--seed", seed, "--profile", profile];
    Program::new(arguments).run().exits(0).stdout
}

#[test]
fn a_seed_reproduces_every_byte() {
    let first = seeded("demo", "trustonic");
    assert_eq!(first, seeded("demo", "trustonic"));
    assert_ne!(first, seeded("demo 2", "trustonic"));
}

#[test]
fn a_seed_gives_the_same_keys_in_memory_and_in_a_folder() {
    let state = State::new();
    let script = "auth a --touch 1\nkeys\nauth b --touch 1\n";
    let on_its_own = Program::new(["--json", "--seed", "demo"]).input(script).run().exits(0);
    let in_a_folder = state.program(["--json", "--seed", "demo"]).input(script).run().exits(0);
    assert_eq!(on_its_own.stdout, in_a_folder.stdout);
}

#[test]
fn a_phone_that_is_created_in_a_seeded_session_uses_that_seed() {
    let script = "device create second\ndevice select second\nauth a --touch 1\n";
    let session = || Program::new(["--json", "--seed", "demo"]).input(script).run().exits(0).stdout;
    assert_eq!(session(), session());
    let first = Program::new(["--json", "--seed", "demo"]).input("auth a --touch 1\n").run().exits(0).stdout;
    assert!(!session().contains(first.trim_end()));
}

#[test]
fn a_phone_whose_files_are_missing_is_refused_and_not_recreated() {
    for seed in [&[][..], &["--seed", "demo"]] {
        let state = State::new();
        let _ = state.program(["auth", "a", "--touch", "1"]).arguments(seed).run().exits(0);
        let folder = state.path().join("devices/phone");
        fs::remove_dir_all(&folder).unwrap();
        let refused = state.program(["auth", "a", "--touch", "1"]).arguments(seed).run().refuses(3);
        assert!(refused.stderr.contains(&*folder.to_string_lossy()), "{refused}");
        assert!(!folder.exists());
        // The remedy that the error names.
        let lines = "device create second\ndevice remove phone\nauth a --touch 1\n";
        let repl = state.repl().input(lines).run().exits(0);
        assert_eq!(
            repl.json_lines().last().map(|answer| answer["errCode"].clone()),
            Some(json!(0)),
            "{repl}"
        );
    }
}

#[test]
fn without_a_seed_no_two_phones_are_alike() {
    let device_id = || Program::new(["--ephemeral", "tee", "getDeviceId"]).run().exits(0).stdout;
    assert_ne!(device_id(), device_id());
}

#[test]
fn a_seed_without_a_folder_keeps_nothing() {
    let program = Program::new(["auth", "a", "--touch", "1", "--seed", "demo"]);
    let home = program.home().to_owned();
    let mut running = program.start();
    assert_eq!(Callback::read(&running.answer()).err_code, 0);
    assert_eq!(fs::read_dir(home).unwrap().count(), 0);
    let _ = running.end().exits(0);
}

#[test]
fn attacks_do_not_use_a_state_folder_unless_it_is_named() {
    for arguments in [
        &["attack", "list"][..],
        &["attack", "show", "SOTER-REPLAY-01"],
        &["attack", "forge", "SOTER-JSON-12"],
        &["attack", "run", "SOTER-REPLAY-01"],
        &["call", "attack.list", "{}"],
    ] {
        let program = Program::new(arguments).arguments(["--json"]);
        let home = program.home().to_owned();
        let mut running = program.start();
        let _ = running.line();
        assert_eq!(fs::read_dir(home).unwrap().count(), 0, "{arguments:?}");
        let _ = running.end().exits(0);
    }
    let state = State::new();
    let mut serving = state.program(["serve", "--listen", "127.0.0.1:0"]).start();
    let _ = serving.line();
    let refused = state.program(["attack", "list"]).run().refuses(3);
    assert!(refused.stderr.contains("in use"), "{refused}");
}

#[test]
fn the_clock_needs_a_seed() {
    let refused =
        Program::new(["auth", "a", "--touch", "1", "--ephemeral", "--clock", "0"]).run().refuses_usage();
    assert!(refused.stderr.contains("--seed"), "{refused}");
}

#[test]
fn a_clock_may_be_a_date_or_milliseconds() {
    let clock = |clock: &str| {
        let show = Program::new(["--seed", "demo", "--clock", clock, "call", "device.show"]);
        show.run().exits(0).json()["clock"].as_u64()
    };
    assert_eq!(clock("2020-01-01T00:00:00Z"), Some(1_577_836_800_000));
    assert_eq!(clock("1577836800000"), Some(1_577_836_800_000));
    let _ = Program::new(["--seed", "demo", "--clock", "yesterday", "keys"]).run().refuses_usage();
}

#[test]
fn a_phone_is_the_same_in_every_process_and_its_counter_grows() {
    let state = State::new();
    let first = state.authenticate("a");
    let keys = state.keys();
    let mut last = first.counter();
    for challenge in ["b", "c", "d"] {
        let callback = state.authenticate(challenge);
        assert!(callback.counter() > last);
        last = callback.counter();
        assert_eq!(callback.result().cpu_id, first.result().cpu_id);
        assert_eq!(callback.verify(&Key::only(&keys, "authkey").public()), Ok(()));
        assert_eq!(state.keys(), keys);
    }
}

#[test]
fn every_operation_increases_the_counter() {
    let state = State::new();
    let mut last = state.authenticate("a").counter();
    for arguments in [
        ["tee", "generateAppSecureKey", "10115", ""],
        ["tee", "generateAuthKey", "10115", "demo"],
        ["tee", "getAuthKey", "10115", "demo"],
        ["tee", "removeAllAuthKey", "10115", ""],
        ["biometric", "enroll", "fingerPrint", ""],
    ] {
        let words = arguments.into_iter().filter(|word| !word.is_empty());
        let _ = state.program(words).run().exits(0);
        let counter = state.authenticate("a").counter();
        assert!(counter > last, "{arguments:?}: {counter} after {last}");
        last = counter;
    }
}

#[test]
fn another_seed_or_profile_on_an_existing_phone_is_refused_and_changes_nothing() {
    let state = State::new();
    let _ = state.program(["auth", "a", "--touch", "1", "--profile", "ios"]).run().exits(0);
    let keys = state.keys();
    for option in [["--profile", "qsee"], ["--seed", "demo"]] {
        let refused = state.program(["auth", "a", "--touch", "1"]).arguments(option).run().refuses(2);
        assert!(refused.stderr.contains(&option[0][2..]), "{refused}");
    }
    let _ = state.program(["auth", "a", "--touch", "1", "--profile", "ios"]).run().exits(0);
    assert_eq!(state.keys(), keys);
}

#[test]
fn another_seed_on_a_seeded_phone_is_refused() {
    let state = State::new();
    let _ = state.program(["tee", "getDeviceId", "--seed", "demo"]).run().exits(0);
    let _ = state.program(["tee", "getDeviceId", "--seed", "demo 2"]).run().refuses(2);
    let _ = state.program(["tee", "getDeviceId", "--seed", "demo"]).run().exits(0);
    let _ = state.program(["tee", "getDeviceId"]).run().exits(0);
}

#[test]
fn a_folder_in_use_is_refused_with_the_process_and_the_folder() {
    let state = State::new();
    let mut holder = state.repl().start();
    holder.send("call device.list");
    assert!(holder.answer()["devices"].is_array());

    let refused = state.program(["auth", "a", "--touch", "1"]).run().refuses(3);
    assert!(refused.stderr.contains(&holder.id().to_string()), "no process in {refused}");
    assert!(refused.stderr.contains(&state.path().display().to_string()), "no folder in {refused}");
    for way_out in ["--state", "--ephemeral"] {
        assert!(refused.stderr.contains(way_out), "no {way_out} in {refused}");
    }

    let _ = holder.end().exits(0);
    assert_eq!(state.authenticate("a").err_code, 0);
}

#[test]
fn a_folder_whose_owner_was_killed_is_free() {
    let state = State::new();
    let mut holder = state.repl().start();
    holder.send("call device.list");
    let _ = holder.answer();
    let _ = holder.kill();
    assert_eq!(state.authenticate("a").err_code, 0);
}

#[test]
fn a_state_folder_that_is_a_file_is_refused() {
    let state = State::new();
    let file = state.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    let refused = Program::new(["auth", "a", "--touch", "1", "--state"]).arguments([&file]).run().refuses(3);
    assert!(refused.stderr.contains("file"), "{refused}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "not a folder");
}

#[test]
fn state_and_ephemeral_exclude_each_other() {
    let state = State::new();
    let refused = state.program(["auth", "a", "--touch", "1", "--ephemeral"]).run().refuses_usage();
    assert!(refused.stderr.contains("--state") && refused.stderr.contains("--ephemeral"), "{refused}");
}

#[test]
fn several_phones_share_a_folder_and_nothing_else() {
    let state = State::new();
    let _ = state.program(["device", "create", "second", "--profile", "ios"]).run().exits(0);
    let first = state.authenticate("a");
    let second = state.program(["auth", "a", "--touch", "1", "--device", "second"]).run().exits(0);
    let second = Callback::read(&second.json());
    assert_ne!(first.result().cpu_id, second.result().cpu_id);
    assert!(second.verify(&Key::only(&state.keys(), "authkey").public()).is_err());

    let list = state.program(["device", "list", "--json"]).run().exits(0).json();
    let names: Vec<_> =
        list["devices"].as_array().unwrap().iter().filter_map(|device| device["name"].as_str()).collect();
    assert_eq!(names.len(), 2, "{list}");
    assert!(names.contains(&"second"), "{list}");

    let _ = state.program(["device", "select", "second"]).run().exits(0);
    assert_eq!(state.authenticate("a").result().cpu_id, second.result().cpu_id);
}

#[test]
fn a_phone_that_is_not_there_is_a_usage_error() {
    let state = State::new();
    let refused = state.program(["auth", "a", "--touch", "1", "--device", "nobody"]).run().refuses(2);
    assert!(refused.stderr.contains("nobody"), "{refused}");
}

#[test]
fn device_names_that_are_not_file_names_are_refused() {
    let state = State::new();
    for name in ["../evil", "UPPER", "a b", "con", "", &"x".repeat(65)] {
        let _ = state.program(["device", "create", name]).run().refuses_usage();
    }
}

#[test]
fn a_removed_phone_is_gone_and_the_other_one_is_not() {
    let state = State::new();
    let keys = {
        let _ = state.authenticate("a");
        state.keys()
    };
    let _ = state.program(["device", "create", "second"]).run().exits(0);
    let _ = state.program(["auth", "a", "--touch", "1", "--device", "second"]).run().exits(0);
    let _ = state.program(["device", "remove", "second"]).run().exits(0);
    let _ = state.program(["keys", "--device", "second"]).run().refuses(2);
    assert_eq!(state.keys(), keys);
}

#[test]
fn a_new_finger_makes_existing_keys_invalid_and_the_next_call_makes_new_ones() {
    let state = State::new();
    let first = state.authenticate("a");
    let before = state.keys();
    let _ = state.program(["biometric", "enroll", "fingerPrint"]).run().exits(0);
    let old = Key::only(&before, "authkey");
    assert!(state.keys().iter().all(|key| key.fingerprint != old.fingerprint || !key.valid));

    let second = state.authenticate("b");
    let after = state.keys();
    let new = after.iter().find(|key| key.kind == "authkey" && key.valid).unwrap();
    assert_ne!(new.fingerprint, old.fingerprint);
    assert_eq!(second.verify(&new.public()), Ok(()));
    assert!(second.counter() > first.counter());
}

#[test]
fn a_factory_reset_keeps_identity_and_counter() {
    let state = State::new();
    let before = state.authenticate("a");
    let attk = Key::only(&state.keys(), "attk").clone();
    let _ = state.program(["device", "reset"]).run().exits(0);
    let after = state.authenticate("b");
    assert_eq!(after.result().cpu_id, before.result().cpu_id);
    assert!(after.counter() > before.counter());
    assert_eq!(Key::only(&state.keys(), "attk"), &attk);
}

#[test]
fn a_system_upgrade_changes_the_identity_and_not_the_counter() {
    let state = State::new();
    let before = state.authenticate("a");
    let _ = state.repl().input(call("device.set", &json!({"systemUpgrade": true}))).run().exits(0);
    let after = state.authenticate("b");
    assert_ne!(after.result().cpu_id, before.result().cpu_id);
    assert!(after.counter() > before.counter());
}

#[test]
fn settings_are_kept_from_process_to_process() {
    let state = State::new();
    let _ = state.repl().input(call("device.set", &json!({"support": false}))).run().exits(0);
    let refused = state.program(["auth", "a", "--touch", "1"]).run().exits(1);
    assert_eq!(Callback::read(&refused.json()).err_code, 90001);
    let _ = state.repl().input(call("device.set", &json!({"support": Value::Null}))).run().exits(0);
    assert_eq!(state.authenticate("a").err_code, 0);
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_the_state() {
    use std::os::unix::fs::PermissionsExt;

    let parent = State::new();
    let folder = parent.path().join("state");
    let _ = Program::new(["auth", "a", "--touch", "1", "--state"]).arguments([&folder]).run().exits(0);
    let mut left = vec![folder];
    while let Some(path) = left.pop() {
        let metadata = fs::symlink_metadata(&path).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o077, 0, "{}", path.display());
        if metadata.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
}
