//! The screen of a phone: shows and closes its dialog, of an authentication or of a payment.

use soter_bridge::protocol::device::Purpose;
use soter_bridge::protocol::{CommandError, Event, device};
use soter_wechat::codes::wx;
use tracing::trace;

use super::dialog::{AwaitedOutcome, Dialog};
use super::outcome::{Ended, Outcome};
use super::state::{Phone, PhoneState};

impl Phone {
    pub(super) fn show_dialog(&self, state: &mut PhoneState, dialog: Dialog) {
        let device::Dialog { number, modes, purpose } = dialog.shown.clone();
        let (device, waits) = (self.name.to_string(), dialog.waits());
        self.emit(Event::PromptShown { device, dialog: number, modes, purpose, waits });
        state.dialog = Some(dialog);
    }

    /// Waits until a person has ended the dialog. If the future is dropped, the dialog is cancelled.
    pub(super) async fn wait_for_outcome(&self, awaited: AwaitedOutcome) -> Outcome {
        let mut watch = DialogWatch { phone: self, dialog: Some(awaited.dialog) };
        let outcome = awaited.outcome.await;
        watch.dialog = None;
        outcome.map_err(|_| CommandError::defect("a dialog was closed without an answer"))?
    }

    /// Removes the dialog from the screen and sends the outcome to the waiting caller.
    pub(super) fn close_dialog(&self, state: &mut PhoneState, outcome: Outcome) {
        let Some(dialog) = state.dialog.take() else { return };
        if let (Some(tee), Some(session)) = (&mut state.tee, dialog.session)
            && let Err(error) = tee.cancel(session)
        {
            // The usual reason: a session that has signed has ended already.
            trace!(%error, "the dialog's signing session is not cancelled");
        }
        let err_code = match dialog.shown.purpose {
            Purpose::Authentication { .. } => {
                Some(outcome.as_ref().map_or(wx::INTERNAL_ERROR, |ended| ended.err_code))
            }
            Purpose::Payment { .. } => None,
        };
        let device = self.name.to_string();
        self.emit(Event::PromptClosed { device, dialog: dialog.shown.number, err_code });
        dialog.end(outcome);
    }

    /// Cancels the dialog, if one is open.
    pub(super) fn cancel_dialog(&self, state: &mut PhoneState) {
        self.close_dialog(state, Ok(Ended::cancelled()));
    }
}

/// Cancels the dialog when its caller is dropped.
struct DialogWatch<'a> {
    phone: &'a Phone,
    /// The dialog's number; `None` once the dialog has ended.
    dialog: Option<u64>,
}

impl Drop for DialogWatch<'_> {
    fn drop(&mut self) {
        let Some(number) = self.dialog else { return };
        let mut state = self.phone.state();
        if state.dialog.as_ref().is_some_and(|dialog| dialog.shown.number == number) {
            self.phone.cancel_dialog(&mut state);
        }
    }
}
