//! `/ws`: JSON-RPC on a connection that stays open, and events unasked.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, interval_at, timeout};

use crate::journal::Entry;
use crate::protocol::{CommandError, ErrorKind, Event, Service};
use crate::rpc::{Message, Rpc, Subscriber, Topics, notification};

use super::Limits;
use super::listener::{Place, stopped};
use super::respond::refusal;

/// What every connection needs.
pub(super) struct Sockets<S> {
    pub(super) rpc: Rpc<S>,
    pub(super) limits: Limits,
    pub(super) stopping: watch::Receiver<bool>,
}

impl<S> Clone for Sockets<S> {
    fn clone(&self) -> Self {
        Self { rpc: self.rpc.clone(), limits: self.limits, stopping: self.stopping.clone() }
    }
}

pub(super) async fn upgrade<S: Service>(
    State(sockets): State<Sockets<S>>,
    Extension(place): Extension<Place>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        return refusal(
            StatusCode::UPGRADE_REQUIRED,
            "this path speaks WebSocket",
            "connect with ws://, or send JSON-RPC by POST to /rpc",
        );
    };
    upgrade.max_message_size(sockets.limits.message).max_frame_size(sockets.limits.message).on_upgrade(
        async move |socket| {
            talk(socket, sockets).await;
            drop(place);
        },
    )
}

/// What the connection wants to hear. Its calls change it while they run.
#[derive(Default)]
struct Wishes(Mutex<Topics>);

impl Wishes {
    fn now(&self) -> Topics {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscriber for Wishes {
    fn subscribe(&self, topics: Topics) {
        let mut wishes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wishes.phone |= topics.phone;
        wishes.journal |= topics.journal;
    }

    fn unsubscribe(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Topics::default();
    }
}

/// Where what happens comes from, while it is wanted.
#[derive(Default)]
struct News {
    phone: Option<broadcast::Receiver<Event>>,
    journal: Option<broadcast::Receiver<std::sync::Arc<Entry>>>,
}

type Answer<'a> = Pin<Box<dyn Future<Output = (usize, Option<String>)> + Send + 'a>>;

async fn talk<S: Service>(mut socket: WebSocket, sockets: Sockets<S>) {
    let Sockets { rpc, limits, mut stopping } = sockets;
    let wishes = Wishes::default();
    let mut news = News::default();
    // Dropped with the connection, which gives up the calls that are still pending.
    let mut pending: FuturesUnordered<Answer<'_>> = FuturesUnordered::new();
    let mut pending_calls = 0;
    let mut outgoing: VecDeque<Frame> = VecDeque::new();
    let mut ping = interval_at(Instant::now() + limits.ping, limits.ping);
    let mut silent_pings = 0;
    loop {
        while let Some(frame) = outgoing.pop_front() {
            let is_end = matches!(frame, Frame::Close(_));
            if !matches!(timeout(limits.send_time, socket.send(frame)).await, Ok(Ok(()))) || is_end {
                return;
            }
        }
        tokio::select! {
            Some((calls, answer)) = pending.next(), if !pending.is_empty() => {
                pending_calls -= calls;
                outgoing.extend(answer.map(|text| Frame::Text(text.into())));
                // Subscriptions begin behind the answer that confirms them.
                news.follow(&wishes, &rpc);
            }
            received = socket.recv() => {
                silent_pings = 0;
                match received {
                    Some(Ok(Frame::Text(text))) => {
                        let message = Message::read(text.as_bytes());
                        let calls = message.calls();
                        if pending_calls + calls > limits.pending {
                            outgoing.extend(message.refused(&too_many(limits.pending)).map(|text| Frame::Text(text.into())));
                            continue;
                        }
                        pending_calls += calls;
                        let (rpc, wishes) = (&rpc, &wishes);
                        pending.push(Box::pin(async move { (calls, rpc.answer(message, Some(wishes)).await) }));
                    }
                    Some(Ok(Frame::Binary(_))) => {
                        outgoing.push_back(end(close_code::UNSUPPORTED, "send JSON-RPC as text, not as binary frames"));
                    }
                    Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => {}
                    Some(Ok(Frame::Close(_))) | None => return,
                    Some(Err(error)) => {
                        outgoing.extend(farewell(error, limits.message));
                        if outgoing.is_empty() {
                            return;
                        }
                    }
                }
            }
            Some(text) = news.next() => outgoing.push_back(Frame::Text(text.into())),
            _ = ping.tick() => {
                if silent_pings >= 2 {
                    return;
                }
                silent_pings += 1;
                outgoing.push_back(Frame::Ping(Vec::new().into()));
            }
            () = stopped(&mut stopping) => {
                // What is pending may still be answered; what waits for a person is not.
                let rest = async { while let Some((_, answer)) = pending.next().await { outgoing.extend(answer.map(|text| Frame::Text(text.into()))); } };
                let _ = timeout(limits.drain / 4, rest).await;
                outgoing.push_back(end(close_code::AWAY, "the server stops"));
            }
        }
    }
}

impl News {
    /// Listens to what is wanted now.
    fn follow<S: Service>(&mut self, wishes: &Wishes, rpc: &Rpc<S>) {
        let Topics { phone, journal } = wishes.now();
        match (phone, &self.phone) {
            (true, None) => self.phone = Some(rpc.service().events()),
            (false, Some(_)) => self.phone = None,
            _ => {}
        }
        match (journal, &self.journal) {
            (true, None) => self.journal = Some(rpc.journal().subscribe()),
            (false, Some(_)) => self.journal = None,
            _ => {}
        }
    }

    /// The next thing to tell; never, if nothing is wanted.
    async fn next(&mut self) -> Option<String> {
        tokio::select! {
            event = heard(&mut self.phone) => told("event", event),
            entry = heard(&mut self.journal) => told("journal", entry.as_deref().map_err(|missed| *missed)),
        }
    }
}

async fn heard<T: Clone>(source: &mut Option<broadcast::Receiver<T>>) -> Result<T, u64> {
    loop {
        let Some(receiver) = source else { return std::future::pending().await };
        match receiver.recv().await {
            Ok(news) => return Ok(news),
            Err(broadcast::error::RecvError::Lagged(missed)) => return Err(missed),
            Err(broadcast::error::RecvError::Closed) => *source = None,
        }
    }
}

fn told(method: &str, news: Result<impl serde::Serialize, u64>) -> Option<String> {
    match news {
        Ok(news) => notification(method, &news),
        Err(missed) => notification("events.lagged", &serde_json::json!({"topic": method, "missed": missed})),
    }
}

fn too_many(limit: usize) -> CommandError {
    CommandError::new(
        ErrorKind::LimitReached,
        format!("{limit} calls of this connection have no answer yet, and no more are taken"),
        "wait for some answers, or open another connection",
    )
}

/// What is said to a client that broke the rules of WebSocket; nothing to one that has gone.
fn farewell(error: axum::Error, limit: usize) -> Option<Frame> {
    use tokio_tungstenite::tungstenite::Error;
    let error = error.into_inner();
    match error.downcast_ref::<Error>() {
        Some(Error::Capacity(_)) => Some(end(close_code::SIZE, &format!("a message may have {limit} bytes"))),
        Some(Error::Utf8(_)) => Some(end(close_code::INVALID, "a text frame is not UTF-8")),
        Some(Error::Protocol(_)) => {
            Some(end(close_code::PROTOCOL, "that is not WebSocket as RFC 6455 has it"))
        }
        _ => None,
    }
}

fn end(code: u16, reason: &str) -> Frame {
    Frame::Close(Some(CloseFrame { code, reason: reason.into() }))
}
