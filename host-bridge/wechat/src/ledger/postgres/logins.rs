//! Codes and sessions in the database: the rules of [`crate::sessions`], by the database's clock, which the servers' clock can
//! be ahead of.

use sqlx::PgConnection;

use super::time::milliseconds;
use super::{session_lock, switches};
use crate::secret::Secret;
use crate::sessions::{BadCode, CODE_LIFETIME_MS, CodePurpose, SESSION_LIFETIME_MS, hash, new_session_key};

/// Begins a session, or renews it, and answers with its key. If `$5` is true, it gets another key.
const SESSION: &str = "
    INSERT INTO session AS old (appid, username, key, renewed_at) VALUES ($1, $2, $3, servers_now())
    ON CONFLICT (appid, username) DO UPDATE SET
        key = CASE
            WHEN old.renewed_at > servers_now() - $4 * interval '1 ms' AND NOT $5 THEN old.key ELSE excluded.key
        END,
        renewed_at = servers_now()
    RETURNING key";

/// Stores a new code, and begins or renews the session.
pub(super) async fn login(
    connection: &mut PgConnection,
    appid: &str,
    user: &str,
    code: &str,
) -> sqlx::Result<()> {
    let mut transaction = session_lock::begin(connection).await?;
    let renew_key = switches::read(&mut transaction).await?.login_renews_key;
    begin_session(&mut transaction, appid, user, renew_key).await?;
    insert_code(&mut transaction, appid, user, code, CodePurpose::Login).await?;
    transaction.commit().await
}

/// Stores a new code for the user's phone number.
pub(super) async fn phone_code(
    connection: &mut PgConnection,
    appid: &str,
    user: &str,
    code: &str,
) -> sqlx::Result<()> {
    let mut transaction = session_lock::begin(connection).await?;
    insert_code(&mut transaction, appid, user, code, CodePurpose::PhoneNumber).await?;
    transaction.commit().await
}

async fn insert_code(
    connection: &mut PgConnection,
    appid: &str,
    user: &str,
    code: &str,
    purpose: CodePurpose,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO code (hash, appid, username, made_at, is_for_phone_number)
         VALUES ($1, $2, $3, servers_now(), $4)",
    )
    .bind(hash(code))
    .bind(appid)
    .bind(user)
    .bind(purpose == CodePurpose::PhoneNumber)
    .execute(connection)
    .await
    .map(drop)
}

/// Exchanges a login's code, once, for its user and the session's key.
pub(super) async fn exchange(
    connection: &mut PgConnection,
    appid: &str,
    code: &str,
) -> sqlx::Result<Result<(String, Secret), BadCode>> {
    let mut transaction = session_lock::begin(connection).await?;
    let user = match use_code(&mut transaction, appid, code, CodePurpose::Login, None).await? {
        Ok(user) => user,
        Err(bad) => return Ok(Err(bad)),
    };
    let key = begin_session(&mut transaction, appid, &user, false).await?;
    transaction.commit().await?;
    Ok(Ok((user, key)))
}

/// Exchanges a code for a phone number, once, for its user.
pub(super) async fn exchange_phone_code(
    connection: &mut PgConnection,
    appid: &str,
    code: &str,
    user: Option<&str>,
) -> sqlx::Result<Result<String, BadCode>> {
    let mut transaction = session_lock::begin(connection).await?;
    let user = use_code(&mut transaction, appid, code, CodePurpose::PhoneNumber, user).await?;
    transaction.commit().await?;
    Ok(user)
}

/// Uses a code, once, and answers with its user, who must be this one if one is given.
async fn use_code(
    connection: &mut PgConnection,
    appid: &str,
    code: &str,
    purpose: CodePurpose,
    user: Option<&str>,
) -> sqlx::Result<Result<String, BadCode>> {
    let is_for_phone_number = purpose == CodePurpose::PhoneNumber;
    // At READ COMMITTED, a second exchange waits here for the first one, and then finds the code used.
    let owner: Option<String> = sqlx::query_scalar(
        "UPDATE code SET is_used = true
         WHERE hash = $1 AND appid = $2 AND NOT is_used AND NOT is_ended AND is_for_phone_number = $4
             AND made_at > servers_now() - $3 * interval '1 ms' AND username = coalesce($5, username)
         RETURNING username",
    )
    .bind(hash(code))
    .bind(appid)
    .bind(milliseconds(CODE_LIFETIME_MS))
    .bind(is_for_phone_number)
    .bind(user)
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(owner) = owner {
        return Ok(Ok(owner));
    }
    let known: Option<(bool, bool)> = sqlx::query_as(
        "SELECT is_for_phone_number, is_used FROM code
         WHERE hash = $1 AND appid = $2 AND NOT is_ended AND made_at > servers_now() - $3 * interval '1 ms'",
    )
    .bind(hash(code))
    .bind(appid)
    .bind(milliseconds(CODE_LIFETIME_MS))
    .fetch_optional(connection)
    .await?;
    Ok(Err(match known {
        None => BadCode::Invalid,
        Some((other, _)) if other != is_for_phone_number => BadCode::OtherPurpose,
        Some((_, false)) => BadCode::OtherUser,
        Some((_, true)) => BadCode::Used,
    }))
}

/// The key of the user's session, if it is alive.
pub(super) async fn session_key(
    connection: &mut PgConnection,
    appid: &str,
    user: &str,
) -> sqlx::Result<Option<Secret>> {
    let key: Option<String> = sqlx::query_scalar(
        "SELECT key FROM session
         WHERE appid = $1 AND username = $2 AND renewed_at > servers_now() - $3 * interval '1 ms'",
    )
    .bind(appid)
    .bind(user)
    .bind(milliseconds(SESSION_LIFETIME_MS))
    .fetch_optional(connection)
    .await?;
    Ok(key.map(Secret::from))
}

/// Gives the session another key, if it is alive and has this one.
pub(super) async fn replace_session_key(
    connection: &mut PgConnection,
    appid: &str,
    user: &str,
    old: &Secret,
) -> sqlx::Result<Option<Secret>> {
    let mut transaction = session_lock::begin(connection).await?;
    let new: Option<String> = sqlx::query_scalar(
        "UPDATE session SET key = $5
         WHERE appid = $1 AND username = $2 AND key = $4 AND renewed_at > servers_now() - $3 * interval '1 ms'
         RETURNING key",
    )
    .bind(appid)
    .bind(user)
    .bind(milliseconds(SESSION_LIFETIME_MS))
    .bind(old.expose())
    .bind(new_session_key().expose())
    .fetch_optional(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(new.map(Secret::from))
}

/// Ends a user's session, and answers whether it was alive.
pub(super) async fn expire_session(
    connection: &mut PgConnection,
    appid: &str,
    user: &str,
) -> sqlx::Result<u64> {
    let mut transaction = session_lock::begin(connection).await?;
    // A code would begin the session again.
    end_codes(&mut transaction, appid, user).await?;
    let ended = sqlx::query(
        "DELETE FROM session
         WHERE appid = $1 AND username = $2 AND renewed_at > servers_now() - $3 * interval '1 ms'",
    )
    .bind(appid)
    .bind(user)
    .bind(milliseconds(SESSION_LIFETIME_MS))
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(ended.rows_affected())
}

/// Ends a user's codes that are valid and not used, and answers how many there were.
pub(super) async fn expire_codes(
    connection: &mut PgConnection,
    appid: &str,
    user: &str,
) -> sqlx::Result<u64> {
    let mut transaction = session_lock::begin(connection).await?;
    let ended = end_codes(&mut transaction, appid, user).await?;
    transaction.commit().await?;
    Ok(ended)
}

async fn end_codes(connection: &mut PgConnection, appid: &str, user: &str) -> sqlx::Result<u64> {
    let ended = sqlx::query(
        "UPDATE code SET is_ended = true
         WHERE appid = $1 AND username = $2 AND NOT is_used AND NOT is_ended
             AND made_at > servers_now() - $3 * interval '1 ms'",
    )
    .bind(appid)
    .bind(user)
    .bind(milliseconds(CODE_LIFETIME_MS))
    .execute(connection)
    .await?;
    Ok(ended.rows_affected())
}

/// Renews the user's session, or begins one if none is alive, and answers with its key.
async fn begin_session(
    connection: &mut PgConnection,
    appid: &str,
    user: &str,
    renew_key: bool,
) -> sqlx::Result<Secret> {
    let key: String = sqlx::query_scalar(SESSION)
        .bind(appid)
        .bind(user)
        .bind(new_session_key().expose())
        .bind(milliseconds(SESSION_LIFETIME_MS))
        .bind(renew_key)
        .fetch_one(connection)
        .await?;
    Ok(key.into())
}
