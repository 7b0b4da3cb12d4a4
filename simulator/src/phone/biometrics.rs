//! Fingers and faces that are enrolled on a phone.

use soter_bridge::protocol::biometric::{Enrolment, Enrolments, LockoutState};
use soter_bridge::protocol::{CommandError, ErrorKind};
use soter_tee::Lockout;
use soter_text::text;
use soter_wire::Mode;

use super::state::{Phone, PhoneState};

impl Phone {
    pub(crate) fn enrolments(&self) -> Result<Enrolments, CommandError> {
        self.biometrics(&mut self.state())
    }

    /// Enrols a finger or a face; `None`: what the family's phones usually have.
    pub(crate) fn enroll(&self, mode: Option<Mode>) -> Result<Enrolment, CommandError> {
        let modes = self.profile.modes;
        let mode =
            mode.filter(|mode| modes.contains(mode)).or(modes.first().copied().filter(|_| mode.is_none()));
        let Some(mode) = mode else {
            let names: Vec<_> = modes.iter().map(|mode| mode.name()).collect();
            return Err(CommandError::invalid_params(
                text!("phones of the family {profile} have another sensor", profile = self.profile.name),
                text!("enrol one of these: {names}", names = names.join(", ")),
            ));
        };
        let mut state = self.state();
        if state.dialog.is_some() {
            return Err(CommandError::new(
                ErrorKind::InvalidParams,
                text!("the authentication dialog is open, and settings cannot be reached"),
                text!("touch the sensor or cancel first"),
            ));
        }
        let enrolment = self.tee(&mut state)?.enroll(mode).map_err(|error| self.tee_error(&error))?;
        Ok(to_protocol(&enrolment))
    }

    pub(crate) fn remove_enrolment(&self, number: u32) -> Result<Enrolments, CommandError> {
        let mut state = self.state();
        self.tee(&mut state)?.remove_enrolment(number).map_err(|error| self.tee_error(&error))?;
        self.biometrics(&mut state)
    }

    pub(crate) fn unlock(&self) -> Result<Enrolments, CommandError> {
        let mut state = self.state();
        self.tee(&mut state)?.unlock().map_err(|error| self.tee_error(&error))?;
        self.biometrics(&mut state)
    }

    pub(super) fn biometrics(&self, state: &mut PhoneState) -> Result<Enrolments, CommandError> {
        let tee = self.tee(state)?;
        Ok(Enrolments {
            enrolments: tee.enrolments().iter().map(to_protocol).collect(),
            lockouts: tee
                .sensor_failures()
                .into_iter()
                .map(|failures| LockoutState {
                    mode: failures.mode,
                    failed_attempts: failures.failed_attempts,
                    remaining_ms: match failures.lockout {
                        Some(Lockout::Timed { remaining_ms }) => Some(remaining_ms),
                        Some(Lockout::Permanent) | None => None,
                    },
                    permanent: failures.lockout == Some(Lockout::Permanent),
                })
                .collect(),
        })
    }
}

fn to_protocol(enrolment: &soter_tee::Enrolment) -> Enrolment {
    Enrolment { number: enrolment.number, mode: enrolment.mode, fid: enrolment.fid.clone() }
}
