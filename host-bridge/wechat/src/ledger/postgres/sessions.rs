//! Codes, sessions and access tokens in the database: the rules of [`crate::sessions`], by the database's clock.

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use sqlx::{Connection, PgConnection, Row};

use super::PostgresLedger;
use super::database::Database;
use super::groups::Answer;
use crate::ledger::error::LedgerError;
use crate::secret::Secret;
use crate::sessions::{
    BadCode, BadToken, CODE_LIFETIME_MS, EXPIRED_RETENTION_MS, GRACE_PERIOD_MS, Grant, MAX_TOKENS_PER_APP,
    SESSION_LIFETIME_MS, Sessions, TOKEN_LIFETIME_MS, new_code, new_session_key, new_token,
};

/// Begins a session, or renews it, and answers with its key.
const SESSION: &str = "
    INSERT INTO session AS old (appid, username, key, renewed_at) VALUES ($1, $2, $3, now())
    ON CONFLICT (appid, username) DO UPDATE SET
        key = CASE WHEN old.renewed_at > now() - $4 * interval '1 ms' THEN old.key ELSE excluded.key END,
        renewed_at = now()
    RETURNING key";

const NEW_TOKEN: &str = "
    INSERT INTO token (hash, appid, expires_at, stable, is_newest_plain)
    VALUES ($1, $2, now() + $3 * interval '1 ms', $4, $4 IS NULL)";

const FORGET_TOKENS: &str = "
    DELETE FROM token WHERE appid = $1 AND number IN (
        SELECT number FROM token WHERE appid = $1 ORDER BY number DESC OFFSET $2
    )";

/// Answers which app a token belongs to. Tokens are given by their hash.
#[derive(Debug)]
pub(super) struct TokenReader;

#[async_trait]
impl Answer for TokenReader {
    type Request = [u8; 32];
    type Answer = Result<String, BadToken>;
    const IS_READ: bool = true;

    async fn answer(
        &mut self,
        database: &Database,
        connection: &mut PgConnection,
        requests: &[[u8; 32]],
    ) -> Result<Vec<Result<String, BadToken>>, LedgerError> {
        let hashes: Vec<&[u8]> = requests.iter().map(<[u8; 32]>::as_slice).collect();
        let known: Vec<(Vec<u8>, String, bool)> = database
            .in_time(
                sqlx::query_as("SELECT hash, appid, expires_at > now() FROM token WHERE hash = ANY ($1)")
                    .bind(hashes)
                    .fetch_all(connection),
            )
            .await?;
        let answer = |request: &[u8; 32]| match known.iter().find(|(hash, ..)| hash == request) {
            None => Err(BadToken::Unknown),
            Some((_, _, false)) => Err(BadToken::Expired),
            Some((_, appid, true)) => Ok(appid.clone()),
        };
        Ok(requests.iter().map(answer).collect())
    }
}

#[async_trait]
impl Sessions for PostgresLedger {
    async fn login(&self, appid: &str, user: &str) -> Result<String, LedgerError> {
        let code = new_code();
        self.with_connection(async |connection| {
            let mut transaction = connection.begin().await?;
            session(&mut transaction, appid, user).await?;
            sqlx::query("INSERT INTO code (hash, appid, username) VALUES ($1, $2, $3)")
                .bind(hash(&code))
                .bind(appid)
                .bind(user)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await
        })
        .await?;
        Ok(code)
    }

    async fn exchange(
        &self,
        appid: &str,
        code: &str,
    ) -> Result<Result<(String, Secret), BadCode>, LedgerError> {
        self.with_connection(async |connection| {
            let mut transaction = connection.begin().await?;
            // At READ COMMITTED, a second exchange waits here for the first one, and then finds the code used.
            let user: Option<String> = sqlx::query_scalar(
                "UPDATE code SET is_used = true
                 WHERE hash = $1 AND appid = $2 AND NOT is_used AND made_at > now() - $3 * interval '1 ms'
                 RETURNING username",
            )
            .bind(hash(code))
            .bind(appid)
            .bind(milliseconds(CODE_LIFETIME_MS))
            .fetch_optional(&mut *transaction)
            .await?;
            if let Some(user) = user {
                let key = session(&mut transaction, appid, &user).await?;
                transaction.commit().await?;
                return Ok(Ok((user, key)));
            }
            let is_known: bool = sqlx::query_scalar(
                "SELECT EXISTS (
                     SELECT FROM code WHERE hash = $1 AND appid = $2 AND made_at > now() - $3 * interval '1 ms'
                 )",
            )
            .bind(hash(code))
            .bind(appid)
            .bind(milliseconds(CODE_LIFETIME_MS))
            .fetch_one(&mut *transaction)
            .await?;
            Ok(Err(if is_known { BadCode::Used } else { BadCode::Invalid }))
        })
        .await
    }

    async fn has_session(&self, appid: &str, user: &str) -> Result<bool, LedgerError> {
        self.with_connection(async |connection| {
            sqlx::query_scalar(
                "SELECT EXISTS (
                     SELECT FROM session
                     WHERE appid = $1 AND username = $2 AND renewed_at > now() - $3 * interval '1 ms'
                 )",
            )
            .bind(appid)
            .bind(user)
            .bind(milliseconds(SESSION_LIFETIME_MS))
            .fetch_one(connection)
            .await
        })
        .await
    }

    async fn session(&self, appid: &str, user: &str) -> Result<Secret, LedgerError> {
        self.with_connection(async |connection| session(connection, appid, user).await).await
    }

    async fn plain_token(&self, appid: &str) -> Result<Grant, LedgerError> {
        self.with_connection(async |connection| {
            let mut transaction = connection.begin().await?;
            lock_tokens(&mut transaction, appid).await?;
            sqlx::query(
                "UPDATE token
                 SET is_newest_plain = false, expires_at = least(expires_at, now() + $2 * interval '1 ms')
                 WHERE appid = $1 AND is_newest_plain",
            )
            .bind(appid)
            .bind(milliseconds(GRACE_PERIOD_MS))
            .execute(&mut *transaction)
            .await?;
            let grant = issue(&mut transaction, appid, false).await?;
            transaction.commit().await?;
            Ok(grant)
        })
        .await
    }

    async fn stable_token(&self, appid: &str, force_refresh: bool) -> Result<Grant, LedgerError> {
        self.with_connection(async |connection| {
            let mut transaction = connection.begin().await?;
            lock_tokens(&mut transaction, appid).await?;
            let current = sqlx::query(
                "SELECT stable, floor(extract(epoch FROM expires_at - now()) * 1000)::bigint AS left_ms
                 FROM token WHERE appid = $1 AND stable IS NOT NULL",
            )
            .bind(appid)
            .fetch_optional(&mut *transaction)
            .await?;
            if let Some(current) = current {
                let left = u64::try_from(current.try_get::<i64, _>("left_ms")?).unwrap_or_default();
                if left > GRACE_PERIOD_MS && !force_refresh {
                    let token: String = current.try_get("stable")?;
                    return Ok(Grant { token: token.into(), expires_in: left / 1000 });
                }
                sqlx::query(
                    "UPDATE token SET stable = NULL, expires_at = CASE WHEN $2 THEN now() ELSE expires_at END
                     WHERE appid = $1 AND stable IS NOT NULL",
                )
                .bind(appid)
                .bind(force_refresh)
                .execute(&mut *transaction)
                .await?;
            }
            let grant = issue(&mut transaction, appid, true).await?;
            transaction.commit().await?;
            Ok(grant)
        })
        .await
    }

    async fn check_token(&self, token: &str) -> Result<Result<String, BadToken>, LedgerError> {
        self.inner.tokens.ask(hash(token)).await
    }

    async fn forget_all(&self) -> Result<(), LedgerError> {
        self.with_connection(async |connection| {
            sqlx::raw_sql("DELETE FROM code; DELETE FROM session; DELETE FROM token;")
                .execute(connection)
                .await
        })
        .await
        .map(drop)
    }
}

/// Renews the user's session, or begins one if none is alive, and returns its key.
async fn session(connection: &mut PgConnection, appid: &str, user: &str) -> sqlx::Result<Secret> {
    let key: String = sqlx::query_scalar(SESSION)
        .bind(appid)
        .bind(user)
        .bind(new_session_key().expose())
        .bind(milliseconds(SESSION_LIFETIME_MS))
        .fetch_one(connection)
        .await?;
    Ok(key.into())
}

/// Keeps other servers from issuing tokens of this app until the transaction ends.
async fn lock_tokens(connection: &mut PgConnection, appid: &str) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.token.' || $1, 0))")
        .bind(appid)
        .execute(connection)
        .await
        .map(drop)
}

async fn issue(connection: &mut PgConnection, appid: &str, is_stable: bool) -> sqlx::Result<Grant> {
    let token = new_token();
    sqlx::query(NEW_TOKEN)
        .bind(hash(token.expose()))
        .bind(appid)
        .bind(milliseconds(TOKEN_LIFETIME_MS))
        .bind(is_stable.then(|| token.expose()))
        .execute(&mut *connection)
        .await?;
    sqlx::query(FORGET_TOKENS)
        .bind(appid)
        .bind(i64::try_from(MAX_TOKENS_PER_APP).unwrap_or(i64::MAX))
        .execute(connection)
        .await?;
    Ok(Grant { token, expires_in: TOKEN_LIFETIME_MS / 1000 })
}

/// Removes what can no longer have an effect.
pub(super) async fn remove_expired(connection: &mut PgConnection) -> sqlx::Result<()> {
    for (statement, lifetime) in [
        ("DELETE FROM code WHERE made_at < now() - $1 * interval '1 ms'", CODE_LIFETIME_MS),
        ("DELETE FROM session WHERE renewed_at < now() - $1 * interval '1 ms'", SESSION_LIFETIME_MS),
        ("DELETE FROM token WHERE expires_at < now() - $1 * interval '1 ms'", EXPIRED_RETENTION_MS),
    ] {
        sqlx::query(statement).bind(milliseconds(lifetime)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// A duration as statements take it. PostgreSQL multiplies intervals by floating-point numbers.
fn milliseconds(duration: u64) -> f64 {
    u32::try_from(duration).map_or(f64::MAX, f64::from)
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}
