//! The `errCode`s of `wx.startSoterAuthentication`, and what its `errMsg` says.
//!
//! Codes are from WeChat's documentation; texts are those of the Android client.

use super::code::{Code, CodeSource};

/// Success.
pub const OK: i32 = 0;
/// The device does not support SOTER.
pub const NOT_SUPPORTED: i32 = 90001;
/// The user did not grant the permission.
pub const NOT_GRANTED: i32 = 90002;
/// None of the requested modes can be used.
pub const MODE_NOT_SUPPORTED: i32 = 90003;
/// The challenge is missing or too long.
pub const CHALLENGE_REFUSED: i32 = 90004;
/// `authContent` is too long: documented, but not seen on phones, which use the default text instead.
pub const AUTH_CONTENT_TOO_LONG: i32 = 90005;
/// An internal error.
pub const INTERNAL_ERROR: i32 = 90007;
/// The user cancelled.
pub const CANCELLED: i32 = 90008;
/// The finger or face was not recognised.
pub const NOT_RECOGNISED: i32 = 90009;
/// Frozen after too many tries.
pub const FROZEN: i32 = 90010;
/// Nothing is enrolled for the requested modes.
pub const NOT_ENROLLED: i32 = 90011;

/// What follows after `startSoterAuthentication:` in `errMsg`.
pub mod message {
    /// With [`OK`](super::OK).
    pub const OK: &str = "ok";
    /// With [`NOT_SUPPORTED`](super::NOT_SUPPORTED).
    pub const NOT_SUPPORTED: &str = "fail not support soter";
    /// With [`NOT_GRANTED`](super::NOT_GRANTED).
    pub const NOT_GRANTED: &str = "fail user not grant to use fingerprint";
    /// With [`MODE_NOT_SUPPORTED`](super::MODE_NOT_SUPPORTED): none of the requested names is a mode of the phone.
    pub const NO_CORRESPONDING_MODE: &str = "fail no corresponding mode";
    /// With [`MODE_NOT_SUPPORTED`](super::MODE_NOT_SUPPORTED): no modes were requested.
    pub const MODE_IS_NULL: &str = "fail authen mode is null";
    /// With [`MODE_NOT_SUPPORTED`](super::MODE_NOT_SUPPORTED). Its cause is not known; the simulator never returns
    /// it.
    pub const RESP_MODEL_ERROR: &str = "fail resp model error";
    /// With [`CHALLENGE_REFUSED`](super::CHALLENGE_REFUSED): missing or empty.
    pub const CHALLENGE_IS_NULL: &str = "fail challenge is null";
    /// With [`CHALLENGE_REFUSED`](super::CHALLENGE_REFUSED): 512 UTF-16 units or more.
    pub const CHALLENGE_TOO_LONG: &str = "fail challenge is too long. 512 chars at most";
    /// With [`INTERNAL_ERROR`](super::INTERNAL_ERROR): the AuthKey could not be uploaded or renewed.
    pub const KEY_UPDATE_ERROR: &str = "fail auth key update error";
    /// With [`INTERNAL_ERROR`](super::INTERNAL_ERROR): the AuthKey could not be made.
    pub const KEY_GENERATE_FAILED: &str = "fail auth key generate failed";
    /// With [`INTERNAL_ERROR`](super::INTERNAL_ERROR): the AuthKey could not be read.
    pub const KEY_NOT_RETRIEVED: &str = "fail auth key can not be retrieved";
    /// With [`INTERNAL_ERROR`](super::INTERNAL_ERROR): the sensor did not start.
    pub const START_FAILED: &str = "fail start fingerprint authen failed";
    /// With [`INTERNAL_ERROR`](super::INTERNAL_ERROR); the SDK's own text follows.
    pub const AUTHENTICATE_ERROR: &str = "fail authenticate error: ";
    /// With [`INTERNAL_ERROR`](super::INTERNAL_ERROR): another authentication is not over, so the SDK's task pool refuses this
    /// one.
    pub const TASK_NOT_ADDED: &str =
        "fail authenticate error: add SOTER task to queue failed. check the logcat for further information";
    /// With [`CANCELLED`](super::CANCELLED). Apps compare the whole `errMsg`.
    pub const CANCEL: &str = "fail cancel";
    /// With [`NOT_RECOGNISED`](super::NOT_RECOGNISED), which has no text: the space ends the message.
    pub const NOT_RECOGNISED: &str = "fail ";
    /// With [`FROZEN`](super::FROZEN).
    pub const FROZEN: &str = "fail authenticate freeze. please try again later";
    /// With [`NOT_ENROLLED`](super::NOT_ENROLLED).
    pub const NOT_ENROLLED: &str = "fail no fingerprint enrolled";
}

/// The advice for codes that have been seen, and whose meaning is documented nowhere.
const UNDOCUMENTED: &str = "Log it with errMsg, the phone's model and WeChat's version, and treat it as a failure: offer another way.";

pub(super) const TABLE: &[Code] = &[
    code(
        OK,
        "ok",
        "Success: authMode, resultJSON and resultJSONSignature are filled.",
        "Send resultJSON to your server as the string it is, with the signature, and let verify_signature judge it there. Do not trust the client's success alone.",
    ),
    code(10011, "undocumented", "This code exists on iOS; its meaning is not documented.", UNDOCUMENTED),
    code(
        NOT_SUPPORTED,
        "not support soter",
        "The device does not support SOTER.",
        "Ask checkIsSupportSoterAuthentication first and offer a password when supportMode is []. WeChat DevTools has no SOTER: test on a phone or on this emulator.",
    ),
    code(
        NOT_GRANTED,
        "user not grant to use fingerprint",
        "The user did not grant WeChat the permission to use biometrics.",
        "Ask the user to grant it to WeChat in the system settings, and offer another way to confirm.",
    ),
    code(
        MODE_NOT_SUPPORTED,
        "no corresponding mode",
        "No entry of requestAuthModes is a mode that the phone supports.",
        "Request the modes that checkIsSupportSoterAuthentication lists, spelt as there: fingerPrint, facial, speech. Some phones report Face ID as fingerPrint.",
    ),
    code(
        MODE_NOT_SUPPORTED,
        "authen mode is null",
        "requestAuthModes is missing or empty.",
        "Pass an array with at least one of fingerPrint, facial and speech.",
    ),
    code(
        MODE_NOT_SUPPORTED,
        "resp model error",
        "Seen on phones next to the two other texts of 90003; its cause is not documented, and the emulator never answers it.",
        "Treat it as the others: request the modes that checkIsSupportSoterAuthentication lists.",
    ),
    code(
        CHALLENGE_REFUSED,
        "challenge is null",
        "The challenge is missing or empty.",
        "Fetch a fresh challenge from your server and wait for it before you start the authentication.",
    ),
    code(
        CHALLENGE_REFUSED,
        "challenge is too long. 512 chars at most",
        "The challenge has 512 or more UTF-16 units; 511 are the most that phones accept, whatever the text says.",
        "Send a hash or an order number instead of the data itself. Emoji count as two units.",
    ),
    code(
        AUTH_CONTENT_TOO_LONG,
        "authContent too long",
        "authContent is longer than 42 characters, says the documentation; phones have not been seen to answer this.",
        "Keep it at 42 characters or fewer. Android silently shows the default text instead of an empty or longer one.",
    ),
    code(90006, "undocumented", "This code exists; its meaning is not documented.", UNDOCUMENTED),
    code(
        INTERNAL_ERROR,
        "auth key update error",
        "Internal error: WeChat could not renew the AuthKey or bring it to its server.",
        "Try again and check the phone's network; if it stays, log the phone's model and offer a password. The cause is not documented.",
    ),
    code(
        INTERNAL_ERROR,
        "auth key generate failed",
        "Internal error: the TEE did not make the AuthKey.",
        "Try again and restart the phone; if it stays, offer a password. The cause is not documented.",
    ),
    code(
        INTERNAL_ERROR,
        "auth key can not be retrieved",
        "Internal error: the AuthKey is not where WeChat expects it.",
        "Try again: WeChat makes a new key. Enrolling a new finger makes existing AuthKeys invalid and can precede this.",
    ),
    code(
        INTERNAL_ERROR,
        "start fingerprint authen failed",
        "Internal error: the sensor could not be started.",
        "Make sure that no other app or dialog uses the sensor, then try again.",
    ),
    code(
        INTERNAL_ERROR,
        "authenticate error: add SOTER task to queue failed. check the logcat for further information",
        "Internal error: another authentication is not over, and the phone takes one at a time.",
        "Wait for the first call's callback, and do not let a button start two.",
    ),
    code(
        INTERNAL_ERROR,
        "authenticate error: <sdk text>",
        "Internal error: the authentication broke off; the SDK's own text says more.",
        "Read the text after the colon, try again, and log it with the phone's model. Most of the possible texts are not documented.",
    ),
    code(
        CANCELLED,
        "cancel",
        "The user cancelled, or the dialog was closed.",
        "Not an error: let the user try again or choose another way. Apps compare the whole errMsg with startSoterAuthentication:fail cancel.",
    ),
    code(
        NOT_RECOGNISED,
        "not recognised",
        "The finger or face was not recognised; errMsg has no text after fail.",
        "Let the user try again. Android keeps the dialog open after a wrong finger, so this is mostly seen on iOS.",
    ),
    code(
        FROZEN,
        "authenticate freeze. please try again later",
        "Frozen after too many tries: after 5 failures for 30 seconds, on Android after 20 until the PIN is entered.",
        "Wait for 30 seconds or have the user unlock the phone with the PIN, and offer a password meanwhile.",
    ),
    code(
        NOT_ENROLLED,
        "no fingerprint enrolled",
        "Nothing is enrolled for the requested modes, or the phone says so although something is.",
        "Ask checkIsSoterEnrolledInDevice for each mode and send the user to the system settings to enrol. If something is enrolled, request the other modes too.",
    ),
];

const fn code(code: i32, name: &'static str, meaning: &'static str, advice: &'static str) -> Code {
    Code { code, name, source: CodeSource::WxCall, meaning, advice }
}
