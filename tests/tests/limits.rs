//! A process that may start few threads or open few files: it works, or ends with two lines that name the limit.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use soter_tests::{Program, Server, executable};
use tempfile::TempDir;

/// A user without processes, and thus with as many threads as the limit says.
const NOBODY: &str = "65534";

/// Runs the program as a user who may have this many threads. `None` if this process may not change its user.
fn run_with_threads(threads: u32, folder: &TempDir, arguments: &[&str]) -> Option<Output> {
    // The target folder may be closed to other users.
    let program = folder.path().join("soter-sim");
    if !program.exists() {
        fs::copy(executable(), &program).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    }
    let mut child = Command::new("setpriv")
        .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"])
        .args(["prlimit", &format!("--nproc={threads}")])
        .arg(&program)
        .args(arguments)
        .env("HOME", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let deadline = Instant::now() + Duration::from_mins(1);
    while child.try_wait().unwrap().is_none() {
        let hangs = Instant::now() > deadline;
        if hangs {
            child.kill().unwrap();
        }
        assert!(!hangs, "it hangs with {threads} threads: {arguments:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let may_not = String::from_utf8_lossy(&output.stderr).contains("setpriv: ");
    (!may_not).then_some(output)
}

#[test]
fn with_few_threads_every_command_works_or_is_refused() {
    let folder = TempDir::new().unwrap();
    let commands: [&[&str]; 5] = [
        &["auth", "x", "--touch", "1", "--ephemeral"],
        &["exec", "--", "true"],
        &["repl", "--ephemeral"],
        &["audit", "--preset", "wechat", "--url", "http://127.0.0.1:9", "--only", "SOTER-REPLAY-01"],
        &["explain", "0"],
    ];
    for arguments in commands {
        let mut codes = Vec::new();
        for threads in 1..=10 {
            let Some(Output { status, stderr, .. }) = run_with_threads(threads, &folder, arguments) else {
                return println!("skipped: this user may not become another one");
            };
            let stderr = String::from_utf8(stderr).unwrap();
            assert!(!stderr.contains("panicked"), "{threads}, {arguments:?}: {stderr}");
            if status.code() == Some(3) {
                assert_eq!(stderr.lines().count(), 2, "{threads}, {arguments:?}: {stderr}");
                assert!(stderr.contains("threads") && stderr.contains("ulimit -u"), "{stderr}");
            }
            codes.push(status.code().unwrap());
        }
        // The audit's target does not answer, which is its code 2.
        let works = if arguments[0] == "audit" { 2 } else { 0 };
        let refused = codes.iter().take_while(|code| **code == 3).count();
        assert!(
            refused <= 6 && codes[refused..].iter().all(|code| *code == works),
            "{arguments:?}: {codes:?}"
        );
    }
}

#[test]
fn a_server_that_may_open_few_files_says_so_and_serves() {
    for descriptors in [64, 128, 200] {
        let program = Program::new(["serve", "--listen", "127.0.0.1:0", "--ephemeral"]);
        let server = Server::start(program.with_descriptors(descriptors));
        let (head, _) = server.http("GET", "/health", "");
        assert!(head.starts_with("HTTP/1.1 200"), "{descriptors}: {head}");
        let remarks = server.running.end_by_signal().exits(0).stderr;
        let room = descriptors.saturating_sub(128).max(1);
        assert!(remarks.contains(&format!("so {room} connections fit instead of 512")), "{remarks}");
    }
    let usual = Server::ephemeral(&[]);
    assert!(!usual.running.end_by_signal().exits(0).stderr.contains("connections fit"));
}

#[test]
fn with_few_files_a_command_works_or_is_refused_with_the_limit() {
    let folder = TempDir::new().unwrap();
    let state = folder.path().join("state");
    let mut codes = Vec::new();
    for descriptors in 4..32 {
        let program = Program::new(["auth", "x", "--touch", "1", "--state"]).arguments([&state]);
        let ended = program.with_descriptors(descriptors).run();
        codes.push(ended.code.unwrap());
        if ended.code != Some(0) {
            assert!(ended.refuses(3).stderr.contains("ulimit -n"));
        }
    }
    assert!(codes.contains(&3) && codes.is_sorted_by(|before, after| before >= after), "{codes:?}");
    assert_eq!(codes.last(), Some(&0));
}
