//! What a connection that stays open keeps between its calls.

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

/// What a connection hears of beside answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Topics {
    /// What happens on the phones.
    pub phone: bool,
    /// Calls, as the journal writes them down.
    pub journal: bool,
    /// That the journal has grown, and up to which number; for those who read it over HTTP when they want to.
    pub journal_head: bool,
}

/// A connection's wishes, and its calls that have no answer yet.
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

/// A call's place among those without an answer.
struct Place<'a> {
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
    /// What it wants to hear.
    pub fn topics(&self) -> Topics {
        *self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears of these topics from now on, beside those it heard of before.
    pub(super) fn subscribe(&self, topics: Topics) {
        let mut heard = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        heard.phone |= topics.phone;
        heard.journal |= topics.journal;
        heard.journal_head |= topics.journal_head;
    }

    /// Hears of nothing any more.
    pub(super) fn unsubscribe(&self) {
        *self.topics.lock().unwrap_or_else(PoisonError::into_inner) = Topics::default();
    }

    /// Carries out a call until [`cancel`](Self::cancel) names it: then the call is dropped, and there is `None`.
    pub(super) async fn until_cancelled<F: Future>(&self, id: &Value, call: F) -> Option<F::Output> {
        let (handle, registration) = AbortHandle::new_pair();
        let _place = self.place(id.clone(), handle);
        Abortable::new(call, registration).await.ok()
    }

    /// Cancels the calls with this id. Whether there were any.
    pub(super) fn cancel(&self, id: &Value) -> bool {
        let pending = self.pending();
        let mut named = pending.calls.iter().filter(|(_, other, _)| other == id).peekable();
        let are_there = named.peek().is_some();
        named.for_each(|(_, _, handle)| handle.abort());
        are_there
    }

    fn place(&self, id: Value, handle: AbortHandle) -> Place<'_> {
        let mut pending = self.pending();
        pending.last_number += 1;
        let number = pending.last_number;
        pending.calls.push((number, id, handle));
        Place { session: self, number }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.session.pending().calls.retain(|(number, ..)| *number != self.number);
    }
}
