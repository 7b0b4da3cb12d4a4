//! Finds out why a signature is not valid, as far as the bytes show.

use std::borrow::Cow;

use serde_json::Value;
use soter_wire::json::encode_string;
use soter_wire::{PROFILES, PublicKey, ResultField, SignatureScheme};

use super::required_scheme::{Required, named_scheme};
use crate::reasons::Reason;
use crate::verdict::Verdict;

/// Maximum length in bytes of a text that is searched for changes: phones sign less, and the search is costly.
const MAX_SEARCHED_BYTES: usize = 64 * 1024;

/// Explains why a signature is not valid under the required scheme. `requested` is the caller's scheme, if any.
pub(super) fn explain(
    key: &PublicKey,
    json: &[u8],
    signature: &[u8],
    required: &Required,
    requested: Option<SignatureScheme>,
) -> Verdict {
    let SignatureScheme::RsaPss { salt_length } = required.scheme;
    let (reason, detail) = if let Some(found) = key.find_pss_salt_length(json, signature) {
        (
            Reason::WrongSaltLength,
            format!(
                "the signature holds at salt length {found}; {salt_length} is required ({})",
                required.source
            ),
        )
    } else if key.verify_pkcs1(json, signature).is_ok() {
        (
            Reason::Pkcs1InsteadOfPss,
            "the signature has the padding PKCS#1 v1.5; SOTER signs with PSS".to_owned(),
        )
    } else if let Some(changes) = find_changes(key, json, signature, requested) {
        (
            Reason::Reserialised,
            format!("the text was changed after it had been signed: {}", changes.join(", and ")),
        )
    } else {
        (
            Reason::WrongSignature,
            format!(
                "the signature is not this key's over these {} bytes: the text, the key or the signature is another",
                json.len()
            ),
        )
    };
    Verdict { reason, detail }
}

/// A change that software between phone and server commonly makes, and how to undo it.
struct Change {
    /// What was done to the signed text.
    name: &'static str,
    /// The text without the change; `None` if there is nothing to undo.
    undo: fn(&str) -> Option<String>,
}

const CHANGES: &[Change] = &[
    Change {
        name: "a byte order mark was put before it",
        undo: |text| Some(text.strip_prefix('\u{feff}')?.to_owned()),
    },
    Change { name: "line ends LF became CR LF", undo: |text| replace_if_found(text, "\r\n", "\n") },
    Change {
        name: "line ends CR LF became LF",
        undo: |text| replace_if_found(&text.replace("\r\n", "\n"), "\n", "\r\n"),
    },
    Change {
        name: "a line end was added",
        undo: |text| text.strip_suffix('\n').map(|text| text.trim_end_matches('\r').to_owned()),
    },
    Change { name: "a line end was cut off", undo: |text| Some(format!("{text}\n")) },
    Change { name: "`/` was written `\\/`", undo: |text| replace_if_found(text, "\\/", "/") },
    Change {
        name: "`\\/` was written `/`",
        undo: |text| replace_if_found(&text.replace("\\/", "/"), "/", "\\/"),
    },
    Change {
        name: "line feeds inside strings were escaped as `\\n`",
        undo: |text| replace_if_found(text, "\\n", "\n"),
    },
    Change { name: "`\\n` escapes became line feeds", undo: |text| replace_if_found(text, "\n", "\\n") },
    Change { name: "it was encoded as a JSON string a second time", undo: decode_string },
    Change {
        name: "spaces or escapes were written another way",
        undo: |text| Some(to_compact_json(&serde_json::from_str(text).ok()?)),
    },
    Change { name: "its members were put in another order", undo: reorder_members },
];

/// Searches for one or two changes of the text: with them undone, the signature is valid.
pub(crate) fn find_changes(
    key: &PublicKey,
    json: &[u8],
    signature: &[u8],
    requested: Option<SignatureScheme>,
) -> Option<Vec<&'static str>> {
    if json.len() > MAX_SEARCHED_BYTES {
        return None;
    }
    let text = std::str::from_utf8(json).ok()?;
    // A change can hide the scheme that the signed text names, so the scheme is read from each text again.
    let scheme = |text: &str| {
        let named = || named_scheme(text.as_bytes()).ok().flatten();
        requested.or_else(named).unwrap_or_default()
    };
    let verifies = |text: &str| key.verify(scheme(text), text.as_bytes(), signature).is_ok();

    let candidates: Vec<_> = undo_one_change(text).collect();
    if let Some((name, _)) = candidates.iter().find(|(_, text)| verifies(text)) {
        return Some(vec![name]);
    }
    candidates.iter().find_map(|(last, text)| {
        let (first, _) = undo_one_change(text).find(|(_, text)| verifies(text))?;
        Some(vec![first, *last])
    })
}

/// Every text that one change could have turned into this one; none if this one is longer than `MAX_SEARCHED_BYTES`.
pub(crate) fn possible_originals(text: &str) -> impl Iterator<Item = String> {
    let texts = (text.len() <= MAX_SEARCHED_BYTES).then_some(text);
    texts.into_iter().flat_map(|text| undo_one_change(text).map(|(_, undone)| undone))
}

/// Every text that one change could have turned into this one, with the name of the change.
fn undo_one_change(text: &str) -> impl Iterator<Item = (&'static str, String)> {
    CHANGES
        .iter()
        .filter_map(move |change| Some((change.name, (change.undo)(text)?)))
        .filter(move |(_, undone)| undone != text)
}

fn replace_if_found(text: &str, from: &str, to: &str) -> Option<String> {
    text.contains(from).then(|| text.replace(from, to))
}

/// The text inside a JSON string, whose quotes may have been lost.
fn decode_string(text: &str) -> Option<String> {
    let text = text.trim();
    let literal = if text.starts_with('"') { Cow::Borrowed(text) } else { Cow::Owned(format!("\"{text}\"")) };
    serde_json::from_str(&literal).ok()
}

/// The text as phones write it: no spaces, as few escapes as JSON allows.
fn to_compact_json(value: &Value) -> String {
    let mut out = String::new();
    write_compact(value, &mut out);
    out
}

/// The depth is bounded by the parser's own limit.
fn write_compact(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => encode_string(text, out, false),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_compact(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                encode_string(name, out, false);
                out.push(':');
                write_compact(member, out);
            }
            out.push('}');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
    }
}

/// The text of a result with its members in the order of the phone family that has exactly these members.
fn reorder_members(text: &str) -> Option<String> {
    let Ok(Value::Object(mut members)) = serde_json::from_str(text) else { return None };
    let profile = PROFILES.iter().find(|profile| {
        profile.result.len() == members.len()
            && profile.result.iter().all(|field| members.contains_key(member_name(*field)))
    })?;
    let ordered =
        profile.result.iter().filter_map(|field| members.shift_remove_entry(member_name(*field))).collect();
    Some(to_compact_json(&Value::Object(ordered)))
}

fn member_name(field: ResultField) -> &'static str {
    match field {
        ResultField::Counter => "counter",
        ResultField::CpuId => "cpu_id",
        ResultField::Fid => "fid",
        ResultField::Fixed { name, .. } => name,
        ResultField::Raw => "raw",
        ResultField::SaltLength => "rsa_pss_saltlen",
        ResultField::Uid => "uid",
    }
}
