//! Calls that open a dialog. Most agents use one tool after the other: they must be told that a dialog is open, and touch the
//! sensor then, before they get the result.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};
use soter_bridge::Connection;
use soter_bridge::protocol::{Call, CommandError, ErrorKind, Event, Service, device};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::failure::refusal;
use crate::front;

/// Maximum number of calls that are not over.
pub(super) const MAX_OPEN_CALLS: usize = 32;
/// Number of calls that are over and whose results are kept.
pub(super) const MAX_KEPT_RESULTS: usize = 64;

/// The calls of a session.
#[derive(Debug)]
pub(super) struct Calls {
    state: Mutex<State>,
    /// Whether the client is gone.
    client_left: watch::Receiver<bool>,
}

#[derive(Debug, Default)]
struct State {
    last_number: u64,
    calls: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    method: &'static str,
    progress: watch::Receiver<Progress>,
    /// Ends with the call. If it is aborted, the call is cancelled at the server.
    task: JoinHandle<()>,
}

/// How far a call is.
#[derive(Clone, Debug)]
pub(super) enum Progress {
    /// No dialog is open: not yet, or not any more.
    Runs,
    /// Its dialog is open on this device, and waits for a touch.
    Waits { device: String, dialog: device::Dialog },
    /// It is over.
    Ended(Result<Value, CommandError>),
}

/// A call that began, and that ends if this is dropped.
pub(super) struct Begun {
    calls: Arc<Calls>,
    number: u64,
    is_kept: bool,
}

impl Begun {
    /// The number of the call.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Lets the call go on.
    pub(super) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if !self.is_kept
            && let Some(entry) = self.calls.state().calls.remove(&self.number)
        {
            entry.task.abort();
        }
    }
}

impl Calls {
    pub(super) fn new(client_left: watch::Receiver<bool>) -> Self {
        Self { state: Mutex::default(), client_left }
    }

    /// Begins a call.
    ///
    /// # Errors
    /// `LimitReached` if too many calls are open.
    pub(super) fn begin(
        self: &Arc<Self>,
        connection: Connection,
        method: &'static str,
        params: Map<String, Value>,
    ) -> Result<Begun, CommandError> {
        let mut state = self.state();
        let is_over = |entry: &Entry| entry.task.is_finished();
        if state.calls.values().filter(|entry| !is_over(entry)).count() >= MAX_OPEN_CALLS {
            return Err(refusal(
                ErrorKind::LimitReached,
                format!("{MAX_OPEN_CALLS} calls are open, and no more are taken"),
                "touch the sensor with `sensor_touch`, or give calls up with `call_cancel`",
            ));
        }
        let over: Vec<u64> =
            state.calls.iter().filter(|(_, entry)| is_over(entry)).map(|(number, _)| *number).collect();
        for number in over.iter().take(over.len().saturating_sub(MAX_KEPT_RESULTS - 1)) {
            state.calls.remove(number);
        }
        state.last_number += 1;
        let number = state.last_number;
        let (sender, progress) = watch::channel(Progress::Runs);
        let task = tokio::spawn(follow(connection, method, params, sender, self.client_left.clone()));
        state.calls.insert(number, Entry { method, progress, task });
        Ok(Begun { calls: Arc::clone(self), number, is_kept: false })
    }

    /// Waits until the call is over or, unless only its end is wanted, its dialog is open. Returns how far it is, also if the time
    /// is over before that. Cancel safe.
    ///
    /// # Errors
    /// `InvalidParams` if no call has this number.
    pub(super) async fn wait(
        &self,
        number: u64,
        only_end: bool,
        time: Option<Duration>,
    ) -> Result<(&'static str, Progress), CommandError> {
        let (method, mut progress) = {
            let state = self.state();
            let entry = state.calls.get(&number).ok_or_else(|| no_call(number))?;
            (entry.method, entry.progress.clone())
        };
        let is_reached = |progress: &Progress| match progress {
            Progress::Ended(_) => true,
            Progress::Waits { .. } => !only_end,
            Progress::Runs => false,
        };
        let mut follower = progress.clone();
        let reached = follower.wait_for(is_reached);
        let reached = match time {
            Some(time) => timeout(time, reached).await.unwrap_or_else(|_| Ok(progress.borrow_and_update())),
            None => reached.await,
        };
        // If the sender is gone before the end, the call was cancelled.
        let reached = reached.map_or_else(|_| Progress::Ended(Err(cancelled())), |progress| progress.clone());
        Ok((method, reached))
    }

    /// Cancels a call. Returns whether it was not over.
    ///
    /// # Errors
    /// `InvalidParams` if no call has this number.
    pub(super) async fn cancel(&self, number: u64) -> Result<bool, CommandError> {
        let entry = {
            let mut state = self.state();
            if state.calls.get(&number).ok_or_else(|| no_call(number))?.task.is_finished() {
                return Ok(false);
            }
            state.calls.remove(&number)
        };
        let Some(Entry { task, .. }) = entry else { return Ok(false) };
        task.abort();
        // Then its cancellation goes to the server before the next call does. An error means that it was aborted, as is wanted.
        Ok(task.await.is_err())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        self.state().calls.values().for_each(|entry| entry.task.abort());
    }
}

/// Carries a call out, and tells how far it is. It is cancelled if the client leaves while its dialog is open.
async fn follow(
    connection: Connection,
    method: &'static str,
    params: Map<String, Value>,
    progress: watch::Sender<Progress>,
    mut client_left: watch::Receiver<bool>,
) {
    // A call that does not fit the method shows no dialog.
    let parsed = Call::parse(method, Value::Object(params.clone())).ok();
    let mut events = connection.events();
    let answer = connection.raw(method, Value::Object(params));
    tokio::pin!(answer);
    let mut open = None;
    let ended = loop {
        tokio::select! {
            answer = &mut answer => break answer,
            event = front::next_event(&mut events) => match event {
                Event::PromptClosed { dialog, .. } if open == Some(dialog) => {
                    open = None;
                    progress.send_replace(Progress::Runs);
                }
                event => {
                    if let Some((device, dialog)) = parsed.as_ref().and_then(|call| front::opened_dialog(call, &event)) {
                        open = Some(dialog.number);
                        progress.send_replace(Progress::Waits { device, dialog });
                    }
                }
            },
            // An error would mean that the client's streams are gone, too.
            _ = client_left.wait_for(|left| *left), if open.is_some() => break Err(cancelled()),
        }
    };
    progress.send_replace(Progress::Ended(ended));
}

/// A call that is not over, for agents.
pub(super) fn description(number: u64, method: &str, progress: &Progress) -> Value {
    let result = json!({"call": number});
    match progress {
        Progress::Waits { device, dialog } => json!({
            "call": number,
            "method": method,
            "waitsFor": format!("a touch of the sensor of `{device}`"),
            "device": device,
            "dialog": dialog,
            "next": format!(
                "`sensor_touch` with {} (`wrong` is an unknown finger) or `sensor_cancel`, then `call_result` with {result}",
                json!({"device": device, "touch": 1})
            ),
        }),
        Progress::Runs | Progress::Ended(_) => json!({
            "call": number,
            "method": method,
            "waitsFor": "the phone or WeChat's servers: no dialog of this call is open",
            "next": format!("`call_result` with {result}; `device_show` shows the phone, and `servers_show` what is switched on"),
        }),
    }
}

/// The schema of [`description`].
pub(super) fn description_schema() -> Value {
    json!({
        "type": "object",
        "description": "The call is not over.",
        "required": ["call", "method", "waitsFor", "next"],
        "properties": {
            "call": {"type": "integer", "description": "Its number, for `call_result` and `call_cancel`."},
            "method": {"type": "string"},
            "waitsFor": {"type": "string", "description": "What it waits for."},
            "device": {"type": "string", "description": "The phone on which its dialog is open."},
            "dialog": {"type": "object", "description": "What the dialog shows."},
            "next": {"type": "string", "description": "Which tools to use next."},
        },
    })
}

fn no_call(number: u64) -> CommandError {
    refusal(
        ErrorKind::InvalidParams,
        format!("there is no call {number}"),
        format!(
            "give the number in the answer of `wx_startSoterAuthentication` or `wx_requestPayment`; the results of the newest {MAX_KEPT_RESULTS} calls are kept, and those that were cancelled have none"
        ),
    )
}

fn cancelled() -> CommandError {
    refusal(ErrorKind::NoDialog, "the call was cancelled, and its dialog is closed", "call the tool again")
}
