//! WeChat's servers: their time, and what users switch on to see it once.
//!
//! All servers that share a ledger have the same switches. `desk.reset` sets them back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use soter_wechat::WeChatPath;

use super::patch::Patch;

no_parameters! {
    /// The switches of WeChat's servers.
    Show
}

/// Changes the switches of WeChat's servers. An absent member keeps a switch, `null` sets it back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Set {
    /// Whether each `wx.login` gives the session another key; usually `true`. WeChat documents that it may.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub login_renews_key: Patch<bool>,
    /// What calls of backends fail with; usually nothing.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub failure: Patch<Failure>,
    /// Milliseconds by which each answer to a backend is delayed, at most 600,000; usually 0.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub delay: Patch<u64>,
    /// Whether backends get no answer at all; usually `false`.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub silent: Patch<bool>,
}

/// An `errcode` with which calls of backends fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// One that the servers have, such as -1 (busy), 45009 (daily quota), 45011 (too often) or 48001 (no permission).
    pub errcode: i32,
    /// How many calls fail; absent: all, until it is switched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub times: Option<u32>,
    /// The path whose calls fail, such as `/cgi-bin/soter/verify_signature`; absent: all paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub path: Option<WeChatPath>,
}

/// Ends something before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expire {
    /// What ends.
    pub what: Expired,
    /// The mini program; absent: the first one of WeChat's servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appid: Option<String>,
}

/// What can be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Expired {
    /// The session of the phone's user: `wx.checkSession` fails, and the next login begins another one.
    Session,
    /// Codes of the phone's user that are not used yet: they get 40029.
    Code,
    /// The mini program's access tokens, as if their 7,200 seconds had passed: they get 42001.
    Token,
    /// The mini program's access tokens, as if somebody had got a newer one: they get 40001.
    TokenReplaced,
}

/// Answer of [`Expire`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ended {
    /// How many there were.
    pub ended: u64,
}

/// The switches of WeChat's servers: the answer of [`Show`] and [`Set`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Switches {
    /// The servers' clock.
    pub clock: Clock,
    /// See [`Set::login_renews_key`].
    pub login_renews_key: bool,
    /// See [`Set::failure`]; `times` are those that are left.
    pub failure: Option<Failure>,
    /// See [`Set::delay`].
    pub delay: u64,
    /// See [`Set::silent`].
    pub silent: bool,
}

/// The clock of WeChat's servers, by which codes, sessions and access tokens expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Clock {
    /// The time, in milliseconds since 1970.
    pub now: u64,
    /// How far it is ahead of the computer's clock, in milliseconds.
    pub ahead: u64,
}
