//! Fingers, faces and lockouts, as the phone's settings show them.

use soter_wire::Mode;

use super::Tee;
use crate::error::TeeError;
use crate::matcher::{Enrolment, Lockout, MAX_ENROLMENTS, SensorFailures};

impl Tee {
    /// Enrolled fingers and faces, by number.
    pub fn enrolments(&self) -> &[Enrolment] {
        self.vault.state().matcher.enrolments()
    }

    /// Enrols a finger or face. Every existing AuthKey becomes permanently invalid.
    ///
    /// # Errors
    /// [`TeeError::EnrolmentsFull`] if [`MAX_ENROLMENTS`] are enrolled. [`TeeError::Storage`],
    /// [`TeeError::Randomness`] or [`TeeError::Encoding`] if the new state cannot be stored.
    pub fn enroll(&mut self, mode: Mode) -> Result<Enrolment, TeeError> {
        self.vault.commit(|state| {
            let identity = state.identity.clone();
            state.matcher.enroll(mode, &identity).ok_or(TeeError::EnrolmentsFull { limit: MAX_ENROLMENTS })
        })
    }

    /// Removes a finger or face.
    ///
    /// # Errors
    /// [`TeeError::NoEnrolment`] if no finger or face has this number. [`TeeError::Storage`],
    /// [`TeeError::Randomness`] or [`TeeError::Encoding`] if the new state cannot be stored.
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

    /// A sensor's lockout, if it is locked now.
    pub fn lockout(&self, mode: Mode) -> Option<Lockout> {
        self.vault.state().matcher.lockout(mode, &self.profile.matcher, self.unix_millis())
    }

    /// Ends every lockout: the user has entered the phone's PIN.
    ///
    /// # Errors
    /// [`TeeError::Storage`], [`TeeError::Randomness`] or [`TeeError::Encoding`] if the new state cannot be stored.
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
