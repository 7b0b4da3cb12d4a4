//! Storage that fails at any moment, and a server that is killed at any moment: accepted commands hold after a restart,
//! refused ones have changed nothing, and no result is accepted twice.
//!
//! A library that is loaded into the server (`tests/faults/faults.c`) makes its n-th call that opens or changes a file fail,
//! or kills the process there. A sample is run by default; `SOTER_FAULTS=all` runs every n of every kind of fault, on as many
//! threads as there are processors.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "an error here must fail the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use soter_tests::{Backend, Program, Running, try_rpc};
use soter_wire::ResultJson;
use tempfile::TempDir;

/// The number of faults of each kind that are injected by default.
const SAMPLE: u64 = 8;

/// What happens at the n-th call.
#[derive(Clone, Copy, Debug)]
struct Fault {
    name: &'static str,
    /// 0: the process is killed, in the middle of what it writes.
    errno: i32,
    /// Whether all later calls fail, too.
    stays: bool,
    /// Whether only calls that take a path count.
    only_opens: bool,
}

const FAULTS: [Fault; 7] = [
    Fault { name: "killed", errno: 0, stays: false, only_opens: false },
    Fault { name: "ENOSPC once", errno: 28, stays: false, only_opens: false },
    Fault { name: "ENOSPC from then on", errno: 28, stays: true, only_opens: false },
    Fault { name: "EIO once", errno: 5, stays: false, only_opens: false },
    Fault { name: "EIO from then on", errno: 5, stays: true, only_opens: false },
    Fault { name: "EACCES from then on", errno: 13, stays: true, only_opens: true },
    Fault { name: "EMFILE once", errno: 24, stays: false, only_opens: true },
];

/// One command of the script.
enum Step {
    Rpc(&'static str, Value),
    /// Authenticates on this phone, and lets WeChat's servers verify the result.
    Pay(&'static str),
}

fn script() -> Vec<Step> {
    let rpc = Step::Rpc;
    vec![
        rpc("device.set", json!({"device": "phone", "latency": 1})),
        rpc("device.create", json!({"name": "third"})),
        rpc("device.select", json!({"name": "second"})),
        Step::Pay("second"),
        rpc("sensor.setMode", json!({"device": "second", "mode": "auto"})),
        rpc("biometric.enroll", json!({"device": "second", "mode": "fingerPrint"})),
        Step::Pay("phone"),
        rpc("device.remove", json!({"name": "third"})),
        rpc("danger.clone", json!({"device": "phone", "name": "twin"})),
        rpc("device.remove", json!({"name": "twin"})),
        rpc("device.resetNormalWorld", json!({"device": "second"})),
        Step::Pay("second"),
        rpc("desk.reset", json!({})),
        Step::Pay("phone"),
    ]
}

/// The answer to a command.
#[derive(Debug)]
enum Answer {
    Yes(Value),
    No(Value),
    /// The server is gone.
    Nothing,
}

/// A server on a state folder, perhaps with a fault.
struct Server {
    running: Running,
    url: String,
    /// `None` if the server ended before it gave an access token.
    backend: Option<Backend>,
}

impl Server {
    /// Starts it. `None` if it does not start.
    fn start(state: &Path, fault: Option<(&Path, Fault, u64)>, count: &Path) -> Result<Self, String> {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--allow-reset", "--attacker", "--state"];
        let mut program = Program::new(arguments).arguments([state]);
        if let Some((library, fault, at)) = fault {
            let Fault { errno, stays, only_opens, .. } = fault;
            for (name, value) in [
                ("LD_PRELOAD", library.to_str().unwrap().to_owned()),
                ("SOTER_FAULT_FOLDER", state.to_str().unwrap().to_owned()),
                ("SOTER_FAULT_COUNT", count.to_str().unwrap().to_owned()),
                ("SOTER_FAULT_AT", at.to_string()),
                ("SOTER_FAULT_ERROR", errno.to_string()),
                ("SOTER_FAULT_STAYS", u8::from(stays).to_string()),
                ("SOTER_FAULT_OPENS", u8::from(only_opens).to_string()),
            ] {
                program = program.variable(name, &value);
            }
        }
        let mut running = program.start();
        let Some(ready) = running.next_complete_line() else {
            let ended = running.end();
            let lines: Vec<_> = ended.stderr.lines().filter(|line| !line.contains(" WARN ")).collect();
            let is_refusal = ended.code == Some(3)
                && lines.iter().filter(|line| line.starts_with("error: ")).count() == 1
                && lines.iter().filter(|line| line.starts_with("next: ")).count() == 1;
            assert!(is_refusal || ended.code.is_none(), "{ended}");
            return Err(ended.stderr);
        };
        let url = ready.strip_prefix("soter-sim ready ").unwrap().to_owned();
        let backend = Backend::open(&url);
        Ok(Self { running, url, backend })
    }

    fn rpc(&self, method: &str, params: &Value) -> Answer {
        match try_rpc(&self.url, method, params) {
            None => Answer::Nothing,
            Some(answer) if answer["error"].is_null() => Answer::Yes(answer["result"].clone()),
            Some(answer) => Answer::No(answer["error"].clone()),
        }
    }

    /// A signed result. An `errCode` is a no.
    fn authenticate(&self, phone: &str, challenge: &str) -> Answer {
        let params = json!({
            "device": phone,
            "requestAuthModes": ["fingerPrint"],
            "challenge": challenge,
            "touch": "1",
        });
        match self.rpc("wx.startSoterAuthentication", &params) {
            Answer::Yes(callback) if callback["errCode"] != 0 => Answer::No(callback),
            other => other,
        }
    }

    /// Whether the servers accept a result; `None` if they cannot say.
    fn verify(&self, callback: &Value) -> Option<bool> {
        self.backend.as_ref()?.accepts(callback)
    }

    /// Everything that commands can change, for all phones; `None` if it cannot be read at present.
    fn state(&self) -> Option<Value> {
        let read = |method: &str, params: Value| {
            // A fault that happens once may happen here.
            (0..2).find_map(|_| match self.rpc(method, &params) {
                Answer::Yes(answer) => Some(answer),
                Answer::No(_) | Answer::Nothing => None,
            })
        };
        let list = read("device.list", json!({}))?;
        let mut phones = BTreeMap::new();
        for phone in list["devices"].as_array()? {
            let name = phone["name"].as_str()?;
            let mut shown = Vec::new();
            for method in ["device.show", "biometric.list", "keys.list"] {
                let mut answer = read(method, json!({"device": name}))?;
                // Counter values may be skipped, and the clock goes on.
                if let Some(answer) = answer.as_object_mut() {
                    answer.remove("counter");
                    answer.remove("clock");
                }
                shown.push(answer);
            }
            phones.insert(name.to_owned(), shown);
        }
        Some(json!({"list": list, "phones": phones}))
    }
}

/// What has happened so far in a run.
#[derive(Default)]
struct History {
    /// Results that were accepted.
    accepted: Vec<Value>,
    /// The highest counter of each phone, by `cpu_id`.
    counters: BTreeMap<String, u64>,
}

impl History {
    /// Authenticates and verifies. Whether both said yes.
    fn pay(&mut self, server: &Server, phone: &str, challenge: &str) -> bool {
        let Answer::Yes(callback) = server.authenticate(phone, challenge) else { return false };
        let result = ResultJson::decode(callback["resultJSON"].as_str().unwrap().as_bytes()).unwrap();
        let highest = self.counters.entry(result.cpu_id).or_default();
        assert!(result.counter > *highest, "counter {} after {highest}", result.counter);
        *highest = result.counter;
        let verdict = server.verify(&callback);
        assert_ne!(verdict, Some(false), "an honest result is refused: {callback}");
        if verdict == Some(true) {
            self.accepted.push(callback);
        }
        verdict == Some(true)
    }

    fn assert_nothing_is_accepted_again(&self, server: &Server) {
        for callback in &self.accepted {
            assert_ne!(server.verify(callback), Some(true), "accepted twice: {callback}");
        }
    }
}

/// Runs the script with a fault, and checks everything. Returns the number of calls that could have failed.
fn run(template: &Path, library: &Path, fault: Fault, at: u64) -> u64 {
    let folder = TempDir::new().unwrap();
    let (state, count) = (folder.path().join("state"), folder.path().join("count"));
    copy(template, &state);
    fs::write(&count, [0; 8]).unwrap();
    let mut history = History::default();
    let mut current = None;
    if let Ok(server) = Server::start(&state, Some((library, fault, at)), &count) {
        current = server.state();
        for (number, step) in script().into_iter().enumerate() {
            let answered = match &step {
                Step::Pay(phone) => {
                    history.pay(&server, phone, &format!("order-{number}"));
                    Answer::Nothing
                }
                Step::Rpc(method, params) => server.rpc(method, params),
            };
            let after = server.state();
            if let (Answer::No(error), Some(before), Some(after)) = (&answered, &current, &after) {
                let Step::Rpc(method, _) = &step else { continue };
                assert_eq!(before, after, "{method} was refused with {error} and has changed something");
            }
            // Payments change keys and counters, so this is also their result.
            current = after;
        }
        history.assert_nothing_is_accepted_again(&server);
        // Half of the servers are killed, so that what they write at the end does not hide what is stored.
        let signal = if at.is_multiple_of(2) { Signal::TERM } else { Signal::KILL };
        if signal == Signal::KILL && fault.stays {
            // A thread of its own writes the log, and has to write the line that is checked below.
            std::thread::sleep(Duration::from_millis(300));
        }
        let ended = server.running.end_by(signal);
        assert!(matches!(ended.code, Some(0 | 3) | None), "{ended}");
        // If the last sync of a file and everything after it fails, the change cannot be undone. The log says so.
        let is_in_doubt = ended.stderr.contains("may have a change that was refused");
        assert!(!is_in_doubt || fault.stays, "{ended}");
        if is_in_doubt || (fault.errno == 0 && ended.code.is_none()) {
            current = None;
        }
    }

    let server = Server::start(&state, None, &count).expect("it starts again");
    let restarted = server.state().expect("everything can be read after a restart");
    if let Some(current) = current {
        assert_eq!(current, restarted, "the state before and after the restart");
    }
    history.assert_nothing_is_accepted_again(&server);
    let (selected, phones) = (&restarted["list"]["selected"], restarted["phones"].as_object().unwrap());
    assert!(phones.contains_key(selected.as_str().unwrap()), "{restarted}");
    // A clone shares the counter of its original.
    for phone in phones.keys().filter(|phone| *phone != "twin") {
        assert!(history.pay(&server, phone, "after"), "{phone} does not work after a restart");
    }
    history.assert_nothing_is_accepted_again(&server);
    let before = server.state();
    assert_eq!(server.running.end_by_signal().code, Some(0));

    // The second start must not repeat what the first one has finished.
    let server = Server::start(&state, None, &count).expect("it starts once more");
    assert_eq!(server.state(), before, "the state before and after another restart");
    history.assert_nothing_is_accepted_again(&server);
    assert_eq!(server.running.end_by_signal().code, Some(0));
    u64::from_ne_bytes(fs::read(&count).unwrap().try_into().unwrap())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A state folder with two phones that were used.
fn template(folder: &Path) -> PathBuf {
    let state = folder.join("template");
    let server = Server::start(&state, None, folder).unwrap();
    assert!(matches!(server.rpc("device.create", &json!({"name": "second"})), Answer::Yes(_)));
    let mut history = History::default();
    assert!(history.pay(&server, "phone", "before") && history.pay(&server, "second", "before"));
    assert_eq!(server.running.end_by_signal().code, Some(0));
    state
}

/// The library that fails calls. `None` if there is no C compiler.
fn library(folder: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("faults/faults.c");
    let library = folder.join("faults.so");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .status();
    compiled.ok()?.success().then_some(library)
}

#[test]
fn accepted_commands_hold_and_refused_ones_change_nothing_whichever_file_operation_fails() {
    let folder = TempDir::new().unwrap();
    let Some(library) = library(folder.path()) else {
        assert!(std::env::var_os("CI").is_none(), "there is no C compiler `cc`");
        return println!("skipped: there is no C compiler `cc`");
    };
    let template = template(folder.path());
    let runs_all = std::env::var("SOTER_FAULTS").is_ok_and(|faults| faults == "all");
    // Without a fault, the calls are counted.
    let calls: Vec<u64> = FAULTS.iter().map(|fault| run(&template, &library, *fault, 0)).collect();
    let mut planned = Vec::new();
    for (fault, calls) in FAULTS.into_iter().zip(calls) {
        let step = if runs_all { 1 } else { calls / SAMPLE };
        // Each kind's sample begins at another call, so that together they cover more calls.
        let first = if runs_all { 1 } else { 1 + u64::from(fault.errno.unsigned_abs()) % step.max(1) };
        planned.extend((first..=calls).step_by(step.max(1).try_into().unwrap()).map(|at| (fault, at)));
    }
    println!("{} faults are injected", planned.len());
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some((fault, at)) = planned.get(number) else { break };
                    if runs_all && number.is_multiple_of(100) {
                        println!("{number} of {}", planned.len());
                    }
                    let outcome = std::panic::catch_unwind(|| run(&template, &library, *fault, *at));
                    if outcome.is_err() {
                        failed.lock().unwrap().push(format!("{}, call {at}", fault.name));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} failed: {failed:#?}", failed.len(), planned.len());
}
