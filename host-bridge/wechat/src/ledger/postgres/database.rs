//! Connections to the database, and the time that they may take.

use std::future::Future;
use std::time::Duration;

use sqlx::{ConnectOptions, PgConnection};

use super::address::Address;
use super::postgres_error::Failure;

/// How long an operation may take. Then the database counts as failed.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// A database that can be connected to.
#[derive(Debug)]
pub(super) struct Database {
    address: Address,
}

impl Database {
    pub(super) fn new(address: Address) -> Self {
        Self { address }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// A new connection.
    pub(super) async fn connect(&self) -> sqlx::Result<PgConnection> {
        self.address.options.connect().await
    }

    /// Waits for an operation, within [`TIMEOUT`].
    pub(super) async fn in_time<T>(
        &self,
        operation: impl Future<Output = sqlx::Result<T>>,
    ) -> Result<T, Failure> {
        match tokio::time::timeout(TIMEOUT, operation).await {
            Ok(result) => result.map_err(|error| Failure::new(&self.address, &error)),
            Err(_) => Err(Failure::too_slow(&self.address, TIMEOUT.as_secs())),
        }
    }
}
