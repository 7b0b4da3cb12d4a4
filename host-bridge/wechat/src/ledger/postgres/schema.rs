//! The tables of a namespace: made and converted when a server starts.

use soter_text::{Text, text};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use super::address::Address;
use super::postgres_error::{read_only_advice, refused, unusable};
use crate::ledger::error::LedgerError;
use crate::random::random_text;

/// What brings a namespace from each format to the next one. Format 0 has no tables.
const STEPS: [&str; 2] = [FORMAT_1, FORMAT_2];

/// `counter.recent` has a bit for each of the newest 1,024 counters, the highest on the right: whether a result has spent it.
///
/// `counter.keys_version` changes with every key of the device. A value is never used twice.
///
/// `spend_group` has a row for each group of counters that was spent, until its server has the answer.
const FORMAT_1: &str = "
    CREATE TABLE ledger (
        id text NOT NULL, format integer NOT NULL, generation bigint NOT NULL, is_only boolean PRIMARY KEY CHECK (is_only)
    );
    CREATE SEQUENCE keys_version;
    CREATE TABLE device (cpu_id text PRIMARY KEY, attk bytea NOT NULL);
    CREATE TABLE counter (
        cpu_id text PRIMARY KEY, highest bigint NOT NULL DEFAULT 0, recent bit(1024) NOT NULL DEFAULT 0::bit(1024),
        keys_version bigint NOT NULL DEFAULT nextval('keys_version')
    ) WITH (fillfactor = 70);
    CREATE TABLE ask (
        cpu_id text, uid text, key bytea NOT NULL, salt_length integer NOT NULL, PRIMARY KEY (cpu_id, uid)
    );
    CREATE TABLE auth_key (
        number bigint GENERATED ALWAYS AS IDENTITY, cpu_id text, uid text, key bytea, appid text NOT NULL, openid text NOT NULL,
        salt_length integer NOT NULL, is_retired boolean NOT NULL, PRIMARY KEY (cpu_id, uid, key)
    );
    CREATE INDEX ON auth_key (appid, openid);
    CREATE TABLE spend_group (id bytea PRIMARY KEY, spent text[] NOT NULL, made_at timestamptz NOT NULL DEFAULT now());
    CREATE TABLE code (
        hash bytea PRIMARY KEY, appid text NOT NULL, username text NOT NULL, made_at timestamptz NOT NULL DEFAULT now(),
        is_used boolean NOT NULL DEFAULT false
    );
    CREATE INDEX ON code (made_at);
    CREATE TABLE session (
        appid text, username text, key text NOT NULL, renewed_at timestamptz NOT NULL, PRIMARY KEY (appid, username)
    );
    CREATE TABLE token (
        hash bytea PRIMARY KEY, number bigint GENERATED ALWAYS AS IDENTITY, appid text NOT NULL,
        expires_at timestamptz NOT NULL, stable text, is_newest_plain boolean NOT NULL
    );
    CREATE INDEX ON token (appid, number);
";

/// `servers_now` is the time of WeChat's servers, which users can move.
const FORMAT_2: &str = "
    ALTER TABLE ledger ADD COLUMN switches jsonb NOT NULL DEFAULT '{}';
    CREATE FUNCTION servers_now() RETURNS timestamptz LANGUAGE sql STABLE AS
        'SELECT now() + coalesce((switches ->> ''clockOffset'')::float8, 0) * interval ''1 ms'' FROM ledger';
    ALTER TABLE token ADD COLUMN is_replaced boolean NOT NULL DEFAULT false;
    ALTER TABLE code
        ADD COLUMN is_for_phone_number boolean NOT NULL DEFAULT false, ADD COLUMN is_ended boolean NOT NULL DEFAULT false;
";

/// What distinguishes a ledger from another one in the same place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) id: String,
    pub(super) generation: u32,
}

/// What is found in a namespace.
#[derive(Debug)]
pub(super) enum Found {
    /// Tables that can be used.
    Ledger(Identity),
    /// Something else.
    Wrong(Wrong),
}

/// What is wrong with a database, and what to do about it.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) what: Text,
    pub(super) next: Text,
}

/// Makes the namespace's tables, or converts those of an older format. Servers that start at the same time wait for one another.
///
/// # Errors
/// [`LedgerError`] if the database refuses it, cannot be written, has another encoding than UTF-8, or does not have the
/// connection's settings, or if the tables are of a newer format or not all there. Nothing was changed.
pub(super) async fn prepare(
    connection: &mut PgConnection,
    address: &Address,
) -> Result<Identity, LedgerError> {
    let fail = |error: sqlx::Error| unusable(address, &error);
    if let Some(Wrong { what, next }) = check_settings(connection, address).await.map_err(fail)? {
        return Err(refused(address, what, next, false));
    }
    let format = read_format(connection).await.map_err(fail)?;
    let newest = STEPS.len();
    if format < newest {
        make(connection, address).await?;
    }
    let format = read_format(connection).await.map_err(fail)?;
    if format > newest {
        let what = text!(
            "it has format {format}, and this version reads formats up to {newest}",
            format = format,
            newest = newest
        );
        let next =
            text!("use the version of soter-sim that made it, or another namespace with --ledger-namespace");
        return Err(refused(address, what, next, false));
    }
    match check(connection, address).await.map_err(fail)? {
        Found::Ledger(identity) => Ok(identity),
        Found::Wrong(Wrong { what, next }) => Err(refused(address, what, next, false)),
    }
}

/// Checks that the settings of this connection have arrived, that the server can be written, and that all tables are there
/// and may be changed. If somebody has locked a table, this waits until it is free.
pub(super) async fn check(connection: &mut PgConnection, address: &Address) -> sqlx::Result<Found> {
    if let Some(wrong) = check_settings(connection, address).await? {
        return Ok(Found::Wrong(wrong));
    }
    let mut transaction = connection.begin().await?;
    // This also needs the right to change them.
    sqlx::raw_sql(
        "LOCK TABLE device, counter, ask, auth_key, spend_group, code, session, token IN ROW EXCLUSIVE MODE",
    )
    .execute(&mut *transaction)
    .await?;
    let identity = read_identity(&mut transaction).await?;
    transaction.rollback().await?;
    Ok(Found::Ledger(identity))
}

async fn check_settings(connection: &mut PgConnection, address: &Address) -> sqlx::Result<Option<Wrong>> {
    let (schema, commit, isolation, is_read_only, encoding): (Option<String>, String, String, String, String) =
        sqlx::query_as(
            "SELECT current_schema(), current_setting('synchronous_commit'), current_setting('transaction_isolation'),
                 current_setting('transaction_read_only'), current_setting('server_encoding')",
        )
        .fetch_one(connection)
        .await?;
    // There is no current schema before the namespace is made.
    let has_settings = commit == "on"
        && isolation == "read committed"
        && schema.is_none_or(|schema| schema == address.namespace.schema());
    Ok(if !has_settings {
        let what =
            text!("the settings of the connection have not arrived, as with a pooler that drops `options`");
        let next =
            text!("connect to PostgreSQL itself, or by a pooler in session mode that passes `options` on");
        Some(Wrong { what, next })
    } else if is_read_only != "off" {
        Some(Wrong { what: text!("it cannot be written"), next: read_only_advice() })
    } else if encoding != "UTF8" {
        let next = text!("create a database with UTF-8: createdb -T template0 -E UTF8 NAME");
        Some(Wrong { what: text!("its encoding is not UTF-8"), next })
    } else {
        None
    })
}

async fn make(connection: &mut PgConnection, address: &Address) -> Result<(), LedgerError> {
    let fail = |error: sqlx::Error| unusable(address, &error);
    let schema = address.namespace.schema();
    let mut transaction = connection.begin().await.map_err(fail)?;
    // Many servers may start at the same time.
    sqlx::raw_sql("SET LOCAL statement_timeout = 0").execute(&mut *transaction).await.map_err(fail)?;
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(&schema)
        .execute(&mut *transaction)
        .await
        .map_err(fail)?;
    // A user without the right to make schemas needs one that an administrator has made.
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)")
        .bind(&schema)
        .fetch_one(&mut *transaction)
        .await
        .map_err(fail)?;
    if !exists {
        // A namespace has no characters that end a quoted name.
        let statement = format!("CREATE SCHEMA {}", address.namespace.quoted_schema());
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *transaction).await.map_err(fail)?;
    }
    // Another server may have done it while this one waited for the lock.
    let format = read_format(&mut transaction).await.map_err(fail)?;
    if format >= STEPS.len() {
        return transaction.rollback().await.map_err(fail);
    }
    for step in STEPS.iter().skip(format) {
        sqlx::raw_sql(*step).execute(&mut *transaction).await.map_err(fail)?;
    }
    let newest = i32::try_from(STEPS.len()).unwrap_or(i32::MAX);
    sqlx::query(
        "INSERT INTO ledger (id, format, generation, is_only) VALUES ($1, $2, 0, true)
         ON CONFLICT (is_only) DO UPDATE SET format = excluded.format",
    )
    .bind(random_text(24))
    .bind(newest)
    .execute(&mut *transaction)
    .await
    .map_err(fail)?;
    transaction.commit().await.map_err(fail)
}

/// The format of the namespace's tables; 0 if there are none.
async fn read_format(connection: &mut PgConnection) -> sqlx::Result<usize> {
    let exists: bool =
        sqlx::query_scalar("SELECT to_regclass('ledger') IS NOT NULL").fetch_one(&mut *connection).await?;
    if !exists {
        return Ok(0);
    }
    let format: Option<i32> =
        sqlx::query_scalar("SELECT format FROM ledger").fetch_optional(connection).await?;
    Ok(format.and_then(|format| usize::try_from(format).ok()).unwrap_or_default())
}

/// Reads which ledger it is.
pub(super) async fn read_identity(connection: &mut PgConnection) -> sqlx::Result<Identity> {
    let row = sqlx::query("SELECT id, generation FROM ledger").fetch_one(connection).await?;
    let generation: i64 = row.try_get("generation")?;
    let generation = u32::try_from(generation).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok(Identity { id: row.try_get("id")?, generation })
}
