//! `soter-sim vectors`: every claim of the manifest is true, and the folder has no file that it does not name.

#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use serde_json::Value;
use soter_tests::{Callback, Program, State};
use soter_wire::{
    CertificateChain, ExportBlob, KeyJson, PROFILES, PublicKey, ResultJson, SignatureScheme, base64,
};

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

/// The first check that refuses a case, as a careful verifier finds it.
fn refused_by(set: &Set, case: &Value) -> Option<&'static str> {
    let salt = |length: &Value| -> SignatureScheme { serde_json::from_value(length.clone()).unwrap() };
    let is_signed = |key: &PublicKey, scheme, part: &Value| {
        key.verify(scheme, &set.bytes(&part["json"]), &set.bytes(&part["signature"])).is_ok()
    };
    let (ask, attk) = (&case["ask"], PublicKey::from_pem(&set.text(&case["attk"])).unwrap());
    let ask_key = PublicKey::from_pem(&set.text(&ask["key"])).unwrap();
    let ask_is_genuine = if ask["signature"].is_null() {
        let chain = CertificateChain::decode(&set.bytes(&ask["json"])).unwrap().verify();
        chain.is_ok_and(|chain| {
            assert_eq!(
                (chain.ask, &*chain.challenge.cpu_id, &*chain.challenge.uid, chain.challenge.counter),
                (
                    ask_key.clone(),
                    ask["cpuId"].as_str().unwrap(),
                    ask["uid"].as_str().unwrap(),
                    ask["counter"].as_u64().unwrap()
                )
            );
            chain.device_key == attk
        })
    } else {
        let export = KeyJson::decode(&set.bytes(&ask["json"])).unwrap();
        assert_eq!((&export.public_key, &*export.cpu_id), (&ask_key, ask["cpuId"].as_str().unwrap()));
        assert_eq!(
            (&*export.uid, export.counter),
            (ask["uid"].as_str().unwrap(), ask["counter"].as_u64().unwrap())
        );
        assert_eq!(export.scheme(), salt(&ask["saltLength"]));
        is_signed(&attk, export.scheme(), ask)
    };
    assert_eq!(ask["verified"], ask_is_genuine, "{case}");
    if !ask_is_genuine {
        return Some("ask");
    }
    if !is_signed(&ask_key, salt(&ask["saltLength"]), &case["authKey"]) {
        return Some("auth-key-signature");
    }
    let Ok(auth_key) = KeyJson::decode(&set.bytes(&case["authKey"]["json"])) else {
        return Some("auth-key-strength");
    };
    if ask["cpuId"] != *auth_key.cpu_id || ask["uid"] != *auth_key.uid {
        return Some("auth-key-owner");
    }
    if auth_key.counter <= ask["counter"].as_u64().unwrap() {
        return Some("auth-key-counter");
    }
    if !is_signed(&auth_key.public_key, auth_key.scheme(), &case["result"]) {
        return Some("result-signature");
    }
    let result = ResultJson::decode(&set.bytes(&case["result"]["json"])).unwrap();
    let checks = [
        ("result-salt", result.scheme() == auth_key.scheme()),
        ("result-owner", result.cpu_id == auth_key.cpu_id && result.uid == auth_key.uid),
        ("challenge", case["challenge"] == *result.raw),
        ("counter", result.counter > case["highestCounter"].as_u64().unwrap()),
    ];
    checks.into_iter().find_map(|(check, holds)| (!holds).then_some(check))
}

#[test]
fn a_careful_verifier_accepts_and_refuses_the_cases_as_the_manifest_says() {
    for profile in PROFILES {
        let set = Set::write(&["--profile", profile.name]);
        let mut refusing = BTreeSet::new();
        let mut names = BTreeSet::new();
        for case in set.rows("cases") {
            let check = refused_by(&set, case);
            assert_eq!(case["refusedBy"].as_str(), check, "{}: {case}", profile.name);
            assert_eq!(case["valid"], check.is_none(), "{case}");
            refusing.extend(check);
            assert!(names.insert(case["name"].as_str().unwrap()), "{case}");
        }
        assert_eq!(refusing.len(), 10, "every check refuses a case: {refusing:?}");
        assert!(set.rows("cases").iter().filter(|case| case["valid"] == true).count() >= 2);
        let help = Program::new(["vectors", "--help"]).run().exits(0).stdout;
        let readme = fs::read_to_string(set.state.path().join("README.txt")).unwrap();
        for check in refusing {
            assert!(readme.contains(&format!("\n    {check} ")), "{check} is not in README.txt");
        }
        for member in set.rows("cases")[0].as_object().unwrap().keys() {
            let is_plain = ["name", "description"].contains(&&**member);
            assert!(is_plain || help.contains(&format!("`{member}`")), "{member} is not in the help");
            assert!(is_plain || readme.contains(member), "{member} is not in README.txt");
        }
    }
}

#[test]
fn the_wrong_salt_of_a_case_is_the_other_one_that_phones_use() {
    for (profile, wrong) in [("trustonic", 32), ("itrustee", 20)] {
        let set = Set::write(&["--profile", profile]);
        let case = set.rows("cases").iter().find(|case| case["name"] == "result-at-another-salt").unwrap();
        let auth_key = KeyJson::decode(&set.bytes(&case["authKey"]["json"])).unwrap();
        let (json, signature) = (set.bytes(&case["result"]["json"]), set.bytes(&case["result"]["signature"]));
        assert_eq!(auth_key.public_key.find_pss_salt_length(&json, &signature), Some(wrong));
    }
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
