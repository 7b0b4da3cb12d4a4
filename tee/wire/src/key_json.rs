//! The JSON of an exported ASK or AuthKey.

use std::borrow::Cow;
// Writing to a `String` does not fail, so the results of `write!` are ignored.
use std::fmt::Write as _;

use crate::decode_error::DecodeError;
use crate::json::{self, Object, encode_string};
use crate::profile::Profile;
use crate::public_key::PublicKey;
use crate::signature_scheme::SignatureScheme;

/// What the TEE knows when it exports a key.
#[derive(Clone, Copy, Debug)]
pub struct KeyFacts<'a> {
    /// The exported key.
    pub public_key: &'a PublicKey,
    /// The device.
    pub cpu_id: &'a str,
    /// The device's counter for this export; readers accept up to [`MAX_COUNTER`](crate::json::MAX_COUNTER).
    pub counter: u64,
    /// The app on the device.
    pub uid: &'a str,
}

impl KeyFacts<'_> {
    /// Encodes the exact text that a phone of this family signs: `pub_key, cpu_id, counter, uid`, in its
    /// [`KeyJsonLayout`](crate::profile::KeyJsonLayout). No line feed follows the END line inside `pub_key`.
    pub fn encode(&self, profile: &Profile) -> String {
        let layout = profile.key_json;
        let lines = self.public_key.pem_lines(layout.line_width);
        let mut out = String::with_capacity(640);
        out.push_str("{\"pub_key\":");
        if layout.raw_line_feeds {
            // Apart from line feeds, only `/` in PEM can need an escape.
            let text = lines.join("\n");
            out.push('"');
            out.push_str(&if layout.escape_slash { text.replace('/', "\\/") } else { text });
            out.push('"');
        } else {
            encode_string(&lines.join("\n"), &mut out, layout.escape_slash);
        }
        out.push_str(",\"cpu_id\":");
        encode_string(self.cpu_id, &mut out, layout.escape_slash);
        let _ = write!(out, ",\"counter\":{},\"uid\":", self.counter);
        encode_string(self.uid, &mut out, layout.escape_slash);
        if layout.salt_length_field {
            let SignatureScheme::RsaPss { salt_length } = profile.scheme;
            let _ = write!(out, ",\"rsa_pss_saltlen\":{salt_length}");
        }
        out.push('}');
        out
    }
}

/// An exported key as received. The signature covers the received bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyJson {
    /// The exported key.
    pub public_key: PublicKey,
    /// The device.
    pub cpu_id: String,
    /// The device's counter, at most [`MAX_COUNTER`](crate::json::MAX_COUNTER).
    pub counter: u64,
    /// The app on the device.
    pub uid: String,
    /// The scheme that `rsa_pss_saltlen` names, if present.
    pub named_scheme: Option<SignatureScheme>,
}

impl KeyJson {
    /// Decodes an exported key strictly, except for two habits of phones: Huawei's write raw LF bytes in the
    /// `pub_key` string (they are accepted only there), and old ones write `uid` as a number. Other members are
    /// ignored.
    ///
    /// A line number in an error does not count the line feeds inside `pub_key`.
    ///
    /// # Errors
    /// Those of [`Object::decode`] and [`PublicKey::from_pem`]. [`DecodeError::MissingField`] if a required member is
    /// missing, [`DecodeError::WrongType`], [`DecodeError::CounterOutOfRange`] or
    /// [`DecodeError::SaltLengthOutOfRange`] if a member has a wrong value.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut object = Object::parse(&escape_line_feeds_in_key(json::text(bytes)?))?;
        Ok(Self {
            public_key: PublicKey::from_pem(&object.string("pub_key")?)?,
            cpu_id: object.string("cpu_id")?,
            counter: object.counter("counter")?,
            uid: object.string_or_integer("uid")?,
            named_scheme: object.scheme()?,
        })
    }

    /// The scheme that the export claims: the one that it names, else the default.
    pub fn scheme(&self) -> SignatureScheme {
        self.named_scheme.unwrap_or_default()
    }
}

/// Replaces each raw LF inside the string value of the outermost `pub_key` with `\n`. The rest is unchanged, so the
/// strict parser still finds every other error.
fn escape_line_feeds_in_key(text: &str) -> Cow<'_, str> {
    if !text.contains('\n') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut depth = 0_usize;
    let mut last_string = "";
    let mut value_of_key = false;
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if next == '"' {
            let (string, after) = split_string(rest);
            if depth == 1 && value_of_key {
                out.push_str(&string.replace('\n', "\\n"));
            } else {
                out.push_str(string);
            }
            last_string = string;
            value_of_key = false;
            rest = after;
            continue;
        }
        match next {
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if !next.is_ascii_whitespace() {
            value_of_key = next == ':' && last_string == "\"pub_key\"";
        }
        out.push(next);
        rest = &rest[next.len_utf8()..];
    }
    Cow::Owned(out)
}

/// Splits a text that begins with a quote after the string's closing quote, or at the end if it has no closing quote.
fn split_string(text: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return text.split_at(at + 1),
            _ => {}
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = include_str!("../tests/vectors/trustonic_result/key.pem");

    fn text_of(profile: &str) -> String {
        let public_key = PublicKey::from_pem(PEM).unwrap();
        let facts = KeyFacts { public_key: &public_key, cpu_id: "c/d", counter: 7, uid: "10316" };
        facts.encode(Profile::named(profile).unwrap())
    }

    #[test]
    fn huawei_writes_raw_line_feeds_a_single_line_and_the_salt_length() {
        let text = text_of("itrustee");
        assert_eq!(text.lines().count(), 3);
        assert!(text.starts_with("{\"pub_key\":\"-----BEGIN PUBLIC KEY-----\nMII"), "{text}");
        let end = "\n-----END PUBLIC KEY-----\",\"cpu_id\":\"c/d\",\"counter\":7,\"uid\":\"10316\",\"rsa_pss_saltlen\":32}";
        assert!(text.ends_with(end), "{text}");
        assert!(!text.contains('\\'), "{text}");
    }

    #[test]
    fn the_others_write_escapes_and_lines_of_64_columns() {
        for profile in Profile::names().filter(|name| *name != "itrustee") {
            let text = text_of(profile);
            assert_eq!(text.lines().count(), 1);
            let end = "-----END PUBLIC KEY-----\",\"cpu_id\":\"c\\/d\",\"counter\":7,\"uid\":\"10316\"}";
            assert!(text.ends_with(end), "{text}");
            let longest = text.split("\\n").skip(1).map(|line| line.replace("\\/", "/").len()).take(6);
            assert!(longest.eq([64; 6]), "{text}");
            assert!(!text.replace("\\/", "").contains('/'), "{text}");
        }
    }

    #[test]
    fn line_feeds_are_accepted_inside_the_key_and_nowhere_else() {
        let text = text_of("itrustee");
        let key = KeyJson::decode(text.as_bytes()).unwrap();
        assert_eq!(key.public_key, PublicKey::from_pem(PEM).unwrap());
        assert_eq!(Some(key.scheme()), SignatureScheme::rsa_pss(32));

        for (place, broken) in [
            ("in cpu_id", text.replace("c/d", "c\nd")),
            ("in uid", text.replace("10316", "103\n16")),
            ("in a name", text.replace("cpu_id", "cpu\n_id")),
            ("in another object", text.replacen('{', "{\"x\":{\"pub_key\":\"\n\"},", 1)),
            ("in an array", text.replacen('{', "{\"x\":[\"pub_key\",\"\n\"],", 1)),
            ("after an escaped quote", text.replacen('{', "{\"x\\\"\":\"pub_key\\\":\n\",", 1)),
        ] {
            assert_ne!(broken, text);
            let error = KeyJson::decode(broken.as_bytes()).unwrap_err();
            assert!(matches!(error, DecodeError::NotJson { .. }), "{place}: {error}");
        }
    }

    #[test]
    fn no_other_control_character_is_accepted_inside_the_key() {
        let text = text_of("itrustee");
        for control in (0..0x20_u8).map(char::from).filter(|&control| control != '\n') {
            let broken = text.replacen("MII", &format!("MII{control}"), 1);
            let error = KeyJson::decode(broken.as_bytes()).unwrap_err();
            assert!(matches!(error, DecodeError::NotJson { .. }), "{control:?}: {error}");
        }
    }

    #[test]
    fn white_space_between_the_members_changes_nothing() {
        let text = text_of("itrustee");
        let spaced = text.replace("\"pub_key\":", "\n \"pub_key\" :\n ").replace(",\"", " ,\n\t\"");
        assert_eq!(KeyJson::decode(spaced.as_bytes()), KeyJson::decode(text.as_bytes()));
    }

    #[test]
    fn a_numeric_uid_is_read_as_its_digits() {
        let text = text_of("trustonic").replace("\"10316\"", "10316");
        assert_eq!(KeyJson::decode(text.as_bytes()).unwrap().uid, "10316");
        let negative = text.replace("10316", "-1");
        assert!(matches!(
            KeyJson::decode(negative.as_bytes()),
            Err(DecodeError::CounterOutOfRange { name: "uid", .. })
        ));
    }
}
