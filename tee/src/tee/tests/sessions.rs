//! No touch, no signature: signing sessions against a model of them.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const NAMES: [&str; 2] = ["pay", "login"];

#[derive(Clone, Debug)]
enum Step {
    Init {
        uid: u32,
        name: &'static str,
        modes: Vec<Mode>,
    },
    /// Presents an enrolled finger or face, counted from the first.
    PresentEnrolled {
        session: usize,
        index: usize,
    },
    Present {
        session: usize,
        mode: Mode,
        enrolment: Option<u32>,
    },
    Finish {
        session: usize,
    },
    Cancel {
        session: usize,
    },
    SetClock(u64),
    Enroll(Mode),
    RemoveEnrolment(u32),
    MakeAuthKey {
        uid: u32,
        name: &'static str,
    },
    RemoveAuthKey {
        uid: u32,
        name: &'static str,
    },
    RemoveApp {
        uid: u32,
    },
    Unlock,
    FactoryReset,
    Restart,
}

/// The specification of sessions, in the simplest form.
struct Model {
    now: u64,
    /// Every session number that was ever returned, and one that never was.
    numbers: Vec<u64>,
    open: BTreeMap<u64, ModelSession>,
    /// AuthKeys that exist: the fingerprint, and whether they are valid.
    keys: BTreeMap<(u32, &'static str), (String, bool)>,
    enrolled: BTreeMap<u32, Mode>,
    failures: BTreeMap<Mode, Failures>,
    challenges: usize,
    highest_counter: u64,
}

struct ModelSession {
    key: (u32, &'static str),
    fingerprint: String,
    challenge: String,
    modes: Vec<Mode>,
    opened_at: u64,
    touched_by: Option<u32>,
}

#[derive(Clone, Copy, Default)]
struct Failures {
    count: u32,
    locked_until: u64,
}

impl Model {
    fn is_alive(&self, session: &ModelSession) -> bool {
        self.now < session.opened_at + SESSION_LIFETIME_MS
    }

    fn is_locked(&self, mode: Mode) -> bool {
        let failures = self.failures.get(&mode).copied().unwrap_or_default();
        // A clock that was set back by more than the lockout's length ends it.
        let remaining = failures.locked_until.saturating_sub(self.now);
        failures.count >= 20 || (1..=60_000).contains(&remaining)
    }

    fn living(&self, number: u64) -> Option<&ModelSession> {
        self.open.get(&number).filter(|session| self.is_alive(session))
    }

    /// The newest session's number for 0, the older ones for higher indices, and last the one that never was.
    fn number(&self, session: usize) -> u64 {
        self.numbers[self.numbers.len() - 1 - session % self.numbers.len()]
    }
}

struct Driver {
    outside: TestEnvironment,
    tee: Tee,
    model: Model,
}

impl Driver {
    fn new() -> Self {
        let outside = TestEnvironment::new("itrustee");
        let mut tee = outside.open();
        let now = outside.unix_millis();
        let mut keys = BTreeMap::new();
        for uid in [1, 2] {
            tee.generate_app_secure_key(uid).unwrap();
            for name in NAMES {
                let public = tee.generate_auth_key(uid, name).unwrap();
                keys.insert((uid, name), (public.fingerprint(), true));
            }
        }
        let model = Model {
            now,
            numbers: vec![4711],
            open: BTreeMap::new(),
            keys,
            enrolled: BTreeMap::from([(1, Mode::FingerPrint)]),
            failures: BTreeMap::new(),
            challenges: 0,
            highest_counter: tee.last_counter(),
        };
        Self { outside, tee, model }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Init { uid, name, modes } => self.init(uid, name, modes),
            Step::PresentEnrolled { session, index } => {
                let enrolled = &self.model.enrolled;
                let one = enrolled.iter().nth(index % enrolled.len().max(1));
                if let Some((number, mode)) = one {
                    let presented = Presented { mode: *mode, enrolment: Some(*number) };
                    self.present(self.model.number(session), presented);
                }
            }
            Step::Present { session, mode, enrolment } => {
                self.present(self.model.number(session), Presented { mode, enrolment });
            }
            Step::Finish { session } => self.finish(self.model.number(session)),
            Step::Cancel { session } => {
                let number = self.model.number(session);
                let alive = self.model.living(number).is_some();
                self.model.open.remove(&number);
                assert_eq!(self.tee.cancel(number).is_ok(), alive);
            }
            Step::SetClock(now) => {
                self.outside.clock.store(now, Ordering::Relaxed);
                self.model.now = now;
            }
            Step::Enroll(mode) => {
                if let Ok(enrolment) = self.tee.enroll(mode) {
                    self.model.enrolled.insert(enrolment.number, mode);
                    self.model.keys.values_mut().for_each(|(_, valid)| *valid = false);
                }
            }
            Step::RemoveEnrolment(number) => {
                let was_enrolled = self.model.enrolled.remove(&number).is_some();
                assert_eq!(self.tee.remove_enrolment(number).is_ok(), was_enrolled);
            }
            Step::MakeAuthKey { uid, name } => {
                if !self.tee.has_app_secure_key(uid) {
                    self.tee.generate_app_secure_key(uid).unwrap();
                }
                let public = self.tee.generate_auth_key(uid, name).unwrap();
                self.model.keys.insert((uid, name), (public.fingerprint(), true));
            }
            Step::RemoveAuthKey { uid, name } => {
                let existed = self.model.keys.remove(&(uid, name)).is_some();
                assert_eq!(self.tee.remove_auth_key(uid, name).is_ok(), existed);
            }
            Step::RemoveApp { uid } => {
                self.model.keys.retain(|(of, _), _| *of != uid);
                let _ = self.tee.remove_all_auth_keys(uid);
            }
            Step::Unlock => {
                self.tee.unlock().unwrap();
                self.model.failures.clear();
            }
            Step::FactoryReset => {
                self.tee.factory_reset().unwrap();
                self.model.open.clear();
                self.model.keys.clear();
                self.model.failures.clear();
                let enrolments = self.tee.enrolments();
                self.model.enrolled = enrolments.iter().map(|one| (one.number, one.mode)).collect();
            }
            Step::Restart => {
                self.tee = self.outside.open();
                self.model.open.clear();
            }
        }
    }

    fn init(&mut self, uid: u32, name: &'static str, modes: Vec<Mode>) {
        self.model.challenges += 1;
        let challenge = format!("challenge {}", self.model.challenges);
        let opened = self.tee.init_sign(uid, name, &challenge, &modes);
        let Some((fingerprint, true)) = self.model.keys.get(&(uid, name)).cloned() else {
            opened.unwrap_err();
            return;
        };
        let now = self.model.now;
        self.model.open.retain(|_, session| now < session.opened_at + SESSION_LIFETIME_MS);
        let of_app = self.model.open.values().filter(|session| session.key.0 == uid).count();
        if of_app >= MAX_SESSIONS_PER_APP {
            assert!(matches!(opened, Err(TeeError::SessionsFull { .. })));
            return;
        }
        let number = opened.unwrap();
        let session = ModelSession {
            key: (uid, name),
            fingerprint,
            challenge,
            modes,
            opened_at: now,
            touched_by: None,
        };
        assert!(self.model.open.insert(number, session).is_none(), "an open session's number was given out");
        self.model.numbers.push(number);
    }

    fn present(&mut self, number: u64, presented: Presented) {
        let judged = self.tee.present(number, presented);
        let listens = self.model.living(number).map(|session| session.modes.contains(&presented.mode));
        let matches = presented.enrolment.filter(|one| self.model.enrolled.get(one) == Some(&presented.mode));
        match (listens, self.model.is_locked(presented.mode)) {
            (None, _) => assert!(matches!(judged, Err(TeeError::NoSession { .. })), "{judged:?}"),
            (Some(false), _) => {
                assert!(matches!(judged, Err(TeeError::SensorNotListening)), "{judged:?}");
            }
            (Some(true), true) => assert!(matches!(judged, Ok(Judgement::LockedOut(_))), "{judged:?}"),
            (Some(true), false) => {
                if let Some(finger) = matches {
                    assert!(matches!(&judged, Ok(Judgement::Matched(by)) if by.number == finger));
                    self.model.failures.remove(&presented.mode);
                    if let Some(session) = self.model.open.get_mut(&number) {
                        session.touched_by = Some(finger);
                    }
                } else {
                    assert!(matches!(judged, Ok(Judgement::Rejected { .. })), "{judged:?}");
                    let now = self.model.now;
                    let failures = self.model.failures.entry(presented.mode).or_default();
                    failures.count += 1;
                    failures.locked_until = if failures.count.is_multiple_of(5) { now + 30_000 } else { 0 };
                }
            }
        }
    }

    fn finish(&mut self, number: u64) {
        let last_counter = self.tee.last_counter();
        let signed = self.tee.finish_sign(number);
        let session = self.model.open.remove(&number).filter(|session| self.model.is_alive(session));
        let may_sign = session.as_ref().is_some_and(|session| {
            let key = self.model.keys.get(&session.key);
            session.touched_by.is_some() && key == Some(&(session.fingerprint.clone(), true))
        });
        let (true, Some(session)) = (may_sign, session) else {
            assert!(signed.is_err(), "a signature without a touch, or with another key");
            assert_eq!(self.tee.last_counter(), last_counter);
            return;
        };
        let signed = signed.unwrap();
        let result = ResultJson::decode(&signed.export.json).unwrap();
        assert_eq!(result.raw, session.challenge);
        assert_eq!(Some(signed.matched.number), session.touched_by);
        assert_eq!(result.fid, Some(signed.matched.fid));
        assert_eq!(result.uid, session.key.0.to_string());
        assert_eq!(
            (signed.key_name.as_str(), &signed.key_fingerprint),
            (session.key.1, &session.fingerprint)
        );
        let path = KeyPath::AuthKey { uid: session.key.0, name: session.key.1.to_owned() };
        let public = public_key(&mut self.tee, &path);
        assert_eq!(
            public.verify(self.tee.profile().scheme, &signed.export.json, &signed.export.signature),
            Ok(())
        );
        assert!(result.counter > self.model.highest_counter);
        self.model.highest_counter = result.counter;
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    // Mostly one key and the newest sessions, so that steps often concern the same session.
    let key = prop_oneof![4 => Just((1, "pay")), 1 => (1..=2_u32, prop::sample::select(&NAMES[..]))];
    let mode = prop_oneof![3 => Just(Mode::FingerPrint), 1 => Just(Mode::Facial)];
    let modes = prop_oneof![
        3 => Just(vec![Mode::FingerPrint, Mode::Facial]),
        1 => mode.clone().prop_map(|mode| vec![mode]),
    ];
    let session = prop_oneof![6 => Just(0), 3 => 0..4_usize, 1 => any::<usize>()];
    let clock = prop_oneof![4 => 0..40_000_u64, 1 => 0..2 * SESSION_LIFETIME_MS];
    prop_oneof![
        20 => (key.clone(), modes).prop_map(|((uid, name), modes)| Step::Init { uid, name, modes }),
        20 => (session.clone(), 0..3_usize)
            .prop_map(|(session, index)| Step::PresentEnrolled { session, index }),
        10 => (session.clone(), mode.clone(), prop::option::of(1..6_u32))
            .prop_map(|(session, mode, enrolment)| Step::Present { session, mode, enrolment }),
        20 => session.clone().prop_map(|session| Step::Finish { session }),
        3 => session.prop_map(|session| Step::Cancel { session }),
        5 => clock.prop_map(|after| Step::SetClock(1_600_000_000_000 + after)),
        2 => mode.prop_map(Step::Enroll),
        2 => (1..4_u32).prop_map(Step::RemoveEnrolment),
        12 => key.clone().prop_map(|(uid, name)| Step::MakeAuthKey { uid, name }),
        2 => key.clone().prop_map(|(uid, name)| Step::RemoveAuthKey { uid, name }),
        1 => key.prop_map(|(uid, _)| Step::RemoveApp { uid }),
        3 => Just(Step::Unlock),
        1 => Just(Step::FactoryReset),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_session_signs_only_its_own_challenge_and_only_once_after_a_match(
        steps in prop::collection::vec(any_step(), 1..80),
    ) {
        let mut driver = Driver::new();
        for step in steps {
            driver.step(step);
        }
    }
}

/// A session of the AuthKey `pay` that a touch has armed and that only has to be finished.
fn armed(tee: &mut Tee) -> u64 {
    let session = tee.init_sign(1, "pay", "challenge", &[Mode::FingerPrint]).unwrap();
    assert!(matches!(tee.present(session, FINGER).unwrap(), Judgement::Matched(_)));
    session
}

#[test]
fn a_touch_arms_only_one_session() {
    let (_outside, mut tee) = phone_with_keys("trustonic");
    let touched = armed(&mut tee);
    let other = tee.init_sign(1, "pay", "other", &[Mode::FingerPrint]).unwrap();

    assert!(matches!(tee.finish_sign(other), Err(TeeError::NotTouched { .. })));

    assert!(tee.finish_sign(touched).is_ok());
    assert!(matches!(tee.finish_sign(touched), Err(TeeError::NoSession { .. })));
}

#[test]
fn a_failure_after_the_match_does_not_disarm_the_session() {
    let (_outside, mut tee) = phone_with_keys("trustonic");
    let session = armed(&mut tee);

    assert!(matches!(tee.present(session, NOT_ENROLLED).unwrap(), Judgement::Rejected { .. }));

    assert!(tee.finish_sign(session).is_ok());
}

#[test]
fn a_regenerated_key_does_not_sign_in_sessions_of_the_old_key() {
    let (_outside, mut tee) = phone_with_keys("trustonic");
    let session = armed(&mut tee);

    tee.generate_auth_key(1, "pay").unwrap();

    assert!(matches!(tee.finish_sign(session), Err(TeeError::NoSession { .. })));
}

#[test]
fn a_key_that_an_enrolment_invalidated_does_not_sign() {
    let (_outside, mut tee) = phone_with_keys("trustonic");
    let session = armed(&mut tee);

    tee.enroll(Mode::FingerPrint).unwrap();

    assert!(matches!(tee.finish_sign(session), Err(TeeError::AuthKeyInvalidated { .. })));
}

#[test]
fn a_removed_key_does_not_sign() {
    let (_outside, mut tee) = phone_with_keys("trustonic");
    let one_key = armed(&mut tee);
    tee.remove_auth_key(1, "pay").unwrap();
    assert!(matches!(tee.finish_sign(one_key), Err(TeeError::AuthKeyNotFound { .. })));
    tee.generate_auth_key(1, "pay").unwrap();
    let every_key = armed(&mut tee);

    tee.remove_all_auth_keys(1).unwrap();

    assert!(matches!(tee.finish_sign(every_key), Err(TeeError::NoAsk { .. })));
}

#[test]
fn a_session_ends_after_its_lifetime_and_when_the_phone_loses_power() {
    let (outside, mut tee) = phone_with_keys("trustonic");
    let young = armed(&mut tee);
    outside.advance(SESSION_LIFETIME_MS - 1);
    assert!(tee.finish_sign(young).is_ok());
    let old = armed(&mut tee);
    outside.advance(SESSION_LIFETIME_MS);
    assert!(matches!(tee.present(old, FINGER), Err(TeeError::NoSession { .. })));
    assert!(matches!(tee.finish_sign(old), Err(TeeError::NoSession { .. })));
    let session = armed(&mut tee);

    let mut restarted = outside.open();

    assert!(matches!(restarted.finish_sign(session), Err(TeeError::NoSession { .. })));
}
