//! A client's TCP stream, which says when the client sends nothing more, also while nothing is read from it.
//!
//! A client may shut down its sending side after its request, and still wait for the answer. TCP shows no difference
//! between such a client and one that is gone, so the answer must come within
//! [`half_closed_timeout`](super::limits::Limits::half_closed_timeout).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::sleep;

/// Pause between two checks while there is something to read that nobody reads yet, such as the next request.
const CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// The stream.
pub(super) struct ClientStream {
    reader: Arc<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

/// Watches the sending side of a client.
#[derive(Clone)]
pub(super) struct ClientWatch(Arc<OwnedReadHalf>);

impl ClientStream {
    pub(super) fn new(stream: TcpStream) -> Self {
        let (reader, writer) = stream.into_split();
        Self { reader: Arc::new(reader), writer }
    }

    pub(super) fn watch(&self) -> ClientWatch {
        ClientWatch(Arc::clone(&self.reader))
    }
}

impl ClientWatch {
    /// Waits until the connection is reset, or until this time has passed since the client shut down its sending side.
    pub(super) async fn gone(&self, half_closed_timeout: Duration) {
        loop {
            match self.0.ready(Interest::READABLE).await {
                Ok(ready) if ready.is_read_closed() => break,
                Ok(_) => sleep(CHECK_INTERVAL).await,
                // The runtime is shutting down.
                Err(_) => return,
            }
        }
        // A connection that was reset is closed in both directions.
        let ready = self.0.ready(Interest::READABLE | Interest::WRITABLE).await;
        if !ready.is_ok_and(Ready::is_write_closed) {
            sleep(half_closed_timeout).await;
        }
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream: &TcpStream = (*self.reader).as_ref();
        loop {
            ready!(stream.poll_read_ready(context))?;
            match stream.try_read_buf(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read.map(drop)),
            }
        }
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.writer.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_shutdown(context)
    }
}
