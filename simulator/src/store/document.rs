//! The format of the normal world's documents: a header line with version and checksum, then JSON for people to read.

use std::io;
use std::str;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use soter_text::{Text, text};

use super::durable;

#[cfg(test)]
mod tests;

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    /// The first word of its files.
    name: &'static str,
    /// The version that is written. It and all earlier ones are read.
    version: u64,
    /// The maximum size in bytes. A larger document is neither written nor read.
    pub(super) max_bytes: u64,
}

/// What is on the desk. Version 1 had the records of all phones in it.
pub(super) const DESK: Format = Format { name: "soter-sim-phones", version: 2, max_bytes: 64 * 1024 * 1024 };

/// How one phone is set.
pub(super) const PHONE: Format = Format { name: "soter-sim-phone", version: 1, max_bytes: 1024 * 1024 };

impl Format {
    /// What is lost when a document is deleted, and what is not: the end of a sentence.
    pub(super) fn what_is_lost(self) -> Text {
        if self == DESK {
            text!(
                "all devices are then listed, with their settings; which one is selected is lost, and a fleet has to be named again with --fleet"
            )
        } else {
            text!("the device then has default settings, and exists if it has a folder below devices/")
        }
    }

    /// Encodes a document: `NAME VERSION <SHA-256 of the rest, 64 lower-case hex digits>`, LF, pretty JSON, LF.
    pub(super) fn encode<T: Serialize + ?Sized>(self, document: &T) -> io::Result<Vec<u8>> {
        let mut body = serde_json::to_vec_pretty(document)?;
        body.push(b'\n');
        let mut bytes = self.header(self.version, &body).into_bytes();
        bytes.push(b'\n');
        bytes.append(&mut body);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if length > self.max_bytes {
            return Err(durable::too_long(length, self.max_bytes));
        }
        Ok(bytes)
    }

    /// The reverse of [`encode`](Self::encode): checks the version first, then the digest, and only then parses the JSON.
    pub(super) fn decode<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T, DocumentDefect> {
        let Self { name, version, .. } = self;
        let no_header = DocumentDefect::Header { name, version };
        let end = bytes.iter().position(|&byte| byte == b'\n').ok_or(no_header)?;
        let found = str::from_utf8(&bytes[..end]).map_err(|_| no_header)?;
        let body = &bytes[end + 1..];
        let (number, _) = found
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix(' ')?.split_once(' '))
            .ok_or(no_header)?;
        let number: u64 = number.parse().map_err(|_| no_header)?;
        if !(1..=version).contains(&number) {
            return Err(DocumentDefect::Version { found: number, version });
        }
        if found != self.header(number, body) {
            return Err(DocumentDefect::Digest);
        }
        serde_json::from_slice(body).map_err(|error| DocumentDefect::Json {
            // The header is the file's first line.
            line: error.line() + 1,
            column: error.column(),
        })
    }

    fn header(self, version: u64, body: &[u8]) -> String {
        format!("{} {version} {}", self.name, base16ct::lower::encode_string(&Sha256::digest(body)))
    }
}

/// What is wrong with a document of the normal world. Its contents are not shown, because settings may be private.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text().english())]
pub enum DocumentDefect {
    /// The first line is not a header: this is another kind of file, or its beginning is damaged.
    Header {
        /// The first word that the file must have.
        name: &'static str,
        /// The version that this program writes.
        version: u64,
    },
    /// Another version of the program wrote it, usually a newer one.
    Version {
        /// The version that the header names.
        found: u64,
        /// The newest version that this program reads.
        version: u64,
    },
    /// It was damaged or edited since it was written.
    Digest,
    /// The digest is right, but the JSON has settings that this program does not know.
    Json {
        /// The line in the file, from 1.
        line: usize,
        /// The column in that line, in bytes.
        column: usize,
    },
}

impl DocumentDefect {
    /// What happened, in one line.
    pub fn text(&self) -> Text {
        match self {
            Self::Header { name, version } => text!(
                "does not begin with a line `{name} {version} <SHA-256 of the rest>`",
                name = name,
                version = version
            ),
            Self::Version { found, version } => text!(
                "has format version {found}, and this program reads versions up to {version}",
                found = found,
                version = version
            ),
            Self::Digest => {
                text!("is damaged: its contents do not have the SHA-256 that its first line says")
            }
            Self::Json { line, column } => text!(
                "has settings that this program does not know, at line {line}, column {column}",
                line = line,
                column = column
            ),
        }
    }
}
