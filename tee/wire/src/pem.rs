//! PEM blocks with lines of any length: phones write 64 columns or the whole body on one line.

use crate::base64;
use crate::decode_error::{DecodeError, PemProblem};
use crate::json::MAX_JSON_BYTES;

/// Columns of an ordinary PEM line (RFC 7468).
pub(crate) const LINE_WIDTH: usize = 64;

/// The lines of a block, without line ends; `width` columns each, or the whole body on one line.
pub(crate) fn lines(label: &str, der: &[u8], width: Option<usize>) -> Vec<String> {
    let body = base64::encode(der);
    let width = width.unwrap_or(body.len()).max(1);
    let mut lines = vec![format!("-----BEGIN {label}-----")];
    let mut rest = body.as_str();
    while !rest.is_empty() {
        // INVARIANT: Base64 is ASCII, so every offset is on a character boundary.
        let (line, after) = rest.split_at(width.min(rest.len()));
        lines.push(line.to_owned());
        rest = after;
    }
    lines.push(format!("-----END {label}-----"));
    lines
}

/// A block in 64 columns, each line ended by LF.
pub fn encode(label: &str, der: &[u8]) -> String {
    let mut text = lines(label, der, Some(LINE_WIDTH)).join("\n");
    text.push('\n');
    text
}

/// Decodes a text that is exactly one block with this label. Lines have any length and end in LF or CR LF; the line
/// end of the last one is optional.
///
/// # Errors
/// [`DecodeError::TooLong`] if the text has more than [`MAX_JSON_BYTES`] bytes, [`DecodeError::Pem`] if it is not such
/// a block.
pub fn decode(label: &'static str, text: &str) -> Result<Vec<u8>, DecodeError> {
    let fail = |problem| DecodeError::Pem { label, problem };
    if text.len() > MAX_JSON_BYTES {
        return Err(DecodeError::TooLong { bytes: text.len(), limit: MAX_JSON_BYTES });
    }
    let mut lines = text.lines();
    if lines.next().is_none_or(|line| !is_boundary(line, "BEGIN", label)) {
        return Err(fail(PemProblem::BeginLine));
    }
    let mut body = String::with_capacity(text.len());
    loop {
        match lines.next() {
            None => return Err(fail(PemProblem::NoEndLine)),
            Some("") => return Err(fail(PemProblem::EmptyLine)),
            Some(line) if is_boundary(line, "END", label) => break,
            Some(line) => body.push_str(line),
        }
    }
    if lines.next().is_some() {
        return Err(fail(PemProblem::TextAfterEnd));
    }
    if body.is_empty() {
        return Err(fail(PemProblem::EmptyBody));
    }
    base64::decode(&body).map_err(|_| fail(PemProblem::NotBase64))
}

fn is_boundary(line: &str, side: &str, label: &str) -> bool {
    line.strip_prefix("-----")
        .and_then(|line| line.strip_prefix(side))
        .and_then(|line| line.strip_prefix(' '))
        .and_then(|line| line.strip_prefix(label))
        == Some("-----")
}
