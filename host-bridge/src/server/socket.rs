//! `/ws`: JSON-RPC on a connection that stays open, and notifications of events.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Extension, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use soter_text::{Language, text};
use soter_wechat::journal::Entry;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, interval_at, timeout};
use tracing::{Instrument, Span, debug, trace};

use super::language::requested_language;
use super::limits::Limits;
use super::listener::{ConnectionPermit, stopped};
use super::memory::{MemoryBudget, Reservation, SMALL_BYTES};
use super::respond::refusal;
use crate::outbox::{Exchange, Outbox};
use crate::protocol::{CommandError, ErrorKind, Event, Service};
use crate::rpc::{Message, Rpc, Session, Topics, notification};

/// What every connection needs.
pub(super) struct Sockets<S> {
    pub(super) rpc: Rpc<S>,
    pub(super) limits: Limits,
    pub(super) budget: MemoryBudget,
    pub(super) stopping: watch::Receiver<bool>,
}

impl<S> Clone for Sockets<S> {
    fn clone(&self) -> Self {
        Self {
            rpc: self.rpc.clone(),
            limits: self.limits,
            budget: self.budget.clone(),
            stopping: self.stopping.clone(),
        }
    }
}

pub(super) async fn upgrade<S: Service>(
    State(sockets): State<Sockets<S>>,
    Extension(permit): Extension<ConnectionPermit>,
    RawQuery(query): RawQuery,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        return refusal(
            StatusCode::UPGRADE_REQUIRED,
            text!("this path speaks WebSocket"),
            text!("connect with ws://, or send JSON-RPC by POST to /rpc"),
        );
    };
    let language = match requested_language(query.as_deref()) {
        Ok(language) => language,
        Err(refused) => return *refused,
    };
    let sockets = Sockets { rpc: sockets.rpc.in_language(language), ..sockets };
    // The WebSocket gets a task of its own, which continues the spans of this request.
    let span = Span::current();
    upgrade
        .max_message_size(sockets.limits.max_message_bytes)
        .max_frame_size(sockets.limits.max_message_bytes)
        .on_upgrade(async move |socket| {
            run_socket(socket, sockets).instrument(span).await;
            drop(permit);
        })
}

/// The sources of notifications, while the client is subscribed to them.
#[derive(Default)]
struct Subscriptions {
    phone: Option<broadcast::Receiver<Event>>,
    journal: Option<broadcast::Receiver<Arc<Entry>>>,
    head: Option<Head>,
}

/// The journal's newest number, sent seldom enough for a page that is redrawn each time.
struct Head {
    number: watch::Receiver<u64>,
    interval: Interval,
}

/// Pause between two notifications of the journal's newest number.
const HEAD_INTERVAL: Duration = Duration::from_millis(200);

/// The queue of a connection. A large message holds a part of the memory budget.
type SocketOutbox = Outbox<Frame, Reservation>;

/// A pending message of this many calls, and its answer.
type Answer<'a> = Pin<Box<dyn Future<Output = (usize, Result<Option<Outgoing>, End>)> + Send + 'a>>;

/// A text to be sent, which holds a part of the memory budget if it is large.
struct Outgoing {
    text: String,
    held: Option<Reservation>,
}

async fn run_socket<S: Service>(mut socket: WebSocket, sockets: Sockets<S>) {
    let limits = sockets.limits;
    // If a client sends and does not read, nothing more is read from it and no events are sent until it reads.
    let mut outbox = SocketOutbox::new(limits.max_pending_calls, limits.max_message_bytes);
    // Pending calls are given up before the close frame is sent: they may hold what others wait for.
    let end = run_session(&mut socket, &mut outbox, sockets).await;
    match &end {
        End::Gone => debug!("the client is gone"),
        End::ByClient => debug!("closed by the client"),
        End::ByServer(_) => debug!("closed by the server"),
    }
    let closing = async {
        match end {
            End::Gone => return Ok(()),
            End::ByClient => {}
            End::ByServer(close_frame) => {
                outbox.push(close_frame, 0);
                outbox.write(&mut socket).await?;
            }
        }
        // Reading sends the answer to the client's close frame; closing with unread data could discard ours.
        while let Some(Ok(_)) = socket.recv().await {}
        Ok::<_, axum::Error>(())
    };
    match timeout(limits.drain_timeout / 4, closing).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "the close frame was not sent"),
        Err(_) => debug!("the client did not answer the close frame"),
    }
}

/// How a connection ended.
enum End {
    /// The client is gone without a close frame, or accepts no more data.
    Gone,
    /// The client sent a close frame, and waits for the answer.
    ByClient,
    /// The server ends the connection with this frame.
    ByServer(Frame),
}

/// Answers calls and sends notifications until one side ends the connection.
async fn run_session<S: Service>(
    socket: &mut WebSocket,
    outbox: &mut SocketOutbox,
    sockets: Sockets<S>,
) -> End {
    let Sockets { rpc, limits, budget, mut stopping } = sockets;
    let session = Session::default();
    let mut subscriptions = Subscriptions::default();
    // Dropped at the end, which gives up the calls that are still pending.
    let mut pending: FuturesUnordered<Answer<'_>> = FuturesUnordered::new();
    let mut pending_calls = 0;
    let mut ping = interval_at(Instant::now() + limits.ping_interval, limits.ping_interval);
    let mut unanswered_pings = 0;
    loop {
        // Almost always the socket accepts everything at once.
        if !outbox.is_idle() && outbox.write(socket).now_or_never().is_some_and(|written| written.is_err()) {
            return End::Gone;
        }
        tokio::select! {
            () = stopped(&mut stopping) => {
                // Pending calls may still be answered; those that wait for a person are not.
                let rest = async {
                    while let Some((_, answer)) = pending.next().await {
                        if let Ok(answer) = answer {
                            queue_answer(&mut subscriptions, outbox, &budget, rpc.language(), answer)?;
                        }
                    }
                    Ok::<_, End>(())
                };
                match timeout(limits.drain_timeout / 4, rest).await {
                    Ok(Ok(())) => {}
                    Ok(Err(end)) => return end,
                    Err(_) => debug!(calls = pending_calls, "calls are given up, because they have no answer yet"),
                }
                return End::ByServer(close_frame(close_code::AWAY, "the server stops"));
            }
            Some((calls, answer)) = pending.next(), if !pending.is_empty() => {
                pending_calls -= calls;
                let queued = answer
                    .and_then(|answer| queue_answer(&mut subscriptions, outbox, &budget, rpc.language(), answer));
                if let Err(end) = queued {
                    return end;
                }
                // Subscriptions begin after the answer that confirms them.
                subscriptions.update(session.topics(), &rpc);
            }
            exchange = outbox.exchange(socket), if pending.len() <= limits.max_pending_calls => match exchange {
                Exchange::Gone | Exchange::Received(None) => return End::Gone,
                Exchange::Received(Some(Ok(Frame::Close(_)))) => return End::ByClient,
                // A client that makes room in a full socket is alive, even if it could not be read from for a while.
                Exchange::Written | Exchange::Received(Some(Ok(Frame::Pong(_)))) => unanswered_pings = 0,
                Exchange::Received(Some(Ok(Frame::Ping(_)))) => {
                    unanswered_pings = 0;
                    outbox.count_pong();
                }
                Exchange::Received(Some(Ok(Frame::Text(text)))) => {
                    unanswered_pings = 0;
                    trace!(bytes = text.len(), "received");
                    let message = Message::parse(text.as_bytes());
                    let calls = message.waiting_calls();
                    if pending_calls + calls > limits.max_pending_calls {
                        let rejection = {
                            let error = too_many_calls(limits.max_pending_calls);
                            message.rejection(&error, rpc.asked_language())
                        };
                        if let Some(text) = rejection {
                            queue(outbox, Outgoing { text, held: None });
                        }
                        continue;
                    }
                    pending_calls += calls;
                    let (rpc, session, budget) = (&rpc, &session, &budget);
                    pending.push(Box::pin(async move {
                        let answer = match rpc.answer(message, Some(session)).await {
                            Some(text) => reserve(text, budget, limits).await.map(Some),
                            None => Ok(None),
                        };
                        (calls, answer)
                    }));
                }
                Exchange::Received(Some(Ok(Frame::Binary(_)))) => {
                    let reason = "send JSON-RPC as text, not as binary frames";
                    return End::ByServer(close_frame(close_code::UNSUPPORTED, reason));
                }
                Exchange::Received(Some(Err(error))) => return end_after_error(error, limits.max_message_bytes),
            },
            Some(text) = subscriptions.next(rpc.language()), if !outbox.is_full() => {
                if let Err(end) = queue_notification(outbox, &budget, text) {
                    return end;
                }
            }
            _ = ping.tick() => {
                if unanswered_pings >= 2 {
                    debug!("no answer to {unanswered_pings} pings");
                    return End::Gone;
                }
                unanswered_pings += 1;
                outbox.push(Frame::Ping(Vec::new().into()), 0);
            }
        }
    }
}

fn queue(outbox: &mut SocketOutbox, Outgoing { text, held }: Outgoing) {
    let bytes = text.len();
    trace!(bytes, "sent");
    outbox.push_holding(Frame::Text(text.into()), bytes, held);
}

/// Queues the events so far, as long as there is room, and then the answer: a client may close the connection when it
/// has the answer.
fn queue_answer(
    subscriptions: &mut Subscriptions,
    outbox: &mut SocketOutbox,
    budget: &MemoryBudget,
    language: Language,
    answer: Option<Outgoing>,
) -> Result<(), End> {
    for _ in 0..subscriptions.unsent_events() {
        if outbox.is_full() {
            break;
        }
        if let Some(Some(text)) = subscriptions.next(language).now_or_never() {
            queue_notification(outbox, budget, text)?;
        }
    }
    if let Some(answer) = answer {
        queue(outbox, answer);
    }
    Ok(())
}

fn queue_notification(outbox: &mut SocketOutbox, budget: &MemoryBudget, text: String) -> Result<(), End> {
    let is_large = text.len() > SMALL_BYTES;
    let held = is_large.then(|| budget.try_reserve(text.len()).ok_or_else(no_room)).transpose()?;
    queue(outbox, Outgoing { text, held });
    Ok(())
}

/// Waits until there is room for an answer, if it is large.
async fn reserve(text: String, budget: &MemoryBudget, limits: Limits) -> Result<Outgoing, End> {
    let held = if text.len() > SMALL_BYTES {
        let reserved = budget.reserve(text.len(), limits.send_timeout).await;
        Some(reserved.map_err(|_| no_room())?)
    } else {
        None
    };
    Ok(Outgoing { text, held })
}

fn no_room() -> End {
    End::ByServer(close_frame(close_code::AGAIN, "all connections together have too many unread answers"))
}

impl Subscriptions {
    /// Subscribes to the sources of these topics, and unsubscribes from others.
    fn update<S: Service>(&mut self, topics: Topics, rpc: &Rpc<S>) {
        let Topics { phone, journal, journal_head } = topics;
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
        match (journal_head, &self.head) {
            (true, None) => self.head = Some(Head::new(rpc.journal().head())),
            (false, Some(_)) => self.head = None,
            _ => {}
        }
    }

    /// The number of events that have happened and are not queued yet.
    fn unsent_events(&self) -> usize {
        self.phone.as_ref().map_or(0, broadcast::Receiver::len)
            + self.journal.as_ref().map_or(0, broadcast::Receiver::len)
    }

    /// The next notification; pending for ever if the client is subscribed to nothing.
    async fn next(&mut self, language: Language) -> Option<String> {
        tokio::select! {
            event = next_event(&mut self.phone) => event_notification("event", event, language),
            entry = next_event(&mut self.journal) => {
                event_notification("journal", entry.as_deref().map_err(|missed| *missed), language)
            }
            number = next_head(&mut self.head) => {
                event_notification("journal.head", Ok(serde_json::json!({"last": number})), language)
            }
        }
    }
}

impl Head {
    /// Reports the current number, and then the number whenever it has changed.
    fn new(mut number: watch::Receiver<u64>) -> Self {
        number.mark_changed();
        let mut interval = interval(HEAD_INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { number, interval }
    }
}

/// The journal's newest number, once it differs from the one that was sent.
async fn next_head(head: &mut Option<Head>) -> u64 {
    let Some(Head { number, interval }) = head else { return std::future::pending().await };
    // Waiting twice for the same tick loses nothing when this future is dropped in between.
    if number.changed().await.is_err() {
        return std::future::pending().await;
    }
    number.mark_changed();
    interval.tick().await;
    *number.borrow_and_update()
}

async fn next_event<T: Clone>(source: &mut Option<broadcast::Receiver<T>>) -> Result<T, u64> {
    loop {
        let Some(receiver) = source else { return std::future::pending().await };
        match receiver.recv().await {
            Ok(event) => return Ok(event),
            Err(broadcast::error::RecvError::Lagged(missed)) => return Err(missed),
            Err(broadcast::error::RecvError::Closed) => *source = None,
        }
    }
}

fn event_notification(
    method: &str,
    event: Result<impl serde::Serialize, u64>,
    language: Language,
) -> Option<String> {
    match event {
        Ok(event) => language.while_serializing(|| notification(method, &event)),
        Err(missed) => notification("events.lagged", &serde_json::json!({"topic": method, "missed": missed})),
    }
}

fn too_many_calls(limit: usize) -> CommandError {
    CommandError::new(
        ErrorKind::LimitReached,
        text!("{limit} calls of this connection have no answer yet, and no more are taken", limit = limit),
        text!("wait for some answers, or open another connection"),
    )
}

/// The end for a client that violated the WebSocket protocol, or that is gone.
fn end_after_error(error: axum::Error, limit: usize) -> End {
    use tokio_tungstenite::tungstenite::Error;
    use tokio_tungstenite::tungstenite::error::ProtocolError;
    debug!(%error, "the WebSocket failed");
    let error = error.into_inner();
    match error.downcast_ref::<Error>() {
        Some(Error::Capacity(_)) => {
            End::ByServer(close_frame(close_code::SIZE, &format!("a message may have {limit} bytes")))
        }
        Some(Error::Utf8(_)) => End::ByServer(close_frame(close_code::INVALID, "a text frame is not UTF-8")),
        Some(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => End::Gone,
        Some(Error::Protocol(_)) => {
            End::ByServer(close_frame(close_code::PROTOCOL, "that is not WebSocket as RFC 6455 has it"))
        }
        _ => End::Gone,
    }
}

fn close_frame(code: u16, reason: &str) -> Frame {
    Frame::Close(Some(CloseFrame { code, reason: reason.into() }))
}
