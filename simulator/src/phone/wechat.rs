//! WeChat on the phone: the SOTER calls of a mini program, in the order of checks of the Android client.

use std::time::Duration;

use soter_bridge::protocol::sensor::SensorMode;
use soter_bridge::protocol::wx::{
    CHALLENGE_LIMIT, CheckIsSoterEnrolledInDevice, CheckSession, GetUserInfo, LoggedIn, Login,
    SessionChecked, SoterAuthentication, SoterEnrolment, SoterSupport, StartSoterAuthentication, UserInfo,
};
use soter_bridge::protocol::{CommandError, Event, Touch, device};
use soter_tee::TeeError;
use soter_wechat::codes::wx::{self, message};
use soter_wire::{Mode, base64};

use super::dialog::{Dialog, Ended, Outcome, frozen};
use super::upload::{MOST_UPLOADS, Upload};
use super::{Inside, Phone};

/// WeChat's package.
const WECHAT: &str = "com.tencent.mm";
/// WeChat's Android uid. Modelled: a phone gives uids from 10000 on as apps are installed.
const WECHAT_UID: u32 = 10102;
/// The longest `authContent`, in UTF-16 units.
const AUTH_CONTENT_LIMIT: usize = 42;
const INTERNAL_ERROR_IS_ON: &str = "switched on by `device set internalError`";
/// The dialog's text when the mini program gives none. Modelled.
const DEFAULT_AUTH_CONTENT: &str = "请验证已有的指纹";

impl Phone {
    /// `wx.checkIsSupportSoterAuthentication`.
    pub(crate) fn check_is_support(&self) -> SoterSupport {
        let inside = self.inside();
        let support_mode = if inside.record.settings.support { self.modes(&inside) } else { Vec::new() };
        SoterSupport { support_mode, err_msg: "checkIsSupportSoterAuthentication:ok".to_owned() }
    }

    /// `wx.checkIsSoterEnrolledInDevice`.
    pub(crate) fn check_is_enrolled(
        &self,
        request: &CheckIsSoterEnrolledInDevice,
    ) -> Result<SoterEnrolment, CommandError> {
        let mut inside = self.inside();
        let mode = request.check_auth_mode.as_deref().and_then(|name| name.parse::<Mode>().ok());
        let supported = inside.record.settings.support;
        let Some(mode) = mode.filter(|mode| supported && self.modes(&inside).contains(mode)) else {
            let err_msg = "checkIsSoterEnrolledInDevice:fail not support".to_owned();
            return Ok(SoterEnrolment { is_enrolled: false, err_msg });
        };
        let is_enrolled = self.tee(&mut inside)?.enrolments().iter().any(|enrolment| enrolment.mode == mode);
        Ok(SoterEnrolment { is_enrolled, err_msg: "checkIsSoterEnrolledInDevice:ok".to_owned() })
    }

    /// `wx.startSoterAuthentication`. A dialog that nobody waits for any more (the future was dropped) is cancelled.
    pub(crate) async fn start_soter_authentication(
        &self,
        request: StartSoterAuthentication,
    ) -> Result<SoterAuthentication, CommandError> {
        let outcome = match self.check_request(&request) {
            Ok(modes) => {
                let _screen = self.screen.take().await?;
                self.authenticate(&request, &modes).await
            }
            Err(refused) => Ok(refused),
        };
        let ended = outcome?;
        if ended.answer.err_code == wx::OK {
            let latency = self.inside().record.settings.latency;
            if latency > 0 {
                tokio::time::sleep(Duration::from_millis(latency)).await;
            }
        } else {
            self.emit(Event::Refused {
                device: self.name.to_string(),
                method: "wx.startSoterAuthentication".to_owned(),
                code: ended.answer.err_code,
                message: ended.answer.err_msg.clone(),
                reason: ended.reason,
            });
        }
        Ok(*ended.answer)
    }

    /// Steps 1 to 7: what the call itself says. Gives the modes that are left, in the request's order.
    fn check_request(&self, request: &StartSoterAuthentication) -> Result<Vec<Mode>, Ended> {
        let fail = |code, text| Err(Ended::failed(code, text, ""));
        let mut inside = self.inside();
        if let Some(code) = inside.record.settings.fail_next.take() {
            inside.record_changed = true;
            return Err(Ended::failed(code, scripted_message(code), "switched on by `device set failNext`"));
        }
        // 1. No modes at all.
        let requested = request.request_auth_modes.as_deref().unwrap_or_default();
        if requested.is_empty() {
            return fail(wx::MODE_NOT_SUPPORTED, message::MODE_IS_NULL);
        }
        // 2. No SOTER on this device.
        if !inside.record.settings.support {
            return fail(wx::NOT_SUPPORTED, message::NOT_SUPPORTED);
        }
        // 3. No name that is a mode.
        let mut modes: Vec<Mode> = Vec::new();
        for mode in requested.iter().filter_map(|name| name.parse().ok()) {
            if !modes.contains(&mode) {
                modes.push(mode);
            }
        }
        if modes.is_empty() {
            return fail(wx::MODE_NOT_SUPPORTED, message::NO_CORRESPONDING_MODE);
        }
        // 4. No challenge, or too long a one.
        let challenge = request.challenge.as_deref().unwrap_or_default();
        if challenge.is_empty() {
            return fail(wx::CHALLENGE_REFUSED, message::CHALLENGE_IS_NULL);
        }
        if challenge.encode_utf16().count() >= CHALLENGE_LIMIT {
            return fail(wx::CHALLENGE_REFUSED, message::CHALLENGE_TOO_LONG);
        }
        // 5. authContent that is empty or too long is replaced, see `auth_content`.
        // 6. Modes that the phone does not support are dropped.
        let supported = self.modes(&inside);
        modes.retain(|mode| supported.contains(mode));
        if modes.is_empty() {
            return fail(wx::MODE_NOT_SUPPORTED, message::NO_CORRESPONDING_MODE);
        }
        // 7. The permission; where the client asks for it is not known.
        if !inside.record.settings.permission {
            return fail(wx::NOT_GRANTED, message::NOT_GRANTED);
        }
        Ok(modes)
    }

    /// Steps 8 on: what is enrolled, what is frozen, the keys, and the touch.
    async fn authenticate(&self, request: &StartSoterAuthentication, modes: &[Mode]) -> Outcome {
        let mut uploads = 0;
        let (number, outcome) = loop {
            let upload = {
                let mut inside = self.inside();
                match self.open_dialog(&mut inside, request, modes)? {
                    Opened::Refused(ended) => return Ok(ended),
                    Opened::Touches(touches) => return self.play(&mut inside, touches),
                    Opened::Waits { number, outcome } => break (number, outcome),
                    Opened::Uploads(upload) => upload,
                }
            };
            uploads += 1;
            let refused = if uploads > MOST_UPLOADS {
                Some("WeChat's servers go on asking for the phone's keys".to_owned())
            } else {
                self.upload(upload).await?
            };
            if let Some(reason) = refused {
                return Ok(Ended::internal_error("auth key update error", reason));
            }
        };
        let mut watch = DialogWatch { phone: self, number: Some(number) };
        let outcome = outcome.await;
        watch.number = None;
        outcome.map_err(|_| CommandError::internal("a dialog was closed without an answer"))?
    }

    fn open_dialog(
        &self,
        inside: &mut Inside,
        request: &StartSoterAuthentication,
        modes: &[Mode],
    ) -> Result<Opened, CommandError> {
        // 8. Nothing enrolled for the modes that are left.
        let enrolled: Vec<Mode> = {
            let enrolments = self.tee(inside)?.enrolments();
            modes.iter().copied().filter(|mode| enrolments.iter().any(|one| one.mode == *mode)).collect()
        };
        if inside.record.settings.report_not_enrolled {
            let reason = "switched on by `device set reportNotEnrolled`";
            return Ok(Opened::Refused(Ended::failed(wx::NOT_ENROLLED, message::NOT_ENROLLED, reason)));
        }
        if enrolled.is_empty() {
            let names: Vec<_> = modes.iter().map(|mode| mode.name()).collect();
            let reason = format!("nothing is enrolled for {}", names.join(", "));
            return Ok(Opened::Refused(Ended::failed(wx::NOT_ENROLLED, message::NOT_ENROLLED, reason)));
        }
        // 9. Frozen.
        let tee = self.tee(inside)?;
        let lockout = enrolled.iter().find_map(|mode| tee.lockout(*mode));
        let ready: Vec<Mode> = enrolled.into_iter().filter(|mode| tee.lockout(*mode).is_none()).collect();
        if ready.is_empty() {
            let reason = lockout.map(frozen).unwrap_or_default();
            return Ok(Opened::Refused(Ended::failed(wx::FROZEN, message::FROZEN, reason)));
        }
        // 10. ASK and AuthKey, made when they are needed.
        let internal_error = inside.record.settings.internal_error.clone();
        if let Some(text) = internal_error.filter(|text| !text.starts_with("authenticate error")) {
            return Ok(Opened::Refused(Ended::internal_error(&text, INTERNAL_ERROR_IS_ON)));
        }
        let uid = wechat_uid(inside);
        let caller = self.caller(inside, request.appid.as_deref())?;
        let key_name = auth_key_name(&caller);
        match self.next_upload(inside, uid, &key_name, &caller)? {
            Ok(None) => {}
            Ok(Some(upload)) => return Ok(Opened::Uploads(upload)),
            Err(error) => return self.key_failure(&error).map(Opened::Refused),
        }
        // 11. The signing session, and the dialog.
        let challenge = request.challenge.as_deref().unwrap_or_default();
        let session = match self.tee(inside)?.init_sign(uid, &key_name, challenge, &ready) {
            Ok(session) => session,
            Err(error) if error.result_code().is_some() => {
                let text = "start fingerprint authen failed";
                return Ok(Opened::Refused(Ended::internal_error(text, error.to_string())));
            }
            Err(error) => return Err(self.tee_error(&error)),
        };
        let touches = match (&request.touch, &inside.record.sensor) {
            (Some(script), _) | (None, SensorMode::Script(script)) => Some(script.0.clone()),
            (None, SensorMode::Auto) => Some(vec![self.automatic_touch(inside, &ready)?]),
            (None, SensorMode::Ask) => None,
        };
        let mut dialog = Dialog::new(session, ready, auth_content(request), challenge);
        let device::Dialog { number, modes, auth_content, challenge } = dialog.shown.clone();
        let (device, waits) = (self.name.to_string(), touches.is_none());
        self.emit(Event::PromptShown { device, dialog: number, modes, auth_content, challenge, waits });
        let Some(touches) = touches else {
            let outcome = dialog.wait();
            inside.dialog = Some(dialog);
            return Ok(Opened::Waits { number, outcome });
        };
        inside.dialog = Some(dialog);
        Ok(Opened::Touches(touches))
    }

    /// Plays touches until the dialog ends; a dialog that is still open after the last one is cancelled.
    fn play(&self, inside: &mut Inside, touches: Vec<Touch>) -> Outcome {
        for touch in touches.into_iter().chain([Touch::Cancel]) {
            let (_, outcome) = self.touch_dialog(inside, touch)?;
            if let Some(outcome) = outcome {
                self.close_dialog(inside, outcome.clone());
                return outcome;
            }
        }
        Err(CommandError::internal("a cancelled dialog stayed open"))
    }

    /// Who is logged in, in which mini program.
    pub(super) fn caller(&self, inside: &Inside, appid: Option<&str>) -> Result<Caller, CommandError> {
        let wechat = &self.context.wechat;
        let first = &wechat.accounts().first_user().name;
        let user = inside.record.settings.user.as_ref().unwrap_or(first).clone();
        let appid = appid.unwrap_or(&wechat.accounts().first_app().appid).to_owned();
        let openid = wechat.openid(&user, &appid)?;
        Ok(Caller { user, appid, openid })
    }

    /// `wx.login`.
    pub(crate) fn login(&self, request: &Login) -> Result<LoggedIn, CommandError> {
        let Caller { user, appid, .. } = self.caller(&self.inside(), request.appid.as_deref())?;
        let code = self.context.wechat.login(&user, &appid)?;
        Ok(LoggedIn { code, err_msg: "login:ok".to_owned() })
    }

    /// `wx.checkSession`. The text of its failure is not documented; modelled.
    pub(crate) fn check_session(&self, request: &CheckSession) -> Result<SessionChecked, CommandError> {
        let Caller { user, appid, .. } = self.caller(&self.inside(), request.appid.as_deref())?;
        let is_alive = self.context.wechat.check_session(&user, &appid)?;
        let err_msg =
            if is_alive { "checkSession:ok" } else { "checkSession:fail session time out, need relogin" };
        Ok(SessionChecked { err_msg: err_msg.to_owned() })
    }

    /// `wx.getUserInfo`.
    pub(crate) fn user_info(&self, request: &GetUserInfo) -> Result<UserInfo, CommandError> {
        let Caller { user, appid, .. } = self.caller(&self.inside(), request.appid.as_deref())?;
        let info = self.context.wechat.user_info(&user, &appid)?;
        let user_info = serde_json::from_str(&info.raw_data)
            .map_err(|error| CommandError::internal(format!("a user's data do not read: {error}")))?;
        Ok(UserInfo {
            user_info,
            raw_data: info.raw_data,
            signature: info.signature,
            encrypted_data: info.encrypted_data,
            iv: info.iv,
            err_msg: "getUserInfo:ok".to_owned(),
        })
    }

    /// Signs after a match: the call's answer.
    pub(super) fn sign(&self, inside: &mut Inside, session: u64) -> Outcome {
        if let Some(text) = inside.record.settings.internal_error.clone() {
            // Of these texts only `authenticate error: …` lets the dialog open.
            return Ok(Ended::internal_error(&text, INTERNAL_ERROR_IS_ON));
        }
        let signed = match self.spending(inside, "finishSign", |tee| tee.finish_sign(session))? {
            Ok(signed) => signed,
            Err(error) => {
                return match error.result_code() {
                    Some(code) => Ok(Ended::refused_by_tee(&error, code)),
                    None => Err(self.tee_error(&error)),
                };
            }
        };
        self.tell_signed(&signed);
        let report_as_finger =
            inside.record.settings.report_face_as_finger && signed.matched.mode == Mode::Facial;
        let auth_mode = if report_as_finger { Mode::FingerPrint } else { signed.matched.mode };
        let result_json = String::from_utf8(signed.export.json)
            .map_err(|_| CommandError::internal("the TEE signed a result that is not UTF-8"))?;
        let answer = SoterAuthentication {
            err_code: wx::OK,
            auth_mode: auth_mode.name().to_owned(),
            result_json,
            result_json_signature: base64::encode(&signed.export.signature),
            err_msg: format!("startSoterAuthentication:{}", message::OK),
        };
        Ok(Ended { answer: Box::new(answer), reason: String::new() })
    }

    fn key_failure(&self, error: &TeeError) -> Outcome {
        if error.result_code().is_none() {
            return Err(self.tee_error(error));
        }
        Ok(Ended::internal_error("auth key generate failed", error.to_string()))
    }

    /// The modes that the phone says it supports.
    fn modes(&self, inside: &Inside) -> Vec<Mode> {
        inside.record.settings.modes.clone().unwrap_or_else(|| self.profile.modes.to_vec())
    }
}

/// What became of a dialog that was to be opened.
enum Opened {
    /// It was not opened.
    Refused(Ended),
    /// It is open, and these touches are to be played.
    Touches(Vec<Touch>),
    /// Something has to be uploaded first.
    Uploads(Upload),
    /// It is open and waits for a person.
    Waits { number: u64, outcome: tokio::sync::oneshot::Receiver<Outcome> },
}

/// Cancels a dialog whose caller goes away.
struct DialogWatch<'a> {
    phone: &'a Phone,
    /// `None` once the dialog has ended.
    number: Option<u64>,
}

impl Drop for DialogWatch<'_> {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut inside = self.phone.inside();
        if inside.dialog.as_ref().is_some_and(|dialog| dialog.shown.number == number) {
            self.phone.end_dialog(&mut inside);
        }
    }
}

/// The apps on a new phone: WeChat, and one for trying the trusted app's commands.
pub(super) fn new_apps() -> Vec<device::App> {
    [(WECHAT, WECHAT_UID), ("com.example.soter.demo", 10115)]
        .map(|(package, uid)| device::App { package: package.to_owned(), uid })
        .to_vec()
}

/// For whom WeChat acts.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// The user's name on WeChat's servers.
    pub(super) user: String,
    /// The mini program.
    pub(super) appid: String,
    /// The user in it.
    pub(super) openid: String,
}

/// WeChat makes one AuthKey per mini program and user. The name is modelled.
pub(super) fn auth_key_name(caller: &Caller) -> String {
    format!("Wechat_{}_{}", caller.appid, caller.openid)
}

/// The dialog's text: the mini program's, unless it is empty or too long.
fn auth_content(request: &StartSoterAuthentication) -> &str {
    let text = request.auth_content.as_deref().unwrap_or_default();
    let length = text.encode_utf16().count();
    if (1..=AUTH_CONTENT_LIMIT).contains(&length) { text } else { DEFAULT_AUTH_CONTENT }
}

pub(super) fn wechat_uid(inside: &Inside) -> u32 {
    let app = inside.record.apps.iter().find(|app| app.package == WECHAT);
    app.map_or(WECHAT_UID, |app| app.uid)
}

/// The text of a failure that was ordered by `failNext`.
fn scripted_message(code: i32) -> &'static str {
    match code {
        wx::NOT_SUPPORTED => message::NOT_SUPPORTED,
        wx::NOT_GRANTED => message::NOT_GRANTED,
        wx::MODE_NOT_SUPPORTED => message::NO_CORRESPONDING_MODE,
        wx::CHALLENGE_REFUSED => message::CHALLENGE_IS_NULL,
        wx::INTERNAL_ERROR => message::KEY_GENERATE_FAILED,
        wx::CANCELLED => message::CANCEL,
        wx::FROZEN => message::FROZEN,
        wx::NOT_ENROLLED => message::NOT_ENROLLED,
        // 90005 and 90009 have no text.
        _ => message::NOT_RECOGNISED,
    }
}
