//! Touches for the open dialog, and how they end it.

use soter_bridge::protocol::sensor::{Judged, Judgement};
use soter_bridge::protocol::{CommandError, Touch};
use soter_tee::{Judgement as TeeJudgement, Presented, TeeError};
use soter_text::text;
use soter_wechat::codes::wx::{self, message};
use soter_wire::Mode;

use super::dialog::Dialog;
use super::outcome::{Ended, Outcome};
use super::sensor::no_dialog_error;
use super::state::{Phone, PhoneState};

/// The effect of a judgement on the dialog.
enum Next {
    /// It waits for another touch.
    StaysOpen,
    /// It closes, and the TEE signs in this session.
    Signs(u64),
    /// It closes with this outcome.
    Ends(Outcome),
}

impl Phone {
    /// Makes touches until the dialog ends. If it is still open after the last one, it is cancelled.
    pub(super) fn apply_touches(&self, state: &mut PhoneState, touches: Vec<Touch>) -> Outcome {
        for touch in touches.into_iter().chain([Touch::Cancel]) {
            if let (_, Some(outcome)) = self.touch_dialog(state, touch)? {
                return outcome;
            }
        }
        Err(CommandError::defect("a cancelled dialog stayed open"))
    }

    /// Judges one touch for the open dialog. If the touch ends the dialog, closes it and returns the outcome.
    pub(super) fn touch_dialog(
        &self,
        state: &mut PhoneState,
        touch: Touch,
    ) -> Result<(Judged, Option<Outcome>), CommandError> {
        let Some(dialog) = &state.dialog else { return Err(no_dialog_error()) };
        let (session, modes) = (dialog.session, dialog.shown.modes.clone());
        let presented = self.resolve_touch(state, touch, &modes)?;
        let mode = presented.map(|presented| presented.mode);
        let (judgement, attempts_left, next) = match presented {
            None => (Judgement::Cancelled, None, Next::Ends(Ok(Ended::cancelled()))),
            Some(presented) => self.judge(state, session, &modes, presented)?,
        };
        // The events are in the order in which they happen: first the touch, then its effects.
        let stays_open = matches!(next, Next::StaysOpen);
        let judged = self.report_touch(touch, judgement, mode, attempts_left, stays_open);
        let outcome = match next {
            Next::StaysOpen => return Ok((judged, None)),
            Next::Signs(session) => self.sign(state, session),
            Next::Ends(outcome) => outcome,
        };
        self.close_dialog(state, outcome.clone());
        Ok((judged, Some(outcome)))
    }

    /// Presents something to the TEE for the dialog. Returns the judgement, how many attempts are left after a
    /// failure, and the effect on the dialog.
    fn judge(
        &self,
        state: &mut PhoneState,
        session: Option<u64>,
        modes: &[Mode],
        presented: Presented,
    ) -> Result<(Judgement, Option<u32>, Next), CommandError> {
        let tee = self.tee(state)?;
        let judged = match session {
            Some(session) => tee.present(session, presented),
            None if modes.contains(&presented.mode) => tee.judge(presented),
            None => Err(TeeError::SensorNotListening),
        };
        let judgement = match judged {
            Ok(judgement) => judgement,
            Err(TeeError::SensorNotListening) => return Ok((Judgement::Ignored, None, Next::StaysOpen)),
            Err(error) => {
                // The session does not exist any more: it expired, or the phone was switched off.
                return Ok((Judgement::Ignored, None, Next::Ends(self.authenticate_error(&error))));
            }
        };
        Ok(match judgement {
            TeeJudgement::Matched(_) => {
                let next = session.map_or_else(|| Next::Ends(Ok(Ended::succeeded(None))), Next::Signs);
                (Judgement::Matched, None, next)
            }
            TeeJudgement::LockedOut(lockout) => {
                (Judgement::LockedOut, None, Next::Ends(Ok(Ended::frozen(lockout))))
            }
            TeeJudgement::Rejected { attempts_left, lockout } => {
                let failures = state.dialog.as_mut().map_or(0, Dialog::count_failure);
                let too_many = self.profile.matcher.tries_per_dialog.is_some_and(|tries| failures >= tries);
                let next = if let Some(lockout) = lockout {
                    Next::Ends(Ok(Ended::frozen(lockout)))
                } else if too_many {
                    let reason =
                        text!("{failures} failures end the dialog on this phone", failures = failures);
                    Next::Ends(Ok(Ended::failed(wx::NOT_RECOGNISED, message::NOT_RECOGNISED, reason)))
                } else {
                    Next::StaysOpen
                };
                (Judgement::Rejected, Some(attempts_left), next)
            }
        })
    }
}
