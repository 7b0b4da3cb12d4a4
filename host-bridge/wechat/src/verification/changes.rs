//! What software between phone and server commonly does to a signed text, and how to undo it.

use std::borrow::Cow;

use serde_json::Value;
use soter_text::{Text, text};
use soter_wire::json::{Object, encode_string};
use soter_wire::{PROFILES, ResultField};

use crate::reasons::Reason;

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// A change that software between phone and server commonly makes, and how to undo it.
pub(super) struct Change {
    /// What was done to the signed text.
    pub(super) name: fn() -> Text,
    /// The reason to refuse a text that was changed so.
    pub(super) reason: Reason,
    /// The text without the change; `None` if there is nothing to undo.
    undo: fn(&str) -> Option<String>,
}

const CHANGES: &[Change] = &[
    reserialised(
        || text!("a byte order mark was put before it"),
        |text| Some(text.strip_prefix('\u{feff}')?.to_owned()),
    ),
    line_ends(|| text!("line ends LF became CR LF"), |text| replace_if_found(text, "\r\n", "\n")),
    line_ends(|| text!("line ends `\\n` became `\\r\\n`"), |text| replace_if_found(text, "\\r\\n", "\\n")),
    line_ends(
        || text!("line ends CR LF became LF"),
        |text| replace_if_found(&text.replace("\r\n", "\n"), "\n", "\r\n"),
    ),
    line_ends(
        || text!("a line end was added"),
        |text| text.strip_suffix('\n').map(|text| text.trim_end_matches('\r').to_owned()),
    ),
    line_ends(|| text!("a line end was cut off"), |text| Some(format!("{text}\n"))),
    line_ends(|| text!("line feeds were lost or became spaces"), |text| restore_line_feeds(text, None)),
    line_ends(
        || text!("line feeds were lost or became spaces, after 64 characters each"),
        |text| restore_line_feeds(text, Some(64)),
    ),
    reserialised(|| text!("`/` was written `\\/`"), |text| replace_if_found(text, "\\/", "/")),
    reserialised(
        || text!("`\\/` was written `/`"),
        |text| replace_if_found(&text.replace("\\/", "/"), "/", "\\/"),
    ),
    reserialised(
        || text!("line feeds inside strings were escaped as `\\n`"),
        |text| replace_if_found(text, "\\n", "\n"),
    ),
    reserialised(|| text!("`\\n` escapes became line feeds"), |text| replace_if_found(text, "\n", "\\n")),
    reserialised(|| text!("it was encoded as a JSON string a second time"), decode_string),
    Change {
        name: || text!("the whole callback object stands in place of its resultJSON"),
        reason: Reason::CallbackObject,
        undo: result_of_callback,
    },
    Change {
        name: || text!("it was URL-encoded"),
        reason: Reason::UrlEncoded,
        undo: |text| url_decoded(text, PlusSign::Itself),
    },
    Change {
        name: || text!("it was URL-encoded as in forms, with `+` for spaces"),
        reason: Reason::UrlEncoded,
        undo: |text| url_decoded(text, PlusSign::Space),
    },
    Change { name: || text!("it was escaped for HTML"), reason: Reason::HtmlEscaped, undo: html_unescaped },
    Change {
        name: || text!("its counter became a string"),
        reason: Reason::CounterAsString,
        undo: unquote_numbers,
    },
    reserialised(
        || text!("spaces or escapes were written another way"),
        |text| Some(to_compact_json(&serde_json::from_str(text).ok()?)),
    ),
    reserialised(|| text!("its members were put in another order"), reorder_members),
];

const fn reserialised(name: fn() -> Text, undo: fn(&str) -> Option<String>) -> Change {
    Change { name, reason: Reason::Reserialised, undo }
}

const fn line_ends(name: fn() -> Text, undo: fn(&str) -> Option<String>) -> Change {
    Change { name, reason: Reason::LineEndsChanged, undo }
}

/// Every text that one change could have turned into this one, with the change.
pub(super) fn undo_one_change(text: &str) -> impl Iterator<Item = (&'static Change, String)> {
    CHANGES
        .iter()
        .filter_map(move |change| Some((change, (change.undo)(text)?)))
        .filter(move |(_, undone)| undone != text)
}

/// In what a text differs from the form in which phones sign, and the reason that fits. It may have been signed so.
pub(super) fn recognise(text: &str) -> Option<(Reason, Text)> {
    let is_object = |text: String| Object::decode(text.as_bytes()).is_ok();
    if let Ok(object) = Object::decode(text.as_bytes()) {
        let has = |name| object.get(name).is_some();
        if has("resultJSON") && (has("resultJSONSignature") || has("errMsg")) {
            return Some((
                Reason::CallbackObject,
                text!("it is a whole callback object; phones sign only the string in its resultJSON"),
            ));
        }
        if has("cpu_id")
            && let Some(Value::String(counter)) = object.get("counter")
            && is_number(counter)
        {
            let shown = soter_wire::shortened(counter, 20);
            return Some((
                Reason::CounterAsString,
                text!("its counter is the string \"{shown}\"; phones write a number", shown = shown),
            ));
        }
    } else if [PlusSign::Itself, PlusSign::Space]
        .iter()
        .any(|plus| url_decoded(text, *plus).is_some_and(is_object))
    {
        return Some((Reason::UrlEncoded, text!("it is JSON only after URL-decoding")));
    } else if html_unescaped(text).is_some_and(is_object) {
        return Some((Reason::HtmlEscaped, text!("it is JSON only after HTML escapes are undone")));
    }
    let pem = written_pub_key(text)?;
    if restore_line_feeds(pem, None).is_some() {
        let detail = text!("the PEM in it is on one line; phones write a line feed after its BEGIN line");
        return Some((Reason::LineEndsChanged, detail));
    }
    if pem.contains(&format!("{BEGIN}\r\n")) || pem.contains(&format!("{BEGIN}\\r\\n")) {
        let detail = text!("the PEM in it has line ends CR LF; phones write LF alone");
        return Some((Reason::LineEndsChanged, detail));
    }
    None
}

/// The member `pub_key` as it is written. Some phones write raw line feeds in it, so no JSON parser finds it.
fn written_pub_key(text: &str) -> Option<&str> {
    // Inside a string, such as the challenge, these quotes would have backslashes.
    let (_, rest) = text.split_once("\"pub_key\"")?;
    rest.split('"').nth(1)
}

fn replace_if_found(text: &str, from: &str, to: &str) -> Option<String> {
    text.contains(from).then(|| text.replace(from, to))
}

/// The text with a key's PEM on lines again, whose body has lines of this many characters, or is one line.
fn restore_line_feeds(text: &str, columns: Option<usize>) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (body, after) = rest.split_once(END)?;
    if body.contains(['\n', '\r']) || body.contains("\\n") {
        return None;
    }
    let mut out = format!("{before}{BEGIN}");
    let mut column = columns.unwrap_or_default();
    if columns.is_none() {
        out.push('\n');
    }
    for character in body.chars().filter(|character| *character != ' ') {
        if columns.is_some_and(|columns| column >= columns) {
            out.push('\n');
            column = 0;
        }
        // The backslash of `\/` is not of the Base64 text.
        column += usize::from(character != '\\');
        out.push(character);
    }
    out.push('\n');
    out.push_str(END);
    out.push_str(after);
    Some(out)
}

/// The text inside a JSON string, whose quotes may have been lost.
pub(super) fn decode_string(text: &str) -> Option<String> {
    let text = text.trim();
    let literal = if text.starts_with('"') { Cow::Borrowed(text) } else { Cow::Owned(format!("\"{text}\"")) };
    serde_json::from_str(&literal).ok()
}

fn result_of_callback(text: &str) -> Option<String> {
    match Object::decode(text.as_bytes()).ok()?.get("resultJSON") {
        Some(Value::String(result)) => Some(result.clone()),
        _ => None,
    }
}

/// What a `+` stands for in a URL-encoded text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PlusSign {
    /// In paths, and after `encodeURIComponent`.
    Itself,
    /// In forms and queries.
    Space,
}

/// The text without URL-encoding; `None` if it has none.
pub(super) fn url_decoded(text: &str, plus: PlusSign) -> Option<String> {
    if !text.contains('%') || (plus == PlusSign::Space && !text.contains('+')) {
        return None;
    }
    // Encoded, these do not divide the text into the members of a form.
    let mut one_name = text.replace('&', "%26").replace('=', "%3D");
    if plus == PlusSign::Itself {
        one_name = one_name.replace('+', "%2B");
    }
    form_urlencoded::parse(one_name.as_bytes()).next().map(|(name, _)| name.into_owned())
}

/// The text without HTML escapes, which are those of XML; `None` if it has none.
pub(super) fn html_unescaped(text: &str) -> Option<String> {
    if !text.contains('&') || text.contains('<') {
        return None;
    }
    let element = format!("<text>{text}</text>");
    Some(roxmltree::Document::parse(&element).ok()?.root_element().text()?.to_owned())
}

/// The text with its counter, and its salt length, as numbers.
fn unquote_numbers(text: &str) -> Option<String> {
    let counter = unquote_number(text, "counter")?;
    Some(unquote_number(&counter, "rsa_pss_saltlen").unwrap_or(counter))
}

fn unquote_number(text: &str, name: &str) -> Option<String> {
    // Inside a string, such as the challenge, these quotes would have backslashes.
    let (before, rest) = text.split_once(&format!("\"{name}\":\""))?;
    let (number, after) = rest.split_once('"')?;
    is_number(number).then(|| format!("{before}\"{name}\":{number}{after}"))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
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
