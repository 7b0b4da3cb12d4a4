//! The authentication dialog and the sensor below it.
//!
//! One dialog is on the screen at a time; calls that come meanwhile wait for their turn (modelled: what WeChat does
//! with a second call is not known).

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use soter_bridge::protocol::sensor::{Cancelled, Judged, Judgement, SensorMode};
use soter_bridge::protocol::wx::SoterAuthentication;
use soter_bridge::protocol::{CommandError, ErrorKind, Event, Touch, device};
use soter_tee::{Judgement as TeeJudgement, Lockout, Presented, TeeError};
use soter_wechat::codes::wx::{self, message};
use soter_wire::Mode;
use tokio::sync::{Mutex, MutexGuard, oneshot};

use super::{Inside, Phone};

/// Calls that can wait for the screen of one phone.
const MAX_WAITING: usize = 1024;

/// Numbers dialogs, for all phones of the process.
static NEXT_DIALOG: AtomicU64 = AtomicU64::new(1);

/// The screen: whoever holds it may show a dialog. Calls get it in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Screen {
    turn: Mutex<()>,
    waiting: AtomicUsize,
}

impl Screen {
    pub(super) async fn take(&self) -> Result<MutexGuard<'_, ()>, CommandError> {
        if let Ok(turn) = self.turn.try_lock() {
            return Ok(turn);
        }
        let place = Place::take(&self.waiting)?;
        let turn = self.turn.lock().await;
        drop(place);
        Ok(turn)
    }
}

/// A place in the queue for the screen, free again when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Result<Self, CommandError> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            return Err(CommandError::new(
                ErrorKind::LimitReached,
                format!("{MAX_WAITING} authentications are waiting for the screen of this phone"),
                "touch the sensor or cancel, so that the dialog that is open ends",
            ));
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The dialog on the screen.
#[derive(Debug)]
pub(super) struct Dialog {
    /// What a person sees of it.
    pub(super) shown: device::Dialog,
    /// The TEE's signing session.
    session: u64,
    failures: u32,
    /// Who waits for the outcome, if somebody does.
    waiter: Option<oneshot::Sender<Outcome>>,
}

/// How a call ended, or that the phone's surroundings failed.
pub(super) type Outcome = Result<Ended, CommandError>;

/// The end of a call to `wx.startSoterAuthentication`.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    /// What the mini program gets.
    pub(super) answer: Box<SoterAuthentication>,
    /// Why it failed, in more words than the mini program gets; may be empty.
    pub(super) reason: String,
}

impl Ended {
    /// A failure; `text` is what follows `startSoterAuthentication:`.
    pub(super) fn failed(err_code: i32, text: &str, reason: impl Into<String>) -> Self {
        let answer = SoterAuthentication {
            err_code,
            auth_mode: String::new(),
            result_json: String::new(),
            result_json_signature: String::new(),
            err_msg: format!("startSoterAuthentication:{text}"),
        };
        Self { answer: Box::new(answer), reason: reason.into() }
    }

    /// 90007 with this text.
    pub(super) fn internal_error(text: &str, reason: impl Into<String>) -> Self {
        Self::failed(wx::INTERNAL_ERROR, &format!("fail {text}"), reason)
    }

    pub(super) fn cancelled() -> Self {
        Self::failed(wx::CANCELLED, message::CANCEL, "")
    }

    /// The secure world refused in the middle of an authentication.
    pub(super) fn refused_by_tee(error: &TeeError, code: i32) -> Self {
        Self::internal_error(&format!("authenticate error: {code}"), error.to_string())
    }
}

impl Dialog {
    pub(super) fn new(session: u64, modes: Vec<Mode>, auth_content: &str, challenge: &str) -> Self {
        let number = NEXT_DIALOG.fetch_add(1, Ordering::Relaxed);
        let (auth_content, challenge) = (auth_content.to_owned(), challenge.to_owned());
        let shown = device::Dialog { number, modes, auth_content, challenge };
        Self { shown, session, failures: 0, waiter: None }
    }

    /// Waits for a person.
    pub(super) fn wait(&mut self) -> oneshot::Receiver<Outcome> {
        let (sender, receiver) = oneshot::channel();
        self.waiter = Some(sender);
        receiver
    }
}

impl Phone {
    /// `sensor.touch`: to the dialog, or else to the newest signing session of an app.
    pub(crate) fn touch(&self, touch: Touch) -> Result<Judged, CommandError> {
        let mut inside = self.inside();
        if inside.dialog.is_some() {
            let (judged, outcome) = self.touch_dialog(&mut inside, touch)?;
            if let Some(outcome) = outcome {
                self.close_dialog(&mut inside, outcome);
            }
            return Ok(judged);
        }
        if inside.app_sessions.is_empty() {
            return Err(no_dialog());
        }
        self.touch_app_session(&mut inside, touch)
    }

    /// `sensor.cancel`.
    pub(crate) fn cancel(&self) -> Result<Cancelled, CommandError> {
        self.touch(Touch::Cancel).map(|_| Cancelled {})
    }

    /// Judges one touch of the open dialog. An outcome means that the dialog has to be closed with it.
    pub(super) fn touch_dialog(
        &self,
        inside: &mut Inside,
        touch: Touch,
    ) -> Result<(Judged, Option<Outcome>), CommandError> {
        let Some(dialog) = &inside.dialog else { return Err(no_dialog()) };
        let (session, modes, failures_before) = (dialog.session, dialog.shown.modes.clone(), dialog.failures);
        let Some(presented) = self.presented(inside, touch, &modes)? else {
            let judged = self.judged(touch, Judgement::Cancelled, None, None, false);
            return Ok((judged, Some(Ok(Ended::cancelled()))));
        };
        let mode = Some(presented.mode);
        let judgement = match self.tee(inside)?.present(session, presented) {
            Ok(judgement) => judgement,
            Err(TeeError::SensorNotListening) => {
                return Ok((self.judged(touch, Judgement::Ignored, mode, None, true), None));
            }
            Err(error) => {
                // The session is gone (it has expired, or the phone was switched off meanwhile).
                let outcome = match error.result_code() {
                    Some(code) => Ok(Ended::refused_by_tee(&error, code)),
                    None => Err(self.tee_error(&error)),
                };
                return Ok((self.judged(touch, Judgement::Ignored, mode, None, false), Some(outcome)));
            }
        };
        Ok(match judgement {
            TeeJudgement::Matched(_) => {
                // Told in the order in which it happens: the touch, then what it brings.
                let judged = self.judged(touch, Judgement::Matched, mode, None, false);
                (judged, Some(self.sign(inside, session)))
            }
            TeeJudgement::LockedOut(lockout) => {
                let ended = Ended::failed(wx::FROZEN, message::FROZEN, frozen(lockout));
                (self.judged(touch, Judgement::LockedOut, mode, None, false), Some(Ok(ended)))
            }
            TeeJudgement::Rejected { attempts_left, lockout } => {
                let failures = failures_before + 1;
                if let Some(dialog) = &mut inside.dialog {
                    dialog.failures = failures;
                }
                let too_many = self.profile.matcher.tries_per_dialog.is_some_and(|tries| failures >= tries);
                let outcome = if let Some(lockout) = lockout {
                    Some(Ok(Ended::failed(wx::FROZEN, message::FROZEN, frozen(lockout))))
                } else if too_many {
                    let reason = format!("{failures} failures end the dialog on this phone");
                    Some(Ok(Ended::failed(wx::NOT_RECOGNISED, message::NOT_RECOGNISED, reason)))
                } else {
                    None
                };
                let judgement =
                    self.judged(touch, Judgement::Rejected, mode, Some(attempts_left), outcome.is_none());
                (judgement, outcome)
            }
        })
    }

    /// Takes the dialog off the screen and tells whoever waits for it.
    pub(super) fn close_dialog(&self, inside: &mut Inside, outcome: Outcome) {
        let Some(mut dialog) = inside.dialog.take() else { return };
        if let Some(tee) = &mut inside.tee {
            // A session that has signed is gone already.
            let _ = tee.cancel(dialog.session);
        }
        let err_code = outcome.as_ref().map_or(wx::INTERNAL_ERROR, |ended| ended.answer.err_code);
        let device = self.name.to_string();
        self.emit(Event::PromptClosed { device, dialog: dialog.shown.number, err_code });
        if let Some(waiter) = dialog.waiter.take() {
            // A caller who has gone away needs no answer.
            let _ = waiter.send(outcome);
        }
    }

    /// Cancels the dialog, if there is one.
    pub(super) fn end_dialog(&self, inside: &mut Inside) {
        if inside.dialog.is_some() {
            self.close_dialog(inside, Ok(Ended::cancelled()));
        }
    }

    /// What a touch holds before which sensor; `None` for the cancel button.
    fn presented(
        &self,
        inside: &mut Inside,
        touch: Touch,
        modes: &[Mode],
    ) -> Result<Option<Presented>, CommandError> {
        let first = modes.first().copied().unwrap_or(Mode::FingerPrint);
        Ok(match touch {
            Touch::Cancel => None,
            Touch::Wrong => Some(Presented { mode: first, enrolment: None }),
            Touch::Enrolled(number) => {
                let enrolments = self.tee(inside)?.enrolments();
                let mode = enrolments.iter().find(|enrolment| enrolment.number == number);
                let mode = mode.map_or(first, |enrolment| enrolment.mode);
                Some(Presented { mode, enrolment: Some(number) })
            }
        })
    }

    fn judged(
        &self,
        touch: Touch,
        judgement: Judgement,
        mode: Option<Mode>,
        attempts_left: Option<u32>,
        dialog_open: bool,
    ) -> Judged {
        let device = self.name.to_string();
        self.emit(Event::Touched { device, touch, judgement, attempts_left });
        Judged { judgement, mode, attempts_left, dialog_open }
    }

    /// A touch while no dialog is open, but an app's signing session is.
    fn touch_app_session(&self, inside: &mut Inside, touch: Touch) -> Result<Judged, CommandError> {
        while let Some(session) = inside.app_sessions.last().copied() {
            let Some(presented) = self.presented(inside, touch, self.profile.modes)? else {
                inside.app_sessions.pop();
                // An expired session is as good as cancelled.
                let _ = self.tee(inside)?.cancel(session);
                return Ok(self.judged(touch, Judgement::Cancelled, None, None, false));
            };
            let mode = Some(presented.mode);
            match self.tee(inside)?.present(session, presented) {
                Ok(TeeJudgement::Matched(_)) => {
                    return Ok(self.judged(touch, Judgement::Matched, mode, None, true));
                }
                Ok(TeeJudgement::Rejected { attempts_left, .. }) => {
                    return Ok(self.judged(touch, Judgement::Rejected, mode, Some(attempts_left), true));
                }
                Ok(TeeJudgement::LockedOut(_)) => {
                    return Ok(self.judged(touch, Judgement::LockedOut, mode, None, true));
                }
                Err(TeeError::SensorNotListening) => {
                    return Ok(self.judged(touch, Judgement::Ignored, mode, None, true));
                }
                Err(TeeError::NoSession { .. }) => {
                    inside.app_sessions.pop();
                }
                Err(error) => return Err(self.tee_error(&error)),
            }
        }
        Err(no_dialog())
    }

    /// Lets a sensor that touches by itself touch for an app's signing session.
    pub(super) fn touch_by_itself(&self, inside: &mut Inside, session: u64) -> Result<(), CommandError> {
        if !inside.app_sessions.contains(&session) {
            return Ok(());
        }
        let touches = match inside.record.sensor.clone() {
            SensorMode::Ask => return Ok(()),
            SensorMode::Auto => vec![self.automatic_touch(inside, self.profile.modes)?],
            SensorMode::Script(script) => script.0,
        };
        inside.app_sessions.retain(|other| *other != session);
        inside.app_sessions.push(session);
        for touch in touches {
            let judged = self.touch_app_session(inside, touch)?;
            if matches!(judged.judgement, Judgement::Matched | Judgement::Cancelled | Judgement::LockedOut) {
                break;
            }
        }
        Ok(())
    }

    /// The first enrolled finger or face that a dialog listens to.
    pub(super) fn automatic_touch(&self, inside: &mut Inside, modes: &[Mode]) -> Result<Touch, CommandError> {
        let enrolments = self.tee(inside)?.enrolments();
        let first = enrolments.iter().find(|enrolment| modes.contains(&enrolment.mode));
        Ok(first.map_or(Touch::Wrong, |enrolment| Touch::Enrolled(enrolment.number)))
    }
}

/// A lock in words.
pub(super) fn frozen(lockout: Lockout) -> String {
    match lockout {
        Lockout::Timed { remaining_ms } => format!("locked for {} s more", remaining_ms.div_ceil(1000)),
        Lockout::Permanent => "locked until the PIN is entered: `biometric unlock`".to_owned(),
    }
}

fn no_dialog() -> CommandError {
    CommandError::new(
        ErrorKind::NoDialog,
        "no dialog and no signing session waits for a touch",
        "start one first, for example with `auth order-42`",
    )
}
