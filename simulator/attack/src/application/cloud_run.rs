//! The headers with which WeChat Cloud Run tells a service who has called it with `wx.cloud.callContainer`.
//!
//! They are the platform's: a client cannot choose them, so an attack always has those of its own user.

use soter_wechat::{CLOUD_ENVIRONMENT, CLOUD_SOURCE, WeChat, WeChatError};

/// What the names of the headers begin with.
const PREFIX: &str = "X-WX-";

/// The headers for a call of a user.
///
/// # Errors
/// Those of [`WeChat::openid`].
pub(super) fn headers(wechat: &WeChat, user: &str) -> Result<Vec<(String, String)>, WeChatError> {
    let appid = &wechat.accounts().first_app().appid;
    let values = [
        ("OPENID", Some(wechat.openid(user, appid)?)),
        ("APPID", Some(appid.clone())),
        ("UNIONID", wechat.unionid(user, appid)?),
        ("ENV", Some(CLOUD_ENVIRONMENT.to_owned())),
        ("SOURCE", Some(CLOUD_SOURCE.to_owned())),
    ];
    let headers = values.into_iter().filter_map(|(name, value)| Some((format!("{PREFIX}{name}"), value?)));
    Ok(headers.collect())
}

/// Whether a header is one that only the platform sets.
pub(super) fn is_platforms(name: &str) -> bool {
    name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}
