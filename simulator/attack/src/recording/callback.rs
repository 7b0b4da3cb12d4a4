//! The recorded request that carries a result of `wx.startSoterAuthentication`.

use serde_json::{Map, Value};
use soter_wire::base64;

use super::archive::{Body, Exchange};

/// How deep JSON may stand as a string in other JSON.
const MAX_NESTING: usize = 4;
/// The sizes of RSA signatures, in bytes.
const SIGNATURE_BYTES: [usize; 4] = [128, 256, 384, 512];

/// The result that a recorded request carries.
#[derive(Debug)]
pub(super) struct Callback {
    /// The place of the request in the recording.
    pub(super) at: usize,
    /// `resultJSON`, as it was signed.
    pub(super) json: String,
    pub(super) members: Map<String, Value>,
    /// `None`: no text of the request looks like a signature.
    pub(super) signature: Option<String>,
    /// Whether `resultJSON` is JSON in the body instead of a string.
    pub(super) is_object: bool,
}

impl Callback {
    /// The first request that carries a result, best with its signature.
    pub(super) fn find(exchanges: &[Exchange]) -> Option<Self> {
        let mut found = exchanges.iter().enumerate().filter_map(|(at, exchange)| Self::of(at, exchange));
        let first = found.next()?;
        if first.signature.is_some() {
            Some(first)
        } else {
            found.find(|next| next.signature.is_some()).or(Some(first))
        }
    }

    /// The challenge.
    pub(super) fn challenge(&self) -> &str {
        self.members.get("raw").and_then(Value::as_str).unwrap_or_default()
    }

    fn of(at: usize, exchange: &Exchange) -> Option<Self> {
        let mut texts = Vec::new();
        for (name, _, text) in exchange.texts() {
            add_nested(name, text, MAX_NESTING, &mut texts);
        }
        let whole = texts.iter().find_map(|(_, text)| Some((text.clone(), members(text)?, false)));
        let object = || match &exchange.body {
            Body::Json(json) => object(json, MAX_NESTING * 4),
            _ => None,
        };
        let (json, members, is_object) = whole.or_else(object)?;
        let mut signatures: Vec<_> = texts.iter().filter(|(_, text)| is_signature(text)).collect();
        signatures.sort_by_key(|(name, _)| !name.to_ascii_lowercase().contains("sign"));
        let signature = signatures.first().map(|(_, text)| text.clone());
        Some(Self { at, json, members, signature, is_object })
    }
}

/// Adds a text, and those in it, if it is JSON or Base64 of JSON.
fn add_nested(name: String, text: String, depth: usize, texts: &mut Vec<(String, String)>) {
    if depth > 0 && members(&text).is_none() {
        if let Some(json) = object_in(&text) {
            add_strings(&json, depth, texts);
        } else if let Some(inner) = base64_text(&text) {
            add_nested(name.clone(), inner, depth - 1, texts);
        }
    }
    texts.push((name, text));
}

fn add_strings(json: &Value, depth: usize, texts: &mut Vec<(String, String)>) {
    match json {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) => add_nested(name.clone(), text.clone(), depth - 1, texts),
                    other => add_strings(other, depth, texts),
                }
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| add_strings(element, depth, texts)),
        _ => {}
    }
}

/// A text that is a JSON object or list.
pub(super) fn object_in(text: &str) -> Option<Value> {
    let is_json = text.trim_start().starts_with(['{', '[']);
    is_json.then(|| serde_json::from_str(text).ok()).flatten()
}

/// The text whose Base64 this is.
pub(super) fn base64_text(text: &str) -> Option<String> {
    if text.len() < 16 {
        return None;
    }
    String::from_utf8(base64::decode(text).ok()?).ok()
}

/// The members of a `resultJSON`.
fn members(text: &str) -> Option<Map<String, Value>> {
    match object_in(text)? {
        Value::Object(members) if is_result(&members) => Some(members),
        _ => None,
    }
}

fn is_result(members: &Map<String, Value>) -> bool {
    let is = |name: &str, is: fn(&Value) -> bool| members.get(name).is_some_and(is);
    is("raw", Value::is_string) && is("counter", Value::is_number) && is("cpu_id", Value::is_string)
}

/// A `resultJSON` that was sent as JSON.
fn object(json: &Value, depth: usize) -> Option<(String, Map<String, Value>, bool)> {
    match json {
        _ if depth == 0 => None,
        Value::Object(members) if is_result(members) => Some((json.to_string(), members.clone(), true)),
        Value::Object(members) => members.values().find_map(|value| object(value, depth - 1)),
        Value::Array(elements) => elements.iter().find_map(|value| object(value, depth - 1)),
        _ => None,
    }
}

/// Whether a text is the Base64 of an RSA signature. A form that was written carelessly has blanks for plus signs.
pub(super) fn is_signature(text: &str) -> bool {
    let text: String = text.trim().chars().filter(|character| !matches!(character, '\r' | '\n')).collect();
    base64::decode(&text.replace(' ', "+")).is_ok_and(|bytes| SIGNATURE_BYTES.contains(&bytes.len()))
}
