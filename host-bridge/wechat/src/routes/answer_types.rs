//! What WeChat's paths answer, as JSON. The OpenAPI document has its schemas from these types.

use schemars::JsonSchema;
use serde::Serialize;

/// The text of errcode 0.
const OK: &str = "ok";

/// An access token.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AccessToken<'a> {
    /// The token, for `access_token` in other queries. WeChat asks for room for 512 characters.
    pub(crate) access_token: &'a str,
    /// Seconds until it expires.
    pub(crate) expires_in: u64,
}

/// A user's session.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Session")]
pub(crate) struct UserSession<'a> {
    /// The session's key: Base64. It is a secret of the backend.
    pub(crate) session_key: &'a str,
    /// The user in this mini program.
    pub(crate) openid: &'a str,
    /// The user in all mini programs of the same account. Mini programs without such an account get none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub(crate) unionid: Option<String>,
}

/// It is done, or it is so.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Done {
    /// 0.
    #[schemars(extend("enum" = [0]))]
    errcode: i32,
    /// `ok`.
    errmsg: &'static str,
}

/// A session's new key.
#[derive(Serialize, JsonSchema)]
pub(crate) struct NewSessionKey<'a> {
    /// 0.
    #[schemars(extend("enum" = [0]))]
    errcode: i32,
    /// `ok`.
    errmsg: &'static str,
    /// The user in this mini program.
    openid: &'a str,
    /// The session's new key: Base64. It is a secret of the backend.
    session_key: &'a str,
}

/// The phone number of a user.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PhoneNumber<'a> {
    /// 0.
    #[schemars(extend("enum" = [0]))]
    errcode: i32,
    /// `ok`.
    errmsg: &'static str,
    phone_info: PhoneInfo<'a>,
}

/// A phone number, and when it was given.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PhoneInfo<'a> {
    /// The number as it is dialled at home; of a foreign phone, with the country's code.
    pub(crate) phone_number: &'a str,
    /// The number without the country's code.
    pub(crate) pure_phone_number: &'a str,
    /// The country's code.
    pub(crate) country_code: &'a str,
    pub(crate) watermark: Watermark<'a>,
}

/// For whom it was given, and when.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Watermark<'a> {
    /// Seconds since 1970.
    pub(crate) timestamp: u64,
    /// The mini program.
    pub(crate) appid: &'a str,
}

/// Whether a result is good. Some servers of WeChat also send `errcode` 0 and `errmsg` (the emulator with
/// `--reply-style errcode`).
#[derive(Serialize, JsonSchema)]
pub(crate) struct SignatureVerdict {
    /// 0, if it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i32", extend("enum" = [0]))]
    pub(crate) errcode: Option<i32>,
    /// `ok`, if it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub(crate) errmsg: Option<&'static str>,
    /// Whether the result is this user's, and was signed by their phone.
    pub(crate) is_ok: bool,
}

/// Whether a phone supports SOTER.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PhoneSupport {
    /// Whether it does.
    pub(crate) is_support: bool,
    /// What it can recognise, as a sum: 1 for fingers, 2 for faces.
    pub(crate) support_type: u8,
}

/// Whether an ASK is a known phone's.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AskVerdict {
    /// Whether it is.
    pub(crate) is_verified: bool,
}

/// Addresses of servers.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Addresses {
    /// The addresses.
    pub(crate) ip_list: &'static [&'static str],
}

/// An error. The status is 200 all the same.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub(crate) struct ErrcodeAnswer {
    /// The number of the error, which is not 0.
    pub(crate) errcode: i32,
    /// Its text, with the request's id (`rid`) behind it.
    pub(crate) errmsg: String,
}

impl Done {
    pub(crate) const NEW: Self = Self { errcode: 0, errmsg: OK };
}

impl<'a> NewSessionKey<'a> {
    pub(crate) fn new(openid: &'a str, session_key: &'a str) -> Self {
        Self { errcode: 0, errmsg: OK, openid, session_key }
    }
}

impl<'a> PhoneNumber<'a> {
    pub(crate) fn new(phone_info: PhoneInfo<'a>) -> Self {
        Self { errcode: 0, errmsg: OK, phone_info }
    }
}
