//! A dialog as data: what it shows, how many touches have failed, and who waits for its outcome.

use std::sync::atomic::{AtomicU64, Ordering};

use soter_bridge::protocol::device::{self, Purpose};
use soter_wire::Mode;
use tokio::sync::oneshot;

use super::outcome::Outcome;

/// The number of the next dialog, for all phones of the process.
static NEXT_DIALOG: AtomicU64 = AtomicU64::new(1);

/// An open dialog.
#[derive(Debug)]
pub(super) struct Dialog {
    /// What a person sees.
    pub(super) shown: device::Dialog,
    /// The TEE's signing session; `None` if nothing is signed: for a payment.
    pub(super) session: Option<u64>,
    failures: u32,
    /// The caller that waits for the outcome, if any.
    waiter: Option<oneshot::Sender<Outcome>>,
}

/// The outcome of a dialog that waits for a person.
#[derive(Debug)]
pub(super) struct AwaitedOutcome {
    /// The dialog's number.
    pub(super) dialog: u64,
    /// Arrives when the dialog ends.
    pub(super) outcome: oneshot::Receiver<Outcome>,
}

impl Dialog {
    pub(super) fn new(session: Option<u64>, modes: Vec<Mode>, purpose: Purpose) -> Self {
        let number = NEXT_DIALOG.fetch_add(1, Ordering::Relaxed);
        let shown = device::Dialog { number, modes, purpose };
        Self { shown, session, failures: 0, waiter: None }
    }

    /// Makes the dialog wait for a person.
    pub(super) fn add_waiter(&mut self) -> AwaitedOutcome {
        let (sender, outcome) = oneshot::channel();
        self.waiter = Some(sender);
        AwaitedOutcome { dialog: self.shown.number, outcome }
    }

    /// Whether the dialog waits for a person.
    pub(super) fn waits(&self) -> bool {
        self.waiter.is_some()
    }

    /// Counts a failed touch. Returns the number of failures so far.
    pub(super) fn count_failure(&mut self) -> u32 {
        self.failures += 1;
        self.failures
    }

    /// Ends the dialog, and sends the outcome to the waiting caller.
    pub(super) fn end(self, outcome: Outcome) {
        if let Some(waiter) = self.waiter {
            // If the caller is gone, it needs no outcome.
            let _ = waiter.send(outcome);
        }
    }
}
