//! Codes, sessions, access tokens and switches of servers that share a database.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::Connection;

use super::{PostgresLedger, logins, session_lock, switches, tokens};
use crate::ledger::error::LedgerError;
use crate::secret::Secret;
use crate::sessions::switches::{SwitchStep, Switches};
use crate::sessions::{BadCode, BadToken, Expiry, Grant, Sessions, hash, new_code};

#[async_trait]
impl Sessions for PostgresLedger {
    async fn login(&self, appid: &str, user: &str) -> Result<String, LedgerError> {
        let code = new_code();
        self.with_connection(async |connection| logins::login(connection, appid, user, &code).await).await?;
        Ok(code)
    }

    async fn exchange(
        &self,
        appid: &str,
        code: &str,
    ) -> Result<Result<(String, Secret), BadCode>, LedgerError> {
        self.with_connection(async |connection| logins::exchange(connection, appid, code).await).await
    }

    async fn phone_code(&self, appid: &str, user: &str) -> Result<String, LedgerError> {
        let code = new_code();
        self.with_connection(async |connection| logins::phone_code(connection, appid, user, &code).await)
            .await?;
        Ok(code)
    }

    async fn exchange_phone_code(
        &self,
        appid: &str,
        code: &str,
        user: Option<&str>,
    ) -> Result<Result<String, BadCode>, LedgerError> {
        self.with_connection(async |connection| {
            logins::exchange_phone_code(connection, appid, code, user).await
        })
        .await
    }

    async fn session_key(&self, appid: &str, user: &str) -> Result<Option<Secret>, LedgerError> {
        self.with_connection(async |connection| logins::session_key(connection, appid, user).await).await
    }

    async fn replace_session_key(
        &self,
        appid: &str,
        user: &str,
        old: &Secret,
    ) -> Result<Option<Secret>, LedgerError> {
        self.with_connection(async |connection| {
            logins::replace_session_key(connection, appid, user, old).await
        })
        .await
    }

    async fn plain_token(&self, appid: &str) -> Result<Grant, LedgerError> {
        self.with_connection(async |connection| tokens::plain(connection, appid).await).await
    }

    async fn stable_token(&self, appid: &str, force_refresh: bool) -> Result<Grant, LedgerError> {
        self.with_connection(async |connection| tokens::stable(connection, appid, force_refresh).await).await
    }

    async fn check_token(
        &self,
        token: &str,
    ) -> Result<(Arc<Switches>, Result<String, BadToken>), LedgerError> {
        self.inner.tokens.ask(hash(token)).await
    }

    async fn switches(&self) -> Result<Arc<Switches>, LedgerError> {
        self.with_connection(async |connection| switches::read(connection).await).await
    }

    async fn step_switches(&self, step: SwitchStep) -> Result<(Arc<Switches>, bool), LedgerError> {
        self.with_connection(async |connection| switches::step(connection, &step).await).await
    }

    async fn expire(&self, expiry: &Expiry) -> Result<u64, LedgerError> {
        self.with_connection(async |connection| match expiry {
            Expiry::Session { appid, user } => logins::expire_session(connection, appid, user).await,
            Expiry::Codes { appid, user } => logins::expire_codes(connection, appid, user).await,
            Expiry::Tokens { appid } => tokens::expire(connection, appid, false).await,
            Expiry::ReplacedTokens { appid } => tokens::expire(connection, appid, true).await,
        })
        .await
    }

    async fn forget_all(&self) -> Result<(), LedgerError> {
        self.with_connection(async |connection| {
            let mut transaction = connection.begin().await?;
            session_lock::exclude_others(&mut transaction).await?;
            session_lock::remove_all(&mut transaction).await?;
            switches::reset(&mut transaction).await?;
            transaction.commit().await
        })
        .await
    }
}
