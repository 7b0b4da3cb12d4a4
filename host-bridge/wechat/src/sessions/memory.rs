//! Codes, sessions and access tokens in the memory of one process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::logins::Logins;
use super::tokens::Tokens;
use super::{BadCode, BadToken, Grant, Sessions};
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
}

impl MemorySessions {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { contents: Mutex::default(), clock }
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        self.clock.steady_millis()
    }
}

#[async_trait]
impl Sessions for MemorySessions {
    async fn login(&self, appid: &str, user: &str) -> Result<String, LedgerError> {
        Ok(self.contents().logins.login(appid, user, self.now()))
    }

    async fn exchange(
        &self,
        appid: &str,
        code: &str,
    ) -> Result<Result<(String, Secret), BadCode>, LedgerError> {
        Ok(self.contents().logins.exchange(appid, code, self.now()))
    }

    async fn has_session(&self, appid: &str, user: &str) -> Result<bool, LedgerError> {
        Ok(self.contents().logins.has_session(appid, user, self.now()))
    }

    async fn session(&self, appid: &str, user: &str) -> Result<Secret, LedgerError> {
        Ok(self.contents().logins.session(appid, user, self.now()))
    }

    async fn plain_token(&self, appid: &str) -> Result<Grant, LedgerError> {
        Ok(self.contents().tokens.plain(appid, self.now()))
    }

    async fn stable_token(&self, appid: &str, force_refresh: bool) -> Result<Grant, LedgerError> {
        Ok(self.contents().tokens.stable(appid, force_refresh, self.now()))
    }

    async fn check_token(&self, token: &str) -> Result<Result<String, BadToken>, LedgerError> {
        Ok(self.contents().tokens.check(token, self.now()).map(str::to_owned))
    }

    async fn forget_all(&self) -> Result<(), LedgerError> {
        *self.contents() = Contents::default();
        Ok(())
    }
}
