//! The text that a merchant's server signs for a payment, and whether a signature belongs to it.

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use md5::{Digest, Md5};
use soter_wire::PublicKey;

/// How `paySign` is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignType {
    /// MD5 over the parameters and the merchant's key.
    Md5,
    /// HMAC-SHA256 with the merchant's key over the same text.
    HmacSha256,
    /// APIv3: SHA256withRSA, PKCS#1 v1.5, by the merchant's private key over four lines.
    Rsa,
}

impl SignType {
    pub(super) const ALL: [Self; 3] = [Self::Md5, Self::HmacSha256, Self::Rsa];

    /// As `signType` has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::HmacSha256 => "HMAC-SHA256",
            Self::Rsa => "RSA",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sign_type| sign_type.name() == name)
    }
}

/// The values that are signed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a> {
    pub(super) appid: &'a str,
    pub(super) time_stamp: &'a str,
    pub(super) nonce_str: &'a str,
    pub(super) package: &'a str,
}

/// How the text is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `name=value` with `&` in between, and the key at the end.
    Query,
    /// The values, each with this after it; whether also the last one.
    Lines {
        /// A line feed, if it is right.
        end: &'static str,
        /// Whether it stands after the last value, too.
        ends_last: bool,
    },
}

/// What stands at the end of the query form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyPart {
    /// `&key=` and the merchant's key.
    Key,
    /// `&key=` alone.
    Empty,
    /// Nothing.
    Missing,
}

/// Everything that `paySign` is made from. Not printable, because it has the merchant's key.
#[derive(Clone)]
pub(super) struct SigningInput<'a> {
    pub(super) sign_type: SignType,
    pub(super) form: Form,
    /// Names and values, in order.
    pub(super) parameters: Vec<(&'static str, String)>,
    pub(super) key_part: KeyPart,
    pub(super) merchant_key: Option<&'a str>,
    pub(super) public_key: Option<&'a PublicKey>,
}

impl<'a> SigningInput<'a> {
    /// The right input for these values.
    pub(super) fn new(
        sign_type: SignType,
        values: Values<'_>,
        merchant_key: Option<&'a str>,
        public_key: Option<&'a PublicKey>,
    ) -> Self {
        let Values { appid, time_stamp, nonce_str, package } = values;
        let parameters = vec![
            ("appId", appid.to_owned()),
            ("nonceStr", nonce_str.to_owned()),
            ("package", package.to_owned()),
            ("timeStamp", time_stamp.to_owned()),
        ];
        let form = Form::Query;
        let input = Self { sign_type, form, parameters, key_part: KeyPart::Key, merchant_key, public_key };
        input.signed_as(sign_type)
    }

    /// The right input for the same values and another `signType`.
    pub(super) fn signed_as(&self, sign_type: SignType) -> Self {
        let mut input = Self { sign_type, ..self.clone() };
        input.parameters.retain(|(name, _)| *name != "signType");
        let order: &[&str] = match sign_type {
            SignType::Md5 | SignType::HmacSha256 => {
                input.form = Form::Query;
                input.parameters.push(("signType", sign_type.name().to_owned()));
                &["appId", "nonceStr", "package", "signType", "timeStamp"]
            }
            SignType::Rsa => {
                input.form = Form::Lines { end: "\n", ends_last: true };
                &["appId", "timeStamp", "nonceStr", "package"]
            }
        };
        input.order(order);
        input
    }

    /// Puts the parameters into this order.
    pub(super) fn order(&mut self, names: &[&str]) {
        self.parameters.sort_by_key(|(name, _)| names.iter().position(|other| other == name));
    }

    /// Changes a parameter's value.
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        if let Some((_, current)) = self.parameters.iter_mut().find(|(other, _)| *other == name) {
            *current = value.into();
        }
    }

    /// Changes a parameter's name, not its place.
    pub(super) fn rename(&mut self, name: &str, new_name: &'static str) {
        if let Some((current, _)) = self.parameters.iter_mut().find(|(other, _)| *other == name) {
            *current = new_name;
        }
    }

    /// A parameter's value; empty if it is not there.
    pub(super) fn value(&self, name: &str) -> &str {
        self.parameters.iter().find(|(other, _)| *other == name).map_or("", |(_, value)| value)
    }

    /// Whether the key is there that this `signType` needs.
    pub(super) fn has_key(&self) -> bool {
        match self.sign_type {
            SignType::Md5 | SignType::HmacSha256 => self.merchant_key.is_some(),
            SignType::Rsa => self.public_key.is_some(),
        }
    }

    /// The text that is signed.
    fn text(&self) -> String {
        self.text_with_key(self.merchant_key.unwrap_or_default())
    }

    /// The text that is signed as it may be printed: without the merchant's key, and with its line ends visible.
    pub(super) fn printable_text(&self) -> String {
        self.text_with_key("<merchant_key>").escape_debug().to_string()
    }

    fn text_with_key(&self, key: &str) -> String {
        match self.form {
            Form::Query => {
                let pairs: Vec<_> =
                    self.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
                let text = pairs.join("&");
                match self.key_part {
                    // APIv3 has no such key.
                    _ if self.sign_type == SignType::Rsa => text,
                    KeyPart::Key => format!("{text}&key={key}"),
                    KeyPart::Empty => format!("{text}&key="),
                    KeyPart::Missing => text,
                }
            }
            Form::Lines { end, ends_last } => {
                let values: Vec<_> = self.parameters.iter().map(|(_, value)| value.as_str()).collect();
                let text = values.join(end);
                if ends_last { text + end } else { text }
            }
        }
    }

    /// Whether these are the bytes of the signature over this input.
    pub(super) fn matches(&self, signature: &[u8]) -> bool {
        let text = self.text();
        match (self.sign_type, self.merchant_key, self.public_key) {
            (SignType::Md5, Some(_), _) => *Md5::digest(text) == *signature,
            (SignType::HmacSha256, Some(key), _) => {
                hmac::verify(&hmac::Key::new(HMAC_SHA256, key.as_bytes()), text.as_bytes(), signature).is_ok()
            }
            (SignType::Rsa, _, Some(key)) => key.verify_pkcs1(text.as_bytes(), signature).is_ok(),
            (SignType::Md5 | SignType::HmacSha256, None, _) | (SignType::Rsa, _, None) => false,
        }
    }

    /// Whether the signature is one over the right text, with PSS instead of PKCS#1 v1.5.
    pub(super) fn matches_pss(&self, signature: &[u8]) -> bool {
        let has_salt =
            |key: &PublicKey| key.find_pss_salt_length(self.text().as_bytes(), signature).is_some();
        self.sign_type == SignType::Rsa && self.public_key.is_some_and(has_salt)
    }
}
