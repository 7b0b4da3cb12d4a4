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
            match read_available(stream, buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read.map(drop)),
            }
        }
    }
}

/// Reads what is there. If that does not fill the buffer, there is no more, so the stream is marked as not ready. Otherwise it
/// would stay ready until the next read, and [`ClientWatch`] would take the request that was just read for one that nobody has
/// read yet.
///
/// As in tokio's own `poll_read`, only with epoll and kqueue: they report new data again.
fn read_available(stream: &TcpStream, buffer: &mut ReadBuf<'_>) -> io::Result<usize> {
    if !cfg!(any(target_os = "linux", target_os = "macos")) {
        return stream.try_read_buf(buffer);
    }
    let room = buffer.remaining();
    let mut read = Err(io::ErrorKind::WouldBlock.into());
    // Around the read, so that data that arrives meanwhile is not overlooked.
    let _ = stream.try_io(Interest::READABLE, || {
        read = stream.try_read_buf(buffer);
        match read {
            Ok(length) if 0 < length && length < room => Err(io::ErrorKind::WouldBlock.into()),
            _ => Ok(()),
        }
    });
    read
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (TcpStream, ClientStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (client, ClientStream::new(listener.accept().await.unwrap().0))
    }

    fn is_readable(stream: &ClientStream) -> bool {
        let stream: &TcpStream = (*stream.reader).as_ref();
        stream.try_io(Interest::READABLE, || Ok(())).is_ok()
    }

    #[tokio::test]
    async fn a_request_that_was_read_is_not_taken_for_one_that_nobody_has_read() {
        let (mut client, mut stream) = pair().await;
        let mut buffer = [0; 16];
        for request in ["first", "next", "fills the buffer"] {
            client.write_all(request.as_bytes()).await.unwrap();
            let length = stream.read(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..length], request.as_bytes());
            if length < buffer.len() && cfg!(any(target_os = "linux", target_os = "macos")) {
                assert!(!is_readable(&stream), "{request}");
            }
        }
    }

    #[tokio::test]
    async fn every_byte_is_read_however_it_is_split() {
        let (mut client, mut stream) = pair().await;
        let sent: Vec<u8> = (0..100_000_u32).map(|number| number.to_le_bytes()[0]).collect();
        let expected = sent.clone();
        let sending = tokio::spawn(async move {
            for part in sent.chunks(777) {
                client.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        let mut received = Vec::new();
        stream.read_to_end(&mut received).await.unwrap();
        sending.await.unwrap();
        assert_eq!(received, expected);
    }

    #[tokio::test]
    async fn a_client_that_is_reset_after_its_request_is_gone() {
        let (mut client, mut stream) = pair().await;
        client.write_all(b"request").await.unwrap();
        assert_eq!(stream.read(&mut [0; 64]).await.unwrap(), 7);
        let watch = stream.watch();
        client.set_zero_linger().unwrap();
        drop(client);
        tokio::time::timeout(Duration::from_mins(1), watch.gone(Duration::from_hours(1))).await.unwrap();
    }
}
