//! `soter-sim audit --config FILE -- CMD…`: the application is started, waited for, and stopped with all its processes.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use soter_tests::Program;

/// The example backend's port on this computer.
struct Place {
    address: String,
    url: String,
    port: String,
}

impl Place {
    fn free() -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let port = address.port().to_string();
        Self { address: address.to_string(), url: format!("http://{address}"), port }
    }

    /// An audit of the example backend that starts something.
    fn audit(&self, options: &[&str], command: &[&str]) -> Program {
        let config = example("audit.toml");
        Program::new(["audit", "--url", &self.url, "--config", &config])
            .arguments(options)
            .arguments(["--"])
            .arguments(command)
            .variable("PORT", &self.port)
            .variable("BACKEND", &example("backend.mjs"))
    }

    fn is_taken(&self) -> bool {
        TcpStream::connect(&self.address).is_ok()
    }

    #[track_caller]
    fn is_free_again(&self) {
        assert!(!self.is_taken(), "something still listens at {}", self.address);
    }
}

fn example(name: &str) -> String {
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../host-bridge/examples");
    examples.join(name).display().to_string()
}

const NODE: [&str; 3] = ["sh", "-c", "exec node \"$BACKEND\""];

#[test]
fn the_application_gets_the_environment_of_exec_and_is_stopped_at_the_end() {
    let place = Place::free();
    let checked = place.audit(&["--check"], &NODE).run().exits(0);
    assert!(checked.stdout.ends_with("recognised as a success\n"), "{checked}");
    assert!(checked.stderr.contains(&format!("backend {}, asks http://127.0.0.1:", place.url)), "{checked}");
    place.is_free_again();
    let audited = place.audit(&["--json", "--only", "SOTER-REPLAY-01"], &NODE).run().exits(0);
    assert_eq!(audited.json()["summary"]["pass"], 1);
    place.is_free_again();
}

#[test]
fn processes_that_the_command_has_started_are_stopped_as_well() {
    let place = Place::free();
    let shell = ["sh", "-c", "node \"$BACKEND\" & wait"];
    let _ = place.audit(&["--check"], &shell).run().exits(0);
    place.is_free_again();
    // One that does not end when it is asked to.
    let stubborn = ["sh", "-c", "trap '' TERM; node \"$BACKEND\" & wait"];
    let _ = place.audit(&["--check"], &stubborn).run().exits(0);
    place.is_free_again();
}

#[test]
fn an_application_that_ends_before_it_listens_is_shown_with_its_last_lines() {
    let place = Place::free();
    let fails = ["sh", "-c", "echo starting; echo no database >&2; exit 3"];
    for options in [&["--check"][..], &["--only", "SOTER-REPLAY-01"]] {
        let failed = place.audit(options, &fails).run().exits(2);
        let expected = format!("`sh` ended (exit status: 3) before anything listened at {}", place.address);
        assert!(failed.stderr.contains(&expected), "{failed}");
        assert!(failed.stderr.contains("starting\nno database\n"), "{failed}");
        assert!(failed.stderr.contains("next: "), "{failed}");
    }
    let missing = place.audit(&["--check"], &["no-such-program"]).run().exits(3);
    assert!(missing.stderr.contains("no-such-program does not start"), "{missing}");
}

#[test]
fn an_application_that_never_listens_is_given_up_and_ended() {
    let place = Place::free();
    let started = Instant::now();
    let failed = place.audit(&["--check", "--wait", "1"], &["sleep", "300"]).run().exits(2);
    let expected = format!("nothing listens at {} 1 s after `sleep` was started", place.address);
    assert!(failed.stderr.contains(&expected), "{failed}");
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn an_application_that_runs_already_is_left_alone() {
    let place = Place::free();
    let listener = TcpListener::bind(&place.address).unwrap();
    let refused = place.audit(&["--check"], &NODE).run().exits(2);
    assert!(refused.stderr.contains("listens at") && refused.stderr.contains("stop it"), "{refused}");
    drop(listener);
}

#[test]
fn a_signal_stops_the_application_too() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let place = Place::free();
        let running = place.audit(&[], &NODE).in_own_process_group().start();
        let deadline = Instant::now() + Duration::from_mins(1);
        while !place.is_taken() {
            assert!(Instant::now() < deadline, "the backend does not listen");
            sleep(Duration::from_millis(20));
        }
        let ended = running.end_by(signal);
        assert_eq!(ended.code, Some(code), "{ended}");
        place.is_free_again();
    }
}

#[test]
fn an_application_that_has_wechats_host_built_in_is_audited_with_tls() {
    let place = Place::free();
    let shell = ["sh", "-c", "SOTER_SIM_URL=https://api.weixin.qq.com exec node \"$BACKEND\""];
    let _ = place.audit(&["--check", "--tls"], &shell).run().exits(0);
}

#[test]
fn with_quiet_the_output_of_the_application_is_shown_only_if_it_does_not_start() {
    let place = Place::free();
    let quiet = place.audit(&["--check", "--quiet"], &NODE).run().exits(0);
    assert!(quiet.stderr.is_empty() && quiet.stdout.starts_with("[login] "), "{quiet}");
    let fails = ["sh", "-c", "for line in $(seq 100); do echo line $line; done; exit 1"];
    let failed = place.audit(&["--check", "--quiet"], &fails).run().exits(2);
    assert!(failed.stderr.contains("  line 81\n") && failed.stderr.ends_with("  line 100\n"), "{failed}");
    assert!(!failed.stderr.contains("  line 80\n"), "{failed}");
}
