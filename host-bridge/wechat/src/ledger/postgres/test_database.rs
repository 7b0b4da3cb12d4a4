//! A namespace for one test, in the database that `SOTER_TEST_POSTGRES` names. The script `tests/with-postgres` starts one.

use std::env::var;

use sqlx::{AssertSqlSafe, PgConnection};
use url::Url;

use super::PostgresLedger;
use super::address::{Address, Namespace};
use crate::random::random_bytes;
use crate::secret::Secret;

/// A namespace that is removed with this.
pub(crate) struct TestDatabase {
    url: String,
    namespace: Namespace,
}

impl TestDatabase {
    /// `None` if there is no database: the test is skipped, and says so.
    pub(crate) fn new() -> Option<Self> {
        let Ok(url) = var("SOTER_TEST_POSTGRES") else {
            println!("skipped: SOTER_TEST_POSTGRES names no database, such as postgres://USER@HOST/DATABASE");
            return None;
        };
        let name = format!("test-{}", base16ct::lower::encode_string(&random_bytes::<8>()));
        let mut url = Url::parse(&url).unwrap();
        // Distinguishes the test's connections from those of others.
        url.query_pairs_mut().append_pair("application_name", &name);
        Some(Self { url: url.into(), namespace: name.parse().unwrap() })
    }

    /// A server's ledger in this namespace.
    pub(crate) async fn ledger(&self) -> PostgresLedger {
        self.ledger_at(&self.url).await
    }

    /// A server's ledger in this namespace, which reaches the database at another address.
    pub(crate) async fn ledger_at(&self, url: &str) -> PostgresLedger {
        PostgresLedger::connect(&url.into(), self.namespace.clone()).await.unwrap()
    }

    pub(crate) fn url(&self) -> Secret {
        self.url.as_str().into()
    }

    pub(crate) fn namespace(&self) -> Namespace {
        self.namespace.clone()
    }

    /// Host and port of the database.
    pub(crate) fn host(&self) -> (String, u16) {
        let url = Url::parse(&self.url).unwrap();
        (url.host_str().unwrap().to_owned(), url.port().unwrap_or(5432))
    }

    /// The database's address with another host and port.
    pub(crate) fn url_at(&self, port: u16) -> String {
        let mut url = Url::parse(&self.url).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(port)).unwrap();
        url.into()
    }

    /// A connection to the namespace's tables.
    pub(crate) async fn connect(&self) -> PgConnection {
        let address = Address::parse(&self.url(), self.namespace()).unwrap();
        super::database::Database::new(address).connect().await.unwrap()
    }

    /// Carries out a statement in the namespace.
    pub(crate) async fn execute(&self, statement: String) {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut self.connect().await).await.unwrap();
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // A test's own runtime may have ended.
        std::thread::scope(|scope| {
            let remove = || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let statement = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.namespace.quoted_schema());
                runtime.block_on(self.execute(statement));
            };
            scope.spawn(remove).join().unwrap();
        });
    }
}
