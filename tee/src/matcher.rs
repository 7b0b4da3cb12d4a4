//! The biometric matcher: who is enrolled, who matches, and when the sensor locks.
//!
//! Lockout works as in Android's `LockoutFrameworkImpl`: every fifth failure in a row locks the sensor for 30 seconds
//! of calendar time, the twentieth locks it until the phone's PIN is entered. A match or the PIN resets the count.
//! Each kind of sensor has its own count. The profile sets the numbers.

use serde::{Deserialize, Serialize};
use soter_wire::{MatcherPolicy, Mode};

use crate::seed::Identity;
use crate::stored_mode;

/// Maximum number of enrolled fingers and faces.
pub const MAX_ENROLMENTS: usize = 32;

/// A finger or face that is presented to a sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presented {
    /// Which sensor: the finger sensor or the camera.
    pub mode: Mode,
    /// The finger's or face's enrolment number; `None` if it is a stranger's.
    pub enrolment: Option<u32>,
}

/// An enrolled finger or face.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    /// Its number, from 1. It is not used again until a factory reset.
    pub number: u32,
    /// Finger or face.
    #[serde(with = "stored_mode")]
    pub mode: Mode,
    /// Its id in results: seven decimal digits, as seen on a MediaTek phone (`2313170`). Every enrolment gets a new
    /// one, also after a factory reset.
    pub fid: String,
}

/// A sensor's lockout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lockout {
    /// Locked for a limited calendar time.
    Timed {
        /// How many milliseconds are left.
        remaining_ms: u64,
    },
    /// Locked until the PIN is entered.
    Permanent,
}

/// A sensor with failures since its last match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SensorFailures {
    /// The sensor.
    pub mode: Mode,
    /// Failures since its last match.
    pub failed_attempts: u32,
    /// Its lockout, if it is locked now.
    pub lockout: Option<Lockout>,
}

/// The matcher's judgement of a presented finger or face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It matches this enrolled finger or face.
    Matched(Enrolment),
    /// It matches no enrolled finger or face.
    Rejected {
        /// Failures left until the next lockout; 0 if this failure locked the sensor.
        attempts_left: u32,
        /// The lockout that this failure caused.
        lockout: Option<Lockout>,
    },
    /// The sensor is locked. Nothing was compared or counted.
    LockedOut(Lockout),
}

/// The matcher's state.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Matcher {
    enrolments: Vec<Enrolment>,
    last_number: u32,
    /// Changes with every enrolment; AuthKeys of another epoch are invalid.
    epoch: u32,
    failures: Vec<Failures>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Failures {
    #[serde(with = "stored_mode")]
    mode: Mode,
    count: u32,
    /// When the timed lockout ends, in milliseconds since 1970.
    locked_until: Option<u64>,
}

impl Matcher {
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    pub(crate) fn enrolments(&self) -> &[Enrolment] {
        &self.enrolments
    }

    /// Enrols a new finger or face; `None` if no more fit.
    pub(crate) fn enroll(&mut self, mode: Mode, identity: &Identity) -> Option<Enrolment> {
        if self.enrolments.len() >= MAX_ENROLMENTS {
            return None;
        }
        let number = self.last_number.checked_add(1)?;
        let epoch = self.epoch.checked_add(1)?;
        let enrolment = Enrolment { number, mode, fid: fid(identity, epoch) };
        self.last_number = number;
        self.epoch = epoch;
        self.enrolments.push(enrolment.clone());
        Some(enrolment)
    }

    /// Removes an enrolment. Returns whether it existed.
    pub(crate) fn remove(&mut self, number: u32) -> bool {
        let before = self.enrolments.len();
        self.enrolments.retain(|enrolment| enrolment.number != number);
        self.enrolments.len() < before
    }

    /// Removes all enrolments and failures, as a factory reset does. Numbers restart at 1; epochs continue.
    pub(crate) fn clear(&mut self) {
        self.enrolments.clear();
        self.last_number = 0;
        self.failures.clear();
    }

    /// Resets all failures: the PIN was entered.
    pub(crate) fn unlock(&mut self) {
        self.failures.clear();
    }

    /// Sensors with failures since their last match.
    pub(crate) fn failures(&self, policy: &MatcherPolicy, now: u64) -> Vec<SensorFailures> {
        self.failures
            .iter()
            .map(|failures| SensorFailures {
                mode: failures.mode,
                failed_attempts: failures.count,
                lockout: failures.lockout(policy, now),
            })
            .collect()
    }

    pub(crate) fn lockout(&self, mode: Mode, policy: &MatcherPolicy, now: u64) -> Option<Lockout> {
        self.failures.iter().find(|failures| failures.mode == mode)?.lockout(policy, now)
    }

    /// Judges what is presented. The caller makes a changed state durable before it returns the judgement.
    pub(crate) fn judge(&mut self, presented: Presented, policy: &MatcherPolicy, now: u64) -> Judgement {
        if let Some(lockout) = self.lockout(presented.mode, policy, now) {
            return Judgement::LockedOut(lockout);
        }
        let matching = self.enrolments.iter().find(|enrolment| {
            enrolment.mode == presented.mode && Some(enrolment.number) == presented.enrolment
        });
        if let Some(enrolment) = matching {
            self.failures.retain(|failures| failures.mode != presented.mode);
            return Judgement::Matched(enrolment.clone());
        }
        let index = self.failures.iter().position(|failures| failures.mode == presented.mode);
        let index = index.unwrap_or_else(|| {
            self.failures.push(Failures { mode: presented.mode, count: 0, locked_until: None });
            self.failures.len() - 1
        });
        let failures = &mut self.failures[index];
        failures.count = failures.count.saturating_add(1);
        failures.locked_until = policy
            .timed_lockout_after
            .filter(|after| failures.count.is_multiple_of(*after))
            .map(|_| now.saturating_add(policy.timed_lockout_seconds.saturating_mul(1000)));
        Judgement::Rejected {
            attempts_left: failures.attempts_left(policy),
            lockout: failures.lockout(policy, now),
        }
    }

    /// Whether judging this would change the state, and so needs a durable write.
    pub(crate) fn changes_state(&self, presented: Presented, policy: &MatcherPolicy, now: u64) -> bool {
        let matches = self.enrolments.iter().any(|enrolment| {
            enrolment.mode == presented.mode && Some(enrolment.number) == presented.enrolment
        });
        let failed = self.failures.iter().any(|failures| failures.mode == presented.mode);
        self.lockout(presented.mode, policy, now).is_none() && (failed || !matches)
    }
}

impl Failures {
    fn lockout(&self, policy: &MatcherPolicy, now: u64) -> Option<Lockout> {
        if self.count >= policy.permanent_lockout_after {
            return Some(Lockout::Permanent);
        }
        let max_ms = policy.timed_lockout_seconds.saturating_mul(1000);
        let remaining_ms = self.locked_until?.saturating_sub(now);
        // A clock that was set back far ends the lockout, as a clock that was set forward does. Otherwise the lockout
        // would last until the clock catches up. A small step back, as time servers make, does not end it.
        if remaining_ms > max_ms.saturating_mul(2) {
            return None;
        }
        let remaining_ms = remaining_ms.min(max_ms);
        (remaining_ms > 0).then_some(Lockout::Timed { remaining_ms })
    }

    fn attempts_left(&self, policy: &MatcherPolicy) -> u32 {
        let to_permanent = policy.permanent_lockout_after.saturating_sub(self.count);
        policy.timed_lockout_after.filter(|after| *after > 0).map_or(to_permanent, |after| {
            let used = self.count % after;
            let to_timed = if used == 0 { 0 } else { after - used };
            to_timed.min(to_permanent)
        })
    }
}

fn fid(identity: &Identity, epoch: u32) -> String {
    let value = identity.derive("fid", &[&epoch.to_le_bytes()]);
    let digits = value.iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte)) % 9_000_000;
    (1_000_000 + digits).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    const ANDROID: MatcherPolicy = MatcherPolicy {
        timed_lockout_after: Some(5),
        timed_lockout_seconds: 30,
        permanent_lockout_after: 20,
        tries_per_dialog: None,
    };
    const FINGER: Presented = Presented { mode: Mode::FingerPrint, enrolment: Some(1) };
    const NOT_ENROLLED: Presented = Presented { mode: Mode::FingerPrint, enrolment: None };

    fn identity() -> Identity {
        Seed::from_text("matcher").identity("phone")
    }

    fn matcher() -> Matcher {
        let mut matcher = Matcher::default();
        matcher.enroll(Mode::FingerPrint, &identity()).unwrap();
        matcher
    }

    #[test]
    fn the_fifth_failure_locks_for_thirty_seconds_of_calendar_time() {
        let mut matcher = matcher();
        for left in [4, 3, 2, 1] {
            let judgement = matcher.judge(NOT_ENROLLED, &ANDROID, 1_000);
            assert_eq!(judgement, Judgement::Rejected { attempts_left: left, lockout: None });
        }
        let lock = Lockout::Timed { remaining_ms: 30_000 };
        let judgement = matcher.judge(NOT_ENROLLED, &ANDROID, 1_000);
        assert_eq!(judgement, Judgement::Rejected { attempts_left: 0, lockout: Some(lock) });
        let judgement = matcher.judge(FINGER, &ANDROID, 30_999);
        assert_eq!(judgement, Judgement::LockedOut(Lockout::Timed { remaining_ms: 1 }));
        assert!(matches!(matcher.judge(FINGER, &ANDROID, 31_000), Judgement::Matched(_)));
    }

    #[test]
    fn the_twentieth_failure_locks_until_the_pin() {
        let mut matcher = matcher();
        let mut now = 0;
        for failure in 1..=20 {
            assert!(
                matches!(matcher.judge(NOT_ENROLLED, &ANDROID, now), Judgement::Rejected { .. }),
                "{failure}"
            );
            now += 30_000;
        }
        let judgement = matcher.judge(FINGER, &ANDROID, now + 1_000_000_000);
        assert_eq!(judgement, Judgement::LockedOut(Lockout::Permanent));
        matcher.unlock();
        assert!(matches!(matcher.judge(FINGER, &ANDROID, now), Judgement::Matched(_)));
    }

    #[test]
    fn a_match_resets_the_failure_count() {
        let mut matcher = matcher();
        for _ in 0..10 {
            for _ in 0..4 {
                matcher.judge(NOT_ENROLLED, &ANDROID, 0);
            }
            assert!(matches!(matcher.judge(FINGER, &ANDROID, 0), Judgement::Matched(_)));
        }
    }

    #[test]
    fn a_clock_set_back_a_little_keeps_the_lock_and_set_back_far_ends_it() {
        let mut matcher = matcher();
        for _ in 0..5 {
            matcher.judge(NOT_ENROLLED, &ANDROID, 1_000_000_000);
        }
        let lockout = |now| matcher.lockout(Mode::FingerPrint, &ANDROID, now);
        assert_eq!(lockout(999_999_990), Some(Lockout::Timed { remaining_ms: 30_000 }));
        assert_eq!(lockout(999_000_000), None);
    }

    #[test]
    fn finger_and_face_failures_are_counted_separately() {
        let mut matcher = matcher();
        let face = matcher.enroll(Mode::Facial, &identity()).unwrap();
        for _ in 0..5 {
            matcher.judge(NOT_ENROLLED, &ANDROID, 0);
        }
        let presented = Presented { mode: Mode::Facial, enrolment: Some(face.number) };
        assert_eq!(matcher.judge(presented, &ANDROID, 0), Judgement::Matched(face));
    }

    #[test]
    fn a_reset_restarts_the_numbers_and_continues_the_fids() {
        let mut matcher = matcher();
        let (before, epoch) = (matcher.enrolments()[0].clone(), matcher.epoch());
        matcher.clear();
        let after = matcher.enroll(Mode::FingerPrint, &identity()).unwrap();
        assert_eq!(after.number, before.number);
        assert_ne!(after.fid, before.fid);
        assert_ne!(matcher.epoch(), epoch);
    }

    #[test]
    fn numbers_are_not_reused_and_fids_have_seven_digits() {
        let mut matcher = matcher();
        let epoch = matcher.epoch();
        assert!(matcher.remove(1));
        assert!(!matcher.remove(1));
        let second = matcher.enroll(Mode::FingerPrint, &identity()).unwrap();
        assert_eq!(second.number, 2);
        assert_ne!(matcher.epoch(), epoch);
        assert_eq!(second.fid.len(), 7);
        assert!(matches!(matcher.judge(FINGER, &ANDROID, 0), Judgement::Rejected { .. }));
    }

    #[test]
    fn the_number_of_enrolments_is_limited() {
        let mut matcher = Matcher::default();
        for _ in 0..MAX_ENROLMENTS {
            matcher.enroll(Mode::FingerPrint, &identity()).unwrap();
        }
        assert!(matcher.enroll(Mode::FingerPrint, &identity()).is_none());
    }

    #[test]
    fn would_change_predicts_whether_a_touch_changes_the_matcher() {
        let mut matcher = matcher();
        assert!(!matcher.changes_state(FINGER, &ANDROID, 0));
        assert!(matcher.changes_state(NOT_ENROLLED, &ANDROID, 0));
        matcher.judge(NOT_ENROLLED, &ANDROID, 0);
        assert!(matcher.changes_state(FINGER, &ANDROID, 0));
    }
}
