//! Verifies one signature and, if that fails, finds as much of the cause as the bytes allow.
//!
//! WeChat's `verify_signature` answers `is_ok: false` without a reason, and most of its users then search for a fault
//! in the wrong place. So after a failure, this module tries what commonly goes wrong between a phone and a server:
//! the salt length, the padding, and changes of the text after it was signed. That never makes a signature valid: it
//! is valid for exactly the given bytes or not at all.
//!
//! Every check returns a [`Verification`]. No input makes it panic.

use std::time::{SystemTime, UNIX_EPOCH};

use soter_text::{Text, text};
use soter_wire::SignatureScheme;

use crate::reasons::Reason;
use crate::verdict::Verdict;

mod changes;
mod diagnosis;
mod key;
mod required_scheme;
mod signature;

use key::Key;
use required_scheme::Required;

pub(crate) use diagnosis::{find_changes, possible_originals, recognise_change};
pub(crate) use signature::parse_base64 as parse_base64_signature;

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Whether the signature is valid, and why not.
    pub verdict: Verdict,
    /// The required scheme; `None` if the check failed before it was known.
    pub scheme: Option<SignatureScheme>,
    /// Facts worth knowing that do not change the verdict.
    pub remarks: Vec<Text>,
}

/// [`verify_at`] with the current time.
pub fn verify(key: &[u8], json: &[u8], signature: &[u8], salt: Option<u16>) -> Verification {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    verify_at(key, json, signature, salt, now)
}

/// Checks a SOTER signature over exactly the bytes of `json`.
///
/// `key` is a public key as people have it: PEM (`PUBLIC KEY`, `RSA PUBLIC KEY`, or a `CERTIFICATE`, whose key is used),
/// the same as DER or as bare Base64, or the JSON of an ASK, an AuthKey or a certificate chain, whose leaf's key is
/// used; that JSON may be pasted as a JSON string. `signature` is 256 raw bytes, or their standard Base64 with at most one
/// line end after it. `salt` is the required salt length in bytes. Without it, `rsa_pss_saltlen` of the JSON applies, or
/// 20 if the JSON names none. `unix_seconds`, counted from 1970, affects only remarks about certificates.
pub fn verify_at(
    key: &[u8],
    json: &[u8],
    signature: &[u8],
    salt: Option<u16>,
    unix_seconds: u64,
) -> Verification {
    let mut remarks = Vec::new();
    let (verdict, scheme) = match judge(key, json, signature, salt, unix_seconds, &mut remarks) {
        Ok((verdict, scheme)) => (verdict, Some(scheme)),
        Err(verdict) => (verdict, None),
    };
    Verification { verdict, scheme, remarks }
}

/// The verdict, and the required scheme.
///
/// # Errors
/// The verdict, if it is clear before the scheme is known: [`Reason::BadKey`] or [`Reason::BrokenChain`] for the key;
/// [`Reason::SignatureLength`], [`Reason::BadSignatureEncoding`] or a `Reason::Base64…` for the signature;
/// [`Reason::SaltOutOfRange`] for the salt length.
fn judge(
    key: &[u8],
    json: &[u8],
    signature: &[u8],
    salt: Option<u16>,
    unix_seconds: u64,
    remarks: &mut Vec<Text>,
) -> Result<(Verdict, SignatureScheme), Verdict> {
    let key = Key::parse(key)?;
    remarks.extend(key.remarks(unix_seconds));
    let signature = signature::parse(signature)?;
    let required = Required::new(salt, json, remarks)?;
    if let Some(key_scheme) = key.named_scheme
        && key_scheme != required.scheme
    {
        let SignatureScheme::RsaPss { salt_length } = key_scheme;
        remarks.push(text!(
            "the key was exported with salt length {salt_length}; a careful server requires that length of all its signatures",
            salt_length = salt_length
        ));
    }
    let Required { scheme, ref source } = required;
    if key.public.verify(scheme, json, &signature).is_ok() {
        let SignatureScheme::RsaPss { salt_length } = scheme;
        let detail = text!(
            "the signature is this key's over these {bytes} bytes, at salt length {salt_length} ({source})",
            bytes = json.len(),
            salt_length = salt_length,
            source = source
        );
        return Ok((Verdict::new(Reason::Valid, detail), scheme));
    }
    let requested = salt.map(|_| scheme);
    Ok((diagnosis::explain(&key.public, json, &signature, &required, requested), scheme))
}

#[cfg(test)]
mod tests;
