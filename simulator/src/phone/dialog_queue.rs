//! The queue for the screen: one dialog is open at a time, and further calls wait for their turn (modelled: what
//! WeChat does with a second call is not known).

use std::sync::atomic::{AtomicUsize, Ordering};

use soter_bridge::protocol::{CommandError, ErrorKind};
use tokio::sync::{Mutex, MutexGuard};

/// The maximum number of calls that wait for the screen of one phone.
const MAX_WAITING: usize = 1024;

/// The call that holds the turn may show a dialog. Calls get the turn in the order in which they arrive.
#[derive(Debug, Default)]
pub(super) struct DialogQueue {
    turn: Mutex<()>,
    waiting: AtomicUsize,
}

impl DialogQueue {
    /// Waits for the turn.
    ///
    /// # Errors
    /// `LimitReached` if too many calls wait already.
    pub(super) async fn wait_for_turn(&self) -> Result<MutexGuard<'_, ()>, CommandError> {
        if let Ok(turn) = self.turn.try_lock() {
            return Ok(turn);
        }
        let slot = WaitingSlot::take(&self.waiting)?;
        let turn = self.turn.lock().await;
        drop(slot);
        Ok(turn)
    }
}

/// A place in the queue. It is freed when dropped.
struct WaitingSlot<'a>(&'a AtomicUsize);

impl<'a> WaitingSlot<'a> {
    fn take(waiting: &'a AtomicUsize) -> Result<Self, CommandError> {
        let slot = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            return Err(CommandError::new(
                ErrorKind::LimitReached,
                format!("{MAX_WAITING} authentications are waiting for the screen of this phone"),
                "touch the sensor or cancel, so that the dialog that is open ends",
            ));
        }
        Ok(slot)
    }
}

impl Drop for WaitingSlot<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
