//! The state of a connection that stays open, between its calls.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::{AbortHandle, Abortable};
use serde_json::Value;

/// A topic to which a connection can subscribe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    Phone,
    Journal,
    JournalHead,
}

impl Topic {
    const ALL: [Self; 3] = [Self::Phone, Self::Journal, Self::JournalHead];

    fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Journal => "journal",
            Self::JournalHead => "journal.head",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }

    pub(super) fn names() -> [&'static str; 3] {
        Self::ALL.map(Self::name)
    }
}

/// The topics to which a connection is subscribed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Topics {
    /// Events of the phones.
    pub phone: bool,
    /// Calls, as the journal records them.
    pub journal: bool,
    /// The journal's newest number when it has grown, for clients that read the journal over HTTP.
    pub journal_head: bool,
}

/// A connection's subscriptions, and its calls that have no answer yet.
#[derive(Debug, Default)]
pub struct Session {
    topics: Mutex<Topics>,
    pending: Mutex<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    last_number: u64,
    calls: Vec<(u64, Value, AbortHandle)>,
}

/// The entry of a call without an answer. Dropping it removes the call from the session.
struct PendingEntry<'a> {
    session: &'a Session,
    number: u64,
}

impl Topics {
    pub(super) fn add(&mut self, topic: Topic) {
        match topic {
            Topic::Phone => self.phone = true,
            Topic::Journal => self.journal = true,
            Topic::JournalHead => self.journal_head = true,
        }
    }
}

impl Session {
    /// The topics to which it is subscribed.
    pub fn topics(&self) -> Topics {
        *self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Subscribes to these topics in addition to the earlier ones.
    pub(super) fn subscribe(&self, topics: Topics) {
        let mut current = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        current.phone |= topics.phone;
        current.journal |= topics.journal;
        current.journal_head |= topics.journal_head;
    }

    /// Unsubscribes from all topics.
    pub(super) fn unsubscribe(&self) {
        *self.topics.lock().unwrap_or_else(PoisonError::into_inner) = Topics::default();
    }

    /// Runs a call until [`cancel`](Self::cancel) names it; then the call is dropped, and the result is `None`.
    pub(super) async fn until_cancelled<F: Future>(&self, id: &Value, call: F) -> Option<F::Output> {
        let (handle, registration) = AbortHandle::new_pair();
        let _entry = self.register(id.clone(), handle);
        Abortable::new(call, registration).await.ok()
    }

    /// Cancels the calls with this id, and returns whether there were any.
    pub(super) fn cancel(&self, id: &Value) -> bool {
        let pending = self.pending();
        let mut matching = pending.calls.iter().filter(|(_, other, _)| other == id).peekable();
        let is_found = matching.peek().is_some();
        matching.for_each(|(_, _, handle)| handle.abort());
        is_found
    }

    fn register(&self, id: Value, handle: AbortHandle) -> PendingEntry<'_> {
        let mut pending = self.pending();
        pending.last_number += 1;
        let number = pending.last_number;
        pending.calls.push((number, id, handle));
        PendingEntry { session: self, number }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PendingEntry<'_> {
    fn drop(&mut self) {
        self.session.pending().calls.retain(|(number, ..)| *number != self.number);
    }
}
