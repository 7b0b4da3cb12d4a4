//! What the names of a request's fields say.

use super::names::normalised;

/// What requests call the code of `wx.login`.
pub(super) const CODES: [&str; 9] =
    ["code", "jscode", "wxcode", "logincode", "wxlogincode", "authcode", "wechatcode", "js", "wxcodestr"];
/// The shortest code of `wx.login`: those of verification messages are shorter.
const MIN_CODE_CHARS: usize = 16;
/// What requests call the user.
pub(super) const USERS: [&str; 10] =
    ["user", "username", "name", "account", "login", "phone", "mobile", "email", "loginname", "userid"];

/// Names of values that a client draws at random, so that no two requests are the same.
pub(super) const NONCES: [&str; 12] = [
    "nonce",
    "noncestr",
    "rand",
    "random",
    "randomstr",
    "requestid",
    "xrequestid",
    "xnonce",
    "traceid",
    "idempotencykey",
    "uuid",
    "salt",
];
/// Names of a request's signature.
pub(super) const SIGNS: [&str; 11] =
    ["sign", "signature", "sig", "xsign", "xsignature", "hmac", "mac", "digest", "xsig", "checksum", "hash"];

/// What the names of secrets have in them.
const SECRETS: [&str; 15] = [
    "token",
    "session",
    "secret",
    "password",
    "passwd",
    "pwd",
    "auth",
    "jwt",
    "apikey",
    "accesskey",
    "credential",
    "skey",
    "openid",
    "unionid",
    "pin",
];
/// Names in which these stand by chance.
const NO_SECRETS: [&str; 4] = ["authmode", "author", "shipping", "opinion"];

/// Whether a field has the code of a `wx.login`, of this user or of another one.
pub(super) fn is_code_field(name: &str, text: &str) -> bool {
    CODES.contains(&normalised(name).as_str()) && is_code(text)
}

/// Whether a text may be a code of `wx.login`.
pub(super) fn is_code(text: &str) -> bool {
    let is_of_code = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    text.len() >= MIN_CODE_CHARS && text.bytes().all(is_of_code)
}

/// Whether a value with this name is likely to be a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    let name = normalised(name);
    !NO_SECRETS.contains(&name.as_str())
        && SECRETS.iter().any(|secret| if secret.len() > 3 { name.contains(secret) } else { name == *secret })
}
