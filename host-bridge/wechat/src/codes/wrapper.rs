//! The codes of soter-wrapper, the upper layer of Tencent's SDK for Android. Names are those of its public
//! interface `SoterProcessErrCode`.

use super::code::{Code, CodeSource};
use soter_wire::result_code;

pub(super) const TABLE: &[Code] = &[
    code(
        1001,
        "ERR_UNEXPECTED_PURPOSE",
        "Keys were to be prepared without a valid purpose.",
        "Say whether the ASK, AuthKeys or both are wanted.",
    ),
    code(
        1002,
        "ERR_GET_SUPPORT_SOTER_REMOTE_FAILED",
        "The server could not be asked whether this device is supported.",
        "Check the network wrapper for the support question, and your server's is_support call behind it.",
    ),
    code(
        1003,
        "ERR_UPLOAD_ASK_FAILED",
        "The ASK did not reach the server, or the server refused it.",
        "Check the upload's network wrapper, and that the server passes ask_json and its signature to verify_ask unchanged.",
    ),
    code(
        1004,
        "ERR_UPLOAD_AUTH_KEY_FAILED",
        "The AuthKey did not reach the server, or the server refused it.",
        "Check the upload's network wrapper, and that the server verifies the AuthKey with the ASK over the exact bytes, at the salt length that the JSON names or 20.",
    ),
    code(
        result_code::AUTH_KEY_EXPIRED,
        "ERR_AUTHKEY_ALREADY_EXPIRED",
        "The AuthKey was made invalid, most often by enrolling a new finger.",
        "Remove the AuthKey, make and upload a new one, then authenticate again.",
    ),
    code(
        result_code::AUTH_KEY_NOT_FOUND,
        "ERR_AUTHKEY_NOT_FOUND",
        "There is no AuthKey of that name.",
        "Prepare and upload the AuthKey of this scene first. It is also gone when the ASK was removed or replaced.",
    ),
    code(
        result_code::INIT_SIGN_FAILED,
        "ERR_INIT_SIGN_FAILED",
        "The signing session could not be opened.",
        "Make sure that the AuthKey exists and is valid; make a new one if this stays.",
    ),
    code(
        1008,
        "ERR_NOT_INIT_WRAPPER",
        "The wrapper is not initialised yet.",
        "Call its init first and wait for its callback.",
    ),
    code(
        1009,
        "ERR_AUTH_KEY_NOT_IN_MAP",
        "The scene was not named when the wrapper was initialised.",
        "Name every scene in the parameters of init.",
    ),
    code(
        1010,
        "ERR_NO_NET_WRAPPER",
        "A network wrapper is missing.",
        "Give the authentication a wrapper that fetches the challenge, or the challenge itself.",
    ),
    code(
        1011,
        "ERR_CONTEXT_INSTANCE_NOT_EXISTS",
        "The Android context that was given is gone.",
        "Pass a context that lives as long as the authentication.",
    ),
    code(
        result_code::NO_FINGERPRINT_ENROLLED,
        "ERR_NO_FINGERPRINT_ENROLLED",
        "No finger is enrolled.",
        "Send the user to the system settings to enrol one.",
    ),
    code(
        1013,
        "ERR_NO_BIOMETRIC_ENROLLED",
        "Nothing of the requested kind, finger or face, is enrolled.",
        "Send the user to the system settings to enrol, or request the other kind.",
    ),
    code(
        1014,
        "ERR_GET_CHALLENGE",
        "The challenge could not be fetched from the server.",
        "Check the challenge's network wrapper and your server.",
    ),
    code(
        1015,
        "ERR_START_AUTHEN_FAILED",
        "The sensor could not be started.",
        "Make sure that no other app uses the sensor, then try again.",
    ),
    code(
        result_code::AUTHENTICATION_FAILED,
        "ERR_FINGERPRINT_AUTHENTICATION_FAILED",
        "The finger was not recognised.",
        "Let the user try again, or offer another way.",
    ),
    code(
        1017,
        "ERR_BIOMETRIC_AUTHENTICATION_FAILED",
        "The finger or face was not recognised.",
        "Let the user try again, or offer another way.",
    ),
    code(
        result_code::SIGN_FAILED,
        "ERR_SIGN_FAILED",
        "The signature was not made.",
        "A session signs once, after a matching touch: open a new one and try again.",
    ),
    code(
        1019,
        "ERR_UPLOAD_OR_VERIFY_SIGNATURE_FAILED",
        "The result did not reach the server, or the server's check failed.",
        "Check the network first, then that the server verifies the exact bytes of the JSON at the salt length that it names or 20.",
    ),
    code(
        result_code::USER_CANCELLED,
        "ERR_USER_CANCELLED",
        "The user cancelled.",
        "Not an error: let the user try again or choose another way.",
    ),
    code(
        result_code::FINGERPRINT_LOCKED,
        "ERR_FINGERPRINT_LOCKED",
        "The finger sensor is locked after too many failures.",
        "Wait for 30 seconds or have the user enter the PIN, and offer another way meanwhile.",
    ),
    code(
        1022,
        "ERR_BIOMETRIC_LOCKED",
        "The sensor is locked after too many failures.",
        "Wait for 30 seconds or have the user enter the PIN, and offer another way meanwhile.",
    ),
    code(
        1022,
        "ERR_BIOMETRIC_LOCKED_PERMENANT",
        "The sensor is locked until the PIN is entered (the name is spelled so, and shares its number).",
        "Have the user unlock the phone with the PIN; waiting does not help.",
    ),
    code(
        1023,
        "ERR_ADD_TASK_FAILED",
        "The task was not accepted, most often because one of its kind is running.",
        "Wait for the running one's callback; the device's log says which it is.",
    ),
    code(
        1024,
        "ERR_NO_BUSINESS_SCENE_PROVIDED",
        "The wrapper was initialised without a scene.",
        "Name at least one scene in the parameters of init.",
    ),
    code(
        1025,
        "ERR_ACCOUNT_SALT_LEN_TOO_LONG",
        "The account salt given to init is too long.",
        "Shorten it. It only keeps the key names of accounts apart and is not a PSS salt.",
    ),
    code(
        1026,
        "ERR_CUSTOM_ASK_NAME_TOO_LONG",
        "The name of the app's own ASK is longer than 24 characters.",
        "Shorten it to 24 characters.",
    ),
    code(
        result_code::SIGNATURE_INVALID,
        "ERR_SIGNATURE_INVALID",
        "The key store refused to sign although the finger matched.",
        "Seen when a system upgrade is followed by a new enrolment: remove the AuthKey, make and upload a new one.",
    ),
    code(
        1028,
        "ERR_ALREADY_INITIALIZED",
        "The wrapper is initialised already.",
        "Not an error for most apps: call init once for each process.",
    ),
    code(
        1029,
        "ERR_CLICK_NEGATIVE_BUTTON",
        "The user pressed the dialog's other button.",
        "Show the way that this button promises, for example a password.",
    ),
];

const fn code(code: i32, name: &'static str, meaning: &'static str, advice: &'static str) -> Code {
    Code { code, name, source: CodeSource::SdkWrapper, meaning, advice }
}
