//! Removes rows that can no longer have an effect.

use sqlx::PgConnection;

use super::time::milliseconds;
use crate::sessions::{CODE_LIFETIME_MS, SESSION_LIFETIME_MS};

/// How long the row of a group stays. A server that looks its group up later finds nothing, and accepts none of its counters.
const GROUP_LIFETIME_MS: u64 = 3_600_000;

pub(super) async fn remove_expired(connection: &mut PgConnection) -> sqlx::Result<()> {
    for (statement, lifetime) in [
        ("DELETE FROM code WHERE made_at < servers_now() - $1 * interval '1 ms'", CODE_LIFETIME_MS),
        ("DELETE FROM session WHERE renewed_at < servers_now() - $1 * interval '1 ms'", SESSION_LIFETIME_MS),
        ("DELETE FROM spend_group WHERE made_at < now() - $1 * interval '1 ms'", GROUP_LIFETIME_MS),
    ] {
        sqlx::query(statement).bind(milliseconds(lifetime)).execute(&mut *connection).await?;
    }
    Ok(())
}
