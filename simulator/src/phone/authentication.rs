//! `wx.startSoterAuthentication`: its steps, in the order of checks of the Android client.
//!
//! | steps | what is checked or done |
//! |---|---|
//! | 1 to 7 | what the call itself says: modes, challenge, permission |
//! | | one authentication at a time: during another one, the call is refused, after steps 8 and 9, or waits |
//! | 8, 9 | somebody is enrolled, and the sensor is not frozen |
//! | 10 | ASK and AuthKey are made when they are needed, and uploaded to WeChat's servers; steps 8 to 10 are repeated after each upload |
//! | 11 | the TEE opens a signing session, and the dialog opens |
//!
//! From then on, touches decide.

use soter_bridge::protocol::device::{Purpose, SecondCall};
use soter_bridge::protocol::wx::{CHALLENGE_LIMIT, SoterAuthentication, StartSoterAuthentication};
use soter_bridge::protocol::{Command, CommandError, Event};
use soter_tee::TeeError;
use soter_text::{Text, text};
use soter_wechat::MissingUploads;
use soter_wechat::codes::wx::{self, message};
use soter_wire::Mode;

use super::dialog::Dialog;
use super::dialog_start::Started;
use super::outcome::{Ended, Stop};
use super::state::{Phone, PhoneState};
use super::upload::{CallerKeys, MAX_PASSES, NextUpload, Upload};
use super::wechat::Caller;

/// The longest `authContent`, in UTF-16 units.
const MAX_AUTH_CONTENT_UNITS: usize = 42;
/// The dialog's text when the mini program gives none. Modelled.
const DEFAULT_AUTH_CONTENT: &str = "请验证已有的指纹";

/// The result of steps 8 to 11.
enum Opened {
    /// The dialog was opened.
    Dialog(Started),
    /// The dialog is not open, because this must be uploaded first.
    Lacks(Upload),
    /// The dialog is not open, because the phone's keys changed while WeChat's servers were asked for them.
    KeysChanged,
}

impl Phone {
    /// `wx.startSoterAuthentication`. If the future is dropped, its dialog is cancelled.
    pub(crate) async fn start_soter_authentication(
        &self,
        request: StartSoterAuthentication,
    ) -> Result<SoterAuthentication, CommandError> {
        let second_call = self.state().record.settings.second_call;
        self.start_as(second_call, request).await
    }

    /// As [`start_soter_authentication`](Self::start_soter_authentication), with this setting of the phone.
    pub(crate) async fn start_as(
        &self,
        second_call: SecondCall,
        request: StartSoterAuthentication,
    ) -> Result<SoterAuthentication, CommandError> {
        let ended = self.authenticate(second_call, &request).await.or_else(Stop::into_outcome)?;
        let reason = ended.reason.clone();
        let answer = ended.into_authentication();
        if answer.err_code != wx::OK {
            self.emit(Event::Refused {
                device: self.name.to_string(),
                method: StartSoterAuthentication::METHOD.to_owned(),
                code: answer.err_code,
                message: answer.err_msg.clone(),
                reason,
            });
        }
        Ok(answer)
    }

    /// Carries out all steps. The phone is not locked while WeChat's servers are asked, so steps 8 to 10 are repeated after
    /// each upload.
    async fn authenticate(
        &self,
        second_call: SecondCall,
        request: &StartSoterAuthentication,
    ) -> Result<Ended, Stop> {
        let modes = self.check_request(request)?;
        let Some(_turn) = self.dialog_queue.take_turn(second_call).await? else {
            return Err(self.stop_for_second_call(&modes));
        };
        for _ in 0..MAX_PASSES {
            let keys = self.prepare_keys(request, &modes)?;
            let missing = self.missing_uploads(&keys).await?;
            let upload = match self.open_dialog(request, &modes, &keys, missing)? {
                Opened::Dialog(started) => return Ok(self.finish_dialog(started).await?),
                Opened::Lacks(upload) => upload,
                Opened::KeysChanged => continue,
            };
            if let Some(reason) = self.upload(upload).await? {
                return Err(Ended::internal_error("auth key update error", reason).into());
            }
        }
        let reason = text!("WeChat's servers go on asking for the phone's keys");
        Err(Ended::internal_error("auth key update error", reason).into())
    }

    /// Steps 1 to 7: what the call itself says. Returns the remaining modes, in the request's order.
    fn check_request(&self, request: &StartSoterAuthentication) -> Result<Vec<Mode>, Ended> {
        let fail = |code, text| Err(Ended::failed(code, text, Text::default()));
        let mut state = self.state();
        if let Some(code) = state.record.settings.fail_next.take() {
            state.record_changed = true;
            return Err(Ended::failed(
                code,
                message_for_code(code),
                text!("switched on by `device set failNext`"),
            ));
        }
        // 1. There are no modes.
        let requested = request.request_auth_modes.as_deref().unwrap_or_default();
        if requested.is_empty() {
            return fail(wx::MODE_NOT_SUPPORTED, message::MODE_IS_NULL);
        }
        // 2. The device does not support SOTER.
        if !state.record.settings.support {
            return fail(wx::NOT_SUPPORTED, message::NOT_SUPPORTED);
        }
        // 3. None of the names is a mode.
        let mut modes: Vec<Mode> = Vec::new();
        for mode in requested.iter().filter_map(|name| name.parse().ok()) {
            if !modes.contains(&mode) {
                modes.push(mode);
            }
        }
        if modes.is_empty() {
            return fail(wx::MODE_NOT_SUPPORTED, message::NO_CORRESPONDING_MODE);
        }
        // 4. The challenge is missing or too long.
        let challenge = request.challenge.as_deref().unwrap_or_default();
        if challenge.is_empty() {
            return fail(wx::CHALLENGE_REFUSED, message::CHALLENGE_IS_NULL);
        }
        if challenge.encode_utf16().count() >= CHALLENGE_LIMIT {
            return fail(wx::CHALLENGE_REFUSED, message::CHALLENGE_TOO_LONG);
        }
        // 5. An authContent that is empty or too long is replaced, see `auth_content`.
        // 6. Modes that the phone does not support are removed.
        let supported = self.supported_modes(&state);
        modes.retain(|mode| supported.contains(mode));
        if modes.is_empty() {
            return fail(wx::MODE_NOT_SUPPORTED, message::NO_CORRESPONDING_MODE);
        }
        // 7. The permission. It is not known at which point the client asks for it.
        if !state.record.settings.permission {
            return fail(wx::NOT_GRANTED, message::NOT_GRANTED);
        }
        Ok(modes)
    }

    /// Why a call during another authentication ends: the SDK checks steps 8 and 9 before its task pool refuses the call.
    fn stop_for_second_call(&self, modes: &[Mode]) -> Stop {
        let mut state = self.state();
        let checked = self.usable_modes(&mut state, modes);
        if let Err(stop) = checked.and_then(|_| Ok(check_internal_error(&state)?)) {
            return stop;
        }
        let reason = text!(
            "another authentication or payment is not over, or its client has left and 5 seconds have not passed; `device set secondCall queue` lets calls wait"
        );
        Ended::failed(wx::INTERNAL_ERROR, message::TASK_NOT_ADDED, reason).into()
    }

    /// Steps 8 to 10, up to the point at which WeChat's servers are asked which keys they lack.
    fn prepare_keys(&self, request: &StartSoterAuthentication, modes: &[Mode]) -> Result<CallerKeys, Stop> {
        let mut state = self.state();
        self.usable_modes(&mut state, modes)?;
        check_internal_error(&state)?;
        let caller = self.caller(&state, request.appid.as_deref())?;
        self.caller_keys(&mut state, caller)?.map_err(|error| self.stop_for_missing_key(&error))
    }

    /// Steps 8 to 11. The phone stays locked during them, so nothing else changes it.
    fn open_dialog(
        &self,
        request: &StartSoterAuthentication,
        modes: &[Mode],
        keys: &CallerKeys,
        missing: MissingUploads,
    ) -> Result<Opened, Stop> {
        let mut state = self.state();
        let ready = self.usable_modes(&mut state, modes)?;
        check_internal_error(&state)?;
        let caller = self.caller(&state, request.appid.as_deref())?;
        match self.next_upload(&mut state, caller.clone(), keys, missing)? {
            NextUpload::Nothing => {}
            NextUpload::Upload(upload) => return Ok(Opened::Lacks(upload)),
            NextUpload::KeysChanged => return Ok(Opened::KeysChanged),
            NextUpload::NoKey(error) => return Err(self.stop_for_missing_key(&error)),
        }
        // 11. The signing session, and the dialog.
        let session = self.init_sign(&mut state, &caller, request, &ready)?;
        let purpose = Purpose::Authentication {
            auth_content: auth_content(request).to_owned(),
            challenge: request.challenge.clone().unwrap_or_default(),
        };
        let dialog = Dialog::new(Some(session), ready, purpose);
        Ok(Opened::Dialog(self.start_dialog(&mut state, dialog, request.touch.as_ref())?))
    }

    /// Steps 8 and 9: the modes that can be used.
    fn usable_modes(&self, state: &mut PhoneState, modes: &[Mode]) -> Result<Vec<Mode>, Stop> {
        if state.record.settings.report_not_enrolled {
            let reason = text!("switched on by `device set reportNotEnrolled`");
            return Err(Ended::failed(wx::NOT_ENROLLED, message::NOT_ENROLLED, reason).into());
        }
        self.ready_modes(state, modes)
    }

    /// Step 11: the signing session.
    fn init_sign(
        &self,
        state: &mut PhoneState,
        caller: &Caller,
        request: &StartSoterAuthentication,
        ready: &[Mode],
    ) -> Result<u64, Stop> {
        let uid = state.record.wechat_uid();
        let challenge = request.challenge.as_deref().unwrap_or_default();
        self.tee(state)?
            .init_sign(uid, &caller.auth_key_name(), challenge, ready)
            .map_err(|error| self.stop_for_tee_error(&error, "start fingerprint authen failed"))
    }

    /// The end of step 10 if the TEE cannot make or read a key.
    fn stop_for_missing_key(&self, error: &TeeError) -> Stop {
        self.stop_for_tee_error(error, "auth key generate failed")
    }

    /// 90007 with this text if the TEE refused, or the failure of the phone's environment.
    fn stop_for_tee_error(&self, error: &TeeError, text: &str) -> Stop {
        match error.result_code() {
            Some(_) => Ended::internal_error(text, error.text()).into(),
            None => self.tee_error(error).into(),
        }
    }
}

/// Whether `internalError` allows the dialog to open: only its text `authenticate error: …` does.
fn check_internal_error(state: &PhoneState) -> Result<(), Ended> {
    match &state.record.settings.internal_error {
        Some(text) if !text.starts_with("authenticate error") => Err(Ended::configured_internal_error(text)),
        _ => Ok(()),
    }
}

/// The dialog's text: the mini program's, unless it is empty or too long.
fn auth_content(request: &StartSoterAuthentication) -> &str {
    let text = request.auth_content.as_deref().unwrap_or_default();
    let length = text.encode_utf16().count();
    if (1..=MAX_AUTH_CONTENT_UNITS).contains(&length) { text } else { DEFAULT_AUTH_CONTENT }
}

/// The text of a failure that was set with `failNext`.
fn message_for_code(code: i32) -> &'static str {
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
