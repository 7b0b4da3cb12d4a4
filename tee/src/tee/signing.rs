//! Signing: a session for one key and one challenge, one touch, one signature.

use soter_wire::{ExportBlob, Mode, ResultFacts};

use super::{KeyPath, MAX_CHALLENGE_BYTES, MAX_SESSION_NUMBER, Tee, check_length};
use crate::error::TeeError;
use crate::matcher::{Enrolment, Judgement, Presented};
use crate::session::Session;

/// A signed result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The result JSON and its signature, as they are exported.
    pub export: ExportBlob,
    /// The counter value in it.
    pub counter: u64,
    /// The enrolment that matched.
    pub matched: Enrolment,
    /// The uid in it.
    pub uid: String,
    /// The AuthKey's name.
    pub key_name: String,
    /// The AuthKey's fingerprint.
    pub key_fingerprint: String,
}

impl Tee {
    /// Opens a signing session for one key and one challenge, which listens to these sensors. Returns its number.
    ///
    /// # Errors
    /// [`TeeError::ParameterLength`] if the challenge is empty or longer than [`MAX_CHALLENGE_BYTES`],
    /// [`TeeError::NoAsk`] or [`TeeError::AuthKeyNotFound`] if there is no such AuthKey,
    /// [`TeeError::AuthKeyInvalidated`] if it is invalid, [`TeeError::SessionsFull`] if too many sessions are open,
    /// [`TeeError::Key`] if the AuthKey cannot be parsed, [`TeeError::Randomness`] if there are no random bytes for
    /// the number.
    pub fn init_sign(
        &mut self,
        uid: u32,
        name: &str,
        challenge: &str,
        modes: &[Mode],
    ) -> Result<u64, TeeError> {
        check_length("the challenge", challenge, MAX_CHALLENGE_BYTES)?;
        self.check_auth_key(uid, name)?;
        let now = self.unix_millis();
        self.sessions.check_capacity(uid, now)?;
        let fingerprint = self.public_key(&KeyPath::AuthKey { uid, name: name.to_owned() })?.fingerprint();
        loop {
            self.sessions_opened += 1;
            let random = self.random("session", &[&self.sessions_opened.to_le_bytes()])?;
            let number = random.iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
            let number = (number & MAX_SESSION_NUMBER).max(1);
            let session = Session::new(uid, name, fingerprint.clone(), challenge, modes, now);
            if self.sessions.open(number, session) {
                return Ok(number);
            }
        }
    }

    /// Presents a finger or face to the sensor while a session waits. A match arms the session; a failure is
    /// counted durably before this returns.
    ///
    /// # Errors
    /// [`TeeError::NoSession`] if there is no such session, [`TeeError::SensorNotListening`] if it does not listen to
    /// that sensor. [`TeeError::Storage`], [`TeeError::Randomness`] or [`TeeError::Encoding`] if the new state cannot
    /// be stored.
    pub fn present(&mut self, session: u64, presented: Presented) -> Result<Judgement, TeeError> {
        let now = self.unix_millis();
        if !self.sessions.get_alive(session, now)?.modes.contains(&presented.mode) {
            return Err(TeeError::SensorNotListening);
        }
        let judgement = self.judge(presented)?;
        if let Judgement::Matched(enrolment) = &judgement {
            self.sessions.get_alive(session, now)?.matched = Some(enrolment.clone());
        }
        Ok(judgement)
    }

    /// Signs in a session that a matching touch has armed. The session ends in every case. The counter value is
    /// durable before anything is signed with it.
    ///
    /// # Errors
    /// [`TeeError::NoSession`] if there is no such session or its AuthKey was made again meanwhile,
    /// [`TeeError::NotTouched`] if no touch has matched, [`TeeError::NoAsk`], [`TeeError::AuthKeyNotFound`] or
    /// [`TeeError::AuthKeyInvalidated`] if the AuthKey was removed or became invalid meanwhile,
    /// [`TeeError::CounterExhausted`] if no counter value is left, [`TeeError::Key`] if the AuthKey does not sign.
    /// [`TeeError::Storage`], [`TeeError::Randomness`] or [`TeeError::Encoding`] if the new state cannot be stored.
    pub fn finish_sign(&mut self, session: u64) -> Result<Signed, TeeError> {
        let now = self.unix_millis();
        let number = session;
        let session = self.sessions.take(number, now)?;
        let matched = session.matched.ok_or(TeeError::NotTouched { session: number })?;
        self.check_auth_key(session.uid, &session.key_name)?;
        let path = KeyPath::AuthKey { uid: session.uid, name: session.key_name.clone() };
        if self.public_key(&path)?.fingerprint() != session.key_fingerprint {
            return Err(TeeError::NoSession { session: number });
        }

        let counter = self.vault.spend_counter()?;
        let uid = self.uid(session.uid);
        let json = ResultFacts {
            raw: &session.challenge,
            fid: &matched.fid,
            counter,
            cpu_id: &self.cpu_id(),
            uid: &uid,
        }
        .encode(self.profile)
        .into_bytes();
        let signature = self.sign(&path, &json, counter)?;
        Ok(Signed {
            export: ExportBlob { json, signature },
            counter,
            matched,
            uid,
            key_name: session.key_name,
            key_fingerprint: session.key_fingerprint,
        })
    }

    /// Ends a session without a signature.
    ///
    /// # Errors
    /// [`TeeError::NoSession`] if there is no such session.
    pub fn cancel(&mut self, session: u64) -> Result<(), TeeError> {
        let now = self.unix_millis();
        self.sessions.take(session, now).map(|_| ())
    }
}
