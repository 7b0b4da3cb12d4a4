//! The part of a request or an answer that the journal keeps.
//!
//! It is text, because a tree of values costs many allocations for each call, and hardly any call is ever read. The text
//! is masked and cut while it is written, so nothing secret and nothing too large is copied.

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::json::Json;

/// Characters of a text in a request or an answer. The rest is cut off and replaced by its length.
pub(super) const MAX_TEXT_CHARACTERS: usize = 8 << 10;
/// Members or items of one object or array. The rest is dropped and replaced by its number.
pub(super) const MAX_ITEMS: usize = 256;
/// Bytes of a member's name. The rest is cut off.
const MAX_NAME_BYTES: usize = 256;
/// Total bytes of one request or answer. The rest is dropped. Each waiting call holds at most this much.
const MAX_EXCERPT_BYTES: usize = 32 << 10;
/// Bytes that each value counts in addition to its text.
const VALUE_OVERHEAD_BYTES: usize = size_of::<Value>();
/// Bytes for which an excerpt first has room: those of a usual call.
const USUAL_BYTES: usize = 1 << 10;
/// What the names of credentials end with: WeChat has `component_access_token`, `corpsecret` and others.
const SECRET_ENDINGS: &[&str] = &["password", "secret", "ticket", "token"];
/// Other members that are credentials.
const SECRET_MEMBERS: &[&str] = &[
    "api_key",
    "apikey",
    "authorization",
    "code",
    "encrypteddata",
    "js_code",
    "mch_key",
    "mchkey",
    "merchant_key",
    "merchantkey",
    "privatekey",
    "seed",
    "session_key",
    "sessionkey",
];

/// The part of a request or an answer that the journal keeps: without secrets, and bounded in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// JSON without spaces.
    text: Box<str>,
}

impl From<&Value> for Excerpt {
    fn from(value: &Value) -> Self {
        Json::Value(value).into()
    }
}

impl From<Value> for Excerpt {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}

impl From<Json<'_>> for Excerpt {
    fn from(json: Json<'_>) -> Self {
        Self::of(json, false)
    }
}

impl Excerpt {
    /// Of a call whose `signature` proves the session key, and could be used again.
    pub(crate) fn without_signature(json: Json<'_>) -> Self {
        Self::of(json, true)
    }

    fn of(json: Json<'_>, hides_signature: bool) -> Self {
        let text = Vec::with_capacity(USUAL_BYTES);
        let mut writer = Writer { text, remaining_bytes: MAX_EXCERPT_BYTES, hides_signature };
        writer.write(json);
        // The writer writes whole texts, so this never replaces anything.
        let text = String::from_utf8(writer.text)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Self { text: text.into() }
    }

    /// Of a short JSON text that is written in this program, and has no secrets.
    pub(crate) fn of_known(json: &'static str) -> Self {
        Self { text: json.into() }
    }

    /// Its bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The JSON text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The value.
    pub fn value(&self) -> Value {
        // The text was written as JSON.
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// Serialised as the value, without a copy of it where the format is JSON.
impl Serialize for Excerpt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.text).map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// Writes the kept part of a value.
struct Writer {
    text: Vec<u8>,
    remaining_bytes: usize,
    /// Whether a member `signature` is a credential, too.
    hides_signature: bool,
}

impl Writer {
    fn write(&mut self, json: Json<'_>) {
        self.count(VALUE_OVERHEAD_BYTES);
        match json {
            Json::Text(text) => self.write_cut_text(text),
            Json::Value(Value::String(text)) => self.write_cut_text(text),
            Json::Value(Value::Array(items)) => self.write_items(items),
            Json::Value(Value::Object(members)) => {
                let members = members.iter().map(|(name, member)| (name.as_str(), Json::Value(member)));
                self.write_members(members);
            }
            Json::Texts(texts) => {
                self.write_members(texts.iter().map(|(name, text)| (&**name, Json::Text(text))));
            }
            Json::Object(members) => self.write_members(members.iter().copied()),
            Json::Value(value @ (Value::Null | Value::Bool(_) | Value::Number(_))) => self.push(value),
        }
    }

    fn write_items(&mut self, items: &[Value]) {
        let (mut separator, mut kept) = (b'[', 0);
        for item in items.iter().take(MAX_ITEMS) {
            if self.remaining_bytes == 0 {
                break;
            }
            self.text.push(separator);
            separator = b',';
            self.write(Json::Value(item));
            kept += 1;
        }
        let more = items.len() - kept;
        if more > 0 {
            self.text.push(separator);
            separator = b',';
            self.push(&format!("… ({more} more)"));
        }
        self.close(separator, *b"[]");
    }

    fn write_members<'a>(&mut self, members: impl ExactSizeIterator<Item = (&'a str, Json<'a>)>) {
        let (mut separator, mut more) = (b'{', members.len());
        for (name, member) in members.take(MAX_ITEMS) {
            if self.remaining_bytes == 0 {
                break;
            }
            self.count(VALUE_OVERHEAD_BYTES + name.len().min(MAX_NAME_BYTES));
            self.text.push(separator);
            separator = b',';
            self.write_name(name);
            // Tencent's cloud calls the name of an error `code`; codes of logins have other characters.
            let is_error = name == "code" && member.as_text().is_some_and(is_constant);
            let is_hidden = (is_secret(name) && !is_error)
                || (self.hides_signature && name == "signature")
                || (name == "paySign" && !member.as_text().is_some_and(is_hash_or_signature));
            if is_hidden {
                self.write_masked(member);
            } else {
                self.write(member);
            }
            more -= 1;
        }
        if more > 0 {
            self.text.push(separator);
            separator = b',';
            self.write_name("…");
            self.push(&format!("{more} more"));
        }
        self.close(separator, *b"{}");
    }

    /// A member's name, cut if it is too long.
    fn write_name(&mut self, name: &str) {
        let end = name.floor_char_boundary(MAX_NAME_BYTES);
        match name.get(..end) {
            Some(kept) if end < name.len() => self.push(&[kept, "…"].concat()),
            _ => self.push(name),
        }
        self.text.push(b':');
    }

    /// The masked form of a credential.
    fn write_masked(&mut self, secret: Json<'_>) {
        match (secret.as_text(), secret) {
            (Some(secret), _) => self.write(Json::Text(&mask(secret))),
            (None, Json::Value(Value::Null)) => self.write(secret),
            // A wrong type can contain a secret, too.
            (None, _) => self.write(Json::Text("***")),
        }
    }

    fn write_cut_text(&mut self, text: &str) {
        match cut_position(text, self.remaining_bytes) {
            None => self.write_text(text),
            Some(end) => {
                let more = text.len() - end;
                let kept = text.get(..end).unwrap_or_default();
                self.write_text(&[kept, &format!("… ({more} bytes more)")].concat());
            }
        }
    }

    fn write_text(&mut self, text: &str) {
        let before = self.text.len();
        self.push(text);
        self.count(self.text.len() - before);
    }

    /// Writes a scalar as it is.
    fn push(&mut self, scalar: &(impl Serialize + ?Sized)) {
        // Writing to a vector does not fail, and a scalar can be serialised.
        let _ = serde_json::to_writer(&mut self.text, scalar);
    }

    /// Ends an array or an object. It has begun if it has members.
    fn close(&mut self, separator: u8, [open, close]: [u8; 2]) {
        if separator == open {
            self.text.push(open);
        }
        self.text.push(close);
    }

    fn count(&mut self, bytes: usize) {
        self.remaining_bytes = self.remaining_bytes.saturating_sub(bytes);
    }
}

/// Whether a text is the name of a constant, such as `INVALID_PARAM`.
fn is_constant(text: &str) -> bool {
    text.contains('_') && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

fn is_secret(name: &str) -> bool {
    let ends_with = |ending: &&str| {
        let start = name.len().saturating_sub(ending.len());
        name.as_bytes()[start..].eq_ignore_ascii_case(ending.as_bytes())
    };
    SECRET_MEMBERS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
        || SECRET_ENDINGS.iter().any(ends_with)
}

/// Whether a text has the form of a `paySign`. Another one may be what should have been hashed, with the merchant's key in it.
fn is_hash_or_signature(text: &str) -> bool {
    let is_hex = [32, 64].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_base64 = text.len() >= 340
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=-_ ".contains(&byte));
    is_hex || is_base64
}

/// The end of the kept part of a text, if the text must be cut.
fn cut_position(text: &str, remaining_bytes: usize) -> Option<usize> {
    // A text has at least as many bytes as characters.
    if text.len() <= MAX_TEXT_CHARACTERS.min(remaining_bytes) {
        return None;
    }
    let end = text.char_indices().nth(MAX_TEXT_CHARACTERS).map_or(text.len(), |(end, _)| end);
    let end = text.floor_char_boundary(end.min(remaining_bytes));
    (end < text.len()).then_some(end)
}

/// The last four characters of a secret, which distinguish it from others, if it is long enough to hide the rest.
pub fn mask(secret: &str) -> String {
    let length = secret.chars().count();
    let shown: String = if length >= 12 { secret.chars().skip(length - 4).collect() } else { String::new() };
    format!("***{shown}")
}

#[cfg(test)]
mod tests;
