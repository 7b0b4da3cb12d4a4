//! A lock that keeps two kinds of transactions apart: those that change single codes, sessions and tokens, and the one that
//! removes all of them. They lock rows in different orders, so each could wait for the other.

use sqlx::{Connection, PgConnection, Postgres, Transaction};

/// Begins a transaction that changes single rows. Several can have the lock at the same time.
pub(super) async fn begin(connection: &mut PgConnection) -> sqlx::Result<Transaction<'_, Postgres>> {
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock_shared(hashtextextended(current_schema() || '.sessions', 0))")
        .execute(&mut *transaction)
        .await?;
    Ok(transaction)
}

/// For a transaction that removes all rows. It has the lock alone.
pub(super) async fn exclude_others(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.sessions', 0))")
        .execute(connection)
        .await
        .map(drop)
}

/// Removes all rows. The transaction has the lock alone.
pub(super) async fn remove_all(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql("DELETE FROM code; DELETE FROM session; DELETE FROM token;")
        .execute(connection)
        .await
        .map(drop)
}
