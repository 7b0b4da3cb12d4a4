//! The format of the normal world's document: a header line with version and checksum, then JSON for people to read.

use std::io;
use std::str;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::durable;

#[cfg(test)]
mod tests;

/// The maximum size of the document, in bytes. A larger one is neither written nor read.
pub const MAX_DOCUMENT_BYTES: u64 = 64 * 1024 * 1024;

const FORMAT: &str = "soter-sim-phones";
const VERSION: u64 = 1;

/// Encodes a document: `soter-sim-phones 1 <SHA-256 of the rest, 64 lower-case hex digits>`, LF, pretty JSON, LF. It
/// has at most `limit` bytes.
pub(super) fn encode<T: Serialize + ?Sized>(document: &T, limit: u64) -> io::Result<Vec<u8>> {
    let mut body = serde_json::to_vec_pretty(document)?;
    body.push(b'\n');
    let mut bytes = header(&body).into_bytes();
    bytes.push(b'\n');
    bytes.append(&mut body);
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if length > limit { Err(durable::too_long(length, limit)) } else { Ok(bytes) }
}

/// The reverse of [`encode`]: checks the version first, then the digest, and only then parses the JSON.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DocumentDefect> {
    let end = bytes.iter().position(|&byte| byte == b'\n').ok_or(DocumentDefect::Header)?;
    let found = str::from_utf8(&bytes[..end]).map_err(|_| DocumentDefect::Header)?;
    let body = &bytes[end + 1..];
    let (version, _) = found
        .strip_prefix(FORMAT)
        .and_then(|rest| rest.strip_prefix(' ')?.split_once(' '))
        .ok_or(DocumentDefect::Header)?;
    match version.parse() {
        Ok(VERSION) => {}
        Ok(found) => return Err(DocumentDefect::Version { found }),
        Err(_) => return Err(DocumentDefect::Header),
    }
    if found != header(body) {
        return Err(DocumentDefect::Digest);
    }
    serde_json::from_slice(body).map_err(|error| DocumentDefect::Json {
        // The header is the file's first line.
        line: error.line() + 1,
        column: error.column(),
    })
}

fn header(body: &[u8]) -> String {
    format!("{FORMAT} {VERSION} {}", base16ct::lower::encode_string(&Sha256::digest(body)))
}

/// What is wrong with the normal world's document. Its contents are not shown, because settings may be private.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentDefect {
    /// The first line is not a header: this is another kind of file, or its beginning is damaged.
    #[error("does not begin with a line `{FORMAT} {VERSION} <SHA-256 of the rest>`")]
    Header,
    /// Another version of the program wrote it, usually a newer one.
    #[error("has format version {found}, and this program reads version {VERSION}")]
    Version {
        /// The version that the header names.
        found: u64,
    },
    /// It was damaged or edited since it was written.
    #[error("is damaged: its contents do not have the SHA-256 that its first line says")]
    Digest,
    /// The digest is right, but the JSON has settings that this program does not know.
    #[error("has settings that this program does not know, at line {line}, column {column}")]
    Json {
        /// The line in the file, from 1.
        line: usize,
        /// The column in that line, in bytes.
        column: usize,
    },
}
