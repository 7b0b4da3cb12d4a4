//! Codes, sessions, access tokens and switches in the memory of one process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::logins::Logins;
use super::switches::{SwitchStep, Switches};
use super::tokens::Tokens;
use super::{BadCode, BadToken, CodePurpose, Expiry, Grant, Sessions};
use crate::clock::Clock;
use crate::ledger::error::LedgerError;
use crate::secret::Secret;

/// All of them, with the clock by which they expire.
#[derive(Debug)]
pub(crate) struct MemorySessions {
    contents: Mutex<Contents>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug, Default)]
struct Contents {
    logins: Logins,
    tokens: Tokens,
    switches: Arc<Switches>,
}

impl MemorySessions {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { contents: Mutex::default(), clock }
    }

    /// The contents, and the servers' time.
    fn lock(&self) -> (MutexGuard<'_, Contents>, u64) {
        let contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.steady_millis().saturating_add(contents.switches.clock_offset);
        (contents, now)
    }
}

#[async_trait]
impl Sessions for MemorySessions {
    async fn login(&self, appid: &str, user: &str) -> Result<String, LedgerError> {
        let (mut contents, now) = self.lock();
        let renew_key = contents.switches.login_renews_key;
        Ok(contents.logins.login(appid, user, renew_key, now))
    }

    async fn exchange(
        &self,
        appid: &str,
        code: &str,
    ) -> Result<Result<(String, Secret), BadCode>, LedgerError> {
        let (mut contents, now) = self.lock();
        Ok(contents.logins.exchange(appid, code, now))
    }

    async fn phone_code(&self, appid: &str, user: &str) -> Result<String, LedgerError> {
        let (mut contents, now) = self.lock();
        Ok(contents.logins.make_code(appid, user, CodePurpose::PhoneNumber, now))
    }

    async fn exchange_phone_code(
        &self,
        appid: &str,
        code: &str,
        user: Option<&str>,
    ) -> Result<Result<String, BadCode>, LedgerError> {
        let (mut contents, now) = self.lock();
        Ok(contents.logins.use_code(appid, code, CodePurpose::PhoneNumber, user, now))
    }

    async fn session_key(&self, appid: &str, user: &str) -> Result<Option<Secret>, LedgerError> {
        let (contents, now) = self.lock();
        Ok(contents.logins.session_key(appid, user, now).cloned())
    }

    async fn replace_session_key(
        &self,
        appid: &str,
        user: &str,
        old: &Secret,
    ) -> Result<Option<Secret>, LedgerError> {
        let (mut contents, now) = self.lock();
        Ok(contents.logins.replace_key(appid, user, old, now))
    }

    async fn plain_token(&self, appid: &str) -> Result<Grant, LedgerError> {
        let (mut contents, now) = self.lock();
        Ok(contents.tokens.plain(appid, now))
    }

    async fn stable_token(&self, appid: &str, force_refresh: bool) -> Result<Grant, LedgerError> {
        let (mut contents, now) = self.lock();
        Ok(contents.tokens.stable(appid, force_refresh, now))
    }

    async fn check_token(
        &self,
        token: &str,
    ) -> Result<(Arc<Switches>, Result<String, BadToken>), LedgerError> {
        let (contents, now) = self.lock();
        let app = contents.tokens.check(token, now).map(str::to_owned);
        Ok((Arc::clone(&contents.switches), app))
    }

    async fn switches(&self) -> Result<Arc<Switches>, LedgerError> {
        let (contents, _) = self.lock();
        Ok(Arc::clone(&contents.switches))
    }

    async fn step_switches(&self, step: SwitchStep) -> Result<(Arc<Switches>, bool), LedgerError> {
        let (mut contents, _) = self.lock();
        let before = contents.switches.clock_offset;
        let is_taken = step.take(Arc::make_mut(&mut contents.switches));
        let switches = Arc::clone(&contents.switches);
        if switches.clock_offset < before {
            *contents = Contents { switches: Arc::clone(&switches), ..Contents::default() };
        }
        Ok((switches, is_taken))
    }

    async fn expire(&self, expiry: &Expiry) -> Result<u64, LedgerError> {
        let (mut contents, now) = self.lock();
        Ok(match expiry {
            Expiry::Session { appid, user } => {
                // A code would begin the session again.
                contents.logins.expire_codes(appid, user, now);
                contents.logins.expire_session(appid, user, now).into()
            }
            Expiry::Codes { appid, user } => contents.logins.expire_codes(appid, user, now),
            Expiry::Tokens { appid } => contents.tokens.expire(appid, false, now),
            Expiry::ReplacedTokens { appid } => contents.tokens.expire(appid, true, now),
        })
    }

    async fn forget_all(&self) -> Result<(), LedgerError> {
        *self.lock().0 = Contents::default();
        Ok(())
    }
}
