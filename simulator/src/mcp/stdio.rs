//! The transport: one message a line on standard input and output. Anything else is answered here.
//!
//! ```text
//!   line ── too long, not a message, too many requests, before `initialize` ──> error
//!    │
//!    └── message ──> rmcp ──> Agent ──> answer ──> Answers, which are written when the client reads
//! ```
//!
//! The library's own transport keeps every answer that is not read and every request that is not answered, and ends if a
//! notification comes before `initialize`.

use std::collections::HashSet;
use std::convert::Infallible;
use std::future::ready;

use rmcp::RoleServer;
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, ErrorCode, ErrorData, GetMeta, JsonRpcError,
    JsonRpcMessage, RequestId, ServerJsonRpcMessage, ServerResult,
};
use rmcp::transport::Transport;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tracing::debug;

use super::answers::Answers;
use super::failure::failure;
use super::lines::{Lines, MAX_LINE_BYTES, NextLine};
use super::message::{parse, refusal};

/// Maximum number of requests that have no answer yet.
pub(super) const MAX_OPEN_REQUESTS: usize = 64;

/// The code of an error for a request that is one too many.
const LIMIT_REACHED: ErrorCode = ErrorCode(-32010);

/// Standard input and output.
pub(super) struct Stdio<R> {
    lines: Lines<R>,
    answers: Answers,
    open: OpenRequests,
    /// Whether the client has begun a session. Before that, only requests are accepted.
    has_begun: bool,
    /// Becomes true when the client is gone.
    client_left: watch::Sender<bool>,
}

/// The ids of requests that have no answer yet.
#[derive(Debug, Default)]
struct OpenRequests(HashSet<RequestId>);

impl<R: AsyncRead + Send + Unpin> Stdio<R> {
    /// A transport over these streams.
    pub(super) fn new(
        input: R,
        output: impl AsyncWrite + Send + Unpin + 'static,
        client_left: watch::Sender<bool>,
    ) -> Self {
        Self {
            lines: Lines::new(input),
            answers: Answers::new(output),
            open: OpenRequests::default(),
            has_begun: false,
            client_left,
        }
    }

    /// The message on a line, if it is for the server. Everything else is answered, or ignored.
    fn read(&mut self, line: &[u8]) -> Option<ClientJsonRpcMessage> {
        match parse(line).and_then(|message| self.admit(message)) {
            Ok(message) => message,
            Err(refused) => {
                debug!(code = refused.error.code.0, "refused a line of the client");
                self.answer(&JsonRpcMessage::Error(*refused));
                None
            }
        }
    }

    /// Accepts a message or ignores it (`None`).
    fn admit(
        &mut self,
        message: ClientJsonRpcMessage,
    ) -> Result<Option<ClientJsonRpcMessage>, Box<JsonRpcError>> {
        match &message {
            JsonRpcMessage::Request(request) => {
                let id = &request.id;
                let refused = |error| Box::new(refusal(Some(id.clone()), error));
                if let ClientRequest::CustomRequest(custom) = &request.request
                    && custom.method == "initialize"
                {
                    return Err(refused(failure(
                        ErrorCode::INVALID_PARAMS,
                        "the parameters of `initialize` do not fit",
                        "send an object with `protocolVersion`, `capabilities` and `clientInfo`; see the schema of MCP",
                    )));
                }
                if !self.has_begun && !begins(&request.request) {
                    return Err(refused(failure(
                        ErrorCode::INVALID_REQUEST,
                        "this request came before `initialize`",
                        "send `initialize`, and `notifications/initialized` after its answer",
                    )));
                }
                self.open.insert(id).map_err(refused)?;
            }
            JsonRpcMessage::Notification(notification) => {
                if !self.has_begun {
                    return Ok(None);
                }
                // A request that is cancelled gets no answer.
                if let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.open.remove(id);
                }
            }
            // The server asks the client for nothing.
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => return Ok(None),
        }
        Ok(Some(message))
    }

    fn answer(&self, message: &ServerJsonRpcMessage) {
        match serde_json::to_vec(message) {
            Ok(text) => self.answers.push(text),
            // INVARIANT: messages are made of JSON values and texts.
            Err(error) => debug!(%error, "an answer does not serialise"),
        }
    }

    /// The end: the client is gone.
    fn end(&self) {
        self.client_left.send_replace(true);
    }
}

/// Whether a request may come before a session has begun: `initialize` and what needs no session, or a request of the protocol
/// without sessions, which says its version.
fn begins(request: &ClientRequest) -> bool {
    matches!(
        request,
        ClientRequest::InitializeRequest(_)
            | ClientRequest::PingRequest(_)
            | ClientRequest::DiscoverRequest(_)
    ) || request.get_meta().protocol_version().is_some()
}

impl OpenRequests {
    fn insert(&mut self, id: &RequestId) -> Result<(), ErrorData> {
        if self.0.len() >= MAX_OPEN_REQUESTS {
            return Err(failure(
                LIMIT_REACHED,
                &format!("{MAX_OPEN_REQUESTS} requests have no answer yet, and no more are taken"),
                "wait for some answers, or send notifications/cancelled",
            ));
        }
        if !self.0.insert(id.clone()) {
            return Err(failure(
                ErrorCode::INVALID_REQUEST,
                "a request with this id has no answer yet",
                "give each request an id of its own",
            ));
        }
        Ok(())
    }

    fn remove(&mut self, id: &RequestId) {
        self.0.remove(id);
    }
}

impl<R: AsyncRead + Send + Unpin> Transport<RoleServer> for Stdio<R> {
    type Error = Infallible;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Infallible>> + Send + 'static {
        match &message {
            JsonRpcMessage::Response(response) => {
                self.open.remove(&response.id);
                let needs_no_session =
                    matches!(response.result, ServerResult::EmptyResult(_) | ServerResult::DiscoverResult(_));
                self.has_begun |= !needs_no_session;
            }
            JsonRpcMessage::Error(error) => {
                if let Some(id) = &error.id {
                    self.open.remove(id);
                }
            }
            JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => {}
        }
        self.answer(&message);
        ready(Ok(()))
    }

    /// The next message; `None` if the client is gone. Cancel safe.
    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            if !self.answers.has_room().await {
                self.end();
                return None;
            }
            let line = tokio::select! {
                line = self.lines.next() => line,
                () = self.answers.closed() => Ok(NextLine::End),
            };
            match line {
                Ok(NextLine::Line(line)) if line.trim_ascii().is_empty() => {}
                Ok(NextLine::Line(line)) => {
                    if let Some(message) = self.read(&line) {
                        return Some(message);
                    }
                }
                Ok(NextLine::TooLong) => {
                    let error = failure(
                        ErrorCode::INVALID_REQUEST,
                        &format!("this line is longer than {MAX_LINE_BYTES} bytes"),
                        "send a shorter message",
                    );
                    self.answer(&ServerJsonRpcMessage::error(error, None));
                }
                Ok(NextLine::End) => {
                    self.end();
                    return None;
                }
                Err(error) => {
                    debug!(%error, "standard input cannot be read");
                    self.end();
                    return None;
                }
            }
        }
    }

    async fn close(&mut self) -> Result<(), Infallible> {
        self.answers.close().await;
        Ok(())
    }
}
