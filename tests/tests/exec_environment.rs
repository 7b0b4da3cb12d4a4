//! What a command of `exec` finds in its environment, above all what a cloud function's SDK looks for there.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use soter_tests::{Backend, Program};

/// Runs `env` below `exec`.
fn variables(program: Program) -> BTreeMap<String, String> {
    let finished = program.arguments(["exec", "--", "env"]).run().exits(0);
    let lines = finished.stdout.lines().filter_map(|line| line.split_once('='));
    lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn program() -> Program {
    Program::new::<[&str; 0]>([])
}

/// The script that Node is told to load.
fn script(node_options: &str) -> PathBuf {
    let (_, path) = node_options.rsplit_once("--require ").unwrap();
    path.trim_matches('"').into()
}

#[test]
fn a_cloud_functions_sdk_finds_the_server_the_mini_program_and_the_user() {
    let found = variables(program());
    let url = &found["SOTER_SIM_URL"];
    let cloud: Value = serde_json::from_str(&found["TCB_CONTEXT_CNFG"]).unwrap();
    assert_eq!(cloud, json!({"URL": format!("{url}/admin")}));
    assert_eq!(found["WX_CONTEXT_KEYS"], "WX_OPENID,WX_APPID,WX_API_TOKEN,WX_UNIONID");
    assert_eq!((&*found["WX_OPENID"], &*found["WX_APPID"]), (Backend::OPENID, Backend::APPID));
    assert_eq!(found["TENCENTCLOUD_RUNENV"], "WX_LOCAL_SCF");
    assert!(!found["WX_UNIONID"].is_empty() && found["WX_API_TOKEN"].starts_with("emulated_"));
    assert!(!found["WX_API_TOKEN"].contains(Backend::SECRET));
    for proxy in ["HTTP_PROXY", "http_proxy", "NO_PROXY"] {
        assert_eq!(found.get(proxy), None, "it would concern other requests as well");
    }
}

#[test]
fn what_a_person_has_set_is_kept_where_the_servers_do_not_care() {
    let found = variables(
        program()
            .variable("TENCENTCLOUD_SECRETID", "mine")
            .variable("TCB_ENV", "production")
            .variable("TCB_CONTEXT_CNFG", "{}")
            .variable("WX_OPENID", "oMine")
            .variable("http_proxy", "http://proxy.test:8080")
            .variable("no_proxy", "intranet.test")
            .variable("NODE_OPTIONS", "--trace-warnings"),
    );
    assert_eq!((&*found["TENCENTCLOUD_SECRETID"], &*found["TENCENTCLOUD_SECRETKEY"]), ("mine", "emulated"));
    assert_eq!(found["WX_OPENID"], Backend::OPENID);
    // Calls must not go to a real cloud.
    assert!(found["TCB_CONTEXT_CNFG"].contains("127.0.0.1"));
    assert_eq!((&*found["TCB_ENV"], &*found["SCF_NAMESPACE"]), ("production", "emulated-env"));
    assert_eq!(found["http_proxy"], "http://proxy.test:8080");
    assert!(found["no_proxy"].starts_with("intranet.test,127.0.0.1,localhost,"), "{}", found["no_proxy"]);
    assert!(found["NODE_OPTIONS"].starts_with("--trace-warnings --require "), "{}", found["NODE_OPTIONS"]);
}

#[test]
fn the_user_is_that_of_the_phone() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("accounts.toml");
    fs::write(&config, "[[user]]\nname = \"zhang\"\n[user.openids]\nwxemulated00000001 = \"oZhang\"\n")
        .unwrap();
    let script = "echo $WX_OPENID";
    let arguments = ["exec", "--config", config.to_str().unwrap(), "--", "sh", "-c", script];
    assert_eq!(Program::new(arguments).run().exits(0).line(), "oZhang");
}

#[test]
fn the_files_are_private_and_removed_however_the_command_ends() {
    let script_of = "echo \"$NODE_OPTIONS\"; d=$(dirname \"${NODE_OPTIONS#--require }\"); ls -ld \"$d\" | cut -c1-10; ls \"$d\"";
    let folder = tempfile::tempdir().unwrap();
    let temporary = folder.path().to_str().unwrap();
    let with_folder = |end: &str| {
        Program::new(["exec", "--", "sh", "-c", &format!("{script_of}; {end}")]).variable("TMPDIR", temporary)
    };
    let left = || fs::read_dir(folder.path()).unwrap().count();
    let finished = with_folder("exit 3").run().exits(3);
    let lines: Vec<_> = finished.stdout.lines().collect();
    assert_eq!(lines[1..], ["drwx------", "redirect.cjs", "redirect.json"]);
    assert!(script(lines[0]).starts_with(temporary) && !script(lines[0]).exists());
    assert_eq!(with_folder("kill -9 $$").run().code, Some(128 + 9));
    assert_eq!(left(), 0);
    let mut running = with_folder("exec sleep 1000").in_own_process_group().start();
    let lines = [(); 4].map(|()| running.line());
    assert!(script(&lines[0]).exists());
    let _ = running.end_by(rustix::process::Signal::TERM).exits(128 + 15);
    assert_eq!(left(), 0);
    // Only what needs the files does without them.
    let nowhere =
        Program::new(["exec", "--", "sh", "-c", "echo \"$NODE_OPTIONS\""]).variable("TMPDIR", "/nowhere");
    let finished = nowhere.run().exits(0);
    assert_eq!(finished.stdout.trim(), "");
    assert!(finished.stderr.contains("no temporary folder can be made"), "{finished}");
}

#[test]
fn a_folder_that_is_not_a_cloud_functions_is_refused_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let refused = |more: &[&str], text: &str| {
        let finished = Program::new(["exec", "--cloud-function", path]).arguments(more).run().refuses(2);
        assert!(finished.stderr.contains(text), "{finished}");
    };
    refused(&[], "it has no index.js");
    fs::write(folder.path().join("index.js"), "exports.main = () => 1;").unwrap();
    for config in [
        "",
        "[]",
        "{\"permissions\": []}",
        "{\"permissions\": {\"openapi\": \"soter.verifySignature\"}}",
        "{\"timeout\": 0}",
        "{\"timeout\": 301}",
        "{\"timeout\": 1.5}",
        "{\"timeout\": \"3\"}",
    ] {
        fs::write(folder.path().join("config.json"), config).unwrap();
        refused(&[], "config.json: ");
        refused(&["--", "true"], "config.json: ");
    }
    for event in ["[]", "{", "1"] {
        let arguments = ["exec", "--cloud-function", path, "--event", event];
        let finished = Program::new(arguments).run().refuses_usage();
        assert!(finished.stderr.contains("not a JSON object"), "{finished}");
    }
    let _ = Program::new(["exec", "--event", "{}", "--", "true"]).run().refuses_usage();
    let both = ["exec", "--cloud-function", path, "--event", "{}", "--", "true"];
    let _ = Program::new(both).run().refuses_usage();
}

#[test]
fn a_call_of_a_cloud_function_without_node_says_what_to_install_and_the_command_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("index.js"), "exports.main = () => 1;").unwrap();
    let name = folder.path().file_name().unwrap().to_str().unwrap();
    let script = format!(
        "'{}' --connect \"$SOTER_SIM_URL\" callfunction {name}; exit 7",
        soter_tests::executable().display()
    );
    let arguments =
        ["exec", "--cloud-function", folder.path().to_str().unwrap(), "--", "/bin/sh", "-c", &script];
    let finished = Program::new(arguments).variable("PATH", "/nowhere").run().exits(7);
    assert!(
        finished.stderr.contains("node does not start") && finished.stderr.contains("install Node"),
        "{finished}"
    );
}

#[test]
fn without_node_a_cloud_function_says_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("index.js"), "exports.main = () => 1;").unwrap();
    let program = Program::new(["exec", "--cloud-function", folder.path().to_str().unwrap()]);
    let finished = program.variable("PATH", "/nowhere").run().exits(3);
    assert!(
        finished.stderr.contains("node does not start") && finished.stderr.contains("install Node"),
        "{finished}"
    );
}
