//! The JSON schema of an audit's description takes every description of this repository, and refuses wrong ones.
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::fs;
use std::path::PathBuf;

use jsonschema::Validator;
use serde_json::Value;
use soter_attack::{Application, Shape, description_schema};
use soter_bridge::toml_file;
use soter_tests::Program;
use tempfile::TempDir;

fn schema() -> Validator {
    jsonschema::draft7::new(&description_schema()).unwrap()
}

/// Why the schema refuses a description; `None`: it takes it.
fn refusal(schema: &Validator, text: &str) -> Option<String> {
    let description: Value = toml_file::parse(text).unwrap();
    schema.validate(&description).err().map(|error| format!("{error} at {}", error.instance_path()))
}

/// The descriptions of this repository, with their names.
fn descriptions() -> Vec<(String, String)> {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let blind = fs::read_dir(tests.join("backends/blind")).unwrap();
    let files = blind.map(|entry| entry.unwrap().path().join("audit.toml")).filter(|file| file.is_file());
    let files = files.chain([tests.join("../host-bridge/examples/audit.toml")]);
    let read = |file: PathBuf| (file.display().to_string(), fs::read_to_string(&file).unwrap());
    let initial =
        Shape::ALL.into_iter().map(|shape| (shape.name().to_owned(), shape.description().to_owned()));
    files.map(read).chain(initial).collect()
}

#[test]
fn every_description_of_this_repository_fits() {
    let schema = schema();
    let descriptions = descriptions();
    assert!(descriptions.len() >= 30, "only {} descriptions are there", descriptions.len());
    for (name, text) in &descriptions {
        Application::read(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(refusal(&schema, text), None, "{name}");
    }
}

#[test]
fn what_the_program_refuses_the_schema_refuses_at_its_place() {
    let schema = schema();
    let valid = Shape::Session.description();
    for (from, to, place) in [
        ("[result.success]", "[result.sucess]", "/result"),
        ("url = \"http", "uri = \"http", "at "),
        ("url = \"/orders/{{order}}/pay\"", "url = 7", "/result/request/url"),
        ("session = \"/session\"", "session = \"session\"", "/login/values/session"),
        ("session = \"/session\"", "session = { heder = \"A\" }", "/login/values/session"),
        ("session = \"/session\"", "session = {}", "/login/values/session"),
        ("status = 200", "status = \"200\"", "/result/success/status"),
        ("[login.request]", "[login]\nuntil = { within = 3600 }\n[login.request]", "/login/until/within"),
        ("[login.request]", "[login]\ncommand = [\"x\"]\n[login.request]", "/login"),
        (
            "[login.request]",
            "[[login.computed]]\nname = \"s\"\ntext = \"t\"\nhash = \"crc\"\n[login.request]",
            "/login/computed/0/hash",
        ),
    ] {
        let wrong = valid.replacen(from, to, 1);
        assert_ne!(wrong, valid, "{from}");
        assert!(Application::read(&wrong).is_err(), "{to}");
        let refusal = refusal(&schema, &wrong);
        assert!(refusal.as_ref().is_some_and(|refusal| refusal.contains(place)), "{to}: {refusal:?}");
    }
}

#[test]
fn every_field_says_what_it_is() {
    let schema = description_schema();
    let own = schema["properties"].as_object().unwrap();
    let definitions = schema["definitions"].as_object().unwrap();
    let parts = definitions.values().filter_map(|part| part["properties"].as_object());
    for (name, field) in own.iter().chain(parts.flatten()) {
        assert!(field["description"].as_str().is_some_and(|text| !text.contains("[`")), "{name}: {field}");
    }
}

#[test]
fn the_schema_is_printed_or_written_beside_a_new_description_that_names_it() {
    let printed = Program::new(["audit", "--schema"]).run().exits(0);
    assert_eq!(serde_json::from_str::<Value>(&printed.stdout).unwrap(), description_schema());
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mine.toml");
    let init = Program::new(["audit", "--schema", "--shape", "async", "--init"]).arguments([&path]);
    assert!(init.run().exits(0).stdout.contains("soter-audit.schema.json"));
    let text = fs::read_to_string(&path).unwrap();
    let named = text.lines().next().unwrap().strip_prefix("#:schema ./").unwrap();
    assert_eq!(text.split_once('\n').unwrap().1, Shape::Async.description());
    let written: Value = serde_json::from_slice(&fs::read(folder.path().join(named)).unwrap()).unwrap();
    assert_eq!(written, description_schema());
    let without = folder.path().join("without.toml");
    let _ = Program::new(["audit", "--init"]).arguments([&without]).run().exits(0);
    assert!(!fs::read_to_string(&without).unwrap().contains("#:schema"));
}
