//! Finds out why a signature is not valid, as far as the bytes show.

use soter_text::text;
use soter_wire::{PublicKey, SignatureScheme};

use super::changes::{self, Change, undo_one_change};
use super::required_scheme::{Required, named_scheme};
use crate::reasons::Reason;
use crate::verdict::Verdict;

/// Maximum length in bytes of a text that is searched for changes: phones sign less, and the search is costly.
const MAX_SEARCHED_BYTES: usize = 64 * 1024;

/// Explains why a signature is not valid under the required scheme. `requested` is the caller's scheme, if any.
pub(super) fn explain(
    key: &PublicKey,
    json: &[u8],
    signature: &[u8],
    required: &Required,
    requested: Option<SignatureScheme>,
) -> Verdict {
    let SignatureScheme::RsaPss { salt_length } = required.scheme;
    if let Some(found) = key.find_pss_salt_length(json, signature) {
        let detail = text!(
            "the signature holds at salt length {found}; {salt_length} is required ({source})",
            found = found,
            salt_length = salt_length,
            source = required.source
        );
        return Verdict::new(Reason::WrongSaltLength, detail);
    }
    if key.verify_pkcs1(json, signature).is_ok() {
        let detail = text!("the signature has the padding PKCS#1 v1.5; SOTER signs with PSS");
        return Verdict::new(Reason::Pkcs1InsteadOfPss, detail);
    }
    if let Some(changed) = find_changes(key, json, signature, requested) {
        return changed;
    }
    if let Some(Verdict { reason, detail }) = std::str::from_utf8(json).ok().and_then(recognise_change) {
        let detail = text!(
            "the text is not as phones sign it: {detail}. With that undone, as far as it can be, the signature is not this key's either: the key or the signature is another, or the text differs in more",
            detail = detail
        );
        return Verdict::new(reason, detail);
    }
    let detail = text!(
        "the signature is not this key's over these {bytes} bytes: the text, the key or the signature is another",
        bytes = json.len()
    );
    Verdict::new(Reason::WrongSignature, detail)
}

/// The verdict for a text that does not have the form in which phones sign; `None` also for texts longer than
/// `MAX_SEARCHED_BYTES`.
pub(crate) fn recognise_change(text: &str) -> Option<Verdict> {
    if text.len() > MAX_SEARCHED_BYTES {
        return None;
    }
    let (reason, detail) = changes::recognise(text)?;
    Some(Verdict::new(reason, detail))
}

/// Searches for one or two changes of the text with which the signature becomes valid when they are undone. A text whose
/// signature is valid as it is was not changed. The verdict names the changes in the order in which they were made.
pub(crate) fn find_changes(
    key: &PublicKey,
    json: &[u8],
    signature: &[u8],
    requested: Option<SignatureScheme>,
) -> Option<Verdict> {
    if json.len() > MAX_SEARCHED_BYTES {
        return None;
    }
    let text = std::str::from_utf8(json).ok()?;
    // A change can hide the scheme that the signed text names, so the scheme is read from each text again.
    let scheme = |text: &str| {
        let named = || named_scheme(text.as_bytes()).ok().flatten();
        requested.or_else(named).unwrap_or_default()
    };
    let verifies = |text: &str| key.verify(scheme(text), text.as_bytes(), signature).is_ok();

    // What was signed as it is was not changed. Two changes that undo each other would lead back to it.
    if verifies(text) {
        return None;
    }
    let candidates: Vec<_> = undo_one_change(text).collect();
    if let Some((change, _)) = candidates.iter().find(|(_, text)| verifies(text)) {
        let detail =
            text!("the text was changed after it had been signed: {change}", change = (change.name)());
        return Some(Verdict::new(change.reason, detail));
    }
    candidates.iter().find_map(|(last, text)| {
        let (first, _) = undo_one_change(text).find(|(_, text)| verifies(text))?;
        Some(changed_twice(first, last))
    })
}

/// The verdict for a text with these changes. Its reason is the last one that says more than that there were some.
fn changed_twice(first: &Change, last: &Change) -> Verdict {
    let reason = if last.reason == Reason::Reserialised { first.reason } else { last.reason };
    let detail = text!(
        "the text was changed after it had been signed: {first}, and {last}",
        first = (first.name)(),
        last = (last.name)()
    );
    Verdict::new(reason, detail)
}

/// Every text that one change, or then two, could have turned into this one; none if this one is longer than
/// `MAX_SEARCHED_BYTES`.
pub(crate) fn possible_originals(text: &str) -> impl Iterator<Item = String> {
    let undo = |text: &str| undo_one_change(text).map(|(_, undone)| undone).collect::<Vec<_>>();
    let once = if text.len() <= MAX_SEARCHED_BYTES { undo(text) } else { Vec::new() };
    once.clone().into_iter().chain(once.into_iter().flat_map(move |text| undo(&text)))
}
