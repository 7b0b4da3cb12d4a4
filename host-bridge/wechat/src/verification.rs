//! Checks one signature, and says as much about a failure as the bytes allow.
//!
//! WeChat's `verify_signature` answers `is_ok: false` and no reason, and most of its users then look for a fault in
//! the wrong place. So this check, once it has failed, tries what commonly goes wrong on the way from a phone to a
//! server: the salt length, the padding, and text that was changed after it had been signed. That changes no verdict;
//! a signature is valid for exactly the bytes given or not at all.
//!
//! Every check answers a [`Verification`]; whatever the bytes, none panics. These are the reasons:
//!
//! | reason | what is wrong |
//! |---|---|
//! | `valid` | nothing |
//! | `bad-key` | the key cannot be read |
//! | `bad-signature-encoding` | the signature is neither 256 raw bytes nor Base64 |
//! | `base64-plus-lost` | spaces stand where `+` was, as after form decoding |
//! | `base64-unpadded` | Base64 without its `=` at the end |
//! | `base64-url-safe` | Base64 with `-` and `_` |
//! | `base64-wrapped` | Base64 with line breaks or spaces inside |
//! | `broken-chain` | a certificate chain that does not hold |
//! | `pkcs1-instead-of-pss` | the signature has the padding PKCS#1 v1.5 |
//! | `reserialised` | the text was changed after signing, in a way that was found |
//! | `salt-out-of-range` | a salt length above 222, which no signature can have |
//! | `signature-length` | a signature of another length than 256 bytes |
//! | `wrong-salt-length` | the signature holds at another salt length |
//! | `wrong-signature` | other bytes, another key or a forgery: these cannot be told apart |

use std::time::{SystemTime, UNIX_EPOCH};

use soter_wire::{DecodeError, ExportBlob, KeyJson, ResultJson, SaltLength, SignatureScheme};

use crate::journal::Judgement;

mod diagnosis;
mod key;
mod signature;

use key::Key;

pub(crate) use diagnosis::{found_changes, unchanged};
pub(crate) use signature::read_base64 as read_base64_signature;

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Whether the signature is valid, and why not.
    pub verdict: Judgement,
    /// How the signature had to be made; absent if the check did not get that far.
    pub scheme: Option<SignatureScheme>,
    /// What does not change the verdict, and should be known all the same.
    pub remarks: Vec<String>,
}

/// [`verify_at`] the present time.
pub fn verify(key: &[u8], json: &[u8], signature: &[u8], salt: Option<u16>) -> Verification {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    verify_at(key, json, signature, salt, now)
}

/// Checks a SOTER signature over exactly the bytes of `json`.
///
/// `key` is a PEM `PUBLIC KEY`, the JSON of an ASK or AuthKey, or that of a certificate chain, whose leaf's key is
/// taken. `signature` is 256 raw bytes, or standard Base64 of them, after which one line end is tolerated. `salt` is
/// the required salt length in bytes; without it, the JSON's own `rsa_pss_saltlen` counts, else 20. The time, in
/// seconds since 1970, matters only to remarks about certificates.
pub fn verify_at(
    key: &[u8],
    json: &[u8],
    signature: &[u8],
    salt: Option<u16>,
    unix_seconds: u64,
) -> Verification {
    let mut remarks = Vec::new();
    match judge(key, json, signature, salt, unix_seconds, &mut remarks) {
        Ok(Required { scheme, source }) => {
            let SignatureScheme::RsaPss { salt_length } = scheme;
            let detail = format!(
                "the signature is this key's over these {} bytes, at salt length {salt_length} ({source})",
                json.len()
            );
            let verdict = Judgement { is_ok: true, reason: "valid".to_owned(), detail };
            Verification { verdict, scheme: Some(scheme), remarks }
        }
        Err(refusal) => Verification {
            verdict: Judgement { is_ok: false, reason: refusal.reason.to_owned(), detail: refusal.detail },
            scheme: refusal.scheme,
            remarks,
        },
    }
}

/// Why a signature is not valid.
pub(crate) struct Refusal {
    pub(crate) reason: &'static str,
    pub(crate) detail: String,
    scheme: Option<SignatureScheme>,
}

impl Refusal {
    pub(crate) fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), scheme: None }
    }
}

/// The required scheme, and who requires it.
struct Required {
    scheme: SignatureScheme,
    source: &'static str,
}

fn judge(
    key: &[u8],
    json: &[u8],
    signature: &[u8],
    salt: Option<u16>,
    unix_seconds: u64,
    remarks: &mut Vec<String>,
) -> Result<Required, Refusal> {
    let key = Key::read(key)?;
    remarks.extend(key.remarks(unix_seconds));
    let signature = signature::read(signature)?;
    let required = required(salt, json, remarks)?;
    if let Some(of_key) = key.named_scheme
        && of_key != required.scheme
    {
        let SignatureScheme::RsaPss { salt_length: of_key } = of_key;
        remarks.push(format!(
            "the key was exported with salt length {of_key}; a careful server requires that length of all its signatures"
        ));
    }
    if key.public.verify(required.scheme, json, &signature).is_ok() {
        return Ok(required);
    }
    let demanded = salt.map(|_| required.scheme);
    Err(diagnosis::explain(&key.public, json, &signature, &required, demanded))
}

/// The scheme that must hold. Bytes that are no result and no exported key may have been signed all the same, so
/// they are checked too; but a remark says so.
fn required(demanded: Option<u16>, json: &[u8], remarks: &mut Vec<String>) -> Result<Required, Refusal> {
    let named = named_scheme(json);
    if let Some(length) = demanded {
        if let Err(error) = &named {
            remarks.push(not_understood(json, error));
        }
        return if let Some(scheme) = SignatureScheme::rsa_pss(length) {
            Ok(Required { scheme, source: "as demanded" })
        } else {
            Err(Refusal::new(
                "salt-out-of-range",
                format!(
                    "salt length {length} is demanded; with a key of 2048 bits, {} is the most",
                    SaltLength::MAX
                ),
            ))
        };
    }
    let default = |source| Required { scheme: SignatureScheme::default(), source };
    match named {
        Ok(Some(scheme)) => Ok(Required { scheme, source: "the JSON's own rsa_pss_saltlen" }),
        Ok(None) => Ok(default("the default, since the JSON names none")),
        Err(error @ DecodeError::SaltLengthOutOfRange { .. }) => {
            Err(Refusal::new("salt-out-of-range", error.to_string()))
        }
        Err(error) => {
            remarks.push(not_understood(json, &error));
            Ok(default("the default, since the JSON was not understood"))
        }
    }
}

/// What a result or an exported key says about its own scheme.
fn named_scheme(json: &[u8]) -> Result<Option<SignatureScheme>, DecodeError> {
    match ResultJson::decode(json) {
        Ok(result) => Ok(result.named_scheme),
        // A text that is no result may still be an exported key; if it is neither, the result's error says more.
        Err(error) => KeyJson::decode(json).map(|key| key.named_scheme).map_err(|_| error),
    }
}

fn not_understood(json: &[u8], error: &DecodeError) -> String {
    match ExportBlob::decode(json) {
        Ok(blob) if ResultJson::decode(&blob.json).is_ok() || KeyJson::decode(&blob.json).is_ok() => format!(
            "these bytes are an export blob: the signed JSON is its bytes 4 to {}, the signature what follows",
            4 + blob.json.len()
        ),
        _ => format!("the signed bytes are neither a result nor an exported key: {error}"),
    }
}

#[cfg(test)]
mod tests;
