//! The ledger of one process: memory decides, and a store makes it durable.
//!
//! ```text
//!   check and change, one atomic step        the current state, in memory behind one lock
//!        │
//!        v
//!      Queue                                 in the order of the changes
//!        │
//!        v
//!   writer thread ── a group of changes ──>  LedgerStore    durable, all of a group or nothing
//!        │
//!        v
//!   Receipt: awaited before an operation returns
//! ```
//!
//! Changes that arrive while a group is being written form the next group, so that many concurrent requests share one
//! write. Those of one request are in one group: a crash leaves all of them or none.
//!
//! If a write fails, the ledger accepts no more changes. It logs the failure, reports it to its observer, and returns it
//! from [`Ledger::failure`]. Memory is then ahead of the store: it has spent counters that no answer accepted. If the cause
//! may pass, the writer opens the store again from time to time, and replaces memory by what is durable. Everything that
//! was accepted is durable, so no counter is accepted twice.

mod mark;
mod queue;
pub(crate) mod sqlite;
mod sqlite_error;
pub(crate) mod store;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use soter_text::text;
use tracing::{debug, error, info, warn};

use self::queue::{Queue, Receipt};
use self::store::LedgerStore;
use super::app_keys::{AppKeys, KnownKey};
use super::change::Change;
use super::error::LedgerError;
use super::key_upload::{KeyUpload, NotAccepted};
use super::ledger_state::LedgerState;
use super::retry::retry_delays;
use super::spending::{SpendOutcome, Spending};
use super::{HealthObserver, Ledger};

/// The current state in memory, and the writer that makes it durable.
pub struct EmbeddedLedger {
    inner: Arc<Mutex<Inner>>,
    writer: Option<JoinHandle<()>>,
}

struct Inner {
    state: LedgerState,
    /// `None` for a ledger in memory.
    queue: Option<Arc<Queue>>,
    /// Why the store does not accept changes.
    failure: Option<LedgerError>,
    /// The generation that the ledger must have. A store that recovers with an older one is emptied.
    generation: u32,
    observer: Option<HealthObserver>,
}

impl EmbeddedLedger {
    /// A ledger that forgets everything when it is dropped.
    pub fn in_memory() -> Self {
        Self { inner: Inner::new(LedgerState::default(), None), writer: None }
    }

    /// A ledger over a store, whose contents are read first. If they are of an older generation than this, they are
    /// forgotten.
    ///
    /// # Errors
    /// Those of [`LedgerStore::load`] and [`LedgerStore::commit`], or [`LedgerError`] if the writer's thread does not start.
    pub fn open(mut store: impl LedgerStore, generation: u32) -> Result<Self, LedgerError> {
        let contents = store.load()?;
        let state = state_of_generation(&mut store, &contents, generation)?;
        let queue = Arc::new(Queue::default());
        let inner = Inner::new(state, Some(Arc::clone(&queue)));
        let of_writer = Arc::clone(&inner);
        let writer = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || Writer { store, queue, inner: of_writer }.run())
            .map_err(|error| LedgerError {
                what: text!("the ledger's writer does not start: {error}", error = error),
                next: text!("check the limits of this process (ulimit), then repeat"),
                may_pass: false,
            })?;
        Ok(Self { inner, writer: Some(writer) })
    }

    /// How often the ledger was emptied, or more. Numbers of one ledger never decrease.
    pub fn generation(&self) -> u32 {
        self.read(LedgerState::generation)
    }

    /// Reads the state. `query` runs under the ledger's lock, so it must be fast.
    fn read<T>(&self, query: impl FnOnce(&LedgerState) -> T) -> T {
        query(&self.inner().state)
    }

    /// Checks and changes in one atomic step: `decide` and the changes that it returns run under one lock.
    ///
    /// # Errors
    /// The error of `decide`; or, as the inner result, the [`LedgerError`] with which the store has failed.
    fn change<E>(
        &self,
        decide: impl FnOnce(&mut LedgerState) -> Result<Vec<Change>, E>,
    ) -> Result<Result<Receipt, LedgerError>, E> {
        self.inner().change(decide)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

#[async_trait]
impl Ledger for EmbeddedLedger {
    async fn app_keys(&self, cpu_id: &str, uid: &str) -> Result<Option<AppKeys>, LedgerError> {
        Ok(self.read(|state| state.app_keys(cpu_id, uid)))
    }

    async fn has_owner(&self, appid: &str, openid: &str) -> Result<bool, LedgerError> {
        Ok(self.read(|state| state.has_owner(appid, openid)))
    }

    async fn other_keys(&self, cpu_id: &str, limit: usize) -> Result<Vec<KnownKey>, LedgerError> {
        Ok(self.read(|state| state.other_keys(cpu_id, limit)))
    }

    async fn device_count(&self) -> Result<usize, LedgerError> {
        Ok(self.read(LedgerState::device_count))
    }

    async fn spend(&self, spending: Spending) -> Result<SpendOutcome, LedgerError> {
        match self.change(|state| state.spend(&spending).map(|change| vec![change])) {
            Ok(receipt) => receipt?.durable().await.map(|()| SpendOutcome::Spent),
            Err(refused) => Ok(refused),
        }
    }

    async fn accept(&self, upload: KeyUpload) -> Result<Result<(), NotAccepted>, LedgerError> {
        match self.change(|state| upload.decide(state)) {
            Ok(receipt) => receipt?.durable().await.map(Ok),
            Err(refused) => Ok(Err(refused)),
        }
    }

    async fn generation(&self) -> Result<u32, LedgerError> {
        Ok(self.generation())
    }

    async fn clear(&self, generation: u32) -> Result<(), LedgerError> {
        let receipt = {
            let mut inner = self.inner();
            inner.generation = inner.generation.max(generation);
            inner.change(|state| Ok::<_, LedgerError>(state.clear(generation).into_iter().collect()))??
        };
        receipt.durable().await
    }

    fn failure(&self) -> Option<LedgerError> {
        let has_ended = self.writer.as_ref().is_some_and(JoinHandle::is_finished);
        self.inner().failure.clone().or_else(|| has_ended.then(queue::closed_error))
    }

    fn observe(&self, observer: HealthObserver) {
        self.inner().observer = Some(observer);
    }
}

impl Inner {
    fn new(state: LedgerState, queue: Option<Arc<Queue>>) -> Arc<Mutex<Self>> {
        let generation = state.generation();
        Arc::new(Mutex::new(Self { state, queue, failure: None, generation, observer: None }))
    }

    /// [`EmbeddedLedger::change`], under the lock.
    fn change<E>(
        &mut self,
        decide: impl FnOnce(&mut LedgerState) -> Result<Vec<Change>, E>,
    ) -> Result<Result<Receipt, LedgerError>, E> {
        if let Some(error) = &self.failure {
            return Ok(Err(error.clone()));
        }
        let changes = decide(&mut self.state)?;
        for change in &changes {
            self.state.apply(change);
        }
        Ok(Ok(match &self.queue {
            Some(queue) if !changes.is_empty() => queue.push(changes),
            _ => Receipt::of_nothing(),
        }))
    }
}

/// The state that a store's contents describe. The store is emptied if they are of an older generation than this.
fn state_of_generation(
    store: &mut impl LedgerStore,
    contents: &[Change],
    generation: u32,
) -> Result<LedgerState, LedgerError> {
    let mut state = LedgerState::of(contents);
    if let Some(change) = state.clear(generation) {
        let (devices, older) = (state.device_count(), state.generation());
        warn!(devices, older, generation, "the ledger is from before the last reset, and is emptied");
        store.commit(std::slice::from_ref(&change))?;
        state.apply(&change);
    }
    Ok(state)
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for EmbeddedLedger {
    /// Waits until the writer has written every change.
    fn drop(&mut self) {
        if let Some(queue) = &self.inner().queue {
            queue.close();
        }
        if let Some(writer) = self.writer.take() {
            // Every receipt has reported this, too.
            if writer.join().is_err() {
                error!("the ledger's writer panicked");
            }
        }
    }
}

impl fmt::Debug for EmbeddedLedger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EmbeddedLedger")
            .field("in_memory", &self.writer.is_none())
            .finish_non_exhaustive()
    }
}

/// The thread that makes changes durable.
struct Writer<S> {
    store: S,
    queue: Arc<Queue>,
    inner: Arc<Mutex<Inner>>,
}

impl<S: LedgerStore> Writer<S> {
    /// Writes group after group until the ledger is dropped.
    fn run(mut self) {
        while let Some(group) = self.queue.next_group() {
            let result = self.store.commit(&group.changes);
            match &result {
                Ok(()) => debug!(changes = group.changes.len(), "a group of changes is durable"),
                Err(error) => self.fail(error),
            }
            group.finish(&result);
            if let Err(error) = result {
                self.recover(error);
            }
        }
    }

    /// Rejects all changes from now on, also those in the queue: they may depend on one that is not stored.
    fn fail(&self, error: &LedgerError) {
        error!(next = error.next.english(), "the ledger accepts no changes: {}", error.what.english());
        let mut inner = lock(&self.inner);
        if let Some(group) = self.queue.take() {
            group.finish(&Err(error.clone()));
        }
        inner.failure = Some(error.clone());
        report(inner, Some(error));
    }

    /// Opens the store again and again until it works. Gives up if the cause cannot pass, or if the ledger is dropped.
    fn recover(&mut self, mut error: LedgerError) {
        for delay in retry_delays() {
            if !error.may_pass {
                return;
            }
            if self.queue.is_closed_within(delay) {
                return;
            }
            match self.try_to_recover() {
                Ok(()) => return,
                Err(again) if again == error => {}
                Err(other) => {
                    self.fail(&other);
                    error = other;
                }
            }
        }
    }

    /// Opens the store again, and accepts changes if that works.
    fn try_to_recover(&mut self) -> Result<(), LedgerError> {
        let contents = self.store.recover()?;
        let mut generation = lock(&self.inner).generation;
        loop {
            let state = state_of_generation(&mut self.store, &contents, generation)?;
            let mut inner = lock(&self.inner);
            if state.generation() < inner.generation {
                // A reset came while the store was opened.
                generation = inner.generation;
                continue;
            }
            info!("the ledger accepts changes again");
            inner.state = state.replacing(&inner.state);
            inner.failure = None;
            report(inner, None);
            return Ok(());
        }
    }
}

/// After the last group, or a panic, nobody waits for a writer that is gone.
impl<S> Drop for Writer<S> {
    fn drop(&mut self) {
        self.queue.close();
        drop(self.queue.take());
    }
}

/// Reports a failure, or its end, to the observer, which is called without the lock.
fn report(inner: MutexGuard<'_, Inner>, failure: Option<&LedgerError>) {
    let observer = inner.observer.clone();
    drop(inner);
    if let Some(observer) = observer {
        observer(failure);
    }
}

#[cfg(test)]
mod tests;
