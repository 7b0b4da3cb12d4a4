//! What a case for a verifier is.

use serde::Serialize;
use soter_wire::{ExportBlob, KeyJson, PublicKey};

/// One case.
#[derive(Clone, Debug)]
pub struct VerifierCase {
    /// Its name, for files and reports.
    pub name: &'static str,
    /// What is special about it.
    pub description: &'static str,
    /// The check that refuses it; `None` if it is to be accepted.
    pub refused_by: Option<VerifierCheck>,
    /// What the verifier is given.
    pub evidence: Evidence,
}

/// What a verifier is given, and what it knows already.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The device's root key, which only WeChat knows.
    pub attk: PublicKey,
    /// The ASK's export.
    pub ask: ExportBlob,
    /// What that export says.
    pub ask_facts: KeyJson,
    /// The AuthKey's export.
    pub auth_key: ExportBlob,
    /// The result and its signature.
    pub result: ExportBlob,
    /// The challenge that the verifier has given out.
    pub challenge: String,
    /// The highest counter of this device that the verifier has seen, in exports and results.
    pub highest_counter: u64,
}

/// What a verifier checks, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerifierCheck {
    /// WeChat's `verify_ask` confirms the ASK's export.
    Ask,
    /// The ASK signed the AuthKey's export, at the ASK's salt length.
    AuthKeySignature,
    /// The AuthKey has 2048 bits and the exponent 65537.
    AuthKeyStrength,
    /// The AuthKey's export names the device and the app of the ASK.
    AuthKeyOwner,
    /// The counter of the AuthKey's export is greater than that of the ASK's.
    AuthKeyCounter,
    /// The AuthKey signed the result's bytes, at the AuthKey's salt length.
    ResultSignature,
    /// The salt length that the result names is the AuthKey's.
    ResultSalt,
    /// The result names the device and the app of the AuthKey.
    ResultOwner,
    /// The result's `raw` is the challenge.
    Challenge,
    /// The result's counter is greater than the highest of its device.
    Counter,
}
