//! Keeps those who change codes, sessions and tokens from whoever removes all of them: their rows are locked in different orders,
//! so each would wait for the other.

use sqlx::PgConnection;

/// Until the transaction ends, nobody removes all codes, sessions and tokens.
pub(super) async fn share(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock_shared(hashtextextended(current_schema() || '.sessions', 0))")
        .execute(connection)
        .await
        .map(drop)
}

/// Until the transaction ends, nobody else changes codes, sessions and tokens.
pub(super) async fn exclude_others(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.sessions', 0))")
        .execute(connection)
        .await
        .map(drop)
}
