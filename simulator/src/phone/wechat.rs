//! WeChat on the phone: the user and mini program for which it acts, its modes, and the calls that need no dialog.

use std::time::Duration;

use soter_bridge::protocol::CommandError;
use soter_bridge::protocol::device::LoginFailure;
use soter_bridge::protocol::servers::{Ended, Expire, Expired};
use soter_bridge::protocol::wx::{
    CheckIsSoterEnrolledInDevice, CheckSession, GetPhoneNumber, LoggedIn, Login, PhoneNumberCode,
    SessionChecked, SoterEnrolment, SoterSupport,
};
use soter_wechat::Expiry;
use soter_wire::Mode;

use super::apps::auth_key_name;
use super::state::{Phone, PhoneState};

/// The text of calls that need a session if none is alive: live text of `wx.checkSession`, and modelled for the others.
pub(super) const NO_SESSION: &str = "session time out, need relogin";
/// The longest time that `wx.login` waits for its `timeout`.
const MAX_TIMEOUT: Duration = Duration::from_mins(1);

/// The user and mini program for which WeChat acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// The user's name on WeChat's servers.
    pub(super) user: String,
    /// The mini program.
    pub(super) appid: String,
    /// The user's openid in the mini program.
    pub(super) openid: String,
}

impl Caller {
    /// The name of the AuthKey.
    pub(super) fn auth_key_name(&self) -> String {
        auth_key_name(&self.appid, &self.openid)
    }
}

impl Phone {
    /// The user who is logged in, and the mini program.
    pub(super) fn caller(&self, state: &PhoneState, appid: Option<&str>) -> Result<Caller, CommandError> {
        let wechat = &self.context.wechat;
        let first = &wechat.accounts().first_user().name;
        let set = state.record.settings.user.as_ref();
        let user = set.or(self.context.user.as_ref()).unwrap_or(first).clone();
        let appid = appid.unwrap_or(&wechat.accounts().first_app().appid).to_owned();
        let openid = wechat.openid(&user, &appid)?;
        Ok(Caller { user, appid, openid })
    }

    /// The openid of the phone's user in the first mini program.
    ///
    /// # Errors
    /// `InvalidParams` if WeChat's servers do not know the user.
    pub(crate) fn openid(&self) -> Result<String, CommandError> {
        Ok(self.caller(&self.state(), None)?.openid)
    }

    /// The modes that the phone claims to support.
    pub(super) fn supported_modes(&self, state: &PhoneState) -> Vec<Mode> {
        state.record.settings.modes.clone().unwrap_or_else(|| self.profile.modes.to_vec())
    }

    /// `wx.checkIsSupportSoterAuthentication`.
    pub(crate) fn check_is_support(&self) -> SoterSupport {
        let state = self.state();
        let support_mode =
            if state.record.settings.support { self.supported_modes(&state) } else { Vec::new() };
        SoterSupport { support_mode, err_msg: "checkIsSupportSoterAuthentication:ok".to_owned() }
    }

    /// `wx.checkIsSoterEnrolledInDevice`.
    pub(crate) fn check_is_enrolled(
        &self,
        request: &CheckIsSoterEnrolledInDevice,
    ) -> Result<SoterEnrolment, CommandError> {
        let mut state = self.state();
        let mode = request.check_auth_mode.as_deref().and_then(|name| name.parse::<Mode>().ok());
        let supported = state.record.settings.support;
        let Some(mode) = mode.filter(|mode| supported && self.supported_modes(&state).contains(mode)) else {
            let err_msg = "checkIsSoterEnrolledInDevice:fail not support".to_owned();
            return Ok(SoterEnrolment { is_enrolled: false, err_msg });
        };
        let is_enrolled = self.tee(&mut state)?.enrolments().iter().any(|enrolment| enrolment.mode == mode);
        Ok(SoterEnrolment { is_enrolled, err_msg: "checkIsSoterEnrolledInDevice:ok".to_owned() })
    }

    /// `wx.login`. Its failures were seen; that a timeout without a `timeout` comes at once is modelled.
    pub(crate) async fn login(&self, request: &Login) -> Result<LoggedIn, CommandError> {
        let (Caller { user, appid, .. }, failure) = {
            let state = self.state();
            (self.caller(&state, request.appid.as_deref())?, state.record.settings.login_failure)
        };
        let text = match failure {
            None => {
                let code = self.context.wechat.login(&user, &appid).await?;
                return Ok(LoggedIn { code: Some(code), err_msg: "login:ok".to_owned() });
            }
            Some(LoginFailure::Fail) => "login:fail",
            Some(LoginFailure::Timeout) => {
                tokio::time::sleep(timeout(request)).await;
                "login:fail timeout"
            }
        };
        Ok(LoggedIn { code: None, err_msg: text.to_owned() })
    }

    /// `wx.getPhoneNumber`. Modelled: the user has agreed.
    pub(crate) async fn phone_number(
        &self,
        request: &GetPhoneNumber,
    ) -> Result<PhoneNumberCode, CommandError> {
        let Caller { user, appid, .. } = self.caller(&self.state(), request.appid.as_deref())?;
        let code = self.context.wechat.phone_code(&user, &appid).await?;
        Ok(PhoneNumberCode { code, err_msg: "getPhoneNumber:ok".to_owned() })
    }

    /// The user's name and the mini program, for a cloud function that the mini program calls.
    ///
    /// # Errors
    /// `InvalidParams` if WeChat's servers do not know one of them.
    pub(crate) fn user_and_app(&self, appid: Option<&str>) -> Result<(String, String), CommandError> {
        let Caller { user, appid, .. } = self.caller(&self.state(), appid)?;
        Ok((user, appid))
    }

    /// Ends something of the phone's user or of a mini program at WeChat's servers.
    pub(crate) async fn expire(&self, request: &Expire) -> Result<Ended, CommandError> {
        let Caller { user, appid, .. } = self.caller(&self.state(), request.appid.as_deref())?;
        let expiry = match request.what {
            Expired::Session => Expiry::Session { appid, user },
            Expired::Code => Expiry::Codes { appid, user },
            Expired::Token => Expiry::Tokens { appid },
            Expired::TokenReplaced => Expiry::ReplacedTokens { appid },
        };
        Ok(Ended { ended: self.context.wechat.expire(&expiry).await? })
    }

    /// `wx.checkSession`. The text of its failure is live text.
    pub(crate) async fn check_session(&self, request: &CheckSession) -> Result<SessionChecked, CommandError> {
        let Caller { user, appid, .. } = self.caller(&self.state(), request.appid.as_deref())?;
        let is_alive = self.context.wechat.check_session(&user, &appid).await?;
        let err_msg =
            if is_alive { "checkSession:ok".to_owned() } else { format!("checkSession:fail {NO_SESSION}") };
        Ok(SessionChecked { err_msg })
    }
}

/// How long a call waits for an answer that does not come.
fn timeout(request: &Login) -> Duration {
    let milliseconds = request.timeout.as_ref().and_then(serde_json::Number::as_f64).unwrap_or_default();
    let timeout = Duration::try_from_secs_f64(milliseconds / 1000.0);
    // A negative number means no wait, and one that is too large means the longest wait.
    timeout.unwrap_or(if milliseconds > 0.0 { MAX_TIMEOUT } else { Duration::ZERO }).min(MAX_TIMEOUT)
}
