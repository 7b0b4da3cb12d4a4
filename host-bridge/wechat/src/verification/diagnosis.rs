//! Finds out why a signature is not valid, as far as the bytes show.

use std::borrow::Cow;

use serde_json::Value;
use soter_wire::json::encode_string;
use soter_wire::{PROFILES, PublicKey, ResultField, SignatureScheme};

use super::required_scheme::{Required, named_scheme};
use crate::reasons::Reason;
use crate::verdict::Verdict;

/// Maximum length in bytes of a text that is searched for changes: phones sign less, and the search is costly.
const LONGEST_SEARCHED: usize = 64 * 1024;

/// Explains why a signature is not valid under the required scheme. `demanded` is the caller's scheme, if any.
pub(super) fn explain(
    key: &PublicKey,
    json: &[u8],
    signature: &[u8],
    required: &Required,
    demanded: Option<SignatureScheme>,
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
    } else if let Some(changes) = found_changes(key, json, signature, demanded) {
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
    Change { name: "line ends LF became CR LF", undo: |text| replaced(text, "\r\n", "\n") },
    Change {
        name: "line ends CR LF became LF",
        undo: |text| replaced(&text.replace("\r\n", "\n"), "\n", "\r\n"),
    },
    Change {
        name: "a line end was added",
        undo: |text| text.strip_suffix('\n').map(|text| text.trim_end_matches('\r').to_owned()),
    },
    Change { name: "a line end was cut off", undo: |text| Some(format!("{text}\n")) },
    Change { name: "`/` was written `\\/`", undo: |text| replaced(text, "\\/", "/") },
    Change { name: "`\\/` was written `/`", undo: |text| replaced(&text.replace("\\/", "/"), "/", "\\/") },
    Change {
        name: "line feeds inside strings were escaped as `\\n`",
        undo: |text| replaced(text, "\\n", "\n"),
    },
    Change { name: "`\\n` escapes became line feeds", undo: |text| replaced(text, "\n", "\\n") },
    Change { name: "it was encoded as a JSON string a second time", undo: decoded_string },
    Change {
        name: "spaces or escapes were written another way",
        undo: |text| Some(compact(&serde_json::from_str(text).ok()?)),
    },
    Change { name: "its members were put in another order", undo: reordered },
];

/// Searches for one or two changes of the text: with them undone, the signature is valid.
pub(crate) fn found_changes(
    key: &PublicKey,
    json: &[u8],
    signature: &[u8],
    demanded: Option<SignatureScheme>,
) -> Option<Vec<&'static str>> {
    if json.len() > LONGEST_SEARCHED {
        return None;
    }
    let text = std::str::from_utf8(json).ok()?;
    // A change can hide the scheme that the signed text names, so the scheme is read from each text again.
    let scheme = |text: &str| {
        let named = || named_scheme(text.as_bytes()).ok().flatten();
        demanded.or_else(named).unwrap_or_default()
    };
    let holds = |text: &str| key.verify(scheme(text), text.as_bytes(), signature).is_ok();

    let once: Vec<_> = without_one_change(text).collect();
    if let Some((name, _)) = once.iter().find(|(_, text)| holds(text)) {
        return Some(vec![name]);
    }
    once.iter().find_map(|(last, text)| {
        let (first, _) = without_one_change(text).find(|(_, text)| holds(text))?;
        Some(vec![first, *last])
    })
}

/// Every text that one change could have turned into this one; none if this one is longer than `LONGEST_SEARCHED`.
pub(crate) fn unchanged(text: &str) -> impl Iterator<Item = String> {
    let texts = (text.len() <= LONGEST_SEARCHED).then_some(text);
    texts.into_iter().flat_map(|text| without_one_change(text).map(|(_, undone)| undone))
}

/// Every text that one change could have turned into this one, with the name of the change.
fn without_one_change(text: &str) -> impl Iterator<Item = (&'static str, String)> {
    CHANGES
        .iter()
        .filter_map(move |change| Some((change.name, (change.undo)(text)?)))
        .filter(move |(_, undone)| undone != text)
}

fn replaced(text: &str, from: &str, to: &str) -> Option<String> {
    text.contains(from).then(|| text.replace(from, to))
}

/// The text inside a JSON string, whose quotes may have been lost.
fn decoded_string(text: &str) -> Option<String> {
    let text = text.trim();
    let literal = if text.starts_with('"') { Cow::Borrowed(text) } else { Cow::Owned(format!("\"{text}\"")) };
    serde_json::from_str(&literal).ok()
}

/// The text as phones write it: no spaces, as few escapes as JSON allows.
fn compact(value: &Value) -> String {
    let mut out = String::new();
    push_compact(value, &mut out);
    out
}

/// The depth is bounded by the parser's own limit.
fn push_compact(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => encode_string(text, out, false),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                push_compact(item, out);
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
                push_compact(member, out);
            }
            out.push('}');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
    }
}

/// The text of a result with its members in the order of the phone family that has exactly these members.
fn reordered(text: &str) -> Option<String> {
    let Ok(Value::Object(mut members)) = serde_json::from_str(text) else { return None };
    let profile = PROFILES.iter().find(|profile| {
        profile.result.len() == members.len()
            && profile.result.iter().all(|field| members.contains_key(name(*field)))
    })?;
    let ordered =
        profile.result.iter().filter_map(|field| members.shift_remove_entry(name(*field))).collect();
    Some(compact(&Value::Object(ordered)))
}

fn name(field: ResultField) -> &'static str {
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
