//! Types and codecs for what crosses the boundary of a SOTER TEE. This crate does no input or output.
//!
//! ```text
//!   secure world                    |  normal world                       server
//!                                   |
//!   ATTK --signs--> ASK             |
//!                    KeyFacts ------|--> ExportBlob --> KeyJson or -----> trusts the ASK
//!                                   |                   CertificateChain
//!   ASK ---signs--> AuthKey         |
//!                    KeyFacts ------|--> ExportBlob --> KeyJson --------> trusts the AuthKey
//!                                   |
//!   AuthKey --signs--> one result   |
//!                    ResultFacts ---|--> ExportBlob --> ResultJson -----> PublicKey::verify
//!                                   |                                     over the bytes as received
//! ```
//!
//! The left side *encodes*: a [`Profile`] says how one phone family writes its JSON, and [`ResultFacts`] and
//! [`KeyFacts`] produce exactly those bytes. The right side *decodes*: [`ResultJson`], [`KeyJson`] and
//! [`CertificateChain`] strictly parse what any phone family writes, and a [`DecodeError`] says why bytes are
//! rejected. Signatures are always verified over the received bytes. Nothing is serialised again to verify it.
//!
//! ```
//! use soter_wire::{Profile, ResultFacts, ResultJson, SignatureScheme};
//!
//! let profile = Profile::named("ios").ok_or("no such profile")?;
//! let facts = ResultFacts {
//!     raw: "order 4711",
//!     fid: "",
//!     counter: 12,
//!     cpu_id: "00112233-4455-4677-8899-AABBCCDDEEFF",
//!     uid: "00112233445566778899aabbccddeeff",
//! };
//! let signed = facts.encode(profile);
//! assert_eq!(
//!     signed,
//!     r#"{"raw":"order 4711","counter":12,"uid":"00112233445566778899aabbccddeeff","cpu_id":"00112233-4455-4677-8899-AABBCCDDEEFF"}"#
//! );
//!
//! let result = ResultJson::decode(signed.as_bytes())?;
//! assert_eq!(result.raw, "order 4711");
//! assert_eq!(result.scheme(), SignatureScheme::default());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod base64;
pub mod json;
pub mod pem;
pub mod result_code;

mod attestation;
mod certificate;
mod certificate_chain;
mod cpu_id;
mod decode_error;
mod export_blob;
mod key_json;
mod mode;
mod profile;
mod public_key;
mod result;
mod shortened;
mod signature;
mod signature_scheme;

pub use attestation::{AttestationChallenge, KEY_ATTESTATION_OID, KeyDescription};
pub use certificate::{Certificate, TbsCertificate};
pub use certificate_chain::{CertificateChain, ChainError, ChainFacts};
pub use cpu_id::{CpuIdShape, device_name};
pub use decode_error::{DecodeError, JsonKind, PemProblem};
pub use export_blob::ExportBlob;
pub use json::MAX_COUNTER;
pub use key_json::{KeyFacts, KeyJson};
pub use mode::{Mode, UnknownMode};
pub use profile::{AskForm, KeyJsonLayout, MatcherPolicy, PROFILES, Profile, ResultField, Status, UidShape};
pub use public_key::PublicKey;
pub use result::{ResultFacts, ResultJson};
pub use shortened::shortened;
pub use signature::SignatureError;
pub use signature_scheme::{SaltLength, SignatureScheme};
