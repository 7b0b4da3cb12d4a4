//! Fingers, faces and locks, as the phone's settings see them.

use soter_wire::Mode;

use super::Tee;
use crate::error::TeeError;
use crate::matcher::{Enrolment, Lockout, MAX_ENROLMENTS, SensorFailures};

impl Tee {
    /// Fingers and faces, by number.
    pub fn enrolments(&self) -> &[Enrolment] {
        self.vault.state().matcher.enrolments()
    }

    /// Enrols a finger or face. Every existing AuthKey becomes invalid, for good.
    ///
    /// # Errors
    /// No more fit.
    pub fn enroll(&mut self, mode: Mode) -> Result<Enrolment, TeeError> {
        self.vault.commit(|state| {
            let identity = state.identity.clone();
            state.matcher.enroll(mode, &identity).ok_or(TeeError::EnrolmentsFull { limit: MAX_ENROLMENTS })
        })
    }

    /// Removes a finger or face.
    ///
    /// # Errors
    /// There is none of that number.
    pub fn remove_enrolment(&mut self, number: u32) -> Result<(), TeeError> {
        if !self.enrolments().iter().any(|enrolment| enrolment.number == number) {
            return Err(TeeError::NoEnrolment { number });
        }
        self.vault.commit(|state| {
            state.matcher.remove(number);
            Ok(())
        })
    }

    /// Sensors with failures since their last match.
    pub fn sensor_failures(&self) -> Vec<SensorFailures> {
        self.vault.state().matcher.failures(&self.profile.matcher, self.unix_millis())
    }

    /// A sensor's lock.
    pub fn lockout(&self, mode: Mode) -> Option<Lockout> {
        self.vault.state().matcher.lockout(mode, &self.profile.matcher, self.unix_millis())
    }

    /// Ends every lockout: the user has entered the phone's PIN.
    ///
    /// # Errors
    /// Storage failed.
    pub fn unlock(&mut self) -> Result<(), TeeError> {
        if self.sensor_failures().is_empty() {
            return Ok(());
        }
        self.vault.commit(|state| {
            state.matcher.unlock();
            Ok(())
        })
    }
}
