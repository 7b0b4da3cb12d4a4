//! The journal: every call from outside with its answer and, for a signature, the verdict and its reason.
//!
//! WeChat's answers never say why; the journal does. It holds the newest calls in memory, within bounds, and nothing
//! secret: members that carry credentials are masked before anything is kept.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::{broadcast, watch};

use crate::verdict::Verdict;

/// Calls that are kept; older ones are dropped.
pub const MAX_ENTRIES: usize = 10_000;
/// Total bytes of requests and answers, as JSON, that are kept; older calls are dropped.
pub const MAX_BYTES: usize = 64 << 20;
/// Total bytes of the calls in one page.
pub const MAX_PAGE_BYTES: usize = 2 << 20;
/// Characters of a text in a request or an answer. The rest is cut off and replaced by its length.
const MAX_TEXT_CHARACTERS: usize = 8 << 10;
/// Members or items of one object or array. The rest is dropped and replaced by its number.
const MAX_ITEMS: usize = 256;
/// Bytes of a member's name. The rest is cut off.
const MAX_NAME_BYTES: usize = 256;
/// Total bytes of one request or answer. The rest is dropped. Each waiting call holds at most this much.
const MAX_EXCERPT_BYTES: usize = 32 << 10;
/// Bytes that each call counts in addition to its texts.
const ENTRY_OVERHEAD_BYTES: usize = 256;
/// Bytes that each value counts in addition to its text.
const VALUE_OVERHEAD_BYTES: usize = size_of::<Value>();
/// Entries that a subscriber may lag behind before it loses the oldest.
const SUBSCRIBER_CAPACITY: usize = 1024;
/// Members that are credentials.
const SECRET_MEMBERS: &[&str] = &[
    "access_token",
    "accesstoken",
    "appsecret",
    "authorization",
    "code",
    "encrypteddata",
    "js_code",
    "privatekey",
    "secret",
    "seed",
    "session_key",
    "sessionkey",
    "token",
];

/// How a call was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Origin {
    /// JSON-RPC: a front end or a mini program.
    Rpc,
    /// HTTP under WeChat's paths: a backend.
    WeChat,
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

/// The part of a request or an answer that the journal keeps: without secrets, and bounded in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Excerpt {
    value: Value,
    bytes: usize,
}

impl From<&Value> for Excerpt {
    fn from(value: &Value) -> Self {
        Self::of(Cow::Borrowed(value))
    }
}

impl From<Value> for Excerpt {
    fn from(value: Value) -> Self {
        Self::of(Cow::Owned(value))
    }
}

impl Excerpt {
    fn of(value: Cow<'_, Value>) -> Self {
        let mut remaining_bytes = MAX_EXCERPT_BYTES;
        let value = if fits(&value, &mut remaining_bytes) {
            let mut value = value.into_owned();
            mask_secrets(&mut value);
            value
        } else {
            remaining_bytes = MAX_EXCERPT_BYTES;
            excerpt_value(value, &mut remaining_bytes)
        };
        Self { value, bytes: MAX_EXCERPT_BYTES - remaining_bytes }
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
    pub request: Value,
    /// Its answer, without secrets.
    pub answer: Value,
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
        let bytes = ENTRY_OVERHEAD_BYTES + call.len() + request.bytes + answer.bytes;
        let (request, answer) = (request.value, answer.value);
        let mut state = self.state();
        state.last_number += 1;
        let number = state.last_number;
        let entry = Arc::new(Entry { number, at, origin, call, request, answer, verdict, microseconds });
        state.bytes += bytes;
        state.entries.push_back((Arc::clone(&entry), bytes));
        while state.entries.len() > MAX_ENTRIES || state.bytes > MAX_BYTES {
            let Some((_, dropped)) = state.entries.pop_front() else { break };
            state.bytes -= dropped;
        }
        // Sent under the lock, so that subscribers receive calls in the order of their numbers. Without subscribers
        // the send fails, which is not an error.
        let _ = self.subscribers.send(Arc::clone(&entry));
        self.head.send_replace(number);
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

/// Whether the whole value can be kept, as most can. Subtracts its bytes from `remaining_bytes`.
fn fits(value: &Value, remaining_bytes: &mut usize) -> bool {
    let contents = match value {
        Value::String(text) if text.len() <= MAX_TEXT_CHARACTERS => text_bytes(text),
        Value::Array(items)
            if items.len() <= MAX_ITEMS && items.iter().all(|item| fits(item, remaining_bytes)) =>
        {
            0
        }
        Value::Object(members)
            if members.len() <= MAX_ITEMS
                && members
                    .iter()
                    .all(|(name, member)| name.len() <= MAX_NAME_BYTES && fits(member, remaining_bytes)) =>
        {
            members.keys().map(|name| VALUE_OVERHEAD_BYTES + name.len()).sum()
        }
        Value::String(_) | Value::Array(_) | Value::Object(_) => return false,
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    let left = remaining_bytes.checked_sub(VALUE_OVERHEAD_BYTES + contents);
    *remaining_bytes = left.unwrap_or_default();
    left.is_some()
}

/// Masks every credential in a value.
fn mask_secrets(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(mask_secrets),
        Value::Object(members) => {
            for (name, member) in members {
                if is_secret(name) { *member = masked(member) } else { mask_secrets(member) }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_secret(name: &str) -> bool {
    SECRET_MEMBERS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

/// The bytes of a text in JSON, where control characters take six.
fn text_bytes(text: &str) -> usize {
    text.len() + 5 * text.bytes().filter(u8::is_ascii_control).count()
}

/// The part of a value that is kept: secrets are masked, and what is too long or does not fit is left out. An owned value
/// is not copied. Of a borrowed value, only the kept part is copied.
fn excerpt_value(value: Cow<'_, Value>, remaining_bytes: &mut usize) -> Value {
    *remaining_bytes = remaining_bytes.saturating_sub(VALUE_OVERHEAD_BYTES);
    match value {
        Cow::Owned(Value::String(text)) => Value::String(excerpt_text(text.into(), remaining_bytes)),
        Cow::Borrowed(Value::String(text)) => Value::String(excerpt_text(text.into(), remaining_bytes)),
        Cow::Owned(Value::Array(items)) => {
            excerpt_items(items.len(), items.into_iter().map(Cow::Owned), remaining_bytes)
        }
        Cow::Borrowed(Value::Array(items)) => {
            excerpt_items(items.len(), items.iter().map(Cow::Borrowed), remaining_bytes)
        }
        Cow::Owned(Value::Object(members)) => {
            let owned = |(name, member)| (Cow::Owned(name), Cow::Owned(member));
            excerpt_members(members.len(), members.into_iter().map(owned), remaining_bytes)
        }
        Cow::Borrowed(Value::Object(members)) => {
            let borrowed = |(name, member)| (Cow::Borrowed(String::as_str(name)), Cow::Borrowed(member));
            excerpt_members(members.len(), members.iter().map(borrowed), remaining_bytes)
        }
        other => other.into_owned(),
    }
}

fn excerpt_text(text: Cow<'_, str>, remaining_bytes: &mut usize) -> String {
    let text = match cut_position(&text, *remaining_bytes) {
        Some(end) => {
            let more = text.len() - end;
            [text.get(..end).unwrap_or_default(), &format!("… ({more} bytes more)")].concat()
        }
        None => text.into_owned(),
    };
    *remaining_bytes = remaining_bytes.saturating_sub(text_bytes(&text));
    text
}

fn excerpt_items<'a>(
    number: usize,
    items: impl Iterator<Item = Cow<'a, Value>>,
    remaining_bytes: &mut usize,
) -> Value {
    let mut kept = Vec::new();
    for item in items.take(MAX_ITEMS) {
        if *remaining_bytes == 0 {
            break;
        }
        kept.push(excerpt_value(item, remaining_bytes));
    }
    let more = number - kept.len();
    if more > 0 {
        kept.push(Value::String(format!("… ({more} more)")));
    }
    kept.shrink_to_fit();
    Value::Array(kept)
}

fn excerpt_members<'a>(
    number: usize,
    members: impl Iterator<Item = (Cow<'a, str>, Cow<'a, Value>)>,
    remaining_bytes: &mut usize,
) -> Value {
    let mut kept = serde_json::Map::new();
    let mut more = number;
    for (name, member) in members.take(MAX_ITEMS) {
        if *remaining_bytes == 0 {
            break;
        }
        *remaining_bytes =
            remaining_bytes.saturating_sub(VALUE_OVERHEAD_BYTES + name.len().min(MAX_NAME_BYTES));
        let member = if is_secret(&name) { Cow::Owned(masked(&member)) } else { member };
        kept.insert(shorten_name(name), excerpt_value(member, remaining_bytes));
        more -= 1;
    }
    if more > 0 {
        kept.insert("…".to_owned(), Value::String(format!("{more} more")));
    }
    Value::Object(kept)
}

/// The masked form of a credential.
fn masked(secret: &Value) -> Value {
    match secret {
        Value::String(secret) => Value::String(mask(secret)),
        Value::Null => Value::Null,
        // A wrong type can contain a secret, too.
        _ => Value::String("***".to_owned()),
    }
}

/// A member's name, cut if it is too long.
fn shorten_name(name: Cow<'_, str>) -> String {
    let end = name.floor_char_boundary(MAX_NAME_BYTES);
    if end < name.len() { [name.get(..end).unwrap_or_default(), "…"].concat() } else { name.into_owned() }
}

/// The end of the kept part of a text, if the text must be cut.
fn cut_position(text: &str, remaining_bytes: usize) -> Option<usize> {
    let end = text.char_indices().nth(MAX_TEXT_CHARACTERS).map_or(text.len(), |(end, _)| end);
    let end = text.floor_char_boundary(end.min(remaining_bytes));
    (end < text.len()).then_some(end)
}

/// The last four characters of a secret, which distinguish it from others, if it is long enough to hide the rest.
pub fn mask(secret: &str) -> String {
    let length = secret.chars().count();
    let shown: String = if length >= 12 { secret.chars().skip(length - 4).collect() } else { String::new() };
    format!("***{shown}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn call(request: Value) -> NewEntry {
        let answer = json!({"access_token": "80_abcdefghijklmnop", "expires_in": 7200});
        PendingCall::begin(Origin::WeChat).into_entry(0, "GET /cgi-bin/token", request, answer, None)
    }

    /// All entries, read page by page.
    fn all(journal: &Journal) -> Vec<Arc<Entry>> {
        let next = |page: &Vec<Arc<Entry>>| {
            let page = journal.after(page.last()?.number, usize::MAX);
            (!page.is_empty()).then_some(page)
        };
        std::iter::successors(Some(journal.after(0, usize::MAX)), next).flatten().collect()
    }

    #[test]
    fn secrets_are_masked_at_any_depth() {
        let journal = Journal::new();
        let entry = journal.record(call(json!({"deep": [{"Secret": "0123456789abcdef"}], "code": "short"})));
        assert_eq!(entry.request, json!({"deep": [{"Secret": "***cdef"}], "code": "***"}));
        assert_eq!(entry.answer["access_token"], "***mnop");
        let odd = journal.record(call(json!({"seed": 20_250_718, "secret": ["s3cret"], "token": null})));
        assert_eq!(odd.request, json!({"seed": "***", "secret": "***", "token": null}));
    }

    /// JSON of any shape, with credentials among its members.
    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
            (MAX_TEXT_CHARACTERS - 2..MAX_TEXT_CHARACTERS + 2).prop_map(|length| "x".repeat(length).into()),
        ];
        let name = prop_oneof!["[a-c]{1,2}", Just("Token".to_owned()), Just("js_code".to_owned())];
        leaf.prop_recursive(4, 64, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::vec((name.clone(), inner), 0..8)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_that_fits_is_kept_as_truncation_would_keep_it(value in json()) {
            let mut remaining_bytes = MAX_EXCERPT_BYTES;
            if fits(&value, &mut remaining_bytes) {
                let cut = excerpt_value(Cow::Borrowed(&value), &mut { MAX_EXCERPT_BYTES });
                prop_assert_eq!(&Excerpt::from(&value).value, &cut);
                prop_assert_eq!(Excerpt::from(value).value, cut);
            }
        }
    }

    #[test]
    fn numbers_continue_and_the_oldest_calls_are_dropped() {
        let journal = Journal::new();
        for _ in 0..MAX_ENTRIES + 5 {
            journal.record(call(Value::Null));
        }
        let all = all(&journal);
        assert_eq!((all.len(), all[0].number), (MAX_ENTRIES, 6));
        assert_eq!(journal.after(10_004, 10).len(), 1);
        let numbers = |entries: Vec<Arc<Entry>>| entries.iter().map(|entry| entry.number).collect::<Vec<_>>();
        assert_eq!(numbers(journal.before(u64::MAX, 2)), [10_004, 10_005]);
        assert_eq!(numbers(journal.before(8, 5)), [6, 7]);
        assert_eq!(*journal.head().borrow(), 10_005);
        journal.clear();
        assert!(journal.after(0, 1).is_empty());
        assert_eq!(journal.record(call(Value::Null)).number, 10_006);
    }

    #[test]
    fn a_huge_call_takes_limited_memory() {
        let journal = Journal::new();
        let text = "字".repeat(1 << 20);
        let entry = journal.record(call(json!({"list": vec![text; 300]})));
        let size = serde_json::to_vec(&*entry).unwrap().len();
        assert!(size <= (MAX_ITEMS + 1) * (MAX_TEXT_CHARACTERS * 3 + 64), "{size}");
        for _ in 0..20 {
            journal.record(call(json!({"list": vec!["x".repeat(MAX_TEXT_CHARACTERS); MAX_ITEMS]})));
        }
        let kept: usize = all(&journal).iter().map(|entry| serde_json::to_vec(&**entry).unwrap().len()).sum();
        assert!(kept <= MAX_BYTES * 2, "{kept}");
    }

    #[test]
    fn truncation_frees_memory_however_deeply_the_value_is_nested() {
        let empty = Value::Array(Vec::new());
        let wide = |value: &Value| Value::Array(vec![value.clone(); 200]);
        let long_names: serde_json::Map<_, _> =
            (0..100).map(|number| (format!("{number}{}", "n".repeat(10_000)), Value::Null)).collect();
        for large in [
            wide(&wide(&wide(&empty))),
            wide(&wide(&json!({"": {}}))),
            Value::Object(long_names),
            json!("x".repeat(1 << 20)),
            json!("\u{0}".repeat(1 << 20)),
        ] {
            let Excerpt { value, bytes } = large.into();
            let kept = memory(&value);
            assert!(kept <= 2 * MAX_EXCERPT_BYTES && kept <= 4 * bytes, "{kept} bytes, counted as {bytes}");
            assert!(serde_json::to_vec(&value).unwrap().len() <= 2 * MAX_EXCERPT_BYTES);
        }
    }

    #[test]
    fn a_large_request_is_copied_only_up_to_what_is_kept() {
        let large =
            json!({"text": "字".repeat(1 << 20), "secret": "s".repeat(1 << 20), "list": vec![0; 10_000]});
        let Excerpt { value, bytes } = Excerpt::from(&large);
        let kept = memory(&value);
        assert!(
            memory(&large) > 4 << 20 && kept <= bytes + 4 * VALUE_OVERHEAD_BYTES,
            "{kept} bytes, counted as {bytes}"
        );
        assert_eq!(value["secret"], "***ssss");
    }

    /// The bytes that a value holds.
    fn memory(value: &Value) -> usize {
        match value {
            Value::String(text) => text.capacity(),
            Value::Array(items) => {
                items.capacity() * VALUE_OVERHEAD_BYTES + items.iter().map(memory).sum::<usize>()
            }
            Value::Object(members) => members
                .iter()
                .map(|(name, member)| name.capacity() + 2 * VALUE_OVERHEAD_BYTES + memory(member))
                .sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
    }

    #[test]
    fn a_page_has_as_many_calls_as_fit_and_at_least_one() {
        let journal = Journal::new();
        for _ in 0..200 {
            journal.record(call(json!({"text": vec!["x".repeat(MAX_TEXT_CHARACTERS); 3]})));
        }
        let page = journal.after(0, usize::MAX);
        let size: usize = page.iter().map(|entry| serde_json::to_vec(&**entry).unwrap().len()).sum();
        assert!(page.len() > 1 && size <= MAX_PAGE_BYTES, "{size}");
        assert_eq!(all(&journal).len(), 200);
        let last = journal.before(u64::MAX, usize::MAX);
        assert_eq!((last.len(), last.last().map(|entry| entry.number)), (page.len(), Some(200)));
    }

    #[tokio::test]
    async fn subscribers_receive_every_call_in_order() {
        let journal = Journal::new();
        let mut subscriber = journal.subscribe();
        journal.record(call(Value::Null));
        journal.record(call(Value::Null));
        assert_eq!(subscriber.recv().await.unwrap().number, 1);
        assert_eq!(subscriber.recv().await.unwrap().number, 2);
    }
}
