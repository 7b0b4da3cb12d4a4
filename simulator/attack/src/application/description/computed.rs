//! Values that are made before a step, as many backends want their requests signed.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use schemars::JsonSchema;
use serde::Deserialize;
use soter_text::{own_message, text};
use soter_wechat::Secret;

use crate::application::template::names;

/// A value that is made of others.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "ComputedFile")]
#[schemars(with = "ComputedFile")]
pub(in crate::application) struct Computed {
    /// Its name in templates.
    pub(in crate::application) name: String,
    /// The text. In it, `{{sorted}}` stands for the parameters as `a=1&b=2`, sorted by name.
    pub(in crate::application) text: String,
    /// Names and templates of the parameters. Those whose value is empty are left out.
    pub(in crate::application) parameters: BTreeMap<String, String>,
    /// How the text is signed or hashed; `None`: it is not.
    pub(in crate::application) signing: Option<Signing>,
    /// How the bytes are written.
    pub(in crate::application) encoding: BytesEncoding,
}

/// What is made of a text.
#[derive(Clone, Debug)]
pub(in crate::application) enum Signing {
    Hash(Hash),
    Hmac(hmac::Algorithm, Secret),
}

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::application) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

/// How bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::application) enum BytesEncoding {
    Base64,
    Hex,
    /// As in a JSON string, between its quotation marks.
    Json,
    Plain,
    UpperHex,
}

/// A computed value as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Computed", description = "A value that is made of others, as for signed requests.")]
struct ComputedFile {
    /// Its name in templates.
    name: String,
    /// The text that is hashed or signed. `{{sorted}}` stands for the parameters as `a=1&b=2`, sorted by name.
    text: String,
    /// The parameters for `{{sorted}}`. Those whose value is empty are left out.
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    /// The hash function. Left out: the text itself is the value.
    hash: Option<Hash>,
    /// The key of an HMAC. Left out: it is a hash without a key.
    #[schemars(with = "Option<String>")]
    key: Option<Secret>,
    /// How the bytes are written. Left out: a hash as hex, and a text as it is.
    encoding: Option<BytesEncoding>,
}

impl TryFrom<ComputedFile> for Computed {
    type Error = String;

    fn try_from(file: ComputedFile) -> Result<Self, String> {
        let ComputedFile { name, text, parameters, hash, key, encoding } = file;
        let signing = match (hash, key) {
            (None, None) => None,
            (Some(hash), None) => Some(Signing::Hash(hash)),
            (Some(Hash::Sha1), Some(key)) => Some(Signing::Hmac(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key)),
            (Some(Hash::Sha256), Some(key)) => Some(Signing::Hmac(hmac::HMAC_SHA256, key)),
            (Some(Hash::Sha512), Some(key)) => Some(Signing::Hmac(hmac::HMAC_SHA512, key)),
            (None | Some(Hash::Md5), Some(_)) => {
                return Err(own_message(text!(
                    "`key` makes an HMAC, with hash = \"sha1\", \"sha256\" or \"sha512\""
                )));
            }
        };
        let default = if signing.is_some() { BytesEncoding::Hex } else { BytesEncoding::Plain };
        let encoding = encoding.unwrap_or(default);
        if signing.is_some() && matches!(encoding, BytesEncoding::Json | BytesEncoding::Plain) {
            return Err(own_message(text!("a hash is written as hex, upper-hex or base64")));
        }
        Ok(Self { name, text, parameters, signing, encoding })
    }
}

impl Computed {
    /// The name of the sorted parameters in the text.
    pub(in crate::application) const SORTED: &str = "sorted";
    /// The names of the request's own parts.
    pub(in crate::application) const REQUEST_PARTS: [&str; 3] =
        ["requestMethod", "requestPath", "requestBody"];

    /// Whether it is made of the request itself, so that only the request's headers can carry it.
    pub(in crate::application) fn is_of_request(&self) -> bool {
        self.all_names().any(|name| Self::REQUEST_PARTS.contains(&name))
    }

    /// The names that it uses, besides those that only it has.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.all_names().filter(|name| *name != Self::SORTED && !Self::REQUEST_PARTS.contains(name))
    }

    fn all_names(&self) -> impl Iterator<Item = &str> {
        let key = match &self.signing {
            Some(Signing::Hmac(_, key)) => key.expose(),
            _ => "",
        };
        let templates =
            [self.text.as_str(), key].into_iter().chain(self.parameters.values().map(String::as_str));
        templates.flat_map(names)
    }
}
