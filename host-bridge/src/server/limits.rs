//! Limits of what a client can make grow.

use std::time::Duration;

use soter_wechat::MAX_BODY_BYTES;

/// Limits of a server. Each has its own answer.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections; one more gets 503 and is closed.
    pub max_connections: usize,
    /// Bytes of a request's body; a longer one gets 413 (on WeChat's paths: errcode 45002).
    pub max_body_bytes: usize,
    /// Bytes of large bodies and answers, those above 16 KiB, over all connections. What does not fit waits for
    /// [`body_timeout`](Self::body_timeout), and then gets 503. A WebSocket whose answer does not fit is closed with 1013.
    pub max_large_bytes: usize,
    /// Bytes of a WebSocket message; a longer one ends the connection with 1009.
    pub max_message_bytes: usize,
    /// Calls of one WebSocket connection that have no answer yet; one more gets the error -32002.
    pub max_pending_calls: usize,
    /// Time for the head of a request; a slower client is disconnected.
    pub head_timeout: Duration,
    /// Time for the body of a request; a slower client gets 408.
    pub body_timeout: Duration,
    /// Time in which a client accepts no byte of what is sent; after it, the client is disconnected.
    pub send_timeout: Duration,
    /// Time for the answer to a client that has shut down its sending side, or is gone; then its call is cancelled.
    pub half_closed_timeout: Duration,
    /// Time between pings of a WebSocket connection; a client that is silent for two of them is disconnected.
    pub ping_interval: Duration,
    /// Time for pending requests to finish when the server stops.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 512,
            max_body_bytes: MAX_BODY_BYTES,
            // A parsed body takes up to 16 times as much memory.
            max_large_bytes: 8 << 20,
            max_message_bytes: 256 << 10,
            max_pending_calls: 64,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            send_timeout: Duration::from_secs(10),
            half_closed_timeout: Duration::from_secs(5),
            ping_interval: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(2),
        }
    }
}
