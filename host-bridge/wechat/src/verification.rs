//! Checks one signature, and says as much about a failure as the bytes allow.
//!
//! WeChat's `verify_signature` answers `is_ok: false` and no reason, and most of its users then look for a fault in
//! the wrong place. So this check, once it has failed, tries what commonly goes wrong on the way from a phone to a
//! server: the salt length, the padding, and text that was changed after it had been signed. That changes no verdict;
//! a signature is valid for exactly the bytes given or not at all.
//!
//! Every check answers a [`Verification`]; whatever the bytes, none panics.

use std::time::{SystemTime, UNIX_EPOCH};

use soter_wire::SignatureScheme;

use crate::reasons::Reason;
use crate::verdict::Verdict;

mod diagnosis;
mod key;
mod required_scheme;
mod signature;

use key::Key;
use required_scheme::Required;

pub(crate) use diagnosis::{found_changes, unchanged};
pub(crate) use signature::read_base64 as read_base64_signature;

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Whether the signature is valid, and why not.
    pub verdict: Verdict,
    /// How the signature had to be made; absent if the check did not get that far.
    pub scheme: Option<SignatureScheme>,
    /// Facts worth knowing that do not change the verdict.
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
    let (verdict, scheme) = match judge(key, json, signature, salt, unix_seconds, &mut remarks) {
        Ok((verdict, scheme)) => (verdict, Some(scheme)),
        Err(verdict) => (verdict, None),
    };
    Verification { verdict, scheme, remarks }
}

/// The verdict, and the scheme that had to hold.
///
/// # Errors
/// The refusal, where it is clear before a scheme is: for [`Reason::BadKey`], [`Reason::BrokenChain`], an unreadable signature, or
/// [`Reason::SaltOutOfRange`].
fn judge(
    key: &[u8],
    json: &[u8],
    signature: &[u8],
    salt: Option<u16>,
    unix_seconds: u64,
    remarks: &mut Vec<String>,
) -> Result<(Verdict, SignatureScheme), Verdict> {
    let key = Key::read(key)?;
    remarks.extend(key.remarks(unix_seconds));
    let signature = signature::read(signature)?;
    let required = Required::of(salt, json, remarks)?;
    if let Some(of_key) = key.named_scheme
        && of_key != required.scheme
    {
        let SignatureScheme::RsaPss { salt_length: of_key } = of_key;
        remarks.push(format!(
            "the key was exported with salt length {of_key}; a careful server requires that length of all its signatures"
        ));
    }
    let Required { scheme, source } = required;
    if key.public.verify(scheme, json, &signature).is_ok() {
        let SignatureScheme::RsaPss { salt_length } = scheme;
        let detail = format!(
            "the signature is this key's over these {} bytes, at salt length {salt_length} ({source})",
            json.len()
        );
        return Ok((Verdict::new(Reason::Valid, detail), scheme));
    }
    let demanded = salt.map(|_| scheme);
    Ok((diagnosis::explain(&key.public, json, &signature, &required, demanded), scheme))
}

#[cfg(test)]
mod tests;
