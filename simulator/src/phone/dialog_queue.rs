//! The turn to show a dialog: one authentication or payment at a time. Another call is refused, or waits in a queue; see
//! [`SecondCall`]. A payment always waits (modelled).

use std::sync::atomic::{AtomicUsize, Ordering};

use soter_bridge::protocol::device::SecondCall;
use soter_bridge::protocol::{CommandError, ErrorKind};
use soter_text::text;
use tokio::sync::{Mutex, MutexGuard};

/// The maximum number of calls that wait for their turn on one phone.
const MAX_WAITING: usize = 1024;

/// The call that holds the turn may show a dialog. In the queue, calls get the turn in the order in which they arrive.
#[derive(Debug, Default)]
pub(super) struct DialogQueue {
    turn: Mutex<()>,
    waiting: AtomicUsize,
}

impl DialogQueue {
    /// Takes the turn. `None` if another call has it, and this one does not wait.
    ///
    /// # Errors
    /// `LimitReached` if too many calls wait already.
    pub(super) async fn take_turn(
        &self,
        second_call: SecondCall,
    ) -> Result<Option<MutexGuard<'_, ()>>, CommandError> {
        if let Ok(turn) = self.turn.try_lock() {
            return Ok(Some(turn));
        }
        match second_call {
            SecondCall::Refuse => Ok(None),
            SecondCall::Queue => {
                let slot = WaitingSlot::take(&self.waiting)?;
                let turn = self.turn.lock().await;
                drop(slot);
                Ok(Some(turn))
            }
        }
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
                text!("{count} calls are waiting for their turn on this phone", count = MAX_WAITING),
                text!("touch the sensor or cancel, so that the dialog that is open ends"),
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
