//! Fingers and faces: enrolled, removed, locked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use soter_wire::Mode;

/// Enrols a new finger or face. Every existing AuthKey becomes invalid, as on Android 6 and later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Enroll {
    /// `fingerPrint` or `facial`; absent: the first of the phone's family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<super::mode_name::ModeName>")]
    pub mode: Option<Mode>,
}

/// Removes one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remove {
    /// Its number.
    pub number: u32,
}

no_parameters! {
    /// Lists what is enrolled and what is locked.
    List
}
no_parameters! {
    /// Enters the phone's PIN: ends timed and permanent lockouts.
    Unlock
}

/// An enrolled finger or face.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Enrolment {
    /// Its number, from 1 on. Until a factory reset it is never used again.
    pub number: u32,
    /// Finger or face.
    #[schemars(with = "super::mode_name::ModeName")]
    pub mode: Mode,
    /// Its id in results, a decimal string.
    pub fid: String,
}

/// What is enrolled, and what is locked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Enrolments {
    /// In the order of their numbers.
    pub enrolments: Vec<Enrolment>,
    /// Sensors with failures since the last match; none when all is well.
    pub lockouts: Vec<LockoutState>,
}

/// One sensor's failures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LockoutState {
    /// The sensor.
    #[schemars(with = "super::mode_name::ModeName")]
    pub mode: Mode,
    /// Failures since the last match or PIN.
    pub failed_attempts: u32,
    /// Milliseconds until a timed lockout ends; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining_ms: Option<u64>,
    /// Locked until the PIN is entered.
    pub permanent: bool,
}
