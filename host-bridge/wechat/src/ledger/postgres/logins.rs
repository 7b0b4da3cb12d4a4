//! Codes and sessions in the database: the rules of [`crate::sessions`], by the database's clock.

use sqlx::{Connection, PgConnection};

use super::session_lock;
use super::time::milliseconds;
use crate::secret::Secret;
use crate::sessions::{BadCode, CODE_LIFETIME_MS, SESSION_LIFETIME_MS, hash, new_session_key};

/// Begins a session, or renews it, and answers with its key.
const SESSION: &str = "
    INSERT INTO session AS old (appid, username, key, renewed_at) VALUES ($1, $2, $3, now())
    ON CONFLICT (appid, username) DO UPDATE SET
        key = CASE WHEN old.renewed_at > now() - $4 * interval '1 ms' THEN old.key ELSE excluded.key END,
        renewed_at = now()
    RETURNING key";

/// Stores a new code, and begins or renews the session.
pub(super) async fn login(
    connection: &mut PgConnection,
    appid: &str,
    user: &str,
    code: &str,
) -> sqlx::Result<()> {
    let mut transaction = connection.begin().await?;
    session_lock::share(&mut transaction).await?;
    session(&mut transaction, appid, user).await?;
    sqlx::query("INSERT INTO code (hash, appid, username) VALUES ($1, $2, $3)")
        .bind(hash(code))
        .bind(appid)
        .bind(user)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

/// Exchanges a code, once, for its user and the session's key.
pub(super) async fn exchange(
    connection: &mut PgConnection,
    appid: &str,
    code: &str,
) -> sqlx::Result<Result<(String, Secret), BadCode>> {
    let mut transaction = connection.begin().await?;
    session_lock::share(&mut transaction).await?;
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
}

/// Whether the user has a session that is alive.
pub(super) async fn has_session(
    connection: &mut PgConnection,
    appid: &str,
    user: &str,
) -> sqlx::Result<bool> {
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
}

/// Renews the user's session, or begins one if none is alive, and returns its key.
pub(super) async fn session(connection: &mut PgConnection, appid: &str, user: &str) -> sqlx::Result<Secret> {
    let key: String = sqlx::query_scalar(SESSION)
        .bind(appid)
        .bind(user)
        .bind(new_session_key().expose())
        .bind(milliseconds(SESSION_LIFETIME_MS))
        .fetch_one(connection)
        .await?;
    Ok(key.into())
}
