//! A ledger in a PostgreSQL database, which any number of servers share.
//!
//! ```text
//!   verify_signature ─┬─> TokenReader ──┐                         reads of a group of requests
//!                     ├─> KeyReader ────┼── groups: one statement for all requests that wait
//!                     └─> Spender ──────┘                         decides and commits a group
//!   uploads, resets, codes, sessions, new tokens ──> pool         a transaction each
//! ```
//!
//! The database decides, so nothing is kept here that another server could change, except parsed keys.
//!
//! The isolation level is READ COMMITTED. A statement that finds a device's row locked waits for the other transaction, and then
//! judges the row as that one left it, which is what a counter needs. REPEATABLE READ and SERIALIZABLE would fail instead, with
//! 40001, even where the counter is not greater and nothing would change.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use self::address::{Address, Namespace};
use self::availability::Availability;
use self::database::Database;
use self::devices::{KeyReader, ParsedKeys, is_storable};
use self::groups::Groups;
use self::postgres_error::{too_slow, unusable};
use self::spending::Spender;
use self::tokens::TokenReader;
use super::app_keys::{AppKeys, KnownKey};
use super::error::LedgerError;
use super::key_upload::{KeyUpload, NotAccepted};
use super::spending::{SpendOutcome, Spending};
use super::{HealthObserver, Ledger};
use crate::secret::Secret;

pub(crate) mod address;
mod availability;
mod cleaning;
mod database;
mod devices;
mod groups;
mod logins;
mod postgres_error;
mod schema;
mod session_lock;
mod sessions;
mod spending;
mod switches;
#[cfg(test)]
pub(crate) mod test_database;
mod time;
mod tokens;

/// Maximum number of connections besides those of the three groups and the one that tries a failed database.
const MAX_POOL_CONNECTIONS: u32 = 4;
/// How long a request waits for one of these connections. It is less than an operation may take, so that the error says which of
/// the two was too slow.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(4);
/// How long it may take until the tables are made, by this server or by others that start at the same time.
const MAX_PREPARATION: Duration = Duration::from_secs(30);
/// How often what has expired is removed.
const CLEANING_INTERVAL: Duration = Duration::from_mins(1);

/// A ledger in a database. It also keeps codes, sessions and access tokens there. Clones are the same ledger.
#[derive(Clone, Debug)]
pub struct PostgresLedger {
    inner: Arc<Inner>,
}

struct Inner {
    database: Arc<Database>,
    availability: Arc<Availability>,
    pool: PgPool,
    parsed: Arc<ParsedKeys>,
    tokens: Groups<TokenReader>,
    keys: Groups<KeyReader>,
    spender: Groups<Spender>,
    tasks: [JoinHandle<()>; 2],
}

impl PostgresLedger {
    /// Connects to a database, and makes or converts the namespace's tables. Must be called within a tokio runtime.
    ///
    /// `url` is `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with `sslmode`, `sslrootcert` and other parameters of libpq. No
    /// error shows the password.
    ///
    /// # Errors
    /// [`LedgerError`] if the address cannot be read, the database cannot be reached within 5 seconds or refuses the user, rights
    /// are missing, the database cannot be written or has another encoding than UTF-8, the tables are of a newer format or not all
    /// there, or they are not made within 30 seconds. Nothing was changed.
    pub async fn connect(url: &Secret, namespace: Namespace) -> Result<Self, LedgerError> {
        let database = Arc::new(Database::new(Address::parse(url, namespace)?));
        let mut connection = database.in_time(database.connect()).await.map_err(|failure| failure.error)?;
        let preparing = schema::prepare(&mut connection, database.address());
        let identity = match tokio::time::timeout(MAX_PREPARATION, preparing).await {
            Ok(identity) => identity?,
            Err(_) => return Err(too_slow(database.address(), MAX_PREPARATION.as_secs())),
        };
        warn_of_lost_writes(&mut connection).await.map_err(|error| unusable(database.address(), &error))?;
        // An orderly end that fails changes nothing.
        let _ = connection.close().await;
        info!("the ledger is {}", database.address());

        let availability = Arc::new(Availability::default());
        let parsed = Arc::new(ParsedKeys::default());
        let pool = PgPoolOptions::new()
            .max_connections(MAX_POOL_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(database.address().options.clone());
        let (of_group, for_group) = (|| Arc::clone(&database), || Arc::clone(&availability));
        let watching = for_group().watch(of_group(), identity);
        let inner = Inner {
            tokens: Groups::start(TokenReader, of_group(), for_group()),
            keys: Groups::start(KeyReader(Arc::clone(&parsed)), of_group(), for_group()),
            spender: Groups::start(Spender::default(), of_group(), for_group()),
            tasks: [tokio::spawn(watching), tokio::spawn(clean(of_group(), pool.clone()))],
            database,
            availability,
            pool,
            parsed,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Carries out an operation over one connection, in time.
    async fn with_connection<T>(
        &self,
        operation: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> Result<T, LedgerError> {
        let Inner { database, availability, pool, .. } = &*self.inner;
        availability.check()?;
        let done = database
            .in_time(async {
                let mut connection = pool.acquire().await?;
                operation(&mut connection).await
            })
            .await;
        done.map_err(|failure| {
            availability.fail(&failure);
            failure.error
        })
    }
}

#[async_trait]
impl Ledger for PostgresLedger {
    async fn app_keys(&self, cpu_id: &str, uid: &str) -> Result<Option<AppKeys>, LedgerError> {
        self.inner.keys.ask((cpu_id.to_owned(), uid.to_owned())).await
    }

    async fn has_owner(&self, appid: &str, openid: &str) -> Result<bool, LedgerError> {
        if !is_storable(openid) {
            return Ok(false);
        }
        self.with_connection(async |connection| {
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM auth_key WHERE appid = $1 AND openid = $2)")
                .bind(appid)
                .bind(openid)
                .fetch_one(connection)
                .await
        })
        .await
    }

    async fn other_keys(&self, cpu_id: &str, limit: usize) -> Result<Vec<KnownKey>, LedgerError> {
        let state = self
            .with_connection(async |connection| {
                let others: Vec<String> = sqlx::query_scalar(
                    "SELECT cpu_id FROM device WHERE cpu_id <> $1 ORDER BY cpu_id LIMIT $2",
                )
                .bind(cpu_id)
                .bind(i64::try_from(limit).unwrap_or(i64::MAX))
                .fetch_all(&mut *connection)
                .await?;
                let cpu_ids: Vec<&str> = others.iter().map(String::as_str).chain([cpu_id]).collect();
                devices::load(connection, &self.inner.parsed, &cpu_ids).await
            })
            .await?;
        Ok(state.other_keys(cpu_id, limit))
    }

    async fn device_count(&self) -> Result<usize, LedgerError> {
        let count: i64 = self
            .with_connection(async |connection| {
                sqlx::query_scalar("SELECT count(*) FROM device").fetch_one(connection).await
            })
            .await?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    async fn spend(&self, spending: Spending) -> Result<SpendOutcome, LedgerError> {
        self.inner.spender.ask(spending).await
    }

    async fn accept(&self, upload: KeyUpload) -> Result<Result<(), NotAccepted>, LedgerError> {
        let names = [&upload.cpu_id].into_iter().chain(upload.auth_key.iter().map(|key| &key.key.openid));
        if !names.chain(upload.ask.iter().map(|ask| &ask.uid)).all(|name| is_storable(name)) {
            return Ok(Err(NotAccepted::UnknownDevice));
        }
        let parsed = &self.inner.parsed;
        self.with_connection(async |connection| devices::accept(connection, parsed, &upload).await).await
    }

    async fn generation(&self) -> Result<u32, LedgerError> {
        let identity =
            self.with_connection(async |connection| schema::read_identity(connection).await).await?;
        Ok(identity.generation)
    }

    async fn clear(&self, generation: u32) -> Result<(), LedgerError> {
        self.with_connection(async |connection| {
            let mut transaction = connection.begin().await?;
            let cleared = sqlx::query("UPDATE ledger SET generation = $1 WHERE generation < $1")
                .bind(i64::from(generation))
                .execute(&mut *transaction)
                .await?;
            if cleared.rows_affected() > 0 {
                // Without this lock, a group that is being spent and these deletions could wait for each other.
                sqlx::raw_sql(
                    "LOCK TABLE counter IN EXCLUSIVE MODE;
                     DELETE FROM auth_key; DELETE FROM ask; DELETE FROM counter; DELETE FROM device;",
                )
                .execute(&mut *transaction)
                .await?;
            }
            transaction.commit().await
        })
        .await
    }

    fn failure(&self) -> Option<LedgerError> {
        self.inner.availability.failure()
    }

    fn observe(&self, observer: HealthObserver) {
        self.inner.availability.observe(observer);
    }
}

/// Warns if the database's settings let it lose what it has confirmed. That is useful for tests, so it is not refused.
async fn warn_of_lost_writes(connection: &mut PgConnection) -> sqlx::Result<()> {
    for setting in ["fsync", "full_page_writes"] {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&mut *connection)
            .await?;
        if value == "off" {
            warn!("the ledger's database has {setting} = off: after a crash it may accept results once more");
        }
    }
    Ok(())
}

/// Removes what has expired, again and again, until the task is ended.
async fn clean(database: Arc<Database>, pool: PgPool) {
    loop {
        tokio::time::sleep(CLEANING_INTERVAL).await;
        let cleaned = database.in_time(async {
            let mut connection = pool.acquire().await?;
            cleaning::remove_expired(&mut connection).await
        });
        // A database that has failed is noticed elsewhere.
        if let Err(failure) = cleaned.await {
            warn!("what has expired stays: {}", failure.error.what.english());
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PostgresLedger")
            .field("address", self.database.address())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
