//! WeChat on the phone: the user and mini program for which it acts, its modes, and the calls that need no dialog.

use soter_bridge::protocol::CommandError;
use soter_bridge::protocol::servers::{Ended, Expire, Expired};
use soter_bridge::protocol::wx::{
    CheckIsSoterEnrolledInDevice, CheckSession, GetPhoneNumber, GetUserInfo, LoggedIn, Login,
    PhoneNumberCode, SessionChecked, SoterEnrolment, SoterSupport, UserInfo,
};
use soter_wechat::Expiry;
use soter_wire::Mode;

use super::apps::auth_key_name;
use super::state::{Phone, PhoneState};

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

    /// `wx.login`.
    pub(crate) async fn login(&self, request: &Login) -> Result<LoggedIn, CommandError> {
        let Caller { user, appid, .. } = self.caller(&self.state(), request.appid.as_deref())?;
        let code = self.context.wechat.login(&user, &appid).await?;
        Ok(LoggedIn { code, err_msg: "login:ok".to_owned() })
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
            if is_alive { "checkSession:ok" } else { "checkSession:fail session time out, need relogin" };
        Ok(SessionChecked { err_msg: err_msg.to_owned() })
    }

    /// `wx.getUserInfo`.
    pub(crate) async fn user_info(&self, request: &GetUserInfo) -> Result<UserInfo, CommandError> {
        let Caller { user, appid, .. } = self.caller(&self.state(), request.appid.as_deref())?;
        let info = self.context.wechat.user_info(&user, &appid).await?;
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
}
