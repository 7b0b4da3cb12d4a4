//! Access tokens in the database: the rules of [`crate::sessions`], by the database's clock, which the servers' clock can be
//! ahead of.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{PgConnection, Postgres, Row, Transaction};

use super::database::Database;
use super::groups::Answer;
use super::postgres_error::Failure;
use super::session_lock;
use super::switches::parse_switches;
use super::time::milliseconds;
use crate::sessions::switches::Switches;
use crate::sessions::{
    BadToken, GRACE_PERIOD_MS, Grant, MAX_TOKENS_PER_APP, TOKEN_LIFETIME_MS, hash, new_token,
};

const NEW_TOKEN: &str = "
    INSERT INTO token (hash, appid, expires_at, stable, is_newest_plain)
    VALUES ($1, $2, servers_now() + $3 * interval '1 ms', $4, $4 IS NULL)";

const FORGET_TOKENS: &str = "
    DELETE FROM token WHERE appid = $1 AND number IN (
        SELECT number FROM token WHERE appid = $1 ORDER BY number DESC OFFSET $2
    )";

/// Answers which app a token belongs to, and what the switches are. Tokens are given by their hash.
#[derive(Debug)]
pub(super) struct TokenReader;

/// What is known of a token, if anything is.
type Known = (String, Option<Vec<u8>>, Option<String>, Option<bool>, Option<bool>);

#[async_trait]
impl Answer for TokenReader {
    type Request = [u8; 32];
    type Answer = (Arc<Switches>, Result<String, BadToken>);
    const IS_READ: bool = true;

    async fn answer(
        &mut self,
        database: &Database,
        connection: &mut PgConnection,
        requests: &[[u8; 32]],
    ) -> Result<Vec<Self::Answer>, Failure> {
        let hashes: Vec<&[u8]> = requests.iter().map(<[u8; 32]>::as_slice).collect();
        // One row at least: the ledger has one.
        let (switches, known) = database
            .in_time(async {
                let known: Vec<Known> = sqlx::query_as(
                    "SELECT switches::text, hash, appid, expires_at > servers_now(), is_replaced
                     FROM ledger LEFT JOIN token ON hash = ANY ($1)",
                )
                .bind(hashes)
                .fetch_all(connection)
                .await?;
                let switches = known.first().map_or("{}", |(switches, ..)| switches);
                Ok((parse_switches(switches)?, known))
            })
            .await?;
        let answer = |request: &[u8; 32]| {
            let found = known.iter().find(|(_, hash, ..)| hash.as_deref() == Some(request));
            let app = match found {
                Some((_, _, Some(appid), Some(true), _)) => Ok(appid.clone()),
                Some((_, _, _, _, Some(true))) => Err(BadToken::Replaced),
                Some(_) => Err(BadToken::Expired),
                None => Err(BadToken::Unknown),
            };
            (Arc::clone(&switches), app)
        };
        Ok(requests.iter().map(answer).collect())
    }
}

/// Ends an app's tokens that are valid now, and answers how many there were.
pub(super) async fn expire(
    connection: &mut PgConnection,
    appid: &str,
    is_replaced: bool,
) -> sqlx::Result<u64> {
    let mut transaction = begin(connection, appid).await?;
    let expired = sqlx::query(
        "UPDATE token SET expires_at = servers_now(), is_replaced = $2, stable = NULL
         WHERE appid = $1 AND expires_at > servers_now()",
    )
    .bind(appid)
    .bind(is_replaced)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(expired.rows_affected())
}

/// A new plain token.
pub(super) async fn plain(connection: &mut PgConnection, appid: &str) -> sqlx::Result<Grant> {
    let mut transaction = begin(connection, appid).await?;
    sqlx::query(
        "UPDATE token
         SET is_newest_plain = false, expires_at = least(expires_at, servers_now() + $2 * interval '1 ms'),
             is_replaced = is_replaced OR servers_now() + $2 * interval '1 ms' < expires_at
         WHERE appid = $1 AND is_newest_plain",
    )
    .bind(appid)
    .bind(milliseconds(GRACE_PERIOD_MS))
    .execute(&mut *transaction)
    .await?;
    let grant = issue(&mut transaction, appid, false).await?;
    transaction.commit().await?;
    Ok(grant)
}

/// The app's stable token.
pub(super) async fn stable(
    connection: &mut PgConnection,
    appid: &str,
    force_refresh: bool,
) -> sqlx::Result<Grant> {
    let mut transaction = begin(connection, appid).await?;
    let current = sqlx::query(
        "SELECT stable, floor(extract(epoch FROM expires_at - servers_now()) * 1000)::bigint AS left_ms
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
            "UPDATE token
             SET stable = NULL, expires_at = CASE WHEN $2 THEN least(expires_at, servers_now()) ELSE expires_at END,
                 is_replaced = is_replaced OR ($2 AND servers_now() < expires_at)
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
}

/// Begins a transaction during which no other server issues tokens of this app.
async fn begin<'c>(connection: &'c mut PgConnection, appid: &str) -> sqlx::Result<Transaction<'c, Postgres>> {
    let mut transaction = session_lock::begin(connection).await?;
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.token.' || $1, 0))")
        .bind(appid)
        .execute(&mut *transaction)
        .await?;
    Ok(transaction)
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
