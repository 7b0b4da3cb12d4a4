//! Reads a signature: raw bytes or Base64.

use std::borrow::Cow;

use soter_text::text;
use soter_wire::{DecodeError, base64};

use super::changes::{PlusSign, decode_string, html_unescaped, url_decoded};
use crate::reasons::Reason;
use crate::verdict::Verdict;

/// Bytes of a signature by a SOTER key.
const SIGNATURE_BYTES: usize = 256;

/// The 256 bytes of a signature, raw or in standard Base64 with at most one line end after it.
pub(super) fn parse(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Verdict> {
    if bytes.len() == SIGNATURE_BYTES {
        return Ok(Cow::Borrowed(bytes));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(Verdict::new(
            Reason::SignatureLength,
            text!(
                "the signature is {bytes} bytes that are not text; a raw one has {expected}",
                bytes = bytes.len(),
                expected = SIGNATURE_BYTES
            ),
        ));
    };
    let line = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    match base64::decode(line) {
        Ok(signature) if signature.len() == SIGNATURE_BYTES => Ok(Cow::Owned(signature)),
        Ok(signature) => Err(wrong_length(&signature)),
        Err(error) => Err(diagnose_base64(line).unwrap_or_else(|| not_base64(&error))),
    }
}

/// The 256 bytes of a signature in standard Base64 with nothing around it.
pub(crate) fn parse_base64(text: &str) -> Result<Vec<u8>, Verdict> {
    let signature =
        base64::decode(text).map_err(|error| diagnose_base64(text).unwrap_or_else(|| not_base64(&error)))?;
    if signature.len() == SIGNATURE_BYTES { Ok(signature) } else { Err(wrong_length(&signature)) }
}

fn not_base64(error: &DecodeError) -> Verdict {
    Verdict::new(Reason::BadSignatureEncoding, text!("the signature is {error}", error = error.text()))
}

fn wrong_length(signature: &[u8]) -> Verdict {
    let detail = text!(
        "the Base64 text holds {bytes} bytes; a signature has {expected}",
        bytes = signature.len(),
        expected = SIGNATURE_BYTES
    );
    Verdict::new(Reason::SignatureLength, detail)
}

/// The diagnosis for Base64 that one of the usual changes made unreadable.
fn diagnose_base64(text: &str) -> Option<Verdict> {
    let joined: String = text.split_ascii_whitespace().collect();
    let standard = text.replace('-', "+").replace('_', "/");
    if is_signature(&joined) {
        let detail = match text.split_ascii_whitespace().count() {
            1 => text!("line breaks or spaces stand before or after the Base64 text; send it without them"),
            parts => text!(
                "line breaks or spaces divide the Base64 text into {parts} parts; it must be on one line",
                parts = parts
            ),
        };
        return Some(Verdict::new(Reason::Base64Wrapped, detail));
    }
    if is_signature(&text.replace(' ', "+")) {
        return Some(Verdict::new(
            Reason::Base64PlusLost,
            text!("spaces stand where the Base64 text had `+`: encode `+` as %2B in forms and addresses"),
        ));
    }
    if is_signature(&add_padding(&standard)) {
        let is_url_safe = standard != text;
        return Some(if is_url_safe {
            let detail = if is_signature(&standard) {
                text!("the signature is in the URL-safe alphabet (`-` and `_`); use the standard one")
            } else {
                text!(
                    "the signature is in the URL-safe alphabet (`-` and `_`), without its padding; use the standard one"
                )
            };
            Verdict::new(Reason::Base64UrlSafe, detail)
        } else {
            let detail = text!("the Base64 text lacks its padding: `==` belongs at the end");
            Verdict::new(Reason::Base64Unpadded, detail)
        });
    }
    if url_decoded(text, PlusSign::Itself).is_some_and(|text| is_signature(&text)) {
        let detail =
            text!("the signature is URL-encoded: `%2B` stands for `+`, `%2F` for `/`, `%3D` for `=`");
        return Some(Verdict::new(Reason::UrlEncoded, detail));
    }
    if html_unescaped(text).is_some_and(|text| is_signature(&text)) {
        let detail = text!("the signature is escaped for HTML: `&#x2F;` stands for `/`, or `&#x3D;` for `=`");
        return Some(Verdict::new(Reason::HtmlEscaped, detail));
    }
    if decode_string(text).is_some_and(|text| is_signature(&text)) {
        let detail = text!(
            "the signature is encoded as a JSON string: `\"` stands around it, or `\\/` for `/`; decode it"
        );
        return Some(Verdict::new(Reason::BadSignatureEncoding, detail));
    }
    None
}

fn is_signature(text: &str) -> bool {
    base64::decode(text).is_ok_and(|signature| signature.len() == SIGNATURE_BYTES)
}

fn add_padding(text: &str) -> String {
    let bare = text.trim_end_matches('=');
    let missing = (4 - bare.len() % 4) % 4;
    format!("{bare}{}", "=".repeat(missing))
}
