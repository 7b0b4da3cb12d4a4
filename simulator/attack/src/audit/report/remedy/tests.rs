//! Tests of the code in reports: each file is valid in its language, where that language's tools are installed.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::catalogue::catalogue;

/// Jackson's types that the code uses, so that the compiler checks the rest.
const JACKSON: [(&str, &str); 4] = [
    (
        "com/fasterxml/jackson/core/JsonParser.java",
        "package com.fasterxml.jackson.core; public class JsonParser { public enum Feature { STRICT_DUPLICATE_DETECTION } }",
    ),
    (
        "com/fasterxml/jackson/databind/DeserializationFeature.java",
        "package com.fasterxml.jackson.databind; public enum DeserializationFeature { FAIL_ON_TRAILING_TOKENS }",
    ),
    (
        "com/fasterxml/jackson/databind/JsonNode.java",
        "package com.fasterxml.jackson.databind; public abstract class JsonNode { public abstract JsonNode path(String name); public abstract boolean isTextual(); public abstract boolean isIntegralNumber(); public abstract boolean canConvertToLong(); public abstract long longValue(); }",
    ),
    (
        "com/fasterxml/jackson/databind/ObjectMapper.java",
        "package com.fasterxml.jackson.databind; import com.fasterxml.jackson.core.JsonParser; public class ObjectMapper { public ObjectMapper enable(JsonParser.Feature feature) { return this; } public ObjectMapper enable(DeserializationFeature feature) { return this; } public JsonNode readTree(String text) throws java.io.IOException { return null; } }",
    ),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/audit/report/code")
}

/// The files of the remedies in a language.
fn files(extension: &str) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    files.sort();
    files
}

/// Runs a tool, unless it is not installed; then says so.
fn succeeds(command: &mut Command) {
    match command.output() {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&text));
        }
        Err(error) => {
            println!("{:?} is not here, so its code is not checked: {error}", command.get_program());
        }
    }
}

#[test]
fn every_kind_has_a_background_and_code_in_four_languages() {
    let kinds: HashSet<Kind> = catalogue().map(|attack| attack.kind).collect();
    let mut used = Vec::new();
    for kind in kinds {
        assert!(kind.background().ends_with('.') && kind.background().len() > 80, "{kind:?}");
        let remedy = kind.remedy();
        used.push(remedy);
        assert!(remedy.title().len() > 20, "{remedy:?}");
        for Code { language, text } in remedy.code() {
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or_default();
            assert!(
                text.ends_with('\n') && text.lines().count() >= 4 && widest <= 128,
                "{remedy:?} {language:?} {widest}"
            );
        }
    }
    used.sort();
    used.dedup();
    for extension in ["mjs", "py", "java", "go"] {
        assert_eq!(files(extension).len(), used.len(), "{extension}");
    }
}

#[test]
fn the_code_for_node_and_python_can_be_parsed() {
    for file in files("mjs") {
        succeeds(Command::new("node").arg("--check").arg(file));
    }
    // Without files of bytecode next to the source.
    let parse =
        "import ast, sys; [ast.parse(open(name, encoding='utf-8').read(), name) for name in sys.argv[1:]]";
    succeeds(Command::new("python3").args(["-c", parse]).args(files("py")));
}

#[test]
fn the_code_for_java_compiles() {
    let out = tempfile::tempdir().unwrap();
    let mut sources = files("java");
    for (name, text) in JACKSON {
        let path = out.path().join("jackson").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        sources.push(path);
    }
    let classes = out.path().join("classes");
    succeeds(
        Command::new("javac")
            .args(["-encoding", "UTF-8", "--release", "17", "-d"])
            .arg(classes)
            .args(sources),
    );
}

#[test]
fn the_code_for_go_is_formatted_and_vetted() {
    if let Ok(output) = Command::new("gofmt").arg("-l").args(files("go")).output() {
        assert!(
            output.status.success() && output.stdout.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
    let cache = tempfile::tempdir().unwrap();
    let mut vet = Command::new("go");
    vet.arg("vet").args(files("go")).env("GO111MODULE", "off").env("CGO_ENABLED", "0");
    if std::env::var_os("HOME").is_none() {
        vet.env("GOCACHE", cache.path());
    }
    succeeds(&mut vet);
}
