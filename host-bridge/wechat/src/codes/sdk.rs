//! The result codes of the TEE's commands, as Tencent's SDK for Android numbers them.

use super::code::{Code, Place};

/// Success.
pub const OK: i32 = 0;
/// Unknown error.
pub const UNKNOWN: i32 = -1;
/// A parameter is not acceptable.
pub const PARAMETER: i32 = 1;
/// SOTER is not supported.
pub const NOT_SUPPORTED: i32 = 2;
/// The app has no ASK.
pub const ASK_NOT_EXIST: i32 = 3;
/// The ASK could not be made.
pub const ASK_GENERATION_FAILED: i32 = 4;
/// The ASK could not be removed.
pub const REMOVE_ASK_FAILED: i32 = 5;
/// The AuthKey could not be made.
pub const AUTH_KEY_GENERATION_FAILED: i32 = 6;
/// The AuthKey could not be removed.
pub const REMOVE_AUTH_KEY_FAILED: i32 = 7;
/// The AuthKey was made invalid, for example by a new enrolment.
pub const AUTH_KEY_EXPIRED: i32 = 1005;
/// No AuthKey of that name.
pub const AUTH_KEY_NOT_FOUND: i32 = 1006;
/// The signing session could not be opened.
pub const INIT_SIGN_FAILED: i32 = 1007;
/// No finger is enrolled.
pub const NO_FINGERPRINT_ENROLLED: i32 = 1012;
/// The finger was not recognised.
pub const AUTHENTICATION_FAILED: i32 = 1016;
/// The signature was not made.
pub const SIGN_FAILED: i32 = 1018;
/// The user cancelled.
pub const USER_CANCELLED: i32 = 1020;
/// The sensor is locked.
pub const FINGERPRINT_LOCKED: i32 = 1021;
/// The key store refused to sign.
pub const SIGNATURE_INVALID: i32 = 1027;
/// The sensor is locked for a time.
pub const LOCKED_FOR_A_TIME: i32 = 10308;
/// The sensor is locked until the PIN is entered.
pub const LOCKED_UNTIL_PIN: i32 = 10309;

pub(super) const TABLE: &[Code] = &[
    code(OK, "ERR_OK", "Success.", "Nothing to do."),
    code(
        UNKNOWN,
        "ERR_UNKNOWN",
        "Unknown error: nothing more is said.",
        "Try again once, then look into the device's log around the call.",
    ),
    code(
        PARAMETER,
        "ERR_PARAMERROR",
        "A parameter is not acceptable.",
        "Check uid, key name, challenge and session; the SDK's errMsg names the parameter. An unknown or used-up session counts as one.",
    ),
    code(
        NOT_SUPPORTED,
        "ERR_SOTER_NOT_SUPPORTED",
        "The device does not support SOTER.",
        "Ask for support before any other call, and offer a password on such devices.",
    ),
    code(
        ASK_NOT_EXIST,
        "ERR_ASK_NOT_EXIST",
        "The app has no ASK on this device.",
        "Call generateAppSecureKey first. Removing the ASK also removes the app's AuthKeys.",
    ),
    code(
        ASK_GENERATION_FAILED,
        "ERR_ASK_GEN_FAILED",
        "The ASK could not be made.",
        "Try again and restart the phone; if it stays, the TEE or its storage is broken.",
    ),
    code(
        REMOVE_ASK_FAILED,
        "ERR_REMOVE_ASK",
        "The ASK could not be removed.",
        "Ask hasAskAlready whether there is one, then try again.",
    ),
    code(
        AUTH_KEY_GENERATION_FAILED,
        "ERR_AUTH_KEY_GEN_FAILED",
        "The AuthKey could not be made.",
        "Make sure that the ASK exists, then try again.",
    ),
    code(
        REMOVE_AUTH_KEY_FAILED,
        "ERR_REMOVE_AUTH_KEY",
        "The AuthKey could not be removed.",
        "Ask hasAuthKey whether there is one of that name, then try again.",
    ),
];

pub(super) const LOCKOUTS: &[Code] = &[
    lockout(
        LOCKED_FOR_A_TIME,
        "locked for a time",
        "The sensor is locked for a time: on Android for 30 seconds after 5 failures.",
        "Wait for 30 seconds or have the user enter the PIN, and offer another way meanwhile.",
    ),
    lockout(
        LOCKED_UNTIL_PIN,
        "locked until the PIN is entered",
        "The sensor is locked until the PIN is entered: on Android after 20 failures.",
        "Have the user unlock the phone with the PIN; waiting does not help.",
    ),
];

const fn code(code: i32, name: &'static str, meaning: &'static str, advice: &'static str) -> Code {
    Code { code, name, place: Place::Sdk, meaning, advice }
}

const fn lockout(code: i32, name: &'static str, meaning: &'static str, advice: &'static str) -> Code {
    Code { code, name, place: Place::Lockout, meaning, advice }
}
