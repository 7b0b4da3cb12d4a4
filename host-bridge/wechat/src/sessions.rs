//! Codes of `wx.login` and `wx.getPhoneNumber`, sessions and access tokens: what WeChat's servers know of users and backends
//! besides the ledger. And the switches that users have for them.
//!
//! In one process they are in memory and do not survive a restart. Servers that share a database share them as well, so that
//! a code from one server can be exchanged at another.

mod logins;
pub(crate) mod memory;
pub(crate) mod switches;
mod tokens;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use soter_wire::base64;

use crate::ledger::error::LedgerError;
use crate::random::{random_bytes, random_text};
use crate::secret::Secret;

use self::switches::{SwitchStep, Switches};

/// A code is valid for 5 minutes.
pub(crate) const CODE_LIFETIME_MS: u64 = 300_000;
/// How long a session lives without a login. Not documented; modelled.
pub(crate) const SESSION_LIFETIME_MS: u64 = 3 * 86_400_000;
/// How long an access token is valid.
pub(crate) const TOKEN_LIFETIME_MS: u64 = 7_200_000;
/// How long an access token is valid after a newer one was issued, and how long before its end a stable one is replaced.
pub(crate) const GRACE_PERIOD_MS: u64 = 300_000;
/// Maximum number of access tokens that are remembered for each app; beyond that, the oldest are forgotten. Those that have
/// expired are remembered as well, because they get another errcode than unknown ones.
pub(crate) const MAX_TOKENS_PER_APP: usize = 256;

/// Codes, sessions and access tokens. Every operation is atomic, and fails with [`LedgerError`] if what stores them cannot be
/// used.
#[async_trait]
pub(crate) trait Sessions: fmt::Debug + Send + Sync {
    /// `wx.login`: makes a new code, and begins or renews the user's session. The session gets another key, unless the
    /// switches say otherwise.
    async fn login(&self, appid: &str, user: &str) -> Result<String, LedgerError>;

    /// Exchanges a code, once, for its user and the session's key.
    async fn exchange(
        &self,
        appid: &str,
        code: &str,
    ) -> Result<Result<(String, Secret), BadCode>, LedgerError>;

    /// `wx.getPhoneNumber`: makes a new code.
    async fn phone_code(&self, appid: &str, user: &str) -> Result<String, LedgerError>;

    /// Exchanges a code of [`phone_code`](Self::phone_code), once, for its user, who must be this one if one is given.
    async fn exchange_phone_code(
        &self,
        appid: &str,
        code: &str,
        user: Option<&str>,
    ) -> Result<Result<String, BadCode>, LedgerError>;

    /// The key of the user's session, if it is alive. The session is not renewed.
    async fn session_key(&self, appid: &str, user: &str) -> Result<Option<Secret>, LedgerError>;

    /// Gives the session another key, if it is alive and has this one. It ends when it would have ended.
    async fn replace_session_key(
        &self,
        appid: &str,
        user: &str,
        old: &Secret,
    ) -> Result<Option<Secret>, LedgerError>;

    /// A new plain access token. The one before it expires in 5 minutes at the latest.
    async fn plain_token(&self, appid: &str) -> Result<Grant, LedgerError>;

    /// The app's stable access token. A new token is made if the app has no stable token, if the token is about to expire, or
    /// with `force_refresh`, which also ends the old token.
    async fn stable_token(&self, appid: &str, force_refresh: bool) -> Result<Grant, LedgerError>;

    /// The app to which an access token was issued, and the switches.
    async fn check_token(
        &self,
        token: &str,
    ) -> Result<(Arc<Switches>, Result<String, BadToken>), LedgerError>;

    /// The switches.
    async fn switches(&self) -> Result<Arc<Switches>, LedgerError>;

    /// Takes a step with the switches. Whether it was possible, and the switches afterwards. A clock that goes back makes the
    /// servers forget all codes, sessions and access tokens, because those that were made meanwhile would live too long.
    async fn step_switches(&self, step: SwitchStep) -> Result<(Arc<Switches>, bool), LedgerError>;

    /// Ends something before its time, and answers how many there were.
    async fn expire(&self, expiry: &Expiry) -> Result<u64, LedgerError>;

    /// Forgets everything, and sets the switches back.
    async fn forget_all(&self) -> Result<(), LedgerError>;
}

/// Why a code is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadCode {
    /// Mistyped, expired, or of another app.
    Invalid,
    /// It was used before.
    Used,
    /// It is alive, but was made by the other call.
    OtherPurpose,
    /// It is alive, but of another user.
    OtherUser,
}

/// The call that made a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodePurpose {
    /// `wx.login`.
    Login,
    /// `wx.getPhoneNumber`.
    PhoneNumber,
}

/// What can be ended before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// A user's session in a mini program, and the codes that would begin it again.
    #[expect(missing_docs, reason = "an appid and a user's name")]
    Session { appid: String, user: String },
    /// Codes that a user's phone has got for a mini program and nobody has used.
    #[expect(missing_docs, reason = "an appid and a user's name")]
    Codes { appid: String, user: String },
    /// A mini program's access tokens, as if their 7,200 seconds had passed.
    #[expect(missing_docs, reason = "an appid")]
    Tokens { appid: String },
    /// A mini program's access tokens, as if somebody had got a newer one.
    #[expect(missing_docs, reason = "an appid")]
    ReplacedTokens { appid: String },
}

/// Why an access token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadToken {
    /// It was never issued, or so long ago that it is forgotten.
    Unknown,
    /// Its 7,200 seconds have passed.
    Expired,
    /// A newer token has ended it before.
    Replaced,
}

/// An access token for a backend.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) token: Secret,
    /// Whole seconds until it expires.
    pub(crate) expires_in: u64,
}

/// A new login code.
pub(crate) fn new_code() -> String {
    format!("emulated{}", random_text(24))
}

/// A new session's key: Base64 of 16 bytes.
pub(crate) fn new_session_key() -> Secret {
    base64::encode(&random_bytes::<16>()).into()
}

/// A new access token: 157 characters. Real ones have 136 to 160 and more, and WeChat asks for room for 512.
pub(crate) fn new_token() -> Secret {
    format!("emulated_{}", random_text(148)).into()
}

/// The form in which codes and access tokens are looked up, so that the duration reveals nothing about them.
pub(crate) fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}
