//! A budget of memory for large bodies, answers and messages, over all connections.
//!
//! Each connection has its own limits, but 512 connections at their limits at once would take a gigabyte, which allocators do
//! not return to the system. Small messages are not counted.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use soter_text::{seconds, text};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::respond::refusal;

/// Messages up to this size are not counted: 512 connections with one each take 8 MiB.
pub(super) const SMALL_BYTES: usize = 16 << 10;

/// The budget. Clones are the same budget.
#[derive(Clone, Debug)]
pub(super) struct MemoryBudget {
    bytes: Arc<Semaphore>,
    max_bytes: usize,
}

/// A part of the budget. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Reservation(OwnedSemaphorePermit);

impl MemoryBudget {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { bytes: Arc::new(Semaphore::new(max_bytes)), max_bytes }
    }

    /// Waits until there is room for this many bytes, or `limit` has passed. More than the whole budget counts as the whole.
    ///
    /// # Errors
    /// The refusal for the client.
    pub(super) async fn reserve(&self, bytes: usize, limit: Duration) -> Result<Reservation, Response> {
        let permits = Arc::clone(&self.bytes).acquire_many_owned(self.permits(bytes));
        // The semaphore is never closed.
        if let Ok(Ok(permit)) = timeout(limit, permits).await {
            return Ok(Reservation(permit));
        }
        Err(refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            text!(
                "large requests and answers of all connections together may have {most} bytes, and there was no room within {limit}",
                most = self.max_bytes,
                limit = seconds(limit)
            ),
            text!("send smaller requests, or fewer at a time"),
        ))
    }

    /// Reserves this many bytes if there is room now.
    pub(super) fn try_reserve(&self, bytes: usize) -> Option<Reservation> {
        Arc::clone(&self.bytes).try_acquire_many_owned(self.permits(bytes)).ok().map(Reservation)
    }

    fn permits(&self, bytes: usize) -> u32 {
        u32::try_from(bytes.min(self.max_bytes)).unwrap_or(u32::MAX)
    }
}

impl Reservation {
    /// Reduces the reservation to this many bytes.
    fn shrink_to(mut self, bytes: usize) -> Self {
        let bytes = bytes.min(self.0.num_permits());
        match self.0.split(bytes) {
            Some(kept) => Self(kept),
            None => self,
        }
    }

    /// Bytes that hold the reservation until they are dropped, which is when they are sent.
    pub(super) fn hold(self, bytes: Vec<u8>) -> Bytes {
        struct Held(Vec<u8>, #[expect(dead_code, reason = "held, not read")] Reservation);
        impl AsRef<[u8]> for Held {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
        let reservation = self.shrink_to(bytes.len());
        Bytes::from_owner(Held(bytes, reservation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reservation_waits_for_room_and_is_refused_after_the_limit() {
        let budget = MemoryBudget::new(100);
        let all = budget.reserve(1000, Duration::ZERO).await.unwrap();
        assert!(budget.try_reserve(1).is_none());
        let refused = budget.reserve(1, Duration::from_millis(10)).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        let waiting = tokio::spawn({
            let budget = budget.clone();
            async move { budget.reserve(60, Duration::from_mins(1)).await.is_ok() }
        });
        drop(all);
        assert!(waiting.await.unwrap());
    }

    #[tokio::test]
    async fn bytes_hold_as_much_as_they_have_until_they_are_dropped() {
        let budget = MemoryBudget::new(100);
        let bytes = budget.reserve(80, Duration::ZERO).await.unwrap().hold(vec![0; 30]);
        let rest = budget.try_reserve(70).unwrap();
        assert!(budget.try_reserve(1).is_none());
        drop((bytes, rest));
        assert!(budget.try_reserve(100).is_some());
    }
}
