//! Whether the database can be used. While it cannot, requests are refused at once instead of waiting for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use soter_text::text;
use sqlx::Connection;
use tokio::sync::Notify;
use tracing::{error, info, warn};

use super::database::Database;
use super::postgres_error::{Failure, refused};
use super::schema::{self, Found, Identity, Wrong};
use crate::ledger::HealthObserver;
use crate::ledger::error::LedgerError;
use crate::ledger::retry::retry_delays;

/// How often a database that works is tried, so that `/health` knows of a failure that no request has met.
const WATCH_INTERVAL: Duration = Duration::from_secs(5);

/// The last failure, until the database works again.
#[derive(Default)]
pub(super) struct Availability {
    state: Mutex<State>,
    has_failed: Notify,
}

#[derive(Default)]
struct State {
    failure: Option<LedgerError>,
    observer: Option<HealthObserver>,
}

impl Availability {
    /// # Errors
    /// The failure, if the database cannot be used at present.
    pub(super) fn check(&self) -> Result<(), LedgerError> {
        self.failure().map_or(Ok(()), Err)
    }

    pub(super) fn failure(&self) -> Option<LedgerError> {
        self.state().failure.clone()
    }

    pub(super) fn observe(&self, observer: HealthObserver) {
        self.state().observer = Some(observer);
    }

    /// Notes a failure. If it is the database's, requests are refused until it works again.
    pub(super) fn fail(&self, Failure { error: failure, is_of_database }: &Failure) {
        if !is_of_database {
            warn!(
                next = failure.next.english(),
                "a request to the ledger has failed: {}",
                failure.what.english()
            );
            return;
        }
        let mut state = self.state();
        if state.failure.as_ref() == Some(failure) {
            return;
        }
        error!(next = failure.next.english(), "the ledger accepts no changes: {}", failure.what.english());
        state.failure = Some(failure.clone());
        report(state, Some(failure));
        self.has_failed.notify_one();
    }

    /// Tries the database from time to time, and again and again after each failure, until the task is ended.
    pub(super) async fn watch(self: Arc<Self>, database: Arc<Database>, identity: Identity) {
        loop {
            // A failure and the end of the interval are both a reason to try.
            let _ = tokio::time::timeout(WATCH_INTERVAL, self.has_failed.notified()).await;
            for delay in retry_delays() {
                match try_database(&database, &identity).await {
                    Ok(()) => break,
                    Err(failure) => self.fail(&failure),
                }
                tokio::time::sleep(delay).await;
            }
            self.recover();
        }
    }

    fn recover(&self) {
        let mut state = self.state();
        if state.failure.take().is_some() {
            info!("the ledger accepts changes again");
            report(state, None);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks that the same ledger is there, and can be written.
async fn try_database(database: &Database, identity: &Identity) -> Result<(), Failure> {
    let found = database
        .in_time(async {
            let mut connection = database.connect().await?;
            let found = schema::check(&mut connection, database.address()).await?;
            connection.close().await?;
            Ok(found)
        })
        .await?;
    let error = match found {
        Found::Ledger(found) if found.id == identity.id => return Ok(()),
        Found::Ledger(_) => {
            let what = text!("it was removed or replaced while this process used it");
            let next = text!("put the database back, or start the server again to use the new one");
            refused(database.address(), what, next, true)
        }
        Found::Wrong(Wrong { what, next }) => refused(database.address(), what, next, true),
    };
    Err(Failure { error, is_of_database: true })
}

/// Reports a failure, or its end, to the observer, which is called without the lock.
fn report(state: MutexGuard<'_, State>, failure: Option<&LedgerError>) {
    let observer = state.observer.clone();
    drop(state);
    if let Some(observer) = observer {
        observer(failure);
    }
}
