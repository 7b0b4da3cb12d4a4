//! The paths of WeChat's servers as an OpenAPI document, for clients, mock servers and contract tests.
//!
//! The format is OpenAPI 3.0.3: every tool that was tried reads it (`simulator/docs/sdks.md`), some generators of code do
//! not read 3.1, and nothing here needs more. Nothing here is a list of its own: paths, methods and purposes are those of the table of
//! paths, parameters those that the handlers read, schemas those of the types that they answer, and texts of errcodes
//! those of the table of codes. What is missing for a new path does not compile.
//!
//! The document knows nothing of the server's accounts. Its examples have those that an emulator has without a configuration.

mod answers;
mod requests;

use std::sync::LazyLock;

use schemars::Schema;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::RecursiveTransform;
use serde_json::{Map, Value, json};

use crate::answer::{Errcode, REASON_HEADER};
use crate::hosts::{API_HOSTS, CLOUD_HOSTS};
use crate::parameter::TOKEN_NAMES;
use crate::paths::{OWN_PREFIX, PathOwner, WeChatPath};
use crate::reasons::Reason;

use self::answers::response;
use self::requests::{Operation, operations};

/// Stands for the server's address until it is known. A name that cannot exist (RFC 2606).
const ADDRESS: &str = "http://emulator.invalid";

const API_TAG: &str = "WeChat";
const CLOUD_TAG: &str = "WeChat's cloud";

/// The document as JSON, for a server at this address, such as `http://127.0.0.1:8777`. It has about 90 KB and is generated
/// once.
pub fn open_api_document(address: &str) -> String {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| generate().to_string());
    let quoted = Value::from(address).to_string();
    DOCUMENT.replace(ADDRESS, quoted.get(1..quoted.len() - 1).unwrap_or_default())
}

fn generate() -> Value {
    let settings = SchemaSettings::openapi3().for_serialize();
    let mut generator =
        settings.with_transform(RecursiveTransform(remove_format_of_unsigned)).into_generator();
    let mut paths = Map::new();
    for path in documented_paths() {
        paths.insert(path.path().to_owned(), path_item(path, &mut generator));
    }
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "WeChat's servers around SOTER, emulated by soter-sim",
            "version": env!("CARGO_PKG_VERSION"),
            "description": description(),
        },
        "servers": servers(&format!("https://{}", API_HOSTS[0])),
        "tags": [tag_object(API_TAG, &API_HOSTS), tag_object(CLOUD_TAG, &CLOUD_HOSTS)],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "headers": {REASON_HEADER.as_str(): reason_header()},
            "securitySchemes": Map::from_iter(TOKEN_NAMES.map(|name| (name.to_owned(), security_scheme(name)))),
        },
    })
}

/// OpenAPI knows the formats of signed numbers alone.
fn remove_format_of_unsigned(schema: &mut Schema) {
    let format = schema.get("format").and_then(Value::as_str);
    if format.is_some_and(|format| format.starts_with("uint")) {
        schema.remove("format");
    }
}

/// The paths of the real servers: clients are not generated for the project's own.
fn documented_paths() -> impl Iterator<Item = WeChatPath> {
    WeChatPath::ALL.iter().copied().filter(|path| path.owner() != PathOwner::SoterSim)
}

/// A tool that takes the first server must reach the emulator.
fn servers(real: &str) -> Value {
    json!([
        {"url": ADDRESS, "description": "The emulator that made this document"},
        {"url": real, "description": "The real servers: they know no emulated account, code or phone"},
    ])
}

fn path_item(path: WeChatPath, generator: &mut SchemaGenerator) -> Value {
    let mut item = Map::new();
    if path.owner() == PathOwner::Cloud {
        // The oldest SDKs' hosts come first.
        item.insert("servers".to_owned(), servers(&format!("https://{}", CLOUD_HOSTS[2])));
    }
    for operation in operations(path) {
        item.insert(operation.verb.to_owned(), operation_object(path, operation, generator));
    }
    Value::Object(item)
}

fn operation_object(path: WeChatPath, operation: Operation, generator: &mut SchemaGenerator) -> Value {
    let mut object = Map::new();
    let mut insert = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
    insert("operationId", format!("{}{}", operation.verb, path.name()).into());
    insert("summary", path.purpose().into());
    insert("description", operation.description.into());
    insert("tags", json!([if path.owner() == PathOwner::Cloud { CLOUD_TAG } else { API_TAG }]));
    if operation.needs_token {
        insert("security", Value::from_iter(TOKEN_NAMES.map(|name| json!({name: []}))));
    }
    insert("parameters", operation.query.into());
    if let Some(body) = operation.body {
        insert("requestBody", body);
    }
    insert("responses", json!({"200": response(path, &operation.errcodes, generator)}));
    Value::Object(object)
}

fn tag_object(name: &str, hosts: &[&str]) -> Value {
    json!({"name": name, "description": format!("Paths of {}.", hosts.join(", "))})
}

fn security_scheme(name: &str) -> Value {
    let of = if name == TOKEN_NAMES[0] {
        "An access token"
    } else {
        "The same under its name in WeChat Cloud Run"
    };
    json!({"type": "apiKey", "in": "query", "name": name, "description": format!(
        "{of}, from {} or {}. {}",
        WeChatPath::Token.path(), WeChatPath::StableToken.path(),
        "With `--cloudrun`, the emulator answers requests without one for its first mini program.",
    )})
}

fn reason_header() -> Value {
    json!({
        "description": format!(
            "The emulator's own, which the real servers do not have: why it has answered so. `errcode-` with the number, or one of {}.",
            Reason::ALL.iter().map(|reason| format!("`{reason}`")).collect::<Vec<_>>().join(", "),
        ),
        "schema": {"type": "string"},
        "example": Reason::Valid,
    })
}

fn description() -> String {
    let general = |errcode: Errcode| format!("{} (`{}`)", errcode.code(), errcode.name());
    format!(
        "The status is 200 for errors as well: an error is an `errcode` other than 0, with its text in `errmsg` and an id (`rid`) behind it. \
        Each operation lists the errcodes that it answers. Another method than the listed ones gets {} or {}, except from calls of cloud \
        functions, whose errors have a `code`. A path of two or more parts that is not emulated gets {}, unless it begins with `{OWN_PREFIX}` or as \
        another path of the emulator. A person at the emulator can let any path fail with any errcode of `soter-sim explain`. \
        Parameters and members that are not listed are ignored; of two parameters with one name in the query, the last one counts.\n\n\
        The mini program, its secret and its user in the examples exist on every emulator, unless its configuration replaces them. Codes and results are the phone's: POST \
        `{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wx.login\"}}` to `/rpc` gives a code.",
        general(Errcode::REQUIRES_GET),
        general(Errcode::REQUIRES_POST),
        general(Errcode::INVALID_URL),
    )
}
