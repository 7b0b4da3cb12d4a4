//! Signing sessions: opened for one key and one challenge, armed by one touch, used once.
//!
//! ```text
//!   init_sign ──> waiting ──matching touch──> armed ──finish_sign──> signed, gone
//!                    │  └── other touches: rejected, still waiting     │
//!                    └──── finish_sign, cancel, age ────────────────> gone
//! ```

use std::collections::BTreeMap;

use soter_wire::Mode;

use crate::error::TeeError;
use crate::matcher::Enrolment;

/// How long a session lives, in milliseconds of calendar time.
pub const SESSION_LIFETIME_MS: u64 = 10 * 60 * 1000;
/// Sessions that an app can have open at once.
pub const MAX_SESSIONS_PER_APP: usize = 16;
/// Sessions that all apps together can have open at once.
pub const MAX_SESSIONS: usize = 64;

/// An open session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) uid: u32,
    pub(crate) key_name: String,
    /// The fingerprint of the AuthKey's public half, to detect that the key was made again in between.
    pub(crate) key_fingerprint: String,
    pub(crate) challenge: String,
    /// The sensors that the session listens to.
    pub(crate) modes: Vec<Mode>,
    /// The enrolment that matched.
    pub(crate) matched: Option<Enrolment>,
    opened_at: u64,
}

impl Session {
    pub(crate) fn new(
        uid: u32,
        key_name: &str,
        key_fingerprint: String,
        challenge: &str,
        modes: &[Mode],
        now: u64,
    ) -> Self {
        Self {
            uid,
            key_name: key_name.to_owned(),
            key_fingerprint,
            challenge: challenge.to_owned(),
            modes: modes.to_vec(),
            matched: None,
            opened_at: now,
        }
    }

    fn is_alive(&self, now: u64) -> bool {
        now.saturating_sub(self.opened_at) < SESSION_LIFETIME_MS
    }
}

/// The open sessions of a device. They end with the process, as on a phone that loses power.
///
/// They are boxed because a map keeps its room when it is empty, and most phones of a fleet have no session.
#[derive(Debug, Default)]
pub(crate) struct Sessions(BTreeMap<u64, Box<Session>>);

impl Sessions {
    /// Removes expired sessions, then checks that another session of this app fits.
    pub(crate) fn check_capacity(&mut self, uid: u32, now: u64) -> Result<(), TeeError> {
        self.0.retain(|_, session| session.is_alive(now));
        let of_app = self.0.values().filter(|session| session.uid == uid).count();
        if of_app >= MAX_SESSIONS_PER_APP || self.0.len() >= MAX_SESSIONS {
            return Err(TeeError::SessionsFull { open: self.0.len() });
        }
        Ok(())
    }

    /// Opens a session; `false` if the number is taken.
    pub(crate) fn open(&mut self, number: u64, session: Session) -> bool {
        if self.0.contains_key(&number) {
            return false;
        }
        self.0.insert(number, Box::new(session));
        true
    }

    pub(crate) fn get_alive(&mut self, number: u64, now: u64) -> Result<&mut Session, TeeError> {
        self.0
            .get_mut(&number)
            .map(Box::as_mut)
            .filter(|session| session.is_alive(now))
            .ok_or(TeeError::NoSession { session: number })
    }

    /// Removes a session and returns it, so that it cannot be used twice.
    pub(crate) fn take(&mut self, number: u64, now: u64) -> Result<Session, TeeError> {
        self.0
            .remove(&number)
            .map(|session| *session)
            .filter(|session| session.is_alive(now))
            .ok_or(TeeError::NoSession { session: number })
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
