//! A connection to a running server, which is a [`Service`] like the phones themselves.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::protocol::{Call, CommandError, ErrorKind, Event, Response, Service};

/// Calls that wait to be sent.
const OUTGOING: usize = 64;
/// Events that a subscriber may lag behind before it loses the oldest.
const BACKLOG: usize = 4096;

type Answer = Result<Value, CommandError>;

/// A server, reached through its WebSocket. Clones share the connection; it closes with the last one.
#[derive(Clone)]
pub struct Connection {
    url: Arc<str>,
    outgoing: mpsc::Sender<String>,
    waiting: Arc<Mutex<Waiting>>,
    events: broadcast::Sender<Event>,
    /// Whether the server was asked for events.
    subscribed: Arc<AtomicBool>,
    last_id: Arc<AtomicU64>,
}

/// Calls without an answer. `None` once the connection is lost.
type Waiting = Option<HashMap<u64, oneshot::Sender<Answer>>>;

impl Connection {
    /// Connects to the address of a server's ready line, `http://127.0.0.1:8777`; `?token=…` behind it is shown to the
    /// server.
    ///
    /// # Errors
    /// The user's: no such address. The environment's: nobody listens there, or it is no such server.
    pub async fn open(url: &str) -> Result<Self, CommandError> {
        let (address, shown) = address(url)?;
        let request = address.into_client_request().map_err(|_| no_url(url))?;
        let (socket, _) = connect_async(request).await.map_err(|error| unreachable(&shown, &error))?;
        let (outgoing, queued) = mpsc::channel(OUTGOING);
        let waiting = Arc::new(Mutex::new(Some(HashMap::new())));
        let (events, _) = broadcast::channel(BACKLOG);
        let connection = Self {
            url: shown.into(),
            outgoing,
            waiting: Arc::clone(&waiting),
            events: events.clone(),
            subscribed: Arc::default(),
            last_id: Arc::default(),
        };
        let lost = lost(&connection.url);
        tokio::spawn(async move {
            talk(socket, queued, &waiting, &events).await;
            // Whoever still waits hears that there will be no answer.
            if let Some(waiting) = locked(&waiting).take() {
                for (_, caller) in waiting {
                    let _ = caller.send(Err(lost.clone()));
                }
            }
        });
        Ok(connection)
    }

    /// Calls any method, and gives its result as it came.
    ///
    /// # Errors
    /// The server's answer if it is an error, or the environment's if the connection is lost.
    pub async fn raw(&self, method: &str, params: Value) -> Answer {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let (caller, answer) = oneshot::channel();
        match &mut *locked(&self.waiting) {
            Some(waiting) => waiting.insert(id, caller),
            None => return Err(lost(&self.url)),
        };
        let call = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string();
        if self.outgoing.send(call).await.is_err() {
            return Err(lost(&self.url));
        }
        answer.await.unwrap_or_else(|_| Err(lost(&self.url)))
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

    fn events(&self) -> broadcast::Receiver<Event> {
        let events = self.events.subscribe();
        if !self.subscribed.swap(true, Ordering::Relaxed) {
            // Nobody waits for the answer, so nobody is registered for it. Calls that follow are behind it.
            let subscribe = json!({"jsonrpc": "2.0", "id": 0, "method": "events.subscribe"}).to_string();
            if self.outgoing.try_send(subscribe).is_err() {
                self.subscribed.store(false, Ordering::Relaxed);
            }
        }
        events
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connection").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Sends what is queued and hands out what comes, until either end is gone.
async fn talk(
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    mut queued: mpsc::Receiver<String>,
    waiting: &Mutex<Waiting>,
    events: &broadcast::Sender<Event>,
) {
    let (mut sink, mut stream) = socket.split();
    loop {
        tokio::select! {
            call = queued.recv() => {
                let Some(call) = call else {
                    // Nobody calls any more. A server that has gone needs no good-bye.
                    let _ = sink.close().await;
                    return;
                };
                if sink.send(Message::text(call)).await.is_err() {
                    return;
                }
            }
            message = stream.next() => match message {
                Some(Ok(Message::Text(text))) => hear(&text, waiting, events),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
}

fn hear(text: &str, waiting: &Mutex<Waiting>, events: &broadcast::Sender<Event>) {
    let Ok(Value::Object(mut message)) = serde_json::from_str(text) else { return };
    if message.get("method").and_then(Value::as_str) == Some("event") {
        let event = message.remove("params").and_then(|event| serde_json::from_value(event).ok());
        if let Some(event) = event {
            // Nobody listening is no error.
            let _ = events.send(event);
        }
        return;
    }
    let Some(id) = message.get("id").and_then(Value::as_u64) else { return };
    let caller = locked(waiting).as_mut().and_then(|waiting| waiting.remove(&id));
    let answer = match (message.remove("result"), message.remove("error")) {
        (Some(result), _) => Ok(result),
        (None, Some(error)) => Err(error_of(&error)),
        (None, None) => Err(CommandError::internal("the server's answer is none")),
    };
    if let Some(caller) = caller {
        // Whoever gave up waiting needs no answer.
        let _ = caller.send(answer);
    }
}

fn error_of(error: &Value) -> CommandError {
    let data = &error["data"];
    let kind = serde_json::from_value(data["kind"].clone()).unwrap_or(ErrorKind::InvalidParams);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    CommandError::new(kind, text(&error["message"]), text(&data["next"]))
}

/// The WebSocket's address, and the server's as it may be shown: without a token.
fn address(url: &str) -> Result<(String, String), CommandError> {
    let rest =
        ["http://", "ws://"].iter().find_map(|scheme| url.strip_prefix(scheme)).ok_or_else(|| no_url(url))?;
    let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = authority.trim_end_matches("/ws").trim_end_matches('/');
    if authority.is_empty() || authority.contains(['/', '#', '@', ' ']) {
        return Err(no_url(url));
    }
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    Ok((format!("ws://{authority}/ws{query}"), format!("http://{authority}")))
}

fn no_url(url: &str) -> CommandError {
    let shown: String = url.chars().take(80).take_while(|character| *character != '?').collect();
    CommandError::invalid_params(
        format!("`{shown}` is not the address of a soter-sim server"),
        "give it as the server's ready line has it, for example http://127.0.0.1:8777",
    )
}

fn unreachable(url: &str, error: &Error) -> CommandError {
    let (what, next) = match error {
        Error::Io(error) => (error.to_string(), "start it with `soter-sim serve`, or check the address"),
        Error::Http(response) if response.status() == 401 => {
            ("it wants its token".to_owned(), "put ?token=TOKEN behind the address")
        }
        Error::Http(response) => (
            format!("it answers {}", response.status()),
            "check that this is the address of a soter-sim server",
        ),
        error => (error.to_string(), "check that this is the address of a soter-sim server"),
    };
    CommandError::environment(format!("the server {url} cannot be reached: {what}"), next)
}

fn lost(url: &str) -> CommandError {
    CommandError::environment(
        format!("the connection to {url} is lost"),
        "see whether the server still runs (`soter-sim serve`), then repeat the command",
    )
}

fn locked(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_the_forms_that_servers_print() {
        for (url, address_of) in [
            ("http://127.0.0.1:8777", "ws://127.0.0.1:8777/ws"),
            ("http://localhost:8777/", "ws://localhost:8777/ws"),
            ("ws://[::1]:1/ws", "ws://[::1]:1/ws"),
            ("http://127.0.0.1:8777?token=t", "ws://127.0.0.1:8777/ws?token=t"),
        ] {
            assert_eq!(address(url).unwrap().0, address_of);
        }
        for bad in ["", "127.0.0.1:8777", "https://a", "http://", "http://a/b", "http://user@a"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_is_not_shown() {
        assert_eq!(address("http://a:1?token=secret").unwrap().1, "http://a:1");
        assert!(!no_url("nonsense?token=secret").what.contains("secret"));
    }
}
