//! State folders that were damaged, mixed up or rolled back: a clear error with the remedy, or no effect.

#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::fs;
use std::path::{Path, PathBuf};

use soter_bridge::protocol::wx::StartSoterAuthentication;
use soter_bridge::protocol::{ErrorKind, Service, keys};
use soter_sim::{Desk, DeskOptions, State as Place};
use soter_tests::State;
use soter_wire::ResultJson;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// The files of the normal world, and of the secure world.
const FILES: [&str; 5] = [
    "phones.json",
    "phones/phone.json",
    "devices/phone/root.key",
    "devices/phone/tee.sealed",
    "devices/phone/rpmb.bin",
];
const NORMAL_WORLD_FILES: usize = 2;

/// A used phone in a folder, and its facts that must not change.
struct Used {
    folder: TempDir,
    runtime: Runtime,
    cpu_id: String,
    fingerprints: Vec<String>,
    highest: u64,
}

impl Used {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let runtime = Builder::new_current_thread().build().unwrap();
        let mut used = Self { folder, runtime, cpu_id: String::new(), fingerprints: Vec::new(), highest: 0 };
        let (result, fingerprints) = used.authenticate(used.folder.path()).unwrap();
        used.cpu_id = result.cpu_id;
        used.fingerprints = fingerprints;
        used.highest = result.counter;
        used
    }

    /// Authenticates in a folder. Returns the result and the keys' fingerprints, or how it was refused.
    fn authenticate(&self, folder: &Path) -> Result<(ResultJson, Vec<String>), (ErrorKind, String, String)> {
        let refused =
            |error: soter_bridge::protocol::CommandError| (error.kind, error.what.into(), error.next.into());
        let options = DeskOptions::new(Place::Folder(folder.to_owned()));
        let desk = Desk::open(options).map_err(refused)?;
        let request = StartSoterAuthentication {
            request_auth_modes: Some(vec!["fingerPrint".to_owned()]),
            challenge: Some("order-42".to_owned()),
            touch: Some("1".parse().unwrap()),
            ..StartSoterAuthentication::default()
        };
        let answer = self.runtime.block_on(desk.request(None, request)).map_err(refused)?;
        assert_eq!(answer.err_code, 0, "{}", answer.err_msg);
        let keys = self.runtime.block_on(desk.request(None, keys::List {})).map_err(refused)?.keys;
        desk.close().map_err(refused)?;
        let result = ResultJson::decode(answer.result_json.as_bytes()).unwrap();
        Ok((result, keys.into_iter().map(|key| key.fingerprint).collect()))
    }

    /// A copy of the folder to be damaged.
    fn copy(&self) -> TempDir {
        copy(self.folder.path())
    }

    /// Opens a damaged copy. It must be refused with a remedy, or be the same phone and continue above every counter
    /// value. Returns whether it opened.
    fn assert_refused_or_unharmed(&self, folder: &Path, what: &str) -> bool {
        match self.authenticate(folder) {
            Err((kind, error, remedy)) => {
                assert_eq!(kind, ErrorKind::Environment, "{what}: {error}");
                assert!(!error.is_empty() && !remedy.is_empty() && !error.contains('\n'), "{what}");
                false
            }
            Ok((result, fingerprints)) => {
                assert_eq!(result.cpu_id, self.cpu_id, "{what}: another phone");
                assert_eq!(fingerprints, self.fingerprints, "{what}: other keys");
                assert!(result.counter > self.highest, "{what}: {} after {}", result.counter, self.highest);
                true
            }
        }
    }
}

fn copy(folder: &Path) -> TempDir {
    let target = TempDir::new().unwrap();
    for file in FILES {
        fs::create_dir_all(target.path().join(file).parent().unwrap()).unwrap();
        fs::copy(folder.join(file), target.path().join(file)).unwrap();
    }
    target
}

#[test]
fn any_flipped_byte_and_any_truncation_is_refused_or_has_no_effect() {
    let used = Used::new();
    for file in FILES {
        let intact = fs::read(used.folder.path().join(file)).unwrap();
        // Every byte of the small files; of the sealed state the header, and then every thirteenth.
        let step = if intact.len() > 1000 { 13 } else { 1 };
        for at in (0..intact.len()).filter(|at| *at < 40 || at % step == 0) {
            let damaged = used.copy();
            let path = damaged.path().join(file);
            let mut bytes = intact.clone();
            bytes[at] ^= 0x10;
            fs::write(&path, &bytes).unwrap();
            let opened = used.assert_refused_or_unharmed(damaged.path(), &format!("{file} byte {at}"));
            assert!(!opened || file.ends_with("rpmb.bin"), "{file} byte {at} went unnoticed");
            if at % 7 == 0 {
                let damaged = used.copy();
                fs::write(damaged.path().join(file), &intact[..at]).unwrap();
                let opened = used.assert_refused_or_unharmed(damaged.path(), &format!("{file} cut to {at}"));
                assert!(!opened, "{file} cut to {at} went unnoticed");
            }
        }
    }
}

#[test]
fn a_missing_file_is_refused_or_has_no_effect() {
    let used = Used::new();
    for file in FILES {
        let damaged = used.copy();
        fs::remove_file(damaged.path().join(file)).unwrap();
        let opened = used.assert_refused_or_unharmed(damaged.path(), &format!("{file} missing"));
        assert_eq!(opened, file.starts_with("phones"), "{file}");
    }
}

#[test]
fn an_older_file_is_refused_or_has_no_effect() {
    let mut used = Used::new();
    let mut older: Vec<TempDir> = Vec::new();
    for _ in 0..4 {
        older.push(used.copy());
        used.highest = used.authenticate(used.folder.path()).unwrap().0.counter;
    }
    for (age, copy) in older.iter().rev().enumerate() {
        for file in FILES {
            let mixed = used.copy();
            fs::copy(copy.path().join(file), mixed.path().join(file)).unwrap();
            let opened = used.assert_refused_or_unharmed(mixed.path(), &format!("{file}, {age} runs old"));
            assert!(!(opened && file.ends_with("tee.sealed")), "an older sealed state was accepted");
        }
    }
}

#[test]
fn files_of_another_phone_are_refused() {
    let (used, other) = (Used::new(), Used::new());
    for file in &FILES[NORMAL_WORLD_FILES..] {
        let mixed = used.copy();
        fs::copy(other.folder.path().join(file), mixed.path().join(file)).unwrap();
        assert!(!used.assert_refused_or_unharmed(mixed.path(), &format!("{file} of another phone")));
    }
}

#[test]
fn the_program_refuses_a_damaged_folder_with_two_lines_and_nothing_on_stdout() {
    let state = State::new();
    state.authenticate("before");
    let intact: Vec<(PathBuf, Vec<u8>)> = FILES
        .iter()
        .map(|file| state.path().join(file))
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    for (path, bytes) in &intact {
        let mut damaged = bytes.clone();
        damaged[..64.min(bytes.len())].fill(0);
        let damaged = if path.ends_with("rpmb.bin") { vec![0; bytes.len()] } else { damaged };
        fs::write(path, damaged).unwrap();
        let _ = state.program(["auth", "--challenge", "x", "--touch", "1"]).run().refuses(3);
        fs::write(path, bytes).unwrap();
    }
    state.authenticate("after");
}
