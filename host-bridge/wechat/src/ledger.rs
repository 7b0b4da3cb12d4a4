//! What WeChat's servers remember for good: devices, their keys, and the highest counter that each has shown.
//!
//! ```text
//!   check and change, one atomic step        the book, in memory behind one lock: the working truth
//!        │  in the order of the changes
//!        v
//!   writer thread ── a group of changes ──>  LedgerStore    durable, all of a group or nothing
//!        │
//!        v
//!   Receipt: awaited before anyone is told `is_ok: true`
//! ```
//!
//! Changes that arrive while a group is being written form the next group, so that many concurrent requests share one
//! write. If a write fails, memory is ahead of the store: a counter may then be remembered as spent that no answer
//! vouched for, which is the harmless direction. The ledger takes no change after that until it is opened anew.

pub(crate) mod book;
pub(crate) mod change;
pub(crate) mod sqlite;
pub(crate) mod store;

use std::fmt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use self::book::Book;
use self::change::Change;
use self::store::{LedgerError, LedgerStore};

/// Changes that are written as one group at most.
const LARGEST_GROUP: usize = 1024;

/// The working truth, and the way to make it durable.
pub struct Ledger {
    inner: Mutex<Inner>,
    writer: Option<JoinHandle<()>>,
}

struct Inner {
    book: Book,
    /// `None` for a ledger in memory, and after the ledger was closed.
    queue: Option<Sender<Queued>>,
    /// Why no change is taken any more.
    broken: Option<LedgerError>,
}

struct Queued {
    change: Change,
    durable: oneshot::Sender<Result<(), LedgerError>>,
}

/// A change that was made and becomes durable.
#[derive(Debug)]
#[must_use = "nobody may be told of a change before it is durable"]
pub struct Receipt(Vec<oneshot::Receiver<Result<(), LedgerError>>>);

impl Receipt {
    /// Waits until the change is durable.
    ///
    /// # Errors
    /// It is not; see [`LedgerError`].
    pub async fn durable(self) -> Result<(), LedgerError> {
        for waiting in self.0 {
            // A writer that has gone without an answer was closed or has panicked.
            waiting.await.unwrap_or_else(|_| Err(closed()))?;
        }
        Ok(())
    }
}

impl Ledger {
    /// A ledger that forgets everything when it is dropped.
    pub fn in_memory() -> Self {
        let inner = Inner { book: Book::default(), queue: None, broken: None };
        Self { inner: Mutex::new(inner), writer: None }
    }

    /// A ledger over a store, whose contents are read first.
    ///
    /// # Errors
    /// The store's, or the environment's if there are no threads to be had.
    pub fn open(mut store: impl LedgerStore) -> Result<Self, LedgerError> {
        let mut book = Book::default();
        for change in store.load()? {
            book.apply(&change);
        }
        let (queue, queued) = channel();
        let writer = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || write_groups(&mut store, &queued))
            .map_err(|error| LedgerError {
                what: format!("the ledger's writer does not start: {error}"),
                next: "check the limits of this process (ulimit), then repeat".to_owned(),
            })?;
        let inner = Inner { book, queue: Some(queue), broken: None };
        Ok(Self { inner: Mutex::new(inner), writer: Some(writer) })
    }

    /// Looks something up. Nothing else happens to the ledger meanwhile, so what takes long does not belong here.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Book) -> T) -> T {
        look(&self.inner().book)
    }

    /// Checks and changes in one atomic step: the changes that `decide` gives are made before anyone else can look.
    ///
    /// # Errors
    /// What `decide` refuses with, or (inside) the failure of the store that stopped the ledger.
    pub(crate) fn change<E>(
        &self,
        decide: impl FnOnce(&mut Book) -> Result<Vec<Change>, E>,
    ) -> Result<Result<Receipt, LedgerError>, E> {
        let mut inner = self.inner();
        if let Some(error) = &inner.broken {
            return Ok(Err(error.clone()));
        }
        let changes = decide(&mut inner.book)?;
        let mut waiting = Vec::new();
        for change in changes {
            inner.book.apply(&change);
            if let Some(queue) = &inner.queue {
                let (durable, receipt) = oneshot::channel();
                // A writer that has gone drops the sender, which the receipt reports.
                let _ = queue.send(Queued { change, durable });
                waiting.push(receipt);
            }
        }
        Ok(Ok(Receipt(waiting)))
    }

    /// Takes no change any more, for a reason that every later caller hears.
    pub(crate) fn stop(&self, error: &LedgerError) {
        self.inner().broken.get_or_insert_with(|| error.clone());
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ledger {
    /// Waits until everything that was changed is durable.
    fn drop(&mut self) {
        self.inner().queue = None;
        if let Some(writer) = self.writer.take() {
            // A panic of the writer was reported by every receipt.
            let _ = writer.join();
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
        // Requests that are about to queue a change get the processor first, and share this group's write. Where none
        // is waiting for it, this costs nothing.
        std::thread::yield_now();
        let (changes, waiting): (Vec<_>, Vec<_>) = std::iter::once(first)
            .chain(queued.try_iter().take(LARGEST_GROUP - 1))
            .map(|Queued { change, durable }| (change, durable))
            .unzip();
        // After a failure the store may lack a change that later ones build upon.
        let result = match &failed {
            Some(error) => Err(error.clone()),
            None => store.commit(&changes),
        };
        failed = result.clone().err();
        for durable in waiting {
            // Whoever gave up waiting does not want to know.
            let _ = durable.send(result.clone());
        }
    }
}

fn closed() -> LedgerError {
    LedgerError {
        what: "the ledger was closed before the change was durable".to_owned(),
        next: "start the server again, and repeat the request".to_owned(),
    }
}

#[cfg(test)]
mod tests;
