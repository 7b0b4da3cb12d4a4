//! The verify pipeline: is this result a phone's, whose is it, and was it shown before? No socket, no clock, no file.
//!
//! ```text
//!   json_string, json_signature, app, openid
//!     -> decode strictly                      malformed-json, missing-field, wrong-type, duplicate-key, …
//!     -> candidate AuthKeys by cpu_id + uid   unknown-device, no-auth-key
//!     -> PSS over the bytes received, with the salt length that belongs to the key since its upload
//!                                             wrong-salt-length, reserialised, wrong-key, wrong-signature, …
//!     -> does the key belong to app, openid   other-apps-result, other-users-result
//!     -> spend the counter, atomically        counter-replayed, counter-rolled-back
//! ```
//!
//! The message never chooses the verifier's parameters: a result whose own `rsa_pss_saltlen` differs from its key's salt
//! length is refused, although its signature may hold at the length that it names. Diagnoses come after the verdict and
//! change nothing about it; each is bounded.

use serde_json::Value;
use soter_wire::{DecodeError, ResultJson, SignatureScheme, shortened};

use crate::journal::Judgement;
use crate::reasons;
use crate::verification::{self, Refusal};

use crate::ledger::{AuthKey, Book, KnownKey, Ledger, LedgerError};

/// Longer texts are no results: a challenge has 511 UTF-16 units at most, each escaped in 6 bytes.
const LONGEST_RESULT: usize = 16 << 10;
/// Other known keys that are tried for a diagnosis.
const KEYS_TRIED: usize = 64;
/// AuthKeys for which changes of the text are searched.
const KEYS_SEARCHED: usize = 4;

/// What a backend asks about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim<'a> {
    /// The mini program whose access token was used.
    pub(crate) appid: &'a str,
    /// The user who is said to have authenticated.
    pub(crate) openid: &'a str,
    /// `json_string` as the body had it.
    pub(crate) json: &'a Value,
    /// `json_signature` as the body had it.
    pub(crate) signature: &'a Value,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) is_ok: bool,
    /// A name of [`reasons`].
    pub(crate) reason: &'static str,
    /// One line for people.
    pub(crate) detail: String,
}

impl Finding {
    fn refused(refusal: Refusal) -> Self {
        Self { is_ok: false, reason: refusal.reason, detail: refusal.detail }
    }
}

impl From<Finding> for Judgement {
    fn from(Finding { is_ok, reason, detail }: Finding) -> Self {
        Self { is_ok, reason: reason.to_owned(), detail }
    }
}

/// A result that is a phone's, before its counter is spent.
struct Genuine {
    cpu_id: String,
    counter: u64,
    scheme: SignatureScheme,
}

/// Judges a claim, and spends the result's counter if it is good. The answer may be told only when it is given: a
/// counter that counts is durable by then.
///
/// # Errors
/// The ledger's store failed.
pub(crate) async fn judge(
    ledger: &Ledger,
    claim: Claim<'_>,
    accepts_replays: bool,
) -> Result<Finding, LedgerError> {
    let genuine = match examine(ledger, claim) {
        Ok(genuine) => genuine,
        Err(refusal) => return Ok(Finding::refused(refusal)),
    };
    let Genuine { cpu_id, counter, scheme } = genuine;
    let spent = ledger.change(|book| book.spend(&cpu_id, counter, true).map(|change| vec![change]));
    let refused = match spent {
        Ok(receipt) => {
            receipt?.durable().await?;
            let SignatureScheme::RsaPss { salt_length } = scheme;
            let detail = format!(
                "signed with this user's AuthKey at salt length {salt_length}; counter {counter} is new"
            );
            return Ok(Finding { is_ok: true, reason: reasons::VALID, detail });
        }
        Err(refused) => refused,
    };
    let highest = refused.highest;
    let (reason, detail) = if refused.replayed {
        (
            reasons::COUNTER_REPLAYED,
            format!("counter {counter} came with a result before; the highest so far is {highest}"),
        )
    } else {
        (
            reasons::COUNTER_ROLLED_BACK,
            format!("counter {counter} is not greater than {highest}, the highest of this device so far"),
        )
    };
    Ok(if accepts_replays {
        Finding {
            is_ok: true,
            reason: reasons::VALID_REPLAY,
            detail: format!("{detail}; replays are accepted as told"),
        }
    } else {
        Finding { is_ok: false, reason, detail }
    })
}

fn examine(ledger: &Ledger, claim: Claim<'_>) -> Result<Genuine, Refusal> {
    let json = text(claim.json, "json_string")?;
    let signature = text(claim.signature, "json_signature")?;
    if json.len() > LONGEST_RESULT {
        let detail =
            format!("json_string has {} bytes; no result has more than {LONGEST_RESULT}", json.len());
        return Err(Refusal::new(reasons::TOO_LONG, detail));
    }
    let signature = verification::read_base64_signature(signature)?;
    let result =
        ResultJson::decode(json.as_bytes()).map_err(|error| undecodable(ledger, json, &signature, &error))?;
    let (is_known, auth_keys) = ledger.read(|book| {
        let auth_keys = book.auth_keys(&result.cpu_id, &result.uid).to_vec();
        (book.attk(&result.cpu_id).is_some(), auth_keys)
    });
    if !is_known {
        let detail = format!("no device {} has uploaded a key", shown(&result.cpu_id));
        return Err(Refusal::new(reasons::UNKNOWN_DEVICE, detail));
    }
    let holds = |key: &&AuthKey| key.key.verify(key.scheme, json.as_bytes(), &signature).is_ok();
    let Some(key) = auth_keys.iter().filter(|key| !key.retired).find(holds) else {
        return Err(unsigned(ledger, &result, json, &signature, auth_keys, claim));
    };
    let claimed = result.scheme();
    if claimed != key.scheme {
        let SignatureScheme::RsaPss { salt_length: claimed } = claimed;
        let SignatureScheme::RsaPss { salt_length: uploaded } = key.scheme;
        return Err(Refusal::new(
            reasons::WRONG_SALT_LENGTH,
            format!("the result says salt length {claimed}; its key was uploaded with {uploaded}"),
        ));
    }
    if key.appid != claim.appid {
        let detail = format!("the key that signed belongs to {}, the token to {}", key.appid, claim.appid);
        return Err(Refusal::new(reasons::OTHER_APPS_RESULT, detail));
    }
    if key.openid != claim.openid {
        let detail =
            format!("the key that signed belongs to {}, asked was for {}", key.openid, shown(claim.openid));
        return Err(Refusal::new(reasons::OTHER_USERS_RESULT, detail));
    }
    Ok(Genuine { cpu_id: result.cpu_id, counter: result.counter, scheme: key.scheme })
}

/// A member of the body that has to be a string.
fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    let found = match value {
        Value::String(text) => return Ok(text),
        Value::Null => "missing or null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    let reason =
        if name == "json_string" { reasons::JSON_NOT_A_STRING } else { reasons::BAD_SIGNATURE_ENCODING };
    Err(Refusal::new(reason, format!("{name} is {found}; expected a string")))
}

/// Why a text is no result, or which result it was before it was changed.
fn undecodable(ledger: &Ledger, json: &str, signature: &[u8], error: &DecodeError) -> Refusal {
    let search = |book: &Book| -> Vec<AuthKey> {
        // The text may name its device only once the change is undone.
        let mut keys: Vec<AuthKey> = verification::unchanged(json)
            .filter_map(|text| ResultJson::decode(text.as_bytes()).ok())
            .flat_map(|result| book.auth_keys(&result.cpu_id, &result.uid).to_vec())
            .collect();
        keys.truncate(KEYS_SEARCHED);
        keys
    };
    let reason = match error {
        DecodeError::DuplicateField { .. } => reasons::DUPLICATE_KEY,
        DecodeError::MissingField { .. } => reasons::MISSING_FIELD,
        DecodeError::SaltLengthOutOfRange { .. } => reasons::SALT_OUT_OF_RANGE,
        DecodeError::CounterOutOfRange { .. } | DecodeError::WrongType { .. } => reasons::WRONG_TYPE,
        _ => reasons::MALFORMED_JSON,
    };
    if reason == reasons::MALFORMED_JSON
        && let Some(refusal) = changed(&ledger.read(search), json, signature)
    {
        return refusal;
    }
    Refusal::new(reason, format!("json_string: {error}"))
}

/// Why no AuthKey that is in force signed these bytes.
fn unsigned(
    ledger: &Ledger,
    result: &ResultJson,
    json: &str,
    signature: &[u8],
    mut auth_keys: Vec<AuthKey>,
    claim: Claim<'_>,
) -> Refusal {
    // The key that should have signed is asked first.
    auth_keys.sort_by_key(|key| (key.retired, key.appid != claim.appid, key.openid != claim.openid));
    let retired = auth_keys.iter().filter(|key| key.retired);
    for key in retired {
        if key.key.verify(key.scheme, json.as_bytes(), signature).is_ok() {
            let detail =
                format!("the AuthKey {}… that signed was replaced by a newer one", fingerprint(&key.key));
            return Refusal::new(reasons::RETIRED_KEY, detail);
        }
    }
    for key in auth_keys.iter().take(KEYS_SEARCHED) {
        if let Some(found) = key.key.find_pss_salt_length(json.as_bytes(), signature) {
            let SignatureScheme::RsaPss { salt_length } = key.scheme;
            let detail = format!(
                "the signature holds at salt length {found}; its key was uploaded with {salt_length}"
            );
            return Refusal::new(reasons::WRONG_SALT_LENGTH, detail);
        }
        if key.key.verify_pkcs1(json.as_bytes(), signature).is_ok() {
            let detail = "the signature is this user's, with the padding PKCS#1 v1.5; SOTER signs with PSS";
            return Refusal::new(reasons::PKCS1_INSTEAD_OF_PSS, detail);
        }
    }
    if let Some(refusal) = changed(&auth_keys, json, signature) {
        return refusal;
    }
    let others = ledger.read(|book| book.other_keys(&result.cpu_id, KEYS_TRIED));
    let schemes = [result.scheme(), SignatureScheme::default()];
    let holds = |known: &&KnownKey| {
        schemes.iter().any(|scheme| known.key.verify(*scheme, json.as_bytes(), signature).is_ok())
    };
    if let Some(other) = others.iter().find(holds) {
        return Refusal::new(reasons::WRONG_KEY, format!("signed with {}", other.description));
    }
    if auth_keys.is_empty() {
        let detail = format!(
            "device {} has uploaded no AuthKey for uid {}",
            shown(&result.cpu_id),
            shown(&result.uid)
        );
        return Refusal::new(reasons::NO_AUTH_KEY, detail);
    }
    let detail = format!(
        "no key that is known here signed these {} bytes: the text, the key or the signature is another",
        json.len()
    );
    Refusal::new(reasons::WRONG_SIGNATURE, detail)
}

/// The refusal for a text that one of these keys signed before it was changed.
fn changed(keys: &[AuthKey], json: &str, signature: &[u8]) -> Option<Refusal> {
    let changes = keys.iter().take(KEYS_SEARCHED).find_map(|key| {
        verification::found_changes(&key.key, json.as_bytes(), signature, Some(key.scheme))
    })?;
    let detail = format!("the text was changed after it had been signed: {}", changes.join(", and "));
    Some(Refusal::new(reasons::RESERIALISED, detail))
}

fn fingerprint(key: &soter_wire::PublicKey) -> String {
    shortened(&key.fingerprint(), 16).to_owned()
}

/// A foreign text on one line, cut short.
fn shown(text: &str) -> String {
    shortened(text, 64).escape_debug().to_string()
}

#[cfg(test)]
mod tests;
