//! What only an attacker can do to a phone: copy its flash, put an older copy back, duplicate it, set its clock, and
//! sign with keys and parameters of their own.
//!
//! The secure world has none of these powers. They work from outside on its storage and its surroundings, or with keys
//! that were made in software. Over RPC they exist only on a server that was started for attackers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret_text::PrivateKeyText;

/// Switches a phone off and copies its flash and its RPMB. The copy lives as long as the process, under a name; one of
/// the same name is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// The copy's name: 1 to 64 of `a`-`z`, `0`-`9` and `-`, starting with a letter or digit.
    pub name: String,
}

/// Puts a copy back: flash and RPMB together, so that the phone is again what it was, counter included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Restore {
    /// The copy's name.
    pub name: String,
}

/// Answer of [`Snapshot`] and [`Restore`]: the phone as it is in the copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Copied {
    /// The copy's name.
    pub name: String,
    /// The phone that it is of.
    pub device: String,
    /// The phone's identity in results.
    pub cpu_id: String,
    /// The last counter value that was used up; 0 for none.
    pub counter: u64,
}

/// Puts a duplicate of a phone on the desk: the same identity, keys, fingers and counter. From then on the two go
/// separate ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Duplicate {
    /// The duplicate's name on the desk: 1 to 64 of `a`-`z`, `0`-`9` and `-`, starting with a letter or digit.
    pub name: String,
}

/// Makes a phone's clock stand at a moment, whether it has a clock of its own or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetClock {
    /// Milliseconds since 1970; absent: as the phone's clock was before, the computer's or a seed's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<u64>,
}

/// Signs a text with a key made in software, in any form, right or wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sign {
    /// What is signed: its UTF-8 bytes.
    pub text: String,
    /// A PKCS#8 private key of 2048 bits as PEM; absent: the attacker's own, which is made when it is first needed and
    /// lives as long as the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key: Option<PrivateKeyText>,
    /// The padding; absent: PSS, as phones have it.
    #[serde(default)]
    pub padding: Padding,
    /// The hash of the text; absent: SHA-256.
    #[serde(default)]
    pub hash: Hash,
    /// The hash inside MGF1, for PSS; absent: SHA-256.
    #[serde(default)]
    pub mgf1: Hash,
    /// The salt's length in bytes, for PSS; absent: 20.
    #[serde(default = "default_salt_length")]
    pub salt: u16,
}

/// How the hash is padded before the RSA operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// EMSA-PSS (RFC 8017, 9.1): what phones use.
    #[default]
    Pss,
    /// EMSA-PKCS1-v1_5 (RFC 8017, 9.2).
    Pkcs1,
}

/// A hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Hash {
    /// SHA-1.
    Sha1,
    /// SHA-256: what phones use.
    #[default]
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// Answer of [`Sign`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Signature {
    /// 256 bytes in standard Base64.
    pub signature: String,
    /// The key's public half, PEM.
    pub public_key: String,
    /// SHA-256 of its SubjectPublicKeyInfo, hex.
    pub fingerprint: String,
}

fn default_salt_length() -> u16 {
    soter_wire::SaltLength::DEFAULT.get()
}
