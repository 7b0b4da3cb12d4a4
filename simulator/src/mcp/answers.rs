//! Messages for standard output, which a client may read slowly, or not at all.

use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::debug;

/// Bytes that wait to be written, from which on nothing more is read from the client.
const MAX_UNREAD_BYTES: usize = 1 << 20;
/// Time in which a client reads nothing; after it, the client is gone. A client that is stopped in a debugger comes back.
const READ_TIMEOUT: Duration = Duration::from_mins(1);
/// Time for what is left to be written at the end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Writes messages in the order in which they are pushed.
#[derive(Debug)]
pub(super) struct Answers {
    /// `None` once it is closed.
    queue: Option<mpsc::UnboundedSender<Vec<u8>>>,
    unread: watch::Sender<Unread>,
    writer: JoinHandle<()>,
}

/// What is not written yet.
#[derive(Clone, Copy, Debug, Default)]
struct Unread {
    bytes: usize,
    /// Whether nothing can be written any more.
    is_closed: bool,
}

impl Answers {
    pub(super) fn new(output: impl AsyncWrite + Send + Unpin + 'static) -> Self {
        let (queue, queued) = mpsc::unbounded_channel();
        let unread = watch::Sender::default();
        let writer = tokio::spawn(write(output, queued, unread.clone()));
        Self { queue: Some(queue), unread, writer }
    }

    /// Queues a message, without its line end. [`has_room`](Self::has_room) bounds how many there are.
    pub(super) fn push(&self, mut message: Vec<u8>) {
        message.push(b'\n');
        let bytes = message.len();
        self.unread.send_modify(|unread| unread.bytes += bytes);
        if let Some(queue) = &self.queue {
            // An error means that nothing can be written any more; `closed` tells.
            let _ = queue.send(message);
        }
    }

    /// Waits until there is room for more messages. Returns `false` if nothing can be written any more. Cancel safe.
    pub(super) async fn has_room(&self) -> bool {
        let has_room = |unread: &Unread| unread.is_closed || unread.bytes < MAX_UNREAD_BYTES;
        self.unread.subscribe().wait_for(has_room).await.is_ok_and(|unread| !unread.is_closed)
    }

    /// Waits until nothing can be written any more. Cancel safe.
    pub(super) async fn closed(&self) {
        // An error would mean that the sender, which is `self`, is gone.
        let _ = self.unread.subscribe().wait_for(|unread| unread.is_closed).await;
    }

    /// Waits for a limited time until everything is written, and accepts no more.
    pub(super) async fn close(&mut self) {
        self.queue = None;
        if timeout(CLOSE_TIMEOUT, &mut self.writer).await.is_err() {
            debug!("the client did not read the last answers");
        }
    }
}

async fn write(
    mut output: impl AsyncWrite + Unpin,
    mut queued: mpsc::UnboundedReceiver<Vec<u8>>,
    unread: watch::Sender<Unread>,
) {
    while let Some(message) = queued.recv().await {
        let written = async {
            output.write_all(&message).await?;
            output.flush().await
        };
        match timeout(READ_TIMEOUT, written).await {
            Ok(Ok(())) => unread.send_modify(|unread| unread.bytes -= message.len()),
            Ok(Err(error)) => {
                debug!(%error, "standard output cannot be written");
                break;
            }
            Err(_) => {
                debug!("the client reads nothing");
                break;
            }
        }
    }
    unread.send_modify(|unread| unread.is_closed = true);
}
