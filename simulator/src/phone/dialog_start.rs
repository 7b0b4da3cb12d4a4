//! Opens a dialog, and waits until it has ended: for an authentication and for a payment.

use std::time::Duration;

use soter_bridge::protocol::{CommandError, TouchScript};

use super::dialog::{AwaitedOutcome, Dialog};
use super::outcome::{Ended, Outcome};
use super::state::{Phone, PhoneState};

/// A dialog that was opened.
pub(super) enum Started {
    /// It is open and waits for a person.
    Waits(AwaitedOutcome),
    /// It was open, and touches without a person have ended it.
    Ended(Ended),
}

impl Phone {
    /// Opens a dialog. The touches are those of the call, or else those of the sensor's mode.
    pub(super) fn start_dialog(
        &self,
        state: &mut PhoneState,
        mut dialog: Dialog,
        touches: Option<&TouchScript>,
    ) -> Result<Started, CommandError> {
        let touches = match touches {
            Some(script) => Some(script.0.clone()),
            None => self.automatic_touches(state, &dialog.shown.modes)?,
        };
        let Some(touches) = touches else {
            let outcome = dialog.add_waiter();
            self.show_dialog(state, dialog);
            return Ok(Started::Waits(outcome));
        };
        self.show_dialog(state, dialog);
        Ok(Started::Ended(self.apply_touches(state, touches)?))
    }

    /// Waits until the dialog has ended, and after a match for the phone's latency: it is busy with the call until the answer.
    /// If the future is dropped, the dialog is cancelled.
    pub(super) async fn finish_dialog(&self, started: Started) -> Outcome {
        let ended = match started {
            Started::Waits(awaited) => self.wait_for_outcome(awaited).await?,
            Started::Ended(ended) => ended,
        };
        let latency = self.state().record.settings.latency;
        if ended.is_ok() && latency > 0 {
            tokio::time::sleep(Duration::from_millis(latency)).await;
        }
        Ok(ended)
    }
}
