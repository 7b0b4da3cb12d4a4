//! Touches while no dialog is open: they go to the newest signing session of an app.

use soter_bridge::protocol::sensor::{Judged, Judgement};
use soter_bridge::protocol::{CommandError, Touch};
use soter_tee::{Judgement as TeeJudgement, TeeError};
use tracing::trace;

use super::sensor::no_dialog_error;
use super::state::{Phone, PhoneState};

impl Phone {
    /// Judges one touch for the newest session that has not expired.
    pub(super) fn touch_app_session(
        &self,
        state: &mut PhoneState,
        touch: Touch,
    ) -> Result<Judged, CommandError> {
        while let Some(session) = state.app_sessions.last().copied() {
            let Some(presented) = self.resolve_touch(state, touch, self.profile.modes)? else {
                state.app_sessions.pop();
                if let Err(error) = self.tee(state)?.cancel(session) {
                    // The usual reason: the session has expired.
                    trace!(%error, "the signing session is not cancelled");
                }
                return Ok(self.report_touch(touch, Judgement::Cancelled, None, None, false));
            };
            let mode = Some(presented.mode);
            let (judgement, attempts_left) = match self.tee(state)?.present(session, presented) {
                Ok(TeeJudgement::Matched(_)) => (Judgement::Matched, None),
                Ok(TeeJudgement::Rejected { attempts_left, .. }) => {
                    (Judgement::Rejected, Some(attempts_left))
                }
                Ok(TeeJudgement::LockedOut(_)) => (Judgement::LockedOut, None),
                Err(TeeError::SensorNotListening) => (Judgement::Ignored, None),
                Err(TeeError::NoSession { .. }) => {
                    state.app_sessions.pop();
                    continue;
                }
                Err(error) => return Err(self.tee_error(&error)),
            };
            return Ok(self.report_touch(touch, judgement, mode, attempts_left, true));
        }
        Err(no_dialog_error())
    }

    /// Lets an automatic sensor touch for an app's signing session.
    pub(super) fn apply_automatic_touches(
        &self,
        state: &mut PhoneState,
        session: u64,
    ) -> Result<(), CommandError> {
        if !state.app_sessions.contains(&session) {
            return Ok(());
        }
        let Some(touches) = self.automatic_touches(state, self.profile.modes)? else { return Ok(()) };
        state.app_sessions.retain(|other| *other != session);
        state.app_sessions.push(session);
        for touch in touches {
            let judged = self.touch_app_session(state, touch)?;
            if matches!(judged.judgement, Judgement::Matched | Judgement::Cancelled | Judgement::LockedOut) {
                break;
            }
        }
        Ok(())
    }
}
