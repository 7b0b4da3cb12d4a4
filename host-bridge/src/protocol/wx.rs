//! The calls of a mini program, in WeChat's form.
//!
//! A call that fails as on a phone has an answer with `errCode` and `errMsg`, or with `errMsg` alone. Members that WeChat does
//! not know are ignored, as by WeChat.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use soter_wire::Mode;

pub use self::parameter_types::{MistypedCall, Refusal};
use super::touch::TouchScript;

pub(crate) mod parameter_types;

/// A challenge of this many UTF-16 units or more is too long for the Android client.
pub const CHALLENGE_LIMIT: usize = 512;

/// `wx.startSoterAuthentication`: show the dialog, wait for a touch, sign.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartSoterAuthentication {
    /// The modes that the mini program accepts, `fingerPrint`, `facial` or `speech`. Others name no mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    pub request_auth_modes: Option<Vec<String>>,
    /// What is to be signed: 1 to 511 UTF-16 units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub challenge: Option<String>,
    /// The dialog's text. One that is empty or longer than 42 UTF-16 units is replaced by the default text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub auth_content: Option<String>,
    /// The simulator's own addition: the mini program that calls; absent: the first one of WeChat's servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appid: Option<String>,
    /// The simulator's own addition: touches for this call alone, instead of the sensor's mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touch: Option<TouchScript>,
}

/// `wx.login`: a code for the mini program's own server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Login {
    /// The simulator's own addition: the mini program that calls; absent: the first one of WeChat's servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appid: Option<String>,
}

/// Answer of [`Login`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoggedIn {
    /// For `jscode2session`: valid for five minutes, once.
    pub code: String,
    /// `login:ok`.
    pub err_msg: String,
}

/// `wx.getPhoneNumber`: what the callback of a button with `open-type="getPhoneNumber"` gets once the user agrees. There is no
/// such function in WeChat, where only the button can ask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GetPhoneNumber {
    /// The mini program that calls; absent: the first one of WeChat's servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appid: Option<String>,
}

/// Answer of [`GetPhoneNumber`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PhoneNumberCode {
    /// For `getuserphonenumber`: valid for five minutes, once. A code of [`Login`] does not fit.
    pub code: String,
    /// `getPhoneNumber:ok`.
    pub err_msg: String,
}

/// `wx.checkSession`: whether the session that `wx.login` began is alive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckSession {
    /// The mini program that calls; absent: the first one of WeChat's servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appid: Option<String>,
}

/// Answer of [`CheckSession`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionChecked {
    /// `checkSession:ok` or `checkSession:fail …`.
    pub err_msg: String,
}

/// `wx.getUserInfo`: the user's data, signed and encrypted with the session's key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GetUserInfo {
    /// The mini program that calls; absent: the first one of WeChat's servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appid: Option<String>,
}

/// Answer of [`GetUserInfo`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserInfo {
    /// The user's data.
    pub user_info: serde_json::Value,
    /// The same as the text that is signed.
    pub raw_data: String,
    /// Hex of SHA-1 over `rawData` and the session key.
    pub signature: String,
    /// AES-128-CBC over the data with `openId`, `unionId` and `watermark`, Base64.
    pub encrypted_data: String,
    /// The initialisation vector, Base64.
    pub iv: String,
    /// `getUserInfo:ok`.
    pub err_msg: String,
}

/// What the callbacks of [`StartSoterAuthentication`] get, on success and on failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SoterAuthentication {
    /// 0, or one of 90001 to 90011.
    pub err_code: i32,
    /// The mode that matched; empty on failure.
    pub auth_mode: String,
    /// The signed text, byte for byte; empty on failure.
    #[serde(rename = "resultJSON")]
    pub result_json: String,
    /// The signature over the UTF-8 bytes of `resultJSON`, standard Base64; empty on failure.
    #[serde(rename = "resultJSONSignature")]
    pub result_json_signature: String,
    /// `startSoterAuthentication:ok` or `startSoterAuthentication:fail <text>`.
    pub err_msg: String,
}

/// `wx.checkIsSupportSoterAuthentication`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckIsSupportSoterAuthentication {}

/// Answer of [`CheckIsSupportSoterAuthentication`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SoterSupport {
    /// The supported modes; none is a real answer.
    #[schemars(with = "Vec<super::mode_name::ModeName>")]
    pub support_mode: Vec<Mode>,
    /// `checkIsSupportSoterAuthentication:ok`.
    pub err_msg: String,
}

/// `wx.checkIsSoterEnrolledInDevice`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckIsSoterEnrolledInDevice {
    /// The mode asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub check_auth_mode: Option<String>,
}

/// Answer of [`CheckIsSoterEnrolledInDevice`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SoterEnrolment {
    /// Whether something of that mode is enrolled.
    pub is_enrolled: bool,
    /// `checkIsSoterEnrolledInDevice:ok` or `…:fail not support`.
    pub err_msg: String,
}
