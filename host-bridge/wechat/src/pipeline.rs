//! The verify pipeline: is this result a phone's, whose is it, and was it shown before? No socket, no clock, no file.
//!
//! ```text
//!   json_string, json_signature, app, openid
//!     -> decode strictly                      malformed-json, missing-field, wrong-type, duplicate-key,
//!                                             callback-object, url-encoded, html-escaped, counter-as-string, …
//!     -> candidate AuthKeys by cpu_id + uid   unknown-device, no-auth-key
//!     -> PSS over the bytes received, with the salt length that belongs to the key since its upload
//!                                             wrong-salt-length, reserialised, line-ends-changed, wrong-key,
//!                                             wrong-signature, …
//!     -> does the key belong to app, openid   other-apps-result, other-users-result
//!     -> spend the counter, atomically        counter-replayed, counter-rolled-back
//!        (if the device got other keys meanwhile, all of this is repeated)
//! ```
//!
//! The message never chooses the verifier's parameters: a result whose own `rsa_pss_saltlen` differs from its key's
//! salt length is refused, even if its signature is valid at the length that it names. Diagnoses come after the
//! verdict and do not change it; the work for each is bounded.

use serde_json::Value;
use soter_text::text;
use soter_wire::{DecodeError, JsonKind, ResultJson, SignatureScheme, shortened};

use crate::json::Json;
use crate::ledger::Ledger;
use crate::ledger::app_keys::{AppKeys, KnownKey};
use crate::ledger::change::AuthKey;
use crate::ledger::error::LedgerError;
use crate::ledger::spending::{SpendOutcome, Spending};
use crate::reasons::Reason;
use crate::verdict::Verdict;
use crate::verification;

/// Maximum length of a result in bytes: a challenge has at most 511 UTF-16 units, each escaped in 6 bytes.
const MAX_RESULT_BYTES: usize = 16 << 10;
/// Maximum number of other known keys that are tried for a diagnosis.
const MAX_KEYS_TRIED: usize = 64;
/// Maximum number of AuthKeys for which changes of the text are searched.
const MAX_KEYS_SEARCHED: usize = 4;
/// How often a result is judged again because its device got other keys meanwhile.
const MAX_REPETITIONS: usize = 8;

/// What a backend asks about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim<'a> {
    /// The mini program whose access token was used.
    pub(crate) appid: &'a str,
    /// The user who authenticated, according to the backend.
    pub(crate) openid: &'a str,
    /// `json_string` as the body had it.
    pub(crate) json: Json<'a>,
    /// `json_signature` as the body had it.
    pub(crate) signature: Json<'a>,
}

/// What a backend's request calls a result and its signature.
pub(crate) const BACKEND_NAMES: [&str; 2] = ["json_string", "json_signature"];
/// What a cloud function calls them. Its SDK renames them, unless it is told not to.
pub(crate) const CLOUD_NAMES: [&str; 2] = ["jsonString", "jsonSignature"];

/// A phone's result, before its counter is spent.
struct Genuine {
    spending: Spending,
    scheme: SignatureScheme,
}

/// Why a claim is not genuine, or cannot be judged.
enum Stop {
    Refused(Verdict),
    Failed(LedgerError),
}

impl From<Verdict> for Stop {
    fn from(verdict: Verdict) -> Self {
        Self::Refused(verdict)
    }
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        Self::Failed(error)
    }
}

/// Judges a claim and, if the result is good, spends its counter. A spent counter is durable before the verdict is
/// returned, so the caller can send the answer at once.
///
/// # Errors
/// [`LedgerError`] if the ledger failed, or if the device got other keys again and again.
pub(crate) async fn judge(
    ledger: &dyn Ledger,
    claim: Claim<'_>,
    accept_replays: bool,
) -> Result<Verdict, LedgerError> {
    for _ in 0..=MAX_REPETITIONS {
        let Genuine { spending, scheme } = match check_claim(ledger, claim).await {
            Ok(genuine) => genuine,
            Err(Stop::Refused(verdict)) => return Ok(verdict),
            Err(Stop::Failed(error)) => return Err(error),
        };
        let counter = spending.counter;
        match ledger.spend(spending).await? {
            SpendOutcome::Spent => {
                let SignatureScheme::RsaPss { salt_length } = scheme;
                let detail = text!(
                    "signed with this user's AuthKey at salt length {salt_length}; counter {counter} is new",
                    salt_length = salt_length,
                    counter = counter
                );
                return Ok(Verdict::new(Reason::Valid, detail));
            }
            SpendOutcome::KeysChanged => {}
            SpendOutcome::NotGreater { highest, replayed } => {
                return Ok(explain_counter(counter, highest, replayed, accept_replays));
            }
        }
    }
    Err(LedgerError {
        what: text!(
            "the device got other keys {count} times while its result was judged",
            count = MAX_REPETITIONS
        ),
        next: text!("repeat the request"),
        may_pass: true,
    })
}

fn explain_counter(counter: u64, highest: u64, replayed: bool, accept_replays: bool) -> Verdict {
    let (reason, detail) = if replayed {
        (
            Reason::CounterReplayed,
            text!(
                "counter {counter} came with a result before; the highest so far is {highest}",
                counter = counter,
                highest = highest
            ),
        )
    } else {
        (
            Reason::CounterRolledBack,
            text!(
                "counter {counter} is not greater than {highest}, the highest of this device so far",
                counter = counter,
                highest = highest
            ),
        )
    };
    if accept_replays {
        let detail = text!("{detail}; replays are accepted as told", detail = detail);
        Verdict::new(Reason::ValidReplay, detail)
    } else {
        Verdict::new(reason, detail)
    }
}

async fn check_claim(ledger: &dyn Ledger, claim: Claim<'_>) -> Result<Genuine, Stop> {
    let [json_name, signature_name] = BACKEND_NAMES;
    let json = string_member(claim.json, json_name, Reason::JsonNotAString)?;
    let signature = string_member(claim.signature, signature_name, Reason::BadSignatureEncoding)?;
    if json.len() > MAX_RESULT_BYTES {
        let detail = text!(
            "json_string has {bytes} bytes; no result has more than {most}",
            bytes = json.len(),
            most = MAX_RESULT_BYTES
        );
        return Err(Verdict::new(Reason::TooLong, detail).into());
    }
    let signature = verification::parse_base64_signature(signature)?;
    let result = match ResultJson::decode(json.as_bytes()) {
        Ok(result) => result,
        Err(error) => return Err(explain_undecodable(ledger, json, &signature, &error).await?.into()),
    };
    let Some(AppKeys { auth_keys, version, .. }) = ledger.app_keys(&result.cpu_id, &result.uid).await? else {
        let detail = text!("no device {cpu_id} has uploaded a key", cpu_id = printable(&result.cpu_id));
        return Err(Verdict::new(Reason::UnknownDevice, detail).into());
    };
    let verifies = |key: &&AuthKey| key.key.verify(key.scheme, json.as_bytes(), &signature).is_ok();
    let Some(key) = auth_keys.iter().filter(|key| !key.retired).find(verifies) else {
        return Err(explain_unsigned(ledger, &result, json, &signature, auth_keys.to_vec(), claim)
            .await?
            .into());
    };
    check_owner(key, &result, claim)?;
    let spending = Spending { cpu_id: result.cpu_id, counter: result.counter, version };
    Ok(Genuine { spending, scheme: key.scheme })
}

/// Checks that the key that signed is the claim's user's, and that the result names its scheme.
fn check_owner(key: &AuthKey, result: &ResultJson, claim: Claim<'_>) -> Result<(), Verdict> {
    let claimed = result.scheme();
    if claimed != key.scheme {
        let SignatureScheme::RsaPss { salt_length: claimed } = claimed;
        let SignatureScheme::RsaPss { salt_length: uploaded } = key.scheme;
        return Err(Verdict::new(
            Reason::WrongSaltLength,
            text!(
                "the result says salt length {claimed}; its key was uploaded with {uploaded}",
                claimed = claimed,
                uploaded = uploaded
            ),
        ));
    }
    if key.appid != claim.appid {
        let detail = text!(
            "the key that signed belongs to {owner}, the token to {appid}",
            owner = key.appid,
            appid = claim.appid
        );
        return Err(Verdict::new(Reason::OtherAppsResult, detail));
    }
    if key.openid != claim.openid {
        let detail = text!(
            "the key that signed belongs to {owner}, the request names {openid}",
            owner = key.openid,
            openid = printable(claim.openid)
        );
        return Err(Verdict::new(Reason::OtherUsersResult, detail));
    }
    Ok(())
}

/// A member of the body that must be a string.
fn string_member<'a>(value: Json<'a>, name: &'static str, reason: Reason) -> Result<&'a str, Verdict> {
    let found = match value {
        Json::Text(text) => return Ok(text),
        Json::Value(Value::String(text)) => return Ok(text),
        Json::Value(Value::Null) => {
            let detail = text!("`{name}` is missing or null; expected a string", name = name);
            return Err(Verdict::new(reason, detail));
        }
        Json::Value(Value::Bool(_)) => JsonKind::Boolean,
        Json::Value(Value::Number(_)) => JsonKind::Number,
        Json::Value(Value::Array(_)) => JsonKind::Array,
        Json::Value(Value::Object(_)) | Json::Texts(_) | Json::Object(_) => JsonKind::Object,
    };
    let error = DecodeError::WrongType { name, expected: JsonKind::String, found };
    Err(Verdict::new(reason, error.text()))
}

/// The verdict for a text that is not a result. It says so if the text was a result before it was changed.
async fn explain_undecodable(
    ledger: &dyn Ledger,
    json: &str,
    signature: &[u8],
    error: &DecodeError,
) -> Result<Verdict, LedgerError> {
    let reason = match error {
        DecodeError::DuplicateField { .. } => Reason::DuplicateKey,
        DecodeError::MissingField { .. } => Reason::MissingField,
        DecodeError::SaltLengthOutOfRange { .. } => Reason::SaltOutOfRange,
        DecodeError::CounterOutOfRange { .. } | DecodeError::WrongType { .. } => Reason::WrongType,
        _ => Reason::MalformedJson,
    };
    if reason == Reason::DuplicateKey {
        return Ok(Verdict::new(reason, text!("json_string: {detail}", detail = error.text())));
    }
    // The text may name its device only after the change is undone.
    let original =
        verification::possible_originals(json).find_map(|text| ResultJson::decode(text.as_bytes()).ok());
    if let Some(result) = original
        && let Some(app) = ledger.app_keys(&result.cpu_id, &result.uid).await?
        && let Some(refusal) = explain_changed(&app.auth_keys, json, signature)
    {
        return Ok(refusal);
    }
    if let Some(Verdict { reason, detail }) = verification::recognise_change(json) {
        return Ok(Verdict::new(reason, text!("json_string: {detail}", detail = detail)));
    }
    Ok(Verdict::new(reason, text!("json_string: {detail}", detail = error.text())))
}

/// The verdict if no AuthKey in force signed these bytes.
async fn explain_unsigned(
    ledger: &dyn Ledger,
    result: &ResultJson,
    json: &str,
    signature: &[u8],
    mut auth_keys: Vec<AuthKey>,
    claim: Claim<'_>,
) -> Result<Verdict, LedgerError> {
    // The key that should have signed is tried first.
    auth_keys.sort_by_key(|key| (key.retired, key.appid != claim.appid, key.openid != claim.openid));
    let retired = auth_keys.iter().filter(|key| key.retired);
    for key in retired {
        if key.key.verify(key.scheme, json.as_bytes(), signature).is_ok() {
            let detail = text!(
                "the AuthKey {fingerprint}… that signed was replaced by a newer one",
                fingerprint = fingerprint(&key.key)
            );
            return Ok(Verdict::new(Reason::RetiredKey, detail));
        }
    }
    for key in auth_keys.iter().take(MAX_KEYS_SEARCHED) {
        if let Some(found) = key.key.find_pss_salt_length(json.as_bytes(), signature) {
            let SignatureScheme::RsaPss { salt_length } = key.scheme;
            let detail = text!(
                "the signature holds at salt length {found}; its key was uploaded with {salt_length}",
                found = found,
                salt_length = salt_length
            );
            return Ok(Verdict::new(Reason::WrongSaltLength, detail));
        }
        if key.key.verify_pkcs1(json.as_bytes(), signature).is_ok() {
            let detail =
                text!("the signature is this user's, with the padding PKCS#1 v1.5; SOTER signs with PSS");
            return Ok(Verdict::new(Reason::Pkcs1InsteadOfPss, detail));
        }
    }
    if let Some(refusal) = explain_changed(&auth_keys, json, signature) {
        return Ok(refusal);
    }
    let others = ledger.other_keys(&result.cpu_id, MAX_KEYS_TRIED).await?;
    let schemes = [result.scheme(), SignatureScheme::default()];
    let verifies = |known: &&KnownKey| {
        schemes.iter().any(|scheme| known.key.verify(*scheme, json.as_bytes(), signature).is_ok())
    };
    if let Some(other) = others.iter().find(verifies) {
        let detail = text!("signed with {key}", key = other.description);
        return Ok(Verdict::new(Reason::WrongKey, detail));
    }
    if auth_keys.is_empty() {
        let detail = text!(
            "device {cpu_id} has uploaded no AuthKey for uid {uid}",
            cpu_id = printable(&result.cpu_id),
            uid = printable(&result.uid)
        );
        return Ok(Verdict::new(Reason::NoAuthKey, detail));
    }
    let detail = text!(
        "no key that is known here signed these {bytes} bytes: the text, the key or the signature is another",
        bytes = json.len()
    );
    Ok(Verdict::new(Reason::WrongSignature, detail))
}

/// The refusal for a text that one of these keys signed before it was changed.
fn explain_changed(keys: &[AuthKey], json: &str, signature: &[u8]) -> Option<Verdict> {
    keys.iter()
        .take(MAX_KEYS_SEARCHED)
        .find_map(|key| verification::find_changes(&key.key, json.as_bytes(), signature, Some(key.scheme)))
}

fn fingerprint(key: &soter_wire::PublicKey) -> String {
    shortened(&key.fingerprint(), 16).to_owned()
}

/// A text from outside, on one line and shortened.
fn printable(text: &str) -> String {
    shortened(text, 64).escape_debug().to_string()
}

#[cfg(test)]
mod tests;
