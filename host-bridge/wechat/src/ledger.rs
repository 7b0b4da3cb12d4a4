//! The durable state of WeChat's servers: devices, their keys, and the highest counter that each device has shown.
//!
//! ```text
//!   check and change, one atomic step        the current state, in memory behind one lock
//!        │  in the order of the changes
//!        v
//!   writer thread ── a group of changes ──>  LedgerStore    durable, all of a group or nothing
//!        │
//!        v
//!   Receipt: awaited before an answer says `is_ok: true`
//! ```
//!
//! Changes that arrive while a group is being written form the next group, so that many concurrent requests share one
//! write. If a write fails, memory is ahead of the store: it may remember a counter as spent although no answer
//! accepted it, which is harmless. After that, every change fails until the ledger is opened again.

pub(crate) mod change;
pub(crate) mod ledger_state;
pub(crate) mod sqlite;
pub(crate) mod store;

use std::fmt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;
use tracing::{debug, error};

use self::change::Change;
use self::ledger_state::LedgerState;
use self::store::{LedgerError, LedgerStore};

/// Maximum number of changes that are written as one group.
const MAX_GROUP_CHANGES: usize = 1024;

/// The current state in memory, and the writer that makes it durable.
pub struct Ledger {
    inner: Mutex<Inner>,
    writer: Option<JoinHandle<()>>,
}

struct Inner {
    state: LedgerState,
    /// `None` for a ledger in memory, and after the ledger was closed.
    queue: Option<Sender<Queued>>,
    /// The error with which a stopped ledger rejects every change.
    stop_error: Option<LedgerError>,
}

struct Queued {
    change: Change,
    durable: oneshot::Sender<Result<(), LedgerError>>,
}

/// A change that is made in memory, and is being made durable.
#[derive(Debug)]
#[must_use = "nobody may be told of a change before it is durable"]
pub struct Receipt(Vec<oneshot::Receiver<Result<(), LedgerError>>>);

impl Receipt {
    /// Waits until the change is durable.
    ///
    /// # Errors
    /// [`LedgerError`] if the store failed, or if the ledger was closed before the change was durable.
    pub async fn durable(self) -> Result<(), LedgerError> {
        for waiting in self.0 {
            // The writer dropped the sender: the ledger was closed, or the writer panicked.
            waiting.await.unwrap_or_else(|_| Err(closed_error()))?;
        }
        Ok(())
    }
}

impl Ledger {
    /// A ledger that forgets everything when it is dropped.
    pub fn in_memory() -> Self {
        let inner = Inner { state: LedgerState::default(), queue: None, stop_error: None };
        Self { inner: Mutex::new(inner), writer: None }
    }

    /// A ledger over a store, whose contents are read first.
    ///
    /// # Errors
    /// Those of [`LedgerStore::load`], or [`LedgerError`] if the writer's thread does not start.
    pub fn open(mut store: impl LedgerStore) -> Result<Self, LedgerError> {
        let mut state = LedgerState::default();
        for change in store.load()? {
            state.apply(&change);
        }
        let (queue, queued) = channel();
        let writer = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || write_groups(&mut store, &queued))
            .map_err(|error| LedgerError {
                what: format!("the ledger's writer does not start: {error}"),
                next: "check the limits of this process (ulimit), then repeat".to_owned(),
            })?;
        let inner = Inner { state, queue: Some(queue), stop_error: None };
        Ok(Self { inner: Mutex::new(inner), writer: Some(writer) })
    }

    /// Reads the state. `query` runs under the ledger's lock, so it must be fast.
    pub(crate) fn read<T>(&self, query: impl FnOnce(&LedgerState) -> T) -> T {
        query(&self.inner().state)
    }

    /// Checks and changes in one atomic step: `decide` and the changes that it returns run under one lock.
    ///
    /// # Errors
    /// The error of `decide`; or, as the inner result, the [`LedgerError`] that the ledger was stopped with.
    pub(crate) fn change<E>(
        &self,
        decide: impl FnOnce(&mut LedgerState) -> Result<Vec<Change>, E>,
    ) -> Result<Result<Receipt, LedgerError>, E> {
        let mut inner = self.inner();
        if let Some(error) = &inner.stop_error {
            return Ok(Err(error.clone()));
        }
        let changes = decide(&mut inner.state)?;
        let mut waiting = Vec::new();
        for change in changes {
            inner.state.apply(&change);
            if let Some(queue) = &inner.queue {
                let (durable, receipt) = oneshot::channel();
                // If the writer is gone, the sender is dropped, and the receipt reports it.
                let _ = queue.send(Queued { change, durable });
                waiting.push(receipt);
            }
        }
        Ok(Ok(Receipt(waiting)))
    }

    /// Rejects every later change, with the error of the first call.
    pub(crate) fn stop(&self, error: &LedgerError) {
        self.inner().stop_error.get_or_insert_with(|| error.clone());
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ledger {
    /// Waits until the writer has written every change.
    fn drop(&mut self) {
        self.inner().queue = None;
        if let Some(writer) = self.writer.take() {
            // Every receipt has reported this, too.
            if writer.join().is_err() {
                error!("the ledger's writer panicked");
            }
        }
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ledger").field("in_memory", &self.writer.is_none()).finish_non_exhaustive()
    }
}

/// Writes group after group until the ledger is dropped.
fn write_groups(store: &mut impl LedgerStore, queued: &Receiver<Queued>) {
    let mut failed: Option<LedgerError> = None;
    while let Ok(first) = queued.recv() {
        // Requests that are about to queue a change run first, and their changes join this group. If no thread waits
        // for the processor, this returns at once.
        std::thread::yield_now();
        let (changes, waiting): (Vec<_>, Vec<_>) = std::iter::once(first)
            .chain(queued.try_iter().take(MAX_GROUP_CHANGES - 1))
            .map(|Queued { change, durable }| (change, durable))
            .unzip();
        // After a failure the store may lack a change that later ones depend on.
        let result = failed.clone().map_or_else(|| commit(store, &changes), Err);
        failed = result.clone().err();
        for durable in waiting {
            // A receipt that was dropped needs no result.
            let _ = durable.send(result.clone());
        }
    }
}

fn commit(store: &mut impl LedgerStore, changes: &[Change]) -> Result<(), LedgerError> {
    let result = store.commit(changes);
    match &result {
        Ok(()) => debug!(changes = changes.len(), "a group of changes is durable"),
        Err(error) => error!(next = error.next, "the ledger accepts no more changes: {}", error.what),
    }
    result
}

fn closed_error() -> LedgerError {
    LedgerError {
        what: "the ledger was closed before the change was durable".to_owned(),
        next: "start the server again, and repeat the request".to_owned(),
    }
}

#[cfg(test)]
mod tests;
