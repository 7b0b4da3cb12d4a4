//! Fingers, faces and lockouts, as the phone's settings show them.

use soter_wire::Mode;

use super::Tee;
use crate::error::TeeError;
use crate::matcher::{Enrolment, Judgement, Lockout, MAX_ENROLMENTS, Presented, SensorFailures};

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

    /// Presents a finger or face to the sensor without a signing session, for something that the TEE does not sign. A failure
    /// is counted durably before this returns. No counter value is spent.
    ///
    /// # Errors
    /// [`TeeError::Storage`], [`TeeError::Randomness`] or [`TeeError::Encoding`] if the new state cannot be stored.
    pub fn judge(&mut self, presented: Presented) -> Result<Judgement, TeeError> {
        let (policy, now) = (self.profile.matcher, self.unix_millis());
        if self.vault.state().matcher.changes_state(presented, &policy, now) {
            return self.vault.commit(|state| Ok(state.matcher.judge(presented, &policy, now)));
        }
        // A touch that changes nothing is judged on a copy, without a write.
        Ok(self.vault.state().matcher.clone().judge(presented, &policy, now))
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
