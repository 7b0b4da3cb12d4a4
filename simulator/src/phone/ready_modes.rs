//! The modes that a dialog can listen to: something is enrolled, and the sensor is not frozen.

use soter_bridge::protocol::CommandError;
use soter_text::text;
use soter_wechat::codes::wx::{self, message};
use soter_wire::Mode;

use super::outcome::{Ended, Stop};
use super::state::{Phone, PhoneState};

impl Phone {
    /// Those of these modes that can be used now.
    pub(super) fn ready_modes(&self, state: &mut PhoneState, modes: &[Mode]) -> Result<Vec<Mode>, Stop> {
        let enrolled = self.enrolled_modes(state, modes)?;
        if enrolled.is_empty() {
            let names: Vec<_> = modes.iter().map(|mode| mode.name()).collect();
            let reason = text!("nothing is enrolled for {modes}", modes = names.join(", "));
            return Err(Ended::failed(wx::NOT_ENROLLED, message::NOT_ENROLLED, reason).into());
        }
        self.unlocked_modes(state, enrolled)
    }

    /// The modes that have an enrolment.
    fn enrolled_modes(&self, state: &mut PhoneState, modes: &[Mode]) -> Result<Vec<Mode>, CommandError> {
        let enrolments = self.tee(state)?.enrolments();
        let is_enrolled = |mode: &Mode| enrolments.iter().any(|enrolment| enrolment.mode == *mode);
        Ok(modes.iter().copied().filter(is_enrolled).collect())
    }

    /// The modes whose sensor is not frozen.
    fn unlocked_modes(&self, state: &mut PhoneState, enrolled: Vec<Mode>) -> Result<Vec<Mode>, Stop> {
        let tee = self.tee(state)?;
        let (mut ready, mut frozen) = (Vec::new(), None);
        for mode in enrolled {
            match tee.lockout(mode) {
                None => ready.push(mode),
                Some(lockout) => frozen = frozen.or(Some(lockout)),
            }
        }
        match frozen {
            Some(lockout) if ready.is_empty() => Err(Ended::frozen(lockout).into()),
            _ => Ok(ready),
        }
    }
}
