//! The numbers of soter-core, the lower layer of Tencent's SDK for Android: result codes of the TEE's commands, what it
//! says of sensors, and its error reports. Names are the SDK's, or a few words if it has none.

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

/// Numbers from 10308 on are soter-core's own for what Android's sensors report.
pub(super) const BIOMETRIC: &[Code] = &[
    biometric(
        result_code::LOCKED_FOR_A_TIME,
        "locked for a time",
        "The sensor is locked for a time: on Android for 30 seconds after 5 failures.",
        "Wait for 30 seconds or have the user enter the PIN, and offer another way meanwhile.",
    ),
    biometric(
        result_code::LOCKED_UNTIL_PIN,
        "locked until the PIN is entered",
        "The sensor is locked until the PIN is entered: on Android after 20 failures.",
        "Have the user unlock the phone with the PIN; waiting does not help.",
    ),
    biometric(
        10310,
        "ERR_NEGATIVE_BUTTON",
        "The user pressed the other button of the system's dialog. soter-wrapper turns this into 1029.",
        "Show the way that this button promises, for example a password.",
    ),
];

/// The reports that an app gets if it gives the SDK a reporter. Names are those of `ConstantsSoter`.
pub(super) const REPORTS: &[Code] = &[
    report(
        100,
        "ERR_SOTER_UNKNOWN",
        "Unknown error: nothing more is said.",
        "Log the report's texts with the phone's model.",
    ),
    report(
        101,
        "ERR_ANDROID_AIDL_EXCEPTION",
        "The call of the system's SOTER service threw an exception.",
        "Log the exception with the phone's model, and offer a password on such phones.",
    ),
    report(
        102,
        "ERR_ANDROID_AIDL_RESULT",
        "The system's SOTER service answered with a failure, or with nothing.",
        "Log the answer with the phone's model, and offer a password on such phones.",
    ),
    report(
        103,
        "ERR_ANDROID_BEFORE_TREBLE",
        "A call of the system failed, on a phone whose SOTER is that of before Treble.",
        "Log the exception with the phone's model, and offer a password on such phones.",
    ),
    report(
        104,
        "ERR_ANDROID_HAREWARE_NOT_SUPPORT",
        "The system says that the phone has no hardware for fingers or faces (the name is spelled so).",
        "Offer a password on such phones.",
    ),
    report(
        105,
        "ERR_ANDROID_BIND_SERVICE_OUTTIME",
        "Binding the system's SOTER service took more than 3 seconds.",
        "Try again later, and offer a password meanwhile.",
    ),
    report(
        200,
        "ERR_SOTER_INNER",
        "An internal error of the SDK.",
        "Log the report's texts with the phone's model.",
    ),
    report(
        300,
        "ERR_SOTER_SRV_CONFIG",
        "A report about the server's configuration of the device information.",
        "Compare the configuration that your server gives for this phone's model.",
    ),
    report(
        401,
        "ERR_SOTER_AUTH_ERROR",
        "The recognition of a finger or face ended with an error.",
        "Read the system's own code in the report's texts, and offer another way.",
    ),
];

const fn code(code: i32, name: &'static str, meaning: &'static str, advice: &'static str) -> Code {
    Code { code, name, source: CodeSource::Sdk, meaning, advice }
}

const fn biometric(code: i32, name: &'static str, meaning: &'static str, advice: &'static str) -> Code {
    Code { code, name, source: CodeSource::Biometric, meaning, advice }
}

const fn report(code: i32, name: &'static str, meaning: &'static str, advice: &'static str) -> Code {
    Code { code, name, source: CodeSource::SdkReport, meaning, advice }
}
