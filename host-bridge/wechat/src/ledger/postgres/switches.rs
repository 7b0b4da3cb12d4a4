//! The switches in the database: one value for all servers that share it.

use std::sync::Arc;

use sqlx::{Connection, PgConnection};

use super::session_lock;
use crate::sessions::switches::{SwitchStep, Switches};

/// Reads the switches.
pub(super) async fn read(connection: &mut PgConnection) -> sqlx::Result<Arc<Switches>> {
    let text: String = sqlx::query_scalar("SELECT switches::text FROM ledger").fetch_one(connection).await?;
    parse_switches(&text)
}

/// Reads what [`read`] selects.
pub(super) fn parse_switches(text: &str) -> sqlx::Result<Arc<Switches>> {
    serde_json::from_str(text).map(Arc::new).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// Takes a step. Whether it was possible, and the switches afterwards.
pub(super) async fn step(
    connection: &mut PgConnection,
    step: &SwitchStep,
) -> sqlx::Result<(Arc<Switches>, bool)> {
    let mut transaction = connection.begin().await?;
    if step.moves_clock() {
        session_lock::exclude_others(&mut transaction).await?;
    }
    // Another server that takes a step waits here.
    let text: String = sqlx::query_scalar("SELECT switches::text FROM ledger FOR UPDATE")
        .fetch_one(&mut *transaction)
        .await?;
    let mut switches = parse_switches(&text)?;
    let before = switches.clock_offset;
    let is_taken = step.take(Arc::make_mut(&mut switches));
    if switches.clock_offset < before {
        session_lock::remove_all(&mut transaction).await?;
    }
    if is_taken {
        write(&mut transaction, &switches).await?;
    }
    transaction.commit().await?;
    Ok((switches, is_taken))
}

/// Sets the switches back.
pub(super) async fn reset(connection: &mut PgConnection) -> sqlx::Result<()> {
    write(connection, &Switches::default()).await
}

async fn write(connection: &mut PgConnection, switches: &Switches) -> sqlx::Result<()> {
    let text = serde_json::to_string(switches).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    sqlx::query("UPDATE ledger SET switches = $1::jsonb").bind(text).execute(connection).await.map(drop)
}
