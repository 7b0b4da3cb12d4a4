//! Changes on their way from the requests that made them to the writer, and its results on their way back.
//!
//! Writing a group costs nearly the same however many changes it has, so larger groups are cheaper. But waiting for more requests
//! costs time. So the queue adjusts the number of requests that a group waits for:
//!
//! - If requests came while the last group was written, the next one waits for that many more.
//! - If none came, the processor was idle meanwhile: the number is halved.
//! - If the last group waited in vain, the next one takes only those that are there.
//!
//! Requests that come one after the other are each written at once. Only the first one after many at once may wait, for
//! [`PATIENCE`].

use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use soter_text::text;
use tokio::sync::oneshot;

use crate::ledger::change::Change;
use crate::ledger::error::LedgerError;

/// How long a group waits for more requests at most. Requests that come together are there much earlier.
const PATIENCE: Duration = Duration::from_millis(1);

/// The changes that wait for the writer, in their order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    /// Enough requests wait, or the queue is closed.
    writer_is_due: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    requests: Vec<Request>,
    /// The number of requests with which the writer is due.
    enough: usize,
    last_group: LastGroup,
    closed: bool,
}

/// The group that was taken last.
#[derive(Clone, Copy, Debug, Default)]
struct LastGroup {
    requests: usize,
    /// Whether it had as many requests as it waited for.
    was_complete: bool,
}

#[derive(Debug)]
struct Request {
    changes: Vec<Change>,
    receipt: oneshot::Sender<Result<(), LedgerError>>,
}

/// The requests that are written together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) changes: Vec<Change>,
    receipts: Vec<oneshot::Sender<Result<(), LedgerError>>>,
}

/// The changes of a request, made in memory, while they are being made durable.
#[derive(Debug)]
#[must_use = "nobody may be told of a change before it is durable"]
pub(super) struct Receipt(Option<oneshot::Receiver<Result<(), LedgerError>>>);

impl Receipt {
    /// For changes that need no writer.
    pub(super) fn of_nothing() -> Self {
        Self(None)
    }

    /// Waits until the changes are durable.
    ///
    /// # Errors
    /// [`LedgerError`] if the store failed, or if the ledger was closed before the changes were durable.
    pub(super) async fn durable(self) -> Result<(), LedgerError> {
        let Some(waiting) = self.0 else { return Ok(()) };
        // The sender was dropped: the ledger was closed, or the writer panicked.
        waiting.await.unwrap_or_else(|_| Err(closed_error()))
    }
}

impl Queue {
    /// Adds the changes of a request. If the queue is closed, the receipt reports it.
    pub(super) fn push(&self, changes: Vec<Change>) -> Receipt {
        let (receipt, written) = oneshot::channel();
        // Not while the queue is locked: the writer would wake up and wait for the lock.
        if self.add(Request { changes, receipt }) {
            self.writer_is_due.notify_one();
        }
        Receipt(Some(written))
    }

    /// Whether the writer is due.
    fn add(&self, request: Request) -> bool {
        let mut waiting = self.lock();
        if waiting.closed {
            return false;
        }
        waiting.requests.push(request);
        waiting.requests.len() == waiting.enough
    }

    /// Waits for the next group, after the results of the one before were passed on. `None` once the queue is closed and empty.
    pub(super) fn next_group(&self) -> Option<Group> {
        let mut waiting = self.lock();
        let enough = waiting.last_group.next(waiting.requests.len());
        waiting.enough = 1;
        let is_empty = |waiting: &mut Waiting| waiting.requests.is_empty() && !waiting.closed;
        waiting = self.writer_is_due.wait_while(waiting, is_empty).unwrap_or_else(PoisonError::into_inner);
        waiting.enough = enough;
        let is_small = |waiting: &mut Waiting| waiting.requests.len() < waiting.enough && !waiting.closed;
        (waiting, _) = self
            .writer_is_due
            .wait_timeout_while(waiting, PATIENCE, is_small)
            .unwrap_or_else(PoisonError::into_inner);
        // Nobody wakes the writer while it writes.
        waiting.enough = usize::MAX;
        let requests = mem::take(&mut waiting.requests);
        waiting.last_group = LastGroup { requests: requests.len(), was_complete: requests.len() >= enough };
        // Requests that come now need not wait until the group is put together.
        drop(waiting);
        Group::of(requests)
    }

    /// What waits, whether or not it is enough.
    pub(super) fn take(&self) -> Option<Group> {
        let requests = mem::take(&mut self.lock().requests);
        Group::of(requests)
    }

    /// The writer writes what waits, and nothing more is added.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.writer_is_due.notify_one();
    }

    /// Waits for this time. Whether the queue is closed.
    pub(super) fn is_closed_within(&self, limit: Duration) -> bool {
        let waiting = self.writer_is_due.wait_timeout_while(self.lock(), limit, |waiting| !waiting.closed);
        waiting.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error of a request whose changes nobody will write.
pub(super) fn closed_error() -> LedgerError {
    LedgerError {
        what: text!("the ledger was closed before the change was durable"),
        next: text!("start the server again, and repeat the request"),
        may_pass: false,
    }
}

impl LastGroup {
    /// The number of requests with which the next group is written, if these wait already.
    fn next(self, waiting: usize) -> usize {
        match (waiting, self.was_complete) {
            (0, _) => (self.requests / 2).max(1),
            (_, true) => self.requests + waiting,
            (_, false) => waiting,
        }
    }
}

impl Group {
    /// `None` if there are no requests.
    fn of(requests: Vec<Request>) -> Option<Self> {
        if requests.is_empty() {
            return None;
        }
        let (changes, receipts): (Vec<_>, Vec<_>) =
            requests.into_iter().map(|Request { changes, receipt }| (changes, receipt)).unzip();
        Some(Self { changes: changes.into_iter().flatten().collect(), receipts })
    }

    /// Tells its requests what became of their changes.
    pub(super) fn finish(self, result: &Result<(), LedgerError>) {
        for receipt in self.receipts {
            // A request that was given up needs no result.
            let _ = receipt.send(result.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn change(generation: u32) -> Change {
        Change::Clear { generation }
    }

    #[tokio::test]
    async fn every_request_of_a_group_gets_its_result_also_if_others_were_given_up() {
        for given_up in 0..4 {
            let queue = Queue::default();
            let mut receipts: Vec<_> = (0..4).map(|number| queue.push(vec![change(number)])).collect();
            let group = queue.next_group().unwrap();
            assert_eq!(group.changes, (0..4).map(change).collect::<Vec<_>>());
            drop(receipts.remove(given_up));
            group.finish(&Ok(()));
            for receipt in receipts {
                receipt.durable().await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn a_group_that_is_dropped_and_a_queue_that_is_closed_are_errors() {
        let queue = Queue::default();
        let dropped = queue.push(vec![change(1)]);
        drop(queue.take());
        assert_eq!(dropped.durable().await, Err(closed_error()));
        let last = queue.push(vec![change(2)]);
        queue.close();
        assert_eq!(queue.push(vec![change(3)]).durable().await, Err(closed_error()));
        // What was there before is written.
        queue.next_group().unwrap().finish(&Ok(()));
        last.durable().await.unwrap();
        assert!(queue.next_group().is_none() && queue.is_closed_within(Duration::from_mins(1)));
    }

    #[test]
    fn groups_grow_while_requests_wait_shrink_when_none_does_and_do_not_wait_for_those_that_stay_away() {
        for (requests, was_complete, waiting, expected) in [
            (0, true, 0, 1),
            (1, true, 0, 1),
            (0, true, 1, 1),
            (3, true, 2, 5),
            (16, true, 16, 32),
            (32, true, 0, 16),
            (20, false, 2, 2),
            (20, false, 0, 10),
        ] {
            let last = LastGroup { requests, was_complete };
            assert_eq!(last.next(waiting), expected, "{last:?}, {waiting}");
        }
    }

    #[test]
    fn requests_of_several_threads_are_each_whole_in_one_group_and_in_their_order() {
        const THREADS: u32 = 4;
        const REQUESTS: u32 = 200;
        let queue = Queue::default();
        let mut written = Vec::new();
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let queue = &queue;
                scope.spawn(move || {
                    for number in 0..REQUESTS {
                        let number = thread * REQUESTS + number;
                        drop(queue.push(vec![change(number), change(number)]));
                    }
                });
            }
            while written.len() < usize::try_from(THREADS * REQUESTS).unwrap() {
                let group = queue.next_group().unwrap();
                let (pairs, []) = group.changes.as_chunks() else { panic!("{:?}", group.changes) };
                for [one, other] in pairs {
                    assert_eq!(one, other);
                    let Change::Clear { generation } = one else { panic!("{one:?}") };
                    written.push(*generation);
                }
                group.finish(&Ok(()));
            }
        });
        assert!(queue.take().is_none());
        for thread in 0..THREADS {
            let of_thread: Vec<_> =
                written.iter().copied().filter(|number| number / REQUESTS == thread).collect();
            assert_eq!(of_thread, (thread * REQUESTS..(thread + 1) * REQUESTS).collect::<Vec<_>>());
        }
    }
}
