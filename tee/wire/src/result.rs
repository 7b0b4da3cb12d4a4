//! The result of one authentication: `resultJSON`.

// Writing to a `String` does not fail, so the results of `write!` are ignored.
use std::fmt::Write as _;

use serde_json::Value;

use crate::decode_error::DecodeError;
use crate::json::{Object, encode_string};
use crate::profile::{Profile, ResultField};
use crate::signature_scheme::SignatureScheme;

/// What the TEE knows when it signs the result of one authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResultFacts<'a> {
    /// The challenge, as the mini program gave it.
    pub raw: &'a str,
    /// The finger that matched, in decimal digits; not written by profiles without `fid`.
    pub fid: &'a str,
    /// The device's counter for this signature; readers accept up to [`MAX_COUNTER`](crate::json::MAX_COUNTER).
    pub counter: u64,
    /// The device.
    pub cpu_id: &'a str,
    /// The app on the device.
    pub uid: &'a str,
}

impl ResultFacts<'_> {
    /// Encodes the exact text that a phone of this family signs: its members in its order, without spaces.
    pub fn encode(&self, profile: &Profile) -> String {
        const FIXED_BYTES: usize = 320;
        let mut out =
            String::with_capacity(FIXED_BYTES + self.raw.len() + self.cpu_id.len() + self.uid.len());
        let mut separator = '{';
        for field in profile.result {
            out.push(separator);
            separator = ',';
            match *field {
                ResultField::Counter => push_number("counter", self.counter, &mut out),
                ResultField::CpuId => push_text("cpu_id", self.cpu_id, &mut out),
                ResultField::Fid => push_text("fid", self.fid, &mut out),
                ResultField::Fixed { name, value } => push_text(name, value, &mut out),
                ResultField::Raw => push_text("raw", self.raw, &mut out),
                ResultField::SaltLength => {
                    let SignatureScheme::RsaPss { salt_length } = profile.scheme;
                    push_number("rsa_pss_saltlen", salt_length.get().into(), &mut out);
                }
                ResultField::Uid => push_text("uid", self.uid, &mut out),
            }
        }
        if profile.result.is_empty() {
            out.push('{');
        }
        out.push('}');
        out
    }
}

fn push_text(name: &str, value: &str, out: &mut String) {
    encode_string(name, out, false);
    out.push(':');
    encode_string(value, out, false);
}

fn push_number(name: &str, value: u64, out: &mut String) {
    encode_string(name, out, false);
    let _ = write!(out, ":{value}");
}

/// A result as received.
///
/// The signature covers the received bytes: keep them for [`verify`](crate::public_key::PublicKey::verify).
#[derive(Clone, Debug, PartialEq)]
pub struct ResultJson {
    /// The challenge.
    pub raw: String,
    /// The finger that matched; iOS does not write it.
    pub fid: Option<String>,
    /// The device's counter, at most [`MAX_COUNTER`](crate::json::MAX_COUNTER).
    pub counter: u64,
    /// The device.
    pub cpu_id: String,
    /// The app on the device: decimal digits (Android) or 32 hexadecimal ones (iOS). Any string is accepted.
    pub uid: String,
    /// The scheme that `rsa_pss_saltlen` names, if present.
    pub named_scheme: Option<SignatureScheme>,
    /// All other members, in the order of the text.
    pub other: Vec<(String, Value)>,
}

impl ResultJson {
    /// Decodes a result strictly, as [`Object`] describes.
    ///
    /// # Errors
    /// Those of [`Object::decode`]. [`DecodeError::MissingField`] if a required member is missing,
    /// [`DecodeError::WrongType`], [`DecodeError::CounterOutOfRange`] or [`DecodeError::SaltLengthOutOfRange`] if a
    /// member has a wrong value.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut object = Object::decode(bytes)?;
        Ok(Self {
            raw: object.string("raw")?,
            fid: object.optional_string("fid")?,
            counter: object.counter("counter")?,
            cpu_id: object.string("cpu_id")?,
            uid: object.string("uid")?,
            named_scheme: object.scheme()?,
            other: object.into_rest(),
        })
    }

    /// The scheme that the result claims: the one that it names, else the default.
    pub fn scheme(&self) -> SignatureScheme {
        self.named_scheme.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::MAX_COUNTER;
    use crate::profile::PROFILES;

    const FACTS: ResultFacts<'_> =
        ResultFacts { raw: "a\"b/c", fid: "2313170", counter: 246, cpu_id: "C", uid: "10115" };

    fn encoded(profile: &str) -> String {
        FACTS.encode(Profile::named(profile).unwrap())
    }

    /// Decodes a result that is valid except for the members given in place of `counter`.
    fn decode_with(members: &str) -> Result<ResultJson, DecodeError> {
        ResultJson::decode(format!(r#"{{"raw":"r",{members},"cpu_id":"c","uid":"1"}}"#).as_bytes())
    }

    #[test]
    fn every_profile_encodes_its_own_bytes() {
        let expected: [_; PROFILES.len()] = [
            (
                "trustonic",
                r#"{"raw":"a\"b/c","fid":"2313170","counter":246,"tee_n":"t-base-Mediatek-Armv8-Android-302A-V012-emulated","tee_v":"10010","fp_n":"FPC","fp_v":"6516","cpu_id":"C","uid":"10115"}"#,
            ),
            (
                "itrustee",
                r#"{"bo_t":"1","raw":"a\"b/c","fid":"2313170","counter":246,"tee_n":"hwteeos","tee_v":"version_1.0","fp_n":"fpc_goodix","fp_v":"goodix_1.0","rsa_pss_saltlen":32,"cpu_id":"C","uid":"10115","fc_n":"hwbioalgo","fc_v":"bioalgo_1.0"}"#,
            ),
            (
                "qsee",
                r#"{"raw":"a\"b/c","fid":"2313170","counter":246,"tee_n":"QSEE emulated","tee_v":"4.0","fp_n":"QFP","fp_v":"1.0","cpu_id":"C","uid":"10115"}"#,
            ),
            ("ios", r#"{"raw":"a\"b/c","counter":246,"uid":"10115","cpu_id":"C"}"#),
            ("ios-touch-id", r#"{"raw":"a\"b/c","counter":246,"uid":"10115","cpu_id":"C"}"#),
        ];
        assert_eq!(expected.map(|(name, _)| name), *Profile::names().collect::<Vec<_>>());
        for (name, text) in expected {
            assert_eq!(encoded(name), text);
        }
    }

    #[test]
    fn a_profile_without_members_encodes_an_empty_object() {
        let empty = Profile { result: &[], ..*Profile::named("ios").unwrap() };
        assert_eq!(FACTS.encode(&empty), "{}");
    }

    #[test]
    fn unknown_members_are_kept_in_order() {
        let result = ResultJson::decode(encoded("itrustee").as_bytes()).unwrap();
        let huawei = SignatureScheme::rsa_pss(32);
        assert_eq!((result.named_scheme, Some(result.scheme())), (huawei, huawei));
        let other: Vec<_> = result.other.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(other, ["bo_t", "tee_n", "tee_v", "fp_n", "fp_v", "fc_n", "fc_v"]);

        let ios = ResultJson::decode(encoded("ios").as_bytes()).unwrap();
        assert_eq!((ios.scheme(), ios.fid, ios.other), (SignatureScheme::default(), None, vec![]));
    }

    #[test]
    fn a_counter_is_an_integer_literal_in_range() {
        for (literal, counter) in
            [("0", 0), ("9007199254740993", (1 << 53) + 1), ("9223372036854775807", MAX_COUNTER)]
        {
            let result = decode_with(&format!("\"counter\":{literal}")).unwrap();
            assert_eq!(result.counter, counter);
        }
        for literal in ["-1", "-0", "1.0", "1e3", "1E0", "9223372036854775808", "18446744073709551616"] {
            let error = decode_with(&format!("\"counter\":{literal}")).unwrap_err();
            assert!(matches!(error, DecodeError::CounterOutOfRange { .. }), "{literal}: {error}");
        }
        for literal in ["01", "+1", "0x1", "1_000"] {
            let error = decode_with(&format!("\"counter\":{literal}")).unwrap_err();
            assert!(matches!(error, DecodeError::NotJson { .. }), "{literal}: {error}");
        }
        for literal in ["\"1\"", "null", "[1]", "true"] {
            let error = decode_with(&format!("\"counter\":{literal}")).unwrap_err();
            assert!(matches!(error, DecodeError::WrongType { name: "counter", .. }), "{literal}: {error}");
        }
        assert_eq!(decode_with("\"x\":1"), Err(DecodeError::MissingField { name: "counter" }));
    }

    #[test]
    fn a_salt_length_is_an_integer_that_fits_into_a_signature() {
        let decode = |literal: &str| decode_with(&format!("\"counter\":1,\"rsa_pss_saltlen\":{literal}"));
        for length in [0, 20, 32, 222] {
            assert_eq!(decode(&length.to_string()).unwrap().named_scheme, SignatureScheme::rsa_pss(length));
        }
        for literal in ["223", "-1", "20.0", "65556", "4294967316"] {
            let error = decode(literal).unwrap_err();
            assert!(matches!(error, DecodeError::SaltLengthOutOfRange { .. }), "{literal}: {error}");
        }
        for literal in ["\"20\"", "null"] {
            let error = decode(literal).unwrap_err();
            assert!(matches!(error, DecodeError::WrongType { .. }), "{literal}: {error}");
        }
    }

    #[test]
    fn strings_must_be_strings() {
        for members in
            ["\"counter\":1,\"fid\":2", "\"counter\":1,\"fid\":null", "\"counter\":1,\"uid\":10115"]
        {
            let text = format!(r#"{{"raw":"r",{members},"cpu_id":"c"}}"#);
            let error = ResultJson::decode(text.as_bytes()).unwrap_err();
            assert!(matches!(error, DecodeError::WrongType { .. }), "{members}: {error}");
        }
    }
}
