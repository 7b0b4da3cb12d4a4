//! Checking a signature.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use soter_text::Text;
use soter_wechat::verification::Verification;
use soter_wire::SignatureScheme;

/// Checks a SOTER signature against a public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifySignature {
    /// PEM (`PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`), its bare Base64, or the JSON of an ASK, an AuthKey or a
    /// certificate chain, also as a JSON string.
    pub key: String,
    /// The signed text, byte for byte.
    pub json: String,
    /// The signature in standard Base64.
    pub signature: String,
    /// The salt length; absent: the JSON's own `rsa_pss_saltlen`, else 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<u16>,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Whether the signature is this key's over exactly these bytes.
    pub valid: bool,
    /// A stable name: `valid`, or why not.
    pub reason: String,
    /// One line for people.
    pub detail: Text,
    /// How the signature had to be made, in JSON its salt length; `None` if the check did not get so far.
    #[serde(rename = "saltLength", default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        with = "Option<u16>",
        description = "The salt length that was required; absent if the check did not get so far."
    )]
    pub scheme: Option<SignatureScheme>,
    /// Things worth knowing that change nothing: an unknown root, a certificate out of date.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Text>,
}

impl From<Verification> for Verdict {
    fn from(Verification { verdict, scheme, remarks }: Verification) -> Self {
        let (valid, reason) = (verdict.is_ok(), verdict.reason.name().into_owned());
        Self { valid, reason, detail: verdict.detail, scheme, remarks }
    }
}
