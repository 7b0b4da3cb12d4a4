//! The journal: every call from outside with its answer and, for a signature, the verdict and its reason.
//!
//! WeChat's answers never say why; the journal does. It holds the newest calls in memory, within bounds, and nothing
//! secret: members that carry credentials are masked before anything is kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::{Serialize, Serializer};
use tokio::sync::{broadcast, watch};

use crate::verdict::Verdict;

mod excerpt;

pub use excerpt::{Excerpt, mask};

/// Calls that are kept; older ones are dropped.
pub const MAX_ENTRIES: usize = 10_000;
/// Total bytes of requests and answers, as JSON, that are kept; older calls are dropped.
pub const MAX_BYTES: usize = 64 << 20;
/// Total bytes of the calls in one page.
pub const MAX_PAGE_BYTES: usize = 2 << 20;
/// Bytes that each call counts in addition to its texts.
const ENTRY_OVERHEAD_BYTES: usize = 256;
/// Entries that a subscriber may lag behind before it loses the oldest.
const SUBSCRIBER_CAPACITY: usize = 1024;

/// How a call was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// JSON-RPC: a front end or a mini program.
    Rpc,
    /// HTTP under WeChat's paths: a backend.
    WeChat,
}

impl Origin {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rpc => "rpc",
            Self::WeChat => "weChat",
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A call that was received and is not answered yet. Its duration is measured from here on.
#[derive(Debug)]
pub struct PendingCall {
    origin: Origin,
    started: Instant,
}

/// A call with its answer, before it has a number.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEntry {
    at: u64,
    origin: Origin,
    call: String,
    request: Excerpt,
    answer: Excerpt,
    verdict: Option<Verdict>,
    microseconds: u64,
}

impl PendingCall {
    /// A call that is received now.
    pub fn begin(origin: Origin) -> Self {
        Self { origin, started: Instant::now() }
    }

    /// The time since the call was received, in milliseconds.
    pub(crate) fn milliseconds(&self) -> u64 {
        self.microseconds() / 1000
    }

    /// The time since the call was received.
    pub fn microseconds(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// The call once it is answered, at a moment in milliseconds since 1970. `call` is the method, such as `wx.login`, or
    /// the HTTP method and path, such as `POST /cgi-bin/soter/verify_signature`. The verdict gives the reason if the answer
    /// does not: for a signature, and for a refused request.
    pub fn into_entry(
        self,
        at: u64,
        call: impl Into<String>,
        request: impl Into<Excerpt>,
        answer: impl Into<Excerpt>,
        verdict: Option<Verdict>,
    ) -> NewEntry {
        NewEntry {
            at,
            microseconds: self.microseconds(),
            origin: self.origin,
            call: call.into(),
            request: request.into(),
            answer: answer.into(),
            verdict,
        }
    }
}

/// A call in the journal.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its number. Numbers start at 1, and a process never uses one twice.
    pub number: u64,
    /// When it was answered, in milliseconds since 1970.
    pub at: u64,
    /// How it was received.
    #[serde(rename = "door")]
    pub origin: Origin,
    /// The method, or the HTTP method and path.
    pub call: String,
    /// Its parameters, without secrets.
    pub request: Excerpt,
    /// Its answer, without secrets.
    pub answer: Excerpt,
    /// The reason for the answer.
    #[serde(rename = "judgement", skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The time until the answer, in microseconds.
    pub microseconds: u64,
}

/// The newest calls.
#[derive(Debug)]
pub struct Journal {
    state: Mutex<JournalState>,
    subscribers: broadcast::Sender<Arc<Entry>>,
    head: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct JournalState {
    last_number: u64,
    /// Each with its size in bytes.
    entries: VecDeque<(Arc<Entry>, usize)>,
    bytes: usize,
}

impl Default for Journal {
    fn default() -> Self {
        Self::new()
    }
}

impl Journal {
    /// An empty journal.
    pub fn new() -> Self {
        let (subscribers, _) = broadcast::channel(SUBSCRIBER_CAPACITY);
        Self { state: Mutex::default(), subscribers, head: watch::Sender::default() }
    }

    /// Records a call, and sends it to the subscribers.
    pub fn record(&self, entry: NewEntry) -> Arc<Entry> {
        let NewEntry { at, origin, call, request, answer, verdict, microseconds } = entry;
        let bytes = ENTRY_OVERHEAD_BYTES + call.len() + request.bytes() + answer.bytes();
        let mut state = self.state();
        let mut oldest = None;
        state.last_number += 1;
        let number = state.last_number;
        let entry = Arc::new(Entry { number, at, origin, call, request, answer, verdict, microseconds });
        state.bytes += bytes;
        state.entries.push_back((Arc::clone(&entry), bytes));
        while state.entries.len() > MAX_ENTRIES || state.bytes > MAX_BYTES {
            oldest = state.entries.pop_front();
            let Some((_, bytes)) = &oldest else { break };
            state.bytes -= bytes;
        }
        // Sent under the lock, so that subscribers receive calls in the order of their numbers. Without subscribers
        // the send fails, which is not an error.
        let _ = self.subscribers.send(Arc::clone(&entry));
        self.head.send_replace(number);
        // Usually one call makes room. It is dropped without the lock.
        drop(state);
        drop(oldest);
        entry
    }

    /// At most `limit` calls after the one with this number, the oldest first; 0 is before all. Large calls reduce the
    /// number. The result is empty only if no later call is kept.
    pub fn after(&self, number: u64, limit: usize) -> Vec<Arc<Entry>> {
        let state = self.state();
        let start = state.entries.partition_point(|(entry, _)| entry.number <= number);
        page(state.entries.range(start..).take(limit))
    }

    /// At most `limit` calls directly before the one with this number, the oldest first. Large calls reduce the number,
    /// as in [`after`](Self::after).
    pub fn before(&self, number: u64, limit: usize) -> Vec<Arc<Entry>> {
        let state = self.state();
        let end = state.entries.partition_point(|(entry, _)| entry.number < number);
        let mut entries = page(state.entries.range(..end).rev().take(limit));
        entries.reverse();
        entries
    }

    /// Removes every call. The numbers continue.
    pub fn clear(&self) {
        let mut state = self.state();
        state.entries.clear();
        state.bytes = 0;
    }

    /// Follows the number of the newest call. A slow receiver sees only the latest number.
    pub fn head(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// Subscribes to calls from now on. A subscriber that does not read loses the oldest.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Entry>> {
        self.subscribers.subscribe()
    }

    fn state(&self) -> MutexGuard<'_, JournalState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As many calls as fit into one page, and at least one.
fn page<'a>(calls: impl Iterator<Item = &'a (Arc<Entry>, usize)>) -> Vec<Arc<Entry>> {
    let mut taken = 0;
    let fits = |(_, bytes): &&(Arc<Entry>, usize)| {
        let is_first = taken == 0;
        taken += bytes;
        is_first || taken <= MAX_PAGE_BYTES
    };
    calls.take_while(fits).map(|(entry, _)| Arc::clone(entry)).collect()
}

#[cfg(test)]
mod tests;
