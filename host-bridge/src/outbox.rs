//! A queue of messages to a socket, which are written while other work continues.
//!
//! A peer that reads slowly must delay only its own messages: pending calls continue, and so does reading.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use futures_util::{Sink, SinkExt, Stream, StreamExt};

/// A queue in front of a socket. Messages that the socket has not accepted stay in it when a future is dropped. `H` is what
/// a message holds until it is flushed, such as a part of a budget.
#[derive(Debug)]
pub(crate) struct Outbox<M, H = ()> {
    /// Each message with its size in bytes.
    queue: VecDeque<(M, usize, Option<H>)>,
    /// What messages hold that the socket has accepted since it was last flushed.
    unflushed: Vec<H>,
    /// Bytes in the queue.
    bytes: usize,
    /// Whether the socket has accepted messages that are not flushed yet.
    needs_flush: bool,
    /// Pongs that the socket has added by itself since it was last flushed.
    unflushed_pongs: usize,
    /// With this many messages in the queue or as many pongs in the socket, nothing is read.
    max_messages: usize,
    /// With this many bytes in the queue, nothing is read.
    max_bytes: usize,
}

/// What happened first at the socket.
#[derive(Debug)]
pub(crate) enum Exchange<R> {
    /// Everything is written.
    Written,
    /// A message was received; `None` at the end of the stream.
    Received(Option<R>),
    /// The socket accepts no more messages.
    Gone,
}

impl<M, H> Outbox<M, H> {
    /// An empty outbox that stops reading when `max_messages` messages, or `max_bytes` bytes, wait to be written.
    pub(crate) fn new(max_messages: usize, max_bytes: usize) -> Self {
        Self {
            queue: VecDeque::new(),
            unflushed: Vec::new(),
            bytes: 0,
            needs_flush: false,
            unflushed_pongs: 0,
            max_messages,
            max_bytes,
        }
    }

    /// Appends a message of this size in bytes.
    pub(crate) fn push(&mut self, message: M, bytes: usize) {
        self.push_holding(message, bytes, None);
    }

    /// Appends a message that holds something until it is flushed.
    pub(crate) fn push_holding(&mut self, message: M, bytes: usize, held: Option<H>) {
        self.bytes += bytes;
        self.queue.push_back((message, bytes, held));
    }

    /// Call this when a ping is received. The socket adds the pong to a buffer of its own, which has no limit.
    pub(crate) fn count_pong(&mut self) {
        self.unflushed_pongs += 1;
        self.needs_flush = true;
    }

    /// Whether everything is written.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty() && !self.needs_flush
    }

    /// Whether so much waits that nothing more should be read.
    pub(crate) fn is_full(&self) -> bool {
        self.queue.len() >= self.max_messages
            || self.bytes >= self.max_bytes
            || self.unflushed_pongs >= self.max_messages
    }

    /// Writes everything.
    ///
    /// # Errors
    /// The socket's error. It accepts no more messages.
    pub(crate) async fn write<S: Sink<M> + Unpin>(&mut self, socket: &mut S) -> Result<(), S::Error> {
        poll_fn(|context| self.poll_write(context, socket)).await
    }

    /// Writes what is queued and, unless the queue is full, reads, until one of the two completes.
    pub(crate) async fn exchange<S>(&mut self, socket: &mut S) -> Exchange<S::Item>
    where
        S: Sink<M> + Stream + Unpin,
    {
        let was_busy = !self.is_idle();
        poll_fn(|context| {
            match self.poll_write(context, socket) {
                Poll::Ready(Err(_)) => return Poll::Ready(Exchange::Gone),
                Poll::Ready(Ok(())) if was_busy => return Poll::Ready(Exchange::Written),
                _ if self.is_full() => return Poll::Pending,
                _ => {}
            }
            socket.poll_next_unpin(context).map(Exchange::Received)
        })
        .await
    }

    fn poll_write<S: Sink<M> + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        socket: &mut S,
    ) -> Poll<Result<(), S::Error>> {
        while !self.queue.is_empty() {
            ready!(socket.poll_ready_unpin(context))?;
            if let Some((message, bytes, held)) = self.queue.pop_front() {
                self.bytes -= bytes;
                self.unflushed.extend(held);
                socket.start_send_unpin(message)?;
                self.needs_flush = true;
            }
        }
        if self.needs_flush {
            ready!(socket.poll_flush_unpin(context))?;
            self.needs_flush = false;
            self.unflushed_pongs = 0;
            self.unflushed.clear();
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;

    use futures_util::FutureExt;

    use super::*;

    /// Accepts `room` messages and then no more; always has a message to read.
    struct Socket {
        room: usize,
        taken: Vec<u32>,
    }

    impl Sink<u32> for Socket {
        type Error = Infallible;

        fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            if self.taken.len() < self.room { Poll::Ready(Ok(())) } else { Poll::Pending }
        }

        fn start_send(mut self: Pin<&mut Self>, message: u32) -> Result<(), Infallible> {
            self.taken.push(message);
            Ok(())
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }
    }

    impl Stream for Socket {
        type Item = ();

        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<()>> {
            Poll::Ready(Some(()))
        }
    }

    #[test]
    fn a_cancelled_write_neither_loses_nor_repeats_messages() {
        let (mut outbox, mut socket) = (Outbox::<u32>::new(8, 100), Socket { room: 2, taken: Vec::new() });
        (1..=5).for_each(|message| outbox.push(message, 1));
        assert!(outbox.write(&mut socket).now_or_never().is_none());
        assert_eq!(socket.taken, [1, 2]);
        socket.room = 5;
        assert!(outbox.write(&mut socket).now_or_never().is_some());
        assert_eq!(socket.taken, [1, 2, 3, 4, 5]);
        assert!(outbox.is_idle());
    }

    #[test]
    fn reading_continues_during_a_stuck_write_until_the_outbox_is_full() {
        let (mut outbox, mut socket) = (Outbox::<u32>::new(2, 100), Socket { room: 0, taken: Vec::new() });
        outbox.push(1, 1);
        assert!(matches!(outbox.exchange(&mut socket).now_or_never(), Some(Exchange::Received(Some(())))));
        outbox.push(2, 1);
        assert!(outbox.exchange(&mut socket).now_or_never().is_none());
        socket.room = 2;
        assert!(matches!(outbox.exchange(&mut socket).now_or_never(), Some(Exchange::Written)));
        assert!(matches!(outbox.exchange(&mut socket).now_or_never(), Some(Exchange::Received(_))));
    }

    #[test]
    fn pongs_that_the_socket_adds_fill_the_outbox_until_they_are_flushed() {
        let (mut outbox, mut socket) = (Outbox::<u32>::new(2, 100), Socket { room: 0, taken: Vec::new() });
        outbox.push(1, 1);
        assert!(matches!(outbox.exchange(&mut socket).now_or_never(), Some(Exchange::Received(_))));
        outbox.count_pong();
        assert!(!outbox.is_full());
        outbox.count_pong();
        assert!(outbox.exchange(&mut socket).now_or_never().is_none());
        socket.room = 1;
        assert!(matches!(outbox.exchange(&mut socket).now_or_never(), Some(Exchange::Written)));
        assert!(!outbox.is_full());
    }

    #[test]
    fn large_messages_fill_the_outbox_sooner() {
        let (mut outbox, mut socket) = (Outbox::<u32>::new(8, 100), Socket { room: 0, taken: Vec::new() });
        outbox.push(1, 99);
        assert!(!outbox.is_full());
        outbox.push(2, 1);
        assert!(outbox.exchange(&mut socket).now_or_never().is_none());
        socket.room = 2;
        assert!(matches!(outbox.exchange(&mut socket).now_or_never(), Some(Exchange::Written)));
        assert!(!outbox.is_full());
    }
}
