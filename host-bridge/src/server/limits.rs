//! Limits of what a client can make grow.

use std::time::Duration;

use soter_wechat::MAX_BODY;

/// Limits of a server. Each has its own answer.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections; one more gets 503 and is closed.
    pub connections: usize,
    /// Bytes of a request's body; a longer one gets 413 (on WeChat's paths: errcode 45002).
    pub body: usize,
    /// Bytes of a WebSocket message; a longer one ends the connection with 1009.
    pub message: usize,
    /// Calls of one WebSocket connection that have no answer yet; one more gets the error -32002.
    pub pending: usize,
    /// Time for the head of a request; a slower client is disconnected.
    pub head_time: Duration,
    /// Time for the body of a request; a slower client gets 408.
    pub body_time: Duration,
    /// Time in which a client accepts no byte of what is sent; after it, the client is disconnected.
    pub send_time: Duration,
    /// Time between pings of a WebSocket connection; a client that is silent for two of them is disconnected.
    pub ping: Duration,
    /// Time for pending requests to finish when the server stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            body: MAX_BODY,
            message: 1 << 20,
            pending: 64,
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(10),
            send_time: Duration::from_secs(10),
            ping: Duration::from_secs(30),
            drain: Duration::from_secs(2),
        }
    }
}
