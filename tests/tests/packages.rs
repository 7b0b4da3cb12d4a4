//! What the packages for the Rust package registry hold.

#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What a package holds besides the source: cargo's own files and the licences.
const ALWAYS: [&str; 6] =
    [".cargo_vcs_info.json", "Cargo.lock", "Cargo.toml", "Cargo.toml.orig", "LICENSE-APACHE", "LICENSE-MIT"];
/// The crates that are published, and the files of each that are not Rust. A folder stands for all its files.
const PUBLISHED: [(&str, &[&str]); 7] = [
    ("soter-attack", &["src/application/initial", "src/audit/report/code", "src/audit/report/style.css"]),
    ("soter-bridge", &["page"]),
    ("soter-sim", &["README.md", "src/cli/exec/run_function.cjs", "src/cli/preload/redirect.cjs"]),
    // The emulated CA signs the certificates of emulated devices, and its key is published on purpose.
    ("soter-tee", &["fixtures"]),
    ("soter-text", &["src/zh_CN"]),
    ("soter-wechat", &[]),
    ("soter-wire", &[]),
];

fn cargo(arguments: &[&str]) -> String {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(workspace).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The members of the workspace that may be published, each with its folder.
fn published() -> Vec<(String, PathBuf)> {
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps", "--offline", "--locked"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages =
        metadata["packages"].as_array().unwrap().iter().filter(|package| package["publish"].is_null());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let folder = |manifest: &Value| Path::new(manifest.as_str().unwrap()).parent().unwrap().to_owned();
    let mut published: Vec<_> =
        packages.map(|package| (text(&package["name"]), folder(&package["manifest_path"]))).collect();
    published.sort();
    published
}

fn packed_files(name: &str) -> BTreeSet<String> {
    let listed = cargo(&["package", "--list", "--offline", "--allow-dirty", "--quiet", "--package", name]);
    // Windows separates folders differently.
    listed.lines().map(|line| line.replace('\\', "/")).collect()
}

/// Adds a file, or all files of a folder and the folders in it.
fn add_files(package: &Path, path: &str, files: &mut BTreeSet<String>) {
    match std::fs::read_dir(package.join(path)) {
        Ok(entries) => entries.for_each(|entry| {
            let name = entry.unwrap().file_name();
            add_files(package, &format!("{path}/{}", name.to_str().unwrap()), files);
        }),
        Err(_) => drop(files.insert(path.to_owned())),
    }
}

fn is_source(file: &str) -> bool {
    file.starts_with("src/") && Path::new(file).extension().is_some_and(|extension| extension == "rs")
}

#[test]
fn every_crate_is_published_but_the_tests_from_outside() {
    let names: Vec<_> = published().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, PUBLISHED.map(|(name, _)| name));
}

#[test]
fn a_package_holds_its_source_its_licences_and_the_files_that_it_compiles_in_and_nothing_else() {
    for ((name, folder), (_, others)) in published().into_iter().zip(PUBLISHED) {
        let mut expected: BTreeSet<_> = ALWAYS.map(str::to_owned).into();
        for other in others {
            add_files(&folder, other, &mut expected);
        }
        let (source, rest): (BTreeSet<_>, _) =
            packed_files(&name).into_iter().partition(|file| is_source(file));
        assert_eq!(rest, expected, "{name}");
        assert!(source.contains("src/lib.rs"), "{name}");
    }
}

#[test]
fn a_package_holds_no_tests_and_no_keys_of_tests() {
    for (name, folder) in published() {
        for file in packed_files(&name) {
            let is_test = file
                .split('/')
                .any(|part| part == "tests" || part.ends_with("tests.rs") || part.starts_with("test_"));
            assert!(!is_test, "{name} holds {file}");
            let content = std::fs::read(folder.join(&file)).unwrap_or_default();
            let content = String::from_utf8_lossy(&content);
            // Code that reads or writes PEM has its first line, but no key below it.
            assert!(!content.contains("PRIVATE KEY-----\nMII"), "{name}: {file} holds a private key");
        }
    }
}

#[test]
fn the_licences_of_each_crate_are_those_of_the_workspace() {
    for (name, folder) in published() {
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            let read = |folder: &Path| std::fs::read_to_string(folder.join(licence)).unwrap();
            let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
            assert_eq!(read(&folder), read(&workspace), "{name}");
        }
    }
}

/// Copies a file, or a folder without what is not of the repository.
fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap();
        return;
    }
    for entry in std::fs::read_dir(from).unwrap() {
        let name = entry.unwrap().file_name();
        if name != "node_modules" && name != "target" {
            copy(&from.join(&name), &to.join(&name));
        }
    }
}

#[test]
fn the_container_image_is_built_from_a_whole_workspace() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let ignored = std::fs::read_to_string(workspace.join("packaging/Dockerfile.dockerignore")).unwrap();
    let context = tempfile::tempdir().unwrap();
    for path in ignored.lines().filter_map(|line| line.strip_prefix('!')) {
        match path.strip_suffix('*') {
            None => copy(&workspace.join(path), &context.path().join(path)),
            Some(beginning) => {
                for entry in std::fs::read_dir(&workspace).unwrap() {
                    let name = entry.unwrap().file_name().into_string().unwrap();
                    if name.starts_with(beginning) {
                        copy(&workspace.join(&name), &context.path().join(&name));
                    }
                }
            }
        }
    }
    let built = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--locked"])
        .current_dir(context.path())
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    assert!(context.path().join(".cargo/config.toml").is_file(), "it says how SQLite is built");
}
