//! The result codes of Tencent's SDK for Android (github.com/Tencent/soter): `SoterErrCode` for the TEE's commands,
//! `SoterProcessErrCode` for AuthKeys and signing sessions, and the two lockouts that soter-core reports.

/// Success.
pub const OK: i32 = 0;
/// No other code fits.
pub const UNKNOWN: i32 = -1;
/// A parameter is invalid.
pub const PARAMETER: i32 = 1;
/// The phone does not have what the command needs.
pub const NOT_SUPPORTED: i32 = 2;
/// The app has no ASK.
pub const NO_ASK: i32 = 3;
/// The ASK could not be made.
pub const ASK_GENERATION_FAILED: i32 = 4;
/// The ASK could not be removed.
pub const REMOVE_ASK_FAILED: i32 = 5;
/// The AuthKey could not be made.
pub const AUTH_KEY_GENERATION_FAILED: i32 = 6;
/// The AuthKey could not be removed.
pub const REMOVE_AUTH_KEY_FAILED: i32 = 7;
/// The AuthKey became invalid, for example by a later enrolment.
pub const AUTH_KEY_EXPIRED: i32 = 1005;
/// There is no AuthKey of that name.
pub const AUTH_KEY_NOT_FOUND: i32 = 1006;
/// The signing session could not be opened.
pub const INIT_SIGN_FAILED: i32 = 1007;
/// No finger is enrolled.
pub const NO_FINGERPRINT_ENROLLED: i32 = 1012;
/// No matching finger has touched the sensor.
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
