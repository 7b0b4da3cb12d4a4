//! `soter-sim vectors`: every claim of the manifest is true, and the folder has no file that it does not name.

#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use serde_json::Value;
use soter_tests::{Callback, Program, State};
use soter_wire::{CertificateChain, ExportBlob, PROFILES, PublicKey, ResultJson, SignatureScheme, base64};

/// Where a set was written, and its manifest.
struct Set {
    state: State,
    manifest: Value,
}

impl Set {
    fn write(arguments: &[&str]) -> Self {
        let state = State::new();
        let _ = Program::new(["vectors"]).arguments([state.path()]).arguments(arguments).run().exits(0);
        let manifest = fs::read(state.path().join("manifest.json")).unwrap();
        Self { manifest: serde_json::from_slice(&manifest).unwrap(), state }
    }

    fn bytes(&self, name: &Value) -> Vec<u8> {
        fs::read(self.state.path().join(name.as_str().unwrap())).unwrap()
    }

    fn text(&self, name: &Value) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    fn rows(&self, name: &str) -> &[Value] {
        self.manifest[name].as_array().unwrap()
    }
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn every_claim_of_the_manifest_holds() {
    for profile in PROFILES {
        let set = Set::write(&["--profile", profile.name]);
        assert!(set.rows("checks").len() >= 6, "{}", profile.name);
        for check in set.rows("checks") {
            let key = PublicKey::from_pem(&set.text(&check["key"])).unwrap();
            let json = set.bytes(&check["json"]);
            let signature = set.bytes(&check["signature"]);
            let scheme: SignatureScheme = serde_json::from_value(check["saltLength"].clone()).unwrap();
            assert_eq!(key.verify(scheme, &json, &signature), Ok(()), "{check}");
            assert_eq!(scheme, profile.scheme);
            assert_eq!(base64::decode(set.text(&check["signatureBase64"]).trim_end()).unwrap(), signature);
        }
    }
}

#[test]
fn the_manifest_names_every_file_and_no_other() {
    let set = Set::write(&["--profile", "itrustee"]);
    let named: BTreeSet<_> =
        set.rows("files").iter().map(|file| file["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(named, names_in(set.state.path()));
    assert!(named.contains("README.txt"));
    for file in set.rows("files") {
        assert!(!file["description"].as_str().unwrap().is_empty(), "{file}");
    }
}

#[test]
fn results_cover_challenges_that_are_hard_to_transport() {
    let set = Set::write(&[]);
    let raws: Vec<_> = set
        .rows("checks")
        .iter()
        .filter_map(|check| ResultJson::decode(&set.bytes(&check["json"])).ok())
        .map(|result| result.raw)
        .collect();
    let some = |what: fn(&String) -> bool| raws.iter().any(what);
    assert!(some(|raw| raw.contains('"')), "{raws:?}");
    assert!(some(|raw| raw.chars().any(|character| character > '\u{ffff}')), "{raws:?}");
}

#[test]
fn export_blobs_and_callbacks_contain_the_bytes_of_their_parts() {
    let set = Set::write(&[]);
    let mut compared = 0;
    for name in names_in(set.state.path()) {
        let part = |ending: &str| fs::read(set.state.path().join(ending)).unwrap();
        if let Some(stem) = name.strip_suffix(".export") {
            let blob = ExportBlob::decode(&part(&name)).unwrap();
            assert_eq!(blob.json, part(&format!("{stem}.json")));
            assert_eq!(blob.signature, part(&format!("{stem}.sig")));
            compared += 1;
        } else if let Some(stem) = name.strip_suffix(".callback.json") {
            let callback = Callback::read(&serde_json::from_slice(&part(&name)).unwrap());
            assert_eq!(callback.result_json.as_bytes(), part(&format!("{stem}.json")));
            assert_eq!(callback.signature_bytes(), part(&format!("{stem}.sig")));
            compared += 1;
        }
    }
    assert!(compared >= 6);
}

#[test]
fn a_set_with_a_chain_has_its_certificates_as_files() {
    let set = Set::write(&["--profile", "itrustee"]);
    let chains: Vec<_> = set
        .rows("files")
        .iter()
        .filter(|file| file["name"].as_str().unwrap().ends_with("ask.json"))
        .map(|file| CertificateChain::decode(&set.bytes(&file["name"])).unwrap())
        .collect();
    assert!(!chains.is_empty());
    for chain in &chains {
        assert!(chain.verify().is_ok());
    }
    let certificates: usize = chains.iter().map(|chain| chain.certificates.len()).sum();
    assert_eq!(set.rows("certificates").len(), certificates);
    for certificate in set.rows("certificates") {
        assert!(
            set.text(&certificate["certificate"]).starts_with("-----BEGIN CERTIFICATE-----"),
            "{certificate}"
        );
    }
}

#[test]
fn a_seed_reproduces_the_set() {
    let [first, second] = [(); 2].map(|()| Set::write(&["--seed", "demo"]));
    let names = names_in(first.state.path());
    assert_eq!(names, names_in(second.state.path()));
    for name in names {
        let read = |set: &Set| fs::read(set.state.path().join(&name)).unwrap();
        assert!(read(&first) == read(&second), "{name} differs");
    }
}

#[test]
fn a_folder_that_is_not_empty_is_unchanged_without_force() {
    let state = State::new();
    let precious = state.path().join("precious");
    fs::write(&precious, "mine").unwrap();
    let vectors = || Program::new(["vectors"]).arguments([state.path()]);
    let refused = vectors().run().refuses(2);
    assert!(refused.stderr.contains("--force"), "{refused}");
    assert_eq!(names_in(state.path()), BTreeSet::from(["precious".to_owned()]));

    let _ = vectors().arguments(["--force"]).run().exits(0);
    assert!(state.path().join("manifest.json").exists());
    assert_eq!(fs::read_to_string(precious).unwrap(), "mine");
}

#[test]
fn vectors_are_not_written_to_a_state_folder_even_with_force() {
    let state = State::new();
    let _ = state.authenticate("a");
    let folder = state.path().as_os_str();
    let arguments = [OsStr::new("vectors"), folder, OsStr::new("--force")];
    let _ = Program::new(arguments).run().refuses(2);
    assert!(!state.path().join("manifest.json").exists());
}

#[test]
fn a_folder_that_cannot_be_created_is_an_environment_error() {
    let state = State::new();
    let file = state.path().join("file");
    fs::write(&file, "").unwrap();
    let _ = Program::new(["vectors"]).arguments([file.join("below")]).run().refuses(3);
}

#[test]
fn the_commands_in_the_readme_of_a_set_name_existing_files() {
    let set = Set::write(&[]);
    let readme = fs::read_to_string(set.state.path().join("README.txt")).unwrap();
    let command = readme.lines().find(|line| line.trim().starts_with("soter-sim verify")).unwrap();
    let files: Vec<_> = command.split_whitespace().filter(|word| word.contains('.')).collect();
    assert_eq!(files.len(), 3, "{command}");
    for file in files {
        assert!(set.state.path().join(file).exists(), "{file}");
    }
}
