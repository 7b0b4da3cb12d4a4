//! The `errcode`s of WeChat's backend around SOTER.
//!
//! The full tables of `verify_signature` and `verify_ask` are not public. This table has the codes that have been
//! seen live, and the general ones of `api.weixin.qq.com` that apply.

use super::code::{Code, CodeSource};
use crate::paths::INVALID_URL_ADVICE;

pub(super) const TABLE: &[Code] = &[
    code(
        0,
        "ok",
        "The request was understood. For verify_signature this says nothing yet: is_ok does.",
        "Read is_ok. When it is false, the most common causes are a json_string that was parsed and written again, and an openid of another user or mini program.",
    ),
    code(-1, "system error", "The backend is busy or broken.", "Wait a moment and try again a few times."),
    code(
        40001,
        "invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r",
        "The access_token is wrong, of another app, or replaced by a newer one.",
        "Keep one token per app in one place; each plain token request ends the one before it. Use stable_token if several servers need one. Some SDKs keep a refused token: node-easywechat 3.6.2 does, in a file of the working directory that the next run finds.",
    ),
    code(
        40002,
        "invalid grant_type",
        "grant_type is missing or another one.",
        "token and stable_token want client_credential, jscode2session wants authorization_code.",
    ),
    code(
        40003,
        "invalid openid",
        "The openid is not one of this mini program.",
        "Send the openid that jscode2session gave for the same appid, not a unionid and not another app's.",
    ),
    code(
        40013,
        "invalid appid",
        "There is no app with this appid.",
        "Check the appid; add yours to the file that --config names.",
    ),
    code(
        40029,
        "invalid code",
        "jscode2session does not know the code: mistyped, used, expired or of another app.",
        "Call wx.login again and use its code once within five minutes, with the appid and secret of the same app.",
    ),
    code(
        40066,
        "invalid url",
        "WeChat's servers have nothing at this path, or the emulator has not: it has what surrounds SOTER.",
        INVALID_URL_ADVICE,
    ),
    code(
        40125,
        "invalid appsecret",
        "The secret is not this app's.",
        "Check the secret of exactly this appid.",
    ),
    code(
        40163,
        "code been used",
        "The login code was used before.",
        "Call wx.login again. Look for a request that is sent twice.",
    ),
    code(
        40164,
        "invalid ip, not in whitelist",
        "The server's IP address is not on the app's whitelist; errmsg names the address. The emulator has no whitelist.",
        "Add the address to the whitelist in the app's console. It is the one that the internet sees, such as a proxy's.",
    ),
    code(
        41001,
        "access_token missing",
        "The request carries no access_token.",
        "Put ?access_token=… into the address, not into the body. A service in WeChat Cloud Run sends none: for it, start the emulated servers with --cloudrun.",
    ),
    code(41002, "appid missing", "The request carries no appid.", "Send appid."),
    code(41004, "appsecret missing", "The request carries no secret.", "Send secret."),
    code(
        41008,
        "missing code",
        "The request carries no code.",
        "Send to jscode2session the code that wx.login gave as js_code, to getuserphonenumber the one of wx.getPhoneNumber as code.",
    ),
    code(
        42001,
        "access_token expired",
        "The access_token is older than its two hours.",
        "Fetch a new one before expires_in has passed.",
    ),
    code(43001, "require GET method", "The interface wants GET.", "Send a GET request."),
    code(
        43002,
        "require POST method",
        "The interface wants POST.",
        "Send a POST request, over https; old documents say http.",
    ),
    code(
        44002,
        "empty post data",
        "The body is empty.",
        "Send the JSON in the body, and check that a proxy does not drop it.",
    ),
    code(
        45002,
        "content size out of limit",
        "The body is larger than 1 MiB. Which limit WeChat has is not documented.",
        "Send resultJSON and its signature alone.",
    ),
    code(
        45009,
        "reach max api daily quota limit",
        "The app has used up its calls of today.",
        "Cache access tokens and answers. In an emergency, clear_quota starts the count again, ten times a month.",
    ),
    code(
        45011,
        "api minute-quota reach limit must slower retry next minute",
        "The app calls too often in a minute.",
        "Wait for the next minute, and spread the calls.",
    ),
    code(
        47001,
        "data format error",
        "The body is not a JSON object. Some paths also answer so if a member has the wrong type; others treat it as missing.",
        "Send one JSON object. For verify_signature, json_string is a string: the text of resultJSON escaped as one, not an object inside.",
    ),
    code(
        48001,
        "api unauthorized",
        "This app may not use the interface.",
        "Check in the app's console that it has the right, and that the token is of this very app.",
    ),
    code(
        48006,
        "forbid to clear quota because of reaching the limit",
        "The app has cleared its quota ten times this month.",
        "Wait for the next month; look for what calls so often.",
    ),
    code(
        87008,
        "invalid sig_method",
        "sig_method is missing or another one.",
        "Send sig_method=hmac_sha256.",
    ),
    code(
        87009,
        "invalid signature",
        "The signature was not made with the user's present session_key, or the user has no session.",
        "Send the lower-case hex of HMAC-SHA256 over the empty text. The key is the Base64 text of session_key as it is, not decoded. If that is so, the user must log in again.",
    ),
    device(
        90001,
        "unparsable XML",
        "is_support cannot parse model_key as XML.",
        "Send the device information as nested XML elements, with quotes escaped for the JSON around it.",
    ),
    device(
        90002,
        "illegal node",
        "is_support found an element in model_key that does not belong there.",
        "Nest deviceinfo, MANUFACTURER, MODEL, VERSION_RELEASE, VERSION_INCREMENTAL and DISPLAY in this order, each with its name attribute.",
    ),
];

const fn code(code: i32, name: &'static str, meaning: &'static str, advice: &'static str) -> Code {
    Code { code, name, source: CodeSource::Backend, meaning, advice }
}

const fn device(code: i32, name: &'static str, meaning: &'static str, advice: &'static str) -> Code {
    Code { code, name, source: CodeSource::BackendDevice, meaning, advice }
}
