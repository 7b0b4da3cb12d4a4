//! The calls of a mini program, in WeChat's form.
//!
//! A call that fails as on a phone has an answer with `errCode` and `errMsg`, or with `errMsg` alone. Members that WeChat does
//! not know are ignored, as by WeChat.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use soter_wechat::Verdict;
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
    /// Milliseconds after which a call without an answer fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    pub timeout: Option<serde_json::Number>,
    /// The simulator's own addition: the mini program that calls; absent: the first one of WeChat's servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appid: Option<String>,
}

/// Answer of [`Login`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoggedIn {
    /// For `jscode2session`: valid for five minutes, once. Absent on failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// `login:ok`, `login:fail` or `login:fail timeout`.
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
#[serde(rename_all = "camelCase")]
pub struct GetUserInfo {
    /// Whether the answer has what is signed and encrypted, which needs a session; absent: `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub with_credentials: Option<bool>,
    /// The language of the places: `en`, `zh_CN` or `zh_TW`; absent or another text: the user's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub lang: Option<String>,
    /// The simulator's own addition: the mini program that calls; absent: the first one of WeChat's servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appid: Option<String>,
}

/// `wx.getUserProfile`: as [`GetUserInfo`], and the encrypted data do not identify the user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GetUserProfile {
    /// What the data are for: 1 to 30 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub desc: Option<String>,
    /// See [`GetUserInfo::lang`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub lang: Option<String>,
    /// The simulator's own addition: the mini program that calls; absent: the first one of WeChat's servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appid: Option<String>,
}

/// Answer of [`GetUserInfo`] and [`GetUserProfile`]. A failure has `errMsg` alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserInfo {
    /// The user's data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_info: Option<Value>,
    /// The same as the text that is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_data: Option<String>,
    /// With credentials: hex of SHA-1 over `rawData` and the session key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// With credentials: AES-128-CBC over the data with `watermark`, and for [`GetUserInfo`] `openId` and `unionId`; Base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted_data: Option<String>,
    /// With credentials: the initialisation vector, Base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iv: Option<String>,
    /// With credentials: an id for cloud functions. Modelled: nothing takes it.
    #[serde(rename = "cloudID", default, skip_serializing_if = "Option::is_none")]
    pub cloud_id: Option<String>,
    /// `getUserInfo:ok`, `getUserProfile:ok`, or `…:fail` and a text.
    pub err_msg: String,
}

/// `wx.cloud.callFunction`: run a cloud function with the phone's user. Another member, `config`, is ignored: there is one
/// environment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallFunction {
    /// The function's name: that of its folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub name: Option<String>,
    /// The function's event; absent: `{}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Map<String, Value>")]
    pub data: Option<Map<String, Value>>,
    /// The simulator's own addition: the mini program that calls; absent: the first one of WeChat's servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appid: Option<String>,
}

/// Answer of [`CallFunction`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FunctionCalled {
    /// The function returned.
    #[serde(rename_all = "camelCase")]
    Returned {
        /// What it returned; `null` for what JSON does not have, such as `undefined`.
        result: Value,
        /// `cloud.callFunction:ok`.
        err_msg: String,
        /// A random id, as the console's log names the call. Modelled: no log has it.
        #[serde(rename = "requestID")]
        request_id: String,
    },
    /// There is no result.
    #[serde(rename_all = "camelCase")]
    Failed {
        /// -501000, -504002 or -504003.
        err_code: i32,
        /// `cloud.callFunction:fail Error: errCode: <errCode> <its meaning> | errMsg: <why>`.
        err_msg: String,
    },
}

/// `wx.requestPayment`: check what the merchant's server has signed, show the payment sheet, wait for a touch. Nothing is paid.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestPayment {
    /// Seconds since 1970, in decimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub time_stamp: Option<String>,
    /// A random text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub nonce_str: Option<String>,
    /// `prepay_id=…`. Any id is accepted: no order is placed at the emulated servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub package: Option<String>,
    /// How `paySign` was made: `MD5`, `HMAC-SHA256` or `RSA`. Absent: `MD5` (modelled).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub sign_type: Option<String>,
    /// The merchant's signature: upper-case hexadecimal digits, or Base64 for `RSA`. It is checked if the configuration of the
    /// servers has the merchant's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub pay_sign: Option<String>,
    /// The simulator's own addition: the mini program that calls; absent: the first one of WeChat's servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appid: Option<String>,
    /// The simulator's own addition: touches for this call alone, instead of the sensor's mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touch: Option<TouchScript>,
}

/// Answer of [`RequestPayment`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentResult {
    /// `requestPayment:ok`, `requestPayment:fail cancel` or `requestPayment:fail <detail>`. The details are modelled.
    pub err_msg: String,
    /// Why, for the journal of the server that answers. The mini program does not get it.
    #[serde(skip)]
    pub verdict: Option<Verdict>,
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
