//! The result codes of the TEE's commands, with the names that the SDK gives them, explained.

use soter_wire::result_code;

use super::code::{Code, CodeSource};

pub(super) const TABLE: &[Code] = &[
    code(result_code::OK, "ERR_OK", "Success.", "Nothing to do."),
    code(
        result_code::UNKNOWN,
        "ERR_UNKNOWN",
        "Unknown error: nothing more is said.",
        "Try again once, then look into the device's log around the call.",
    ),
    code(
        result_code::PARAMETER,
        "ERR_PARAMERROR",
        "A parameter is not acceptable.",
        "Check uid, key name, challenge and session; the SDK's errMsg names the parameter. An unknown or used-up session counts as one.",
    ),
    code(
        result_code::NOT_SUPPORTED,
        "ERR_SOTER_NOT_SUPPORTED",
        "The device does not support SOTER.",
        "Ask for support before any other call, and offer a password on such devices.",
    ),
    code(
        result_code::NO_ASK,
        "ERR_ASK_NOT_EXIST",
        "The app has no ASK on this device.",
        "Call generateAppSecureKey first. Removing the ASK also removes the app's AuthKeys.",
    ),
    code(
        result_code::ASK_GENERATION_FAILED,
        "ERR_ASK_GEN_FAILED",
        "The ASK could not be made.",
        "Try again and restart the phone; if it stays, the TEE or its storage is broken.",
    ),
    code(
        result_code::REMOVE_ASK_FAILED,
        "ERR_REMOVE_ASK",
        "The ASK could not be removed.",
        "Ask hasAskAlready whether there is one, then try again.",
    ),
    code(
        result_code::AUTH_KEY_GENERATION_FAILED,
        "ERR_AUTH_KEY_GEN_FAILED",
        "The AuthKey could not be made.",
        "Make sure that the ASK exists, then try again.",
    ),
    code(
        result_code::REMOVE_AUTH_KEY_FAILED,
        "ERR_REMOVE_AUTH_KEY",
        "The AuthKey could not be removed.",
        "Ask hasAuthKey whether there is one of that name, then try again.",
    ),
];

pub(super) const LOCKOUTS: &[Code] = &[
    lockout(
        result_code::LOCKED_FOR_A_TIME,
        "locked for a time",
        "The sensor is locked for a time: on Android for 30 seconds after 5 failures.",
        "Wait for 30 seconds or have the user enter the PIN, and offer another way meanwhile.",
    ),
    lockout(
        result_code::LOCKED_UNTIL_PIN,
        "locked until the PIN is entered",
        "The sensor is locked until the PIN is entered: on Android after 20 failures.",
        "Have the user unlock the phone with the PIN; waiting does not help.",
    ),
];

const fn code(code: i32, name: &'static str, meaning: &'static str, advice: &'static str) -> Code {
    Code { code, name, source: CodeSource::Sdk, meaning, advice }
}

const fn lockout(code: i32, name: &'static str, meaning: &'static str, advice: &'static str) -> Code {
    Code { code, name, source: CodeSource::Lockout, meaning, advice }
}
