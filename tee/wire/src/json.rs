//! JSON: decoded as strictly as signed data requires, encoded as plainly as phones write it.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};

use crate::decode_error::{DecodeError, JsonKind, truncated};
use crate::signature_scheme::SignatureScheme;

/// Highest counter that is accepted: the maximum of the signed 64-bit integer that most servers use.
pub const MAX_COUNTER: u64 = i64::MAX.unsigned_abs();

/// Longest JSON that is accepted, in bytes: the limit of Tencent's SDK.
pub const MAX_JSON_BYTES: usize = 1 << 20;

/// A JSON object, decoded strictly: the order of its members is kept, and names that occur twice are rejected at
/// every depth, as are trailing bytes, a byte order mark and more than [`MAX_JSON_BYTES`] bytes.
///
/// The *takers* ([`string`](Self::string), [`counter`](Self::counter) and so on) check a member's type, remove the
/// member and return its value. [`into_rest`](Self::into_rest) returns the members that were not taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Object(Vec<(String, Value)>);

/// Members of an object that are compared one by one to find a name that occurs twice. More of them get an index, so that
/// their number cannot make that slow.
const MAX_COMPARED_MEMBERS: usize = 32;

impl Object {
    /// Decodes exactly one object.
    ///
    /// # Errors
    /// [`DecodeError::TooLong`], [`DecodeError::NotUtf8`] or [`DecodeError::ByteOrderMark`] if the bytes are not a
    /// text that may be parsed. [`DecodeError::NotJson`], [`DecodeError::DuplicateField`],
    /// [`DecodeError::TrailingBytes`] or [`DecodeError::NotAnObject`] if the text is not exactly one such object.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::parse(text(bytes)?)
    }

    /// Decodes exactly one object from a text whose size is already bounded.
    pub(crate) fn parse(text: &str) -> Result<Self, DecodeError> {
        let duplicate = RefCell::new(None);
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let members = deserializer.deserialize_any(ObjectVisitor(RecordDuplicate::new(&duplicate)));
        if let Some(name) = duplicate.into_inner() {
            return Err(DecodeError::DuplicateField { name });
        }
        let members = members.map_err(|error| not_json(&error))?;
        deserializer
            .end()
            .map_err(|error| DecodeError::TrailingBytes { bytes: text.len() - offset(text, &error) })?;
        members.map(Self).map_err(|found| DecodeError::NotAnObject { found })
    }

    /// A member's value, if present.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// Takes a member's value, if present.
    fn take(&mut self, name: &str) -> Option<Value> {
        let index = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.remove(index).1)
    }

    /// The names of the members, in the order of the text.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Takes a string.
    ///
    /// # Errors
    /// [`DecodeError::MissingField`] if the member is missing, [`DecodeError::WrongType`] if it is not a string.
    pub fn string(&mut self, name: &'static str) -> Result<String, DecodeError> {
        self.optional_string(name)?.ok_or(DecodeError::MissingField { name })
    }

    /// Takes a string that may be missing.
    ///
    /// # Errors
    /// [`DecodeError::WrongType`] if the member is not a string; `null` is not a string.
    pub fn optional_string(&mut self, name: &'static str) -> Result<Option<String>, DecodeError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => {
                Err(DecodeError::WrongType { name, expected: JsonKind::String, found: kind(&other) })
            }
        }
    }

    /// Takes an integer literal from 0 to [`MAX_COUNTER`], without sign, fraction or exponent.
    ///
    /// # Errors
    /// [`DecodeError::MissingField`] if the member is missing, [`DecodeError::WrongType`] if it is not a number,
    /// [`DecodeError::CounterOutOfRange`] if it is a number of another form or range.
    pub fn counter(&mut self, name: &'static str) -> Result<u64, DecodeError> {
        match self.take(name) {
            None => Err(DecodeError::MissingField { name }),
            Some(value) => counter(name, &value, JsonKind::Integer),
        }
    }

    /// Takes a string, or an integer that [`counter`](Self::counter) accepts, which is returned in decimal digits. It
    /// is for the `uid` of keys, which old Huawei phones and the SDK write as a number.
    ///
    /// # Errors
    /// [`DecodeError::MissingField`] if the member is missing, [`DecodeError::WrongType`] if it is neither a string
    /// nor a number, [`DecodeError::CounterOutOfRange`] if it is a number of another form or range.
    pub fn string_or_integer(&mut self, name: &'static str) -> Result<String, DecodeError> {
        match self.take(name) {
            None => Err(DecodeError::MissingField { name }),
            Some(Value::String(text)) => Ok(text),
            Some(value) => Ok(counter(name, &value, JsonKind::StringOrInteger)?.to_string()),
        }
    }

    /// Takes `rsa_pss_saltlen`, if present: an integer literal that is a
    /// [`SaltLength`](crate::signature_scheme::SaltLength).
    ///
    /// # Errors
    /// [`DecodeError::WrongType`] if the member is not a number, [`DecodeError::SaltLengthOutOfRange`] if it is
    /// another number.
    pub fn scheme(&mut self) -> Result<Option<SignatureScheme>, DecodeError> {
        let name = "rsa_pss_saltlen";
        match self.take(name) {
            None => Ok(None),
            Some(Value::Number(number)) => number
                .as_u64()
                .and_then(|number| u16::try_from(number).ok())
                .and_then(SignatureScheme::rsa_pss)
                .map(Some)
                .ok_or_else(|| DecodeError::SaltLengthOutOfRange { found: number.to_string() }),
            Some(other) => {
                Err(DecodeError::WrongType { name, expected: JsonKind::Integer, found: kind(&other) })
            }
        }
    }

    /// Takes an array of strings.
    ///
    /// # Errors
    /// [`DecodeError::MissingField`] if the member is missing, [`DecodeError::WrongType`] if it is not an array or an
    /// element is not a string.
    pub fn strings(&mut self, name: &'static str) -> Result<Vec<String>, DecodeError> {
        let expected = JsonKind::ArrayOfStrings;
        let elements = match self.take(name) {
            None => return Err(DecodeError::MissingField { name }),
            Some(Value::Array(elements)) => elements,
            Some(other) => return Err(DecodeError::WrongType { name, expected, found: kind(&other) }),
        };
        elements
            .into_iter()
            .map(|element| match element {
                Value::String(text) => Ok(text),
                other => Err(DecodeError::WrongType { name, expected, found: kind(&other) }),
            })
            .collect()
    }

    /// The members that were not taken, in the order of the text.
    pub fn into_rest(self) -> Vec<(String, Value)> {
        self.0
    }
}

/// Appends a JSON string, quotes included, with as few escapes as the grammar allows: `\"`, `\\`, the short forms of
/// control characters and lower-case `\u00xx` for the others. All other characters are copied unchanged, except that
/// `/` becomes `\/` if `escape_slash` is set.
pub fn encode_string(text: &str, out: &mut String, escape_slash: bool) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| must_escape(byte, escape_slash)) {
        // INVARIANT: `at` is the position of an ASCII byte, so both sides of it are on character boundaries.
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let byte = special.bytes().next().unwrap_or_default();
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'/' => out.push_str("\\/"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            control => {
                out.push_str("\\u00");
                out.push(HEX[usize::from(control >> 4)]);
                out.push(HEX[usize::from(control & 0x0f)]);
            }
        }
        rest = &special[1..];
    }
    out.push_str(rest);
    out.push('"');
}

/// A text as it stands between the quotation marks of a JSON string; see [`encode_string`].
pub fn escaped_text(text: &str) -> String {
    let mut literal = String::new();
    encode_string(text, &mut literal, false);
    literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default().to_owned()
}

fn must_escape(byte: u8, escape_slash: bool) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\' || (escape_slash && byte == b'/')
}

/// The bytes as text that may be parsed: not too long, UTF-8, no byte order mark.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, DecodeError> {
    if bytes.len() > MAX_JSON_BYTES {
        return Err(DecodeError::TooLong { bytes: bytes.len(), limit: MAX_JSON_BYTES });
    }
    let text =
        std::str::from_utf8(bytes).map_err(|error| DecodeError::NotUtf8 { at: error.valid_up_to() })?;
    if text.starts_with('\u{feff}') {
        return Err(DecodeError::ByteOrderMark);
    }
    Ok(text)
}

fn counter(name: &'static str, value: &Value, expected: JsonKind) -> Result<u64, DecodeError> {
    let Value::Number(number) = value else {
        return Err(DecodeError::WrongType { name, expected, found: kind(value) });
    };
    number
        .as_u64()
        .filter(|&counter| counter <= MAX_COUNTER)
        .ok_or_else(|| DecodeError::CounterOutOfRange { name, found: number.to_string() })
}

fn kind(value: &Value) -> JsonKind {
    match value {
        Value::Null => JsonKind::Null,
        Value::Bool(_) => JsonKind::Boolean,
        Value::Number(_) => JsonKind::Number,
        Value::String(_) => JsonKind::String,
        Value::Array(_) => JsonKind::Array,
        Value::Object(_) => JsonKind::Object,
    }
}

fn not_json(error: &serde_json::Error) -> DecodeError {
    let full = error.to_string();
    // The position has fields of its own.
    let message = full.rsplit_once(" at line ").map_or(full.as_str(), |(message, _)| message);
    DecodeError::NotJson { line: error.line(), column: error.column(), message: truncated(message) }
}

/// Offset of the character that a parser error points at.
fn offset(text: &str, error: &serde_json::Error) -> usize {
    let lines_before: usize =
        text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    (lines_before + error.column().saturating_sub(1)).min(text.len())
}

/// The first name that occurs twice in one object of this text, at any depth. `None` if no name does before the end
/// or before the first syntax error.
pub fn duplicate_name(text: &str) -> Option<String> {
    let duplicate = RefCell::new(None);
    // The caller's own parser reports syntax errors.
    let _ = RecordDuplicate::new(&duplicate).deserialize(&mut serde_json::Deserializer::from_str(text));
    duplicate.into_inner()
}

/// The members of an object, or the kind of another value. Duplicate names are recorded.
struct ObjectVisitor<'d>(RecordDuplicate<'d>);

/// Defines the visits of values that have no members.
macro_rules! visit_scalars {
    ($($visit:ident($type:ty) = $kind:ident,)+) => {
        $(fn $visit<E>(self, _: $type) -> Result<Self::Value, E> {
            Ok(Err(JsonKind::$kind))
        })+
    };
}

impl<'de> Visitor<'de> for ObjectVisitor<'_> {
    type Value = Result<Vec<(String, Value)>, JsonKind>;

    visit_scalars! {
        visit_bool(bool) = Boolean,
        visit_u64(u64) = Number,
        visit_i64(i64) = Number,
        visit_f64(f64) = Number,
        visit_str(&str) = String,
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Err(JsonKind::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Self::Value, A::Error> {
        self.0.visit_seq(elements)?;
        Ok(Err(JsonKind::Array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut values: Vec<(String, Value)> = Vec::with_capacity(12);
        // The names, once there are many.
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            let is_new = if values.len() < MAX_COMPARED_MEMBERS {
                values.iter().all(|(other, _)| *other != name)
            } else {
                if names.is_empty() {
                    names.extend(values.iter().map(|(name, _)| name.clone()));
                }
                names.insert(name.clone())
            };
            if is_new {
                values.push((name, members.next_value_seed(self.0)?));
            } else {
                self.0.record(&name);
                members.next_value_seed(self.0)?;
            }
        }
        Ok(Ok(values))
    }
}

/// Deserializes any value, and records the first name that occurs twice in one of its objects. Its first value counts.
///
/// The name is recorded and not an error, because the parser's own error carries only text, and because callers may go on
/// after the value.
#[derive(Clone, Copy, Debug)]
pub struct RecordDuplicate<'d> {
    duplicate: &'d RefCell<Option<String>>,
}

impl<'d> RecordDuplicate<'d> {
    /// Records the name here, truncated if it is long. A name that is there already stays.
    pub fn new(duplicate: &'d RefCell<Option<String>>) -> Self {
        Self { duplicate }
    }

    /// Records a name.
    pub fn record(self, name: &str) {
        self.duplicate.borrow_mut().get_or_insert_with(|| truncated(name));
    }
}

impl<'de> DeserializeSeed<'de> for RecordDuplicate<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RecordDuplicate<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = elements.next_element_seed(self)? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            match values.entry(name) {
                Entry::Vacant(entry) => {
                    entry.insert(members.next_value_seed(self)?);
                }
                Entry::Occupied(entry) => {
                    self.record(entry.key());
                    members.next_value_seed(self)?;
                }
            }
        }
        Ok(values.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str, escape_slash: bool) -> String {
        let mut out = String::new();
        encode_string(text, &mut out, escape_slash);
        out
    }

    fn refused(text: &str) -> DecodeError {
        Object::decode(text.as_bytes()).expect_err(text)
    }

    #[test]
    fn only_what_must_be_escaped_is_escaped() {
        let table = [
            ("", r#""""#),
            ("\"", r#""\"""#),
            ("\\", r#""\\""#),
            ("/", r#""/""#),
            ("\u{8}\u{c}\n\r\t", r#""\b\f\n\r\t""#),
            ("\u{0}\u{1}\u{b}\u{1f}", r#""\u0000\u0001\u000b\u001f""#),
            ("\u{7f}\u{2028}\u{2029}", "\"\u{7f}\u{2028}\u{2029}\""),
            ("指纹 😀", "\"指纹 😀\""),
            ("<a href='x'>&", "\"<a href='x'>&\""),
            ("é\"é", "\"é\\\"é\""),
        ];
        for (text, expected) in table {
            assert_eq!(encoded(text, false), expected);
        }
        assert_eq!(encoded("a/b//", true), r#""a\/b\/\/""#);
    }

    #[test]
    fn members_keep_their_order() {
        let object = Object::decode(br#"{"z":1,"a":2,"m":3}"#).unwrap();
        assert_eq!(object.names().collect::<Vec<_>>(), ["z", "a", "m"]);
        assert_eq!(object.get("m"), Some(&Value::from(3)));
    }

    #[test]
    fn members_that_were_not_taken_remain_in_order() {
        let mut object = Object::decode(br#"{"z":1,"a":"x","m":{"k":[null]},"b":true}"#).unwrap();
        assert_eq!(object.string("a"), Ok("x".to_owned()));
        let rest: Vec<_> = object.into_rest().into_iter().map(|(name, _)| name).collect();
        assert_eq!(rest, ["z", "m", "b"]);
    }

    #[test]
    fn a_name_must_not_occur_twice_at_any_depth_or_in_any_spelling() {
        let duplicate = || DecodeError::DuplicateField { name: "a".to_owned() };
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":2,"\u0061":3}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"{"x":[0,{"y":[{"a":1,"a":2}]}]}"#,
        ] {
            assert_eq!(refused(text), duplicate(), "{text}");
        }
        assert!(Object::decode(br#"{"a":{"a":[{"a":1},{"a":2}]}}"#).is_ok());
    }

    #[test]
    fn the_first_name_that_occurs_twice_is_reported_however_many_members_there_are() {
        let mut members: Vec<_> = (0..100).map(|number| format!("\"m{number}\":{{}}")).collect();
        assert_eq!(
            Object::decode(format!("{{{}}}", members.join(",")).as_bytes()).unwrap().into_rest().len(),
            100
        );
        for (index, first) in [(5, "m3"), (40, "m3"), (99, "m98")] {
            members[index] = format!("\"{first}\":{{\"x\":1,\"x\":2}}");
            let duplicate = DecodeError::DuplicateField { name: first.to_owned() };
            assert_eq!(refused(&format!("{{{}}}", members.join(","))), duplicate);
            members[index] = format!("\"m{index}\":{{}}");
        }
    }

    #[test]
    fn nothing_may_follow_the_object() {
        assert_eq!(refused("{}x"), DecodeError::TrailingBytes { bytes: 1 });
        assert_eq!(refused("{\n}\n {}\n"), DecodeError::TrailingBytes { bytes: 3 });
        assert!(Object::decode(b" {}\r\n\t ").is_ok());
    }

    #[test]
    fn the_error_for_anything_except_an_object_names_its_kind() {
        for (text, found) in [
            ("null", JsonKind::Null),
            ("true", JsonKind::Boolean),
            ("12", JsonKind::Number),
            ("\"{}\"", JsonKind::String),
            ("[{}]", JsonKind::Array),
        ] {
            assert_eq!(refused(text), DecodeError::NotAnObject { found });
        }
    }

    #[test]
    fn text_that_is_not_json_is_refused_with_its_place() {
        for text in [
            "",
            "{",
            "{\"a\":01}",
            "{'a':1}",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\":+1}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\t\"}",
            "{\"a\":NaN}",
            "{\"a\":1e999}",
        ] {
            let error = refused(text);
            assert!(matches!(error, DecodeError::NotJson { line: 1, .. }), "{text}: {error}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
        let second_line = refused("{\n  \"a\" 1}");
        assert!(matches!(second_line, DecodeError::NotJson { line: 2, column: 7, .. }), "{second_line:?}");
    }

    #[test]
    fn bytes_that_are_not_plain_utf8_are_refused() {
        assert_eq!(Object::decode(b"{\"a\":\"\xff\"}"), Err(DecodeError::NotUtf8 { at: 6 }));
        assert_eq!(Object::decode(b"\xef\xbb\xbf{}"), Err(DecodeError::ByteOrderMark));
    }

    #[test]
    fn size_depth_and_number_of_members_are_limited() {
        let mut longest = b"{}".to_vec();
        longest.resize(MAX_JSON_BYTES, b' ');
        assert!(Object::decode(&longest).is_ok());
        longest.push(b' ');
        let too_long = DecodeError::TooLong { bytes: MAX_JSON_BYTES + 1, limit: MAX_JSON_BYTES };
        assert_eq!(Object::decode(&longest), Err(too_long));

        let deep = format!("{{\"a\":{}", "[".repeat(500_000));
        assert!(matches!(refused(&deep), DecodeError::NotJson { .. }));

        let members: Vec<_> = (0..80_000).map(|n| format!("\"{n}\":0")).collect();
        assert!(Object::decode(format!("{{{}}}", members.join(",")).as_bytes()).is_ok());
    }

    #[test]
    fn a_long_name_does_not_cause_a_long_message() {
        let name = "é".repeat(1000);
        let error = refused(&format!("{{\"{name}\":1,\"{name}\":2}}"));
        assert!(error.to_string().len() < 250, "{error}");
    }

    #[test]
    fn a_member_of_the_wrong_type_is_an_error_that_names_the_type_found() {
        let decode = || Object::decode(br#"{"n":null,"t":"x","i":7,"a":["x",1]}"#).unwrap();
        let expected = JsonKind::String;
        assert_eq!(decode().string("gone"), Err(DecodeError::MissingField { name: "gone" }));
        assert_eq!(decode().optional_string("gone"), Ok(None));
        assert_eq!(
            decode().optional_string("n"),
            Err(DecodeError::WrongType { name: "n", expected, found: JsonKind::Null })
        );
        assert_eq!(
            decode().counter("t"),
            Err(DecodeError::WrongType { name: "t", expected: JsonKind::Integer, found: JsonKind::String })
        );
        assert_eq!(decode().string_or_integer("i"), Ok("7".to_owned()));
        assert_eq!(
            decode().strings("a"),
            Err(DecodeError::WrongType {
                name: "a",
                expected: JsonKind::ArrayOfStrings,
                found: JsonKind::Number
            })
        );
    }
}
