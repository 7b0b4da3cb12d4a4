//! Codes, sessions and access tokens of servers that share a database.

use async_trait::async_trait;
use sqlx::Connection;

use super::{PostgresLedger, logins, session_lock, tokens};
use crate::ledger::error::LedgerError;
use crate::secret::Secret;
use crate::sessions::{BadCode, BadToken, Grant, Sessions, hash, new_code};

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

    async fn has_session(&self, appid: &str, user: &str) -> Result<bool, LedgerError> {
        self.with_connection(async |connection| logins::has_session(connection, appid, user).await).await
    }

    async fn session(&self, appid: &str, user: &str) -> Result<Secret, LedgerError> {
        self.with_connection(async |connection| logins::session(connection, appid, user).await).await
    }

    async fn plain_token(&self, appid: &str) -> Result<Grant, LedgerError> {
        self.with_connection(async |connection| tokens::plain(connection, appid).await).await
    }

    async fn stable_token(&self, appid: &str, force_refresh: bool) -> Result<Grant, LedgerError> {
        self.with_connection(async |connection| tokens::stable(connection, appid, force_refresh).await).await
    }

    async fn check_token(&self, token: &str) -> Result<Result<String, BadToken>, LedgerError> {
        self.inner.tokens.ask(hash(token)).await
    }

    async fn forget_all(&self) -> Result<(), LedgerError> {
        self.with_connection(async |connection| {
            let mut transaction = connection.begin().await?;
            session_lock::exclude_others(&mut transaction).await?;
            sqlx::raw_sql("DELETE FROM code; DELETE FROM session; DELETE FROM token;")
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await
        })
        .await
    }
}
