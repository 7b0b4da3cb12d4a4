//! A connection to a running server, which is a [`Service`] like the phones themselves.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use soter_text::{Language, Text, text};
use soter_wechat::Secret;
use tokio::net::TcpStream;
use tokio::sync::{Notify, broadcast, mpsc, oneshot};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tracing::debug;

use crate::address::{Address, bearer, invalid_url, no_answer, unauthorized};
use crate::outbox::{Exchange, Outbox};
use crate::protocol::{Call, CommandError, ErrorKind, Event, Response, Service};
use crate::rpc::ConnectionMethod;

/// Maximum number of calls that wait to be sent.
const MAX_QUEUED_CALLS: usize = 64;
/// Events that a subscriber may lag behind before it loses the oldest.
const EVENT_CHANNEL_CAPACITY: usize = 4096;
/// Timeout for connecting to a server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout for closing the connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// The id of the subscription. Nobody waits for its answer; calls are numbered from 1.
const SUBSCRIPTION_ID: u64 = 0;

type Answer = Result<Value, CommandError>;

/// A connection to a server's WebSocket. Clones share it; it closes when the last one is dropped.
///
/// Dropping the future of a call that has no answer yet also cancels the call at the server.
#[derive(Clone)]
pub struct Connection {
    outgoing: mpsc::Sender<Outgoing>,
    shared: Arc<Shared>,
}

/// What callers share with the task that owns the socket.
struct Shared {
    /// The address of the server, without a token.
    url: String,
    last_id: AtomicU64,
    state: Mutex<State>,
    /// Notifies the task that `state` has something to send.
    state_changed: Notify,
    events: broadcast::Sender<Event>,
}

#[derive(Default)]
struct State {
    /// Callers that wait for an answer, by the id of the call.
    waiting: HashMap<u64, Caller>,
    /// Ids of sent calls whose callers no longer wait. The server may still carry them out, and is asked to cancel.
    abandoned: Vec<u64>,
    wants_events: bool,
    is_lost: bool,
}

struct Caller {
    answer: oneshot::Sender<Answer>,
    /// Whether the server may have received the call.
    is_sent: bool,
}

/// A call that is to be sent.
struct Outgoing {
    id: u64,
    text: String,
}

/// A waiting caller. If it is dropped before its answer arrives, it gives the call up.
struct CallGuard<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Connection {
    /// Connects to the address in a server's ready line, such as `http://127.0.0.1:8777`. The token in a `?token=…`
    /// after it is sent to the server. The server's texts come in the language of this process.
    ///
    /// # Errors
    /// `InvalidParams` if `url` is not such an address. `Environment` if nothing listens there, nothing answers
    /// within 10 seconds, the token is missing or wrong, or it is not a soter-sim server.
    pub async fn open(url: &str) -> Result<Self, CommandError> {
        Self::open_with_token(url, None).await
    }

    /// As [`open`](Self::open), with the token apart from the address.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub async fn open_with_token(url: &str, token: Option<Secret>) -> Result<Self, CommandError> {
        Self::open_in_language(url, token, Language::of_process()).await
    }

    /// As [`open_with_token`](Self::open_with_token), in a language other than that of this process: the server writes its
    /// answers, errors and events in it.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub async fn open_in_language(
        url: &str,
        token: Option<Secret>,
        language: Language,
    ) -> Result<Self, CommandError> {
        Self::open_within(CONNECT_TIMEOUT, url, token, language).await
    }

    async fn open_within(
        limit: Duration,
        url: &str,
        token: Option<Secret>,
        language: Language,
    ) -> Result<Self, CommandError> {
        let Address { authority, display_url, token: token_in_url } = Address::parse(url)?;
        let token = token.or(token_in_url);
        let mut request = format!("ws://{authority}/ws?lang={}", language.tag())
            .into_client_request()
            .map_err(|_| invalid_url(url))?;
        let has_token = token.is_some();
        if let Some(token) = token {
            let bearer = bearer(&token).ok_or_else(|| invalid_url(url))?;
            request.headers_mut().insert(header::AUTHORIZATION, bearer);
        }
        let Ok(connected) = timeout(limit, connect_async(request)).await else {
            return Err(no_answer(&display_url, limit));
        };
        let (socket, _) = connected.map_err(|error| connect_error(&display_url, &error, has_token))?;
        let (outgoing, queued) = mpsc::channel(MAX_QUEUED_CALLS);
        let shared = Arc::new(Shared {
            url: display_url,
            last_id: AtomicU64::new(SUBSCRIPTION_ID),
            state: Mutex::default(),
            state_changed: Notify::new(),
            events: broadcast::channel(EVENT_CHANNEL_CAPACITY).0,
        });
        let connection = Self { outgoing, shared: Arc::clone(&shared) };
        tokio::spawn(async move {
            run_socket(socket, queued, &shared).await;
            shared.fail_waiting_callers();
        });
        Ok(connection)
    }

    /// Whether the connection is lost, so that every call fails.
    pub fn is_lost(&self) -> bool {
        self.shared.state().is_lost
    }

    /// Calls any method, and returns its result as JSON.
    ///
    /// # Errors
    /// The server's error (`InvalidParams` if it names no kind), `Internal` if the server's answer has neither result
    /// nor error, `Environment` if the connection is lost.
    pub async fn raw(&self, method: &str, params: Value) -> Answer {
        let shared = &*self.shared;
        let id = shared.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, answer) = oneshot::channel();
        {
            let mut state = shared.state();
            if state.is_lost {
                return Err(connection_lost(&shared.url));
            }
            state.waiting.insert(id, Caller { answer: sender, is_sent: false });
        }
        let _guard = CallGuard { shared, id };
        let text = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string();
        if self.outgoing.send(Outgoing { id, text }).await.is_err() {
            return Err(connection_lost(&shared.url));
        }
        answer.await.unwrap_or_else(|_| Err(connection_lost(&shared.url)))
    }
}

impl Drop for CallGuard<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if state.waiting.remove(&self.id).is_some_and(|caller| caller.is_sent) {
            state.abandoned.push(self.id);
            self.shared.state_changed.notify_one();
        }
    }
}

impl Service for Connection {
    async fn call(&self, call: Call) -> Result<Response, CommandError> {
        let Call { device, request } = call;
        let mut params = request.params()?;
        if let Some(device) = device {
            params.insert("device".to_owned(), Value::String(device));
        }
        let answer = self.raw(request.method(), Value::Object(params)).await?;
        request.read_response(answer)
    }

    /// The first subscriber also makes the connection subscribe at the server. Later commands are sent after that.
    fn events(&self) -> broadcast::Receiver<Event> {
        let events = self.shared.events.subscribe();
        self.shared.state().wants_events = true;
        self.shared.state_changed.notify_one();
        events
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connection").field("url", &self.shared.url).finish_non_exhaustive()
    }
}

/// Sends queued calls and dispatches received messages until either side is gone.
async fn run_socket(
    mut socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    mut queued: mpsc::Receiver<Outgoing>,
    shared: &Shared,
) {
    // Reading never stops: a server that cannot send stops reading as well.
    let mut outbox: Outbox<_> = Outbox::new(usize::MAX, usize::MAX);
    let mut is_subscribed = false;
    loop {
        tokio::select! {
            call = queued.recv(), if outbox.is_idle() => {
                let Some(Outgoing { id, text }) = call else {
                    // All callers are gone. A server that is gone as well does not need the close frame.
                    let _ = timeout(CLOSE_TIMEOUT, socket.close(None)).await;
                    return;
                };
                shared.queue_control_messages(&mut outbox, &mut is_subscribed);
                // A call that was given up in the queue is not sent.
                if let Some(caller) = shared.state().waiting.get_mut(&id) {
                    caller.is_sent = true;
                    let bytes = text.len();
                    outbox.push(Message::text(text), bytes);
                }
            }
            exchange = outbox.exchange(&mut socket) => match exchange {
                Exchange::Received(Some(Ok(Message::Text(text)))) => shared.dispatch(&text),
                Exchange::Received(Some(Err(error))) => {
                    return debug!(%error, "the connection to the server failed");
                }
                Exchange::Gone | Exchange::Received(None | Some(Ok(Message::Close(_)))) => {
                    return debug!("the server closed the connection");
                }
                Exchange::Written | Exchange::Received(Some(Ok(_))) => {}
            },
            () = shared.state_changed.notified() => shared.queue_control_messages(&mut outbox, &mut is_subscribed),
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues what no caller waits for: the subscription and cancellations.
    fn queue_control_messages(&self, outbox: &mut Outbox<Message>, is_subscribed: &mut bool) {
        let mut state = self.state();
        if state.wants_events && !*is_subscribed {
            *is_subscribed = true;
            let method = ConnectionMethod::Subscribe.name();
            let subscribe = json!({"jsonrpc": "2.0", "id": SUBSCRIPTION_ID, "method": method});
            outbox.push(Message::text(subscribe.to_string()), 0);
        }
        for id in state.abandoned.drain(..) {
            let method = ConnectionMethod::Cancel.name();
            let cancel = json!({"jsonrpc": "2.0", "method": method, "params": {"id": id}});
            outbox.push(Message::text(cancel.to_string()), 0);
        }
    }

    fn dispatch(&self, text: &str) {
        let Ok(Value::Object(mut message)) = serde_json::from_str(text) else {
            return debug!(bytes = text.len(), "the server sent a message that is not a JSON object");
        };
        if message.get("method").and_then(Value::as_str) == Some("event") {
            if let Ok(event) = serde_json::from_value(message.remove("params").unwrap_or_default()) {
                // It is not an error if there is no subscriber.
                let _ = self.events.send(event);
            } else {
                // A newer server may have events that this client does not know.
                debug!("the server sent an unknown event");
            }
            return;
        }
        let Some(id) = message.get("id").and_then(Value::as_u64) else { return };
        let Some(caller) = self.state().waiting.remove(&id) else { return };
        let answer = match (message.remove("result"), message.remove("error")) {
            (Some(result), _) => Ok(result),
            (None, Some(error)) => Err(command_error(&error)),
            (None, None) => {
                Err(CommandError::internal(text!("the server's answer has neither a result nor an error")))
            }
        };
        // A caller that gave up needs no answer.
        let _ = caller.answer.send(answer);
    }

    /// Fails all waiting callers by dropping their senders.
    fn fail_waiting_callers(&self) {
        let mut state = self.state();
        state.is_lost = true;
        state.waiting.clear();
        state.abandoned.clear();
    }
}

/// The server's error, in both languages.
fn command_error(error: &Value) -> CommandError {
    let data = &error["data"];
    let kind = serde_json::from_value(data["kind"].clone()).unwrap_or(ErrorKind::InvalidParams);
    let text = |value: &Value, name: &str| {
        let text = value.as_str().unwrap_or_default().to_owned();
        match (data["english"][name].as_str(), data["chinese"][name].as_str()) {
            (Some(english), _) => Text::given(english.to_owned(), text),
            (None, Some(chinese)) => Text::given(text, chinese.to_owned()),
            (None, None) => Text::verbatim(text),
        }
    };
    CommandError::new(kind, text(&error["message"], "message"), text(&data["next"], "next"))
}

fn connect_error(url: &str, error: &Error, has_token: bool) -> CommandError {
    let (what, next) = match error {
        Error::Io(error) => (
            Text::verbatim(error.to_string()),
            text!("start it with `soter-sim serve`, or check the address"),
        ),
        Error::Http(response) if response.status() == 401 => return unauthorized(url, has_token),
        Error::Http(response) => (
            text!("it answers {status}", status = response.status().to_string()),
            text!("check that this is the address of a soter-sim server"),
        ),
        error => {
            (Text::verbatim(error.to_string()), text!("check that this is the address of a soter-sim server"))
        }
    };
    CommandError::environment(
        text!("the server {url} cannot be reached: {what}", url = url, what = what),
        next,
    )
}

fn connection_lost(url: &str) -> CommandError {
    CommandError::environment(
        text!("the connection to {url} is lost", url = url),
        text!("see whether the server still runs (`soter-sim serve`), then repeat the command"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connecting_to_a_listener_that_never_answers_times_out() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let error =
            Connection::open_within(Duration::from_secs(1), &url, None, Language::English).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Environment);
        assert!(error.what.english().contains(&url) && error.what.english().contains("1 s"), "{error:?}");
    }
}
