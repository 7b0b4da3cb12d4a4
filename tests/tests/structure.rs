//! What the architecture notes promise about the source: which crate may use which, and that no two files need each
//! other.

#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use serde_json::Value;

/// Each crate, where its source is, and the crates of the workspace that it may use, outside tests.
const CRATES: [(&str, &str, &[&str]); 7] = [
    ("soter-text", "tee/text/src", &[]),
    ("soter-wire", "tee/wire/src", &["soter-text"]),
    ("soter-tee", "tee/src", &["soter-text", "soter-wire"]),
    ("soter-wechat", "host-bridge/wechat/src", &["soter-text", "soter-wire"]),
    ("soter-bridge", "host-bridge/src", &["soter-text", "soter-wechat", "soter-wire"]),
    (
        "soter-attack",
        "simulator/attack/src",
        &["soter-bridge", "soter-tee", "soter-text", "soter-wechat", "soter-wire"],
    ),
    (
        "soter-sim",
        "simulator/src",
        &["soter-attack", "soter-bridge", "soter-tee", "soter-text", "soter-wechat", "soter-wire"],
    ),
];
/// What only the attacker uses: an HTTP client, its cookies, and reports for machines.
const ATTACKERS_LIBRARIES: [&str; 3] = ["cookie_store", "quick-junit", "reqwest"];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What each crate of the workspace uses outside tests, by name: the features that it asks for.
fn dependencies() -> BTreeMap<String, BTreeMap<String, Value>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--locked"])
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let used = |package: &Value| {
        let normal = package["dependencies"].as_array().unwrap().iter().filter(|used| used["kind"].is_null());
        normal.map(|used| (text(&used["name"]), used["features"].clone())).collect()
    };
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(|package| (text(&package["name"]), used(package))).collect()
}

#[test]
fn crates_use_one_another_as_the_architecture_says() {
    let dependencies = dependencies();
    for (name, _, allowed) in CRATES {
        let mut ours = dependencies[name].keys().filter(|used| used.starts_with("soter-"));
        assert_eq!(ours.find(|used| !allowed.contains(&used.as_str())), None, "{name}");
    }
}

#[test]
fn only_the_attacker_uses_raw_rsa_and_the_http_client() {
    let dependencies = dependencies();
    for (name, _, _) in CRATES.iter().filter(|(name, _, _)| *name != "soter-attack") {
        for library in ATTACKERS_LIBRARIES {
            assert!(!dependencies[*name].contains_key(library), "{name} uses {library}");
        }
        let is_raw = |features: &Value| features.as_array().unwrap().contains(&Value::from("hazmat"));
        assert!(!dependencies[*name].get("rsa").is_some_and(is_raw), "{name} uses raw RSA");
    }
    assert!(!dependencies["soter-sim"].contains_key("rsa"));
}

#[test]
fn no_two_files_of_a_crate_need_each_other() {
    for (name, source, _) in CRATES {
        for root in ["lib.rs", "main.rs"] {
            let source = workspace().join(source);
            if source.join(root).exists() {
                let modules = Modules::read(&source, root);
                assert!(modules.0.len() > 3, "{name} has more files than that");
                if let Some(cycle) = modules.cycle() {
                    panic!("{name}, {root}: {}", cycle.join(" needs "));
                }
            }
        }
    }
}

#[test]
fn the_crates_that_hold_private_keys_do_not_log() {
    let dependencies = dependencies();
    for name in ["soter-tee", "soter-wire"] {
        assert!(!dependencies[name].keys().any(|used| used.starts_with("tracing")), "{name} logs");
    }
}

/// The comment that lets a file ignore what `write!` returns.
const STRINGS_ARE_WRITTEN: &str = "// Writing to a `String` does not fail";

#[test]
fn every_ignored_result_has_a_comment_that_says_why() {
    for (_, source, _) in CRATES {
        let source = workspace().join(source);
        let mut files = BTreeMap::new();
        find_files(&source, &ModulePath::new(), &mut files);
        for file in files.values() {
            let text = fs::read_to_string(file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            let writes_strings = code.contains(STRINGS_ARE_WRITTEN);
            let lines: Vec<_> = code.lines().map(str::trim).collect();
            for (index, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("let _ =")) {
                let is_explained = index > 0 && lines[index - 1].starts_with("//");
                let is_string = writes_strings && line.starts_with("let _ = write");
                assert!(is_explained || is_string, "{}:{}: {line}", file.display(), index + 1);
            }
        }
    }
}

/// A module's path in its crate; the root's is empty.
type ModulePath = Vec<String>;

/// The files of a crate, tests left out, each with the modules that it needs.
struct Modules(BTreeMap<ModulePath, BTreeSet<ModulePath>>);

impl Modules {
    fn read(source: &Path, root: &str) -> Self {
        let mut files = BTreeMap::from([(ModulePath::new(), source.join(root))]);
        find_files(source, &ModulePath::new(), &mut files);
        let paths: BTreeSet<ModulePath> = files.keys().cloned().collect();
        let needs = |(module, file): (&ModulePath, &PathBuf)| {
            let text = fs::read_to_string(file).unwrap();
            let mut names = Names { paths: &paths, module: module.clone(), needed: BTreeSet::new() };
            names.read(text.parse().unwrap());
            names.needed.remove(module);
            (module.clone(), names.needed)
        };
        Self(files.iter().map(needs).collect())
    }

    /// Files that need each other in a cycle, with the first one again at the end.
    fn cycle(&self) -> Option<Vec<String>> {
        self.0.keys().find_map(|start| {
            let mut predecessors: BTreeMap<&ModulePath, &ModulePath> = BTreeMap::new();
            let mut next = vec![start];
            while let Some(module) = next.pop() {
                for needed in &self.0[module] {
                    if needed == start {
                        let back = std::iter::successors(Some(module), |at| predecessors.get(at).copied());
                        let mut cycle: Vec<_> = back.map(shown).collect();
                        cycle.reverse();
                        cycle.push(shown(start));
                        return Some(cycle);
                    }
                    if !predecessors.contains_key(needed) {
                        predecessors.insert(needed, module);
                        next.push(needed);
                    }
                }
            }
            None
        })
    }
}

fn shown(module: &ModulePath) -> String {
    format!("`crate::{}`", module.join("::"))
}

/// The files below a folder, by their modules.
fn find_files(folder: &Path, module: &ModulePath, files: &mut BTreeMap<ModulePath, PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let is_test = name == "tests" || name.starts_with("test_") || name.ends_with("_tests");
        if is_test || (module.is_empty() && ["lib", "main"].contains(&name.as_str())) {
            continue;
        }
        let below = [module.as_slice(), &[name]].concat();
        if path.is_dir() {
            find_files(&path, &below, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.insert(below, path);
        }
    }
}

/// Collects the modules to which the names in a file refer.
struct Names<'a> {
    paths: &'a BTreeSet<ModulePath>,
    /// The module of the names that are being read; modules may be nested within a file.
    module: ModulePath,
    needed: BTreeSet<ModulePath>,
}

impl Names<'_> {
    fn read(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut rest = tokens.as_slice();
        while let Some((first, after)) = rest.split_first() {
            rest = match first {
                TokenTree::Punct(punct) if punct.as_char() == '#' => self.after_attribute(after),
                TokenTree::Ident(word) if word == "use" => self.read_use(after),
                TokenTree::Ident(word) if word == "mod" => self.read_module(after),
                // `pub(in crate::…)` only limits the visibility, and needs nothing.
                TokenTree::Ident(word) if word == "pub" => match after {
                    [TokenTree::Group(group), after @ ..] if group.delimiter() == Delimiter::Parenthesis => {
                        after
                    }
                    _ => after,
                },
                TokenTree::Ident(_) => {
                    let (name, after) = path(rest);
                    self.add(&name);
                    after
                }
                TokenTree::Group(group) => {
                    self.read(group.stream());
                    after
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => after,
            };
        }
    }

    /// Skips an item that is only compiled for tests.
    fn after_attribute<'t>(&mut self, rest: &'t [TokenTree]) -> &'t [TokenTree] {
        let [TokenTree::Group(attribute), after @ ..] = rest else { return rest };
        if attribute.stream().to_string().replace(' ', "") != "cfg(test)" {
            self.read(attribute.stream());
            return after;
        }
        let is_end = |token: &TokenTree| match token {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            _ => false,
        };
        after.iter().position(is_end).map_or(&[], |end| &after[end + 1..])
    }

    fn read_module<'t>(&mut self, rest: &'t [TokenTree]) -> &'t [TokenTree] {
        let [TokenTree::Ident(name), TokenTree::Group(content), after @ ..] = rest else { return rest };
        self.module.push(name.to_string());
        self.read(content.stream());
        self.module.pop();
        after
    }

    fn read_use<'t>(&mut self, rest: &'t [TokenTree]) -> &'t [TokenTree] {
        let is_end = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ';');
        let end = rest.iter().position(is_end).unwrap_or(rest.len());
        self.add_tree(&[], &rest[..end]);
        &rest[end..]
    }

    /// Adds `a::{b, c::d as e}`.
    fn add_tree(&mut self, before: &[String], tree: &[TokenTree]) {
        for part in tree.split(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',')) {
            let (name, after) = path(part);
            let name = [before, name.as_slice()].concat();
            match after.iter().find_map(|token| match token {
                TokenTree::Group(group) => Some(group.stream().into_iter().collect::<Vec<_>>()),
                _ => None,
            }) {
                Some(group) => self.add_tree(&name, &group),
                None => self.add(&name),
            }
        }
    }

    fn add(&mut self, name: &[String]) {
        let mut module = match name.first().map(String::as_str) {
            Some("crate") => ModulePath::new(),
            Some("self" | "super") if name.len() > 1 => self.module.clone(),
            // A module below this one may be named directly.
            Some(first) if name.len() > 1 => {
                let below = [self.module.as_slice(), &[first.to_owned()]].concat();
                if !self.paths.contains(&below) {
                    return;
                }
                self.module.clone()
            }
            _ => return,
        };
        for segment in name {
            match segment.as_str() {
                "crate" | "self" => {}
                "super" => drop(module.pop()),
                _ => module.push(segment.clone()),
            }
        }
        while !self.paths.contains(&module) {
            module.pop();
        }
        self.needed.insert(module);
    }
}

/// The path at the beginning of the tokens, and the tokens after it. A `::` at the end belongs to the path.
fn path(tokens: &[TokenTree]) -> (Vec<String>, &[TokenTree]) {
    let (mut name, mut rest) = (Vec::new(), tokens);
    while let [TokenTree::Ident(segment), after @ ..] = rest {
        name.push(segment.to_string());
        rest = match after {
            [TokenTree::Punct(one), TokenTree::Punct(two), after @ ..]
                if one.as_char() == ':' && two.as_char() == ':' =>
            {
                after
            }
            _ => return (name, after),
        };
    }
    (name, rest)
}
