//! `wx.getUserInfo` and `wx.getUserProfile`: what a user says about themselves, or anonymous data.

use soter_bridge::protocol::wx::{GetUserInfo, GetUserProfile, UserInfo};
use soter_bridge::protocol::{CommandError, device};
use soter_wechat::{Credentials, UserData};

use super::state::Phone;
use super::wechat::{Caller, NO_SESSION};

/// The longest `desc` of `wx.getUserProfile`, in characters, as documented.
const MAX_DESC: usize = 30;
/// The languages that `lang` can name, as documented.
const LANGUAGES: [&str; 3] = ["en", "zh_CN", "zh_TW"];

/// What the two calls have in common.
struct Asked<'a> {
    /// The call's name in `errMsg`.
    call: &'static str,
    lang: Option<&'a str>,
    appid: Option<&'a str>,
    with_credentials: bool,
    /// Whether the encrypted data identify the user.
    with_identity: bool,
}

impl Phone {
    /// `wx.getUserInfo`. Not documented, and modelled: credentials are the default, and the text if there is no session.
    pub(crate) async fn user_info(&self, request: &GetUserInfo) -> Result<UserInfo, CommandError> {
        self.give_user_data(Asked {
            call: "getUserInfo",
            lang: request.lang.as_deref(),
            appid: request.appid.as_deref(),
            with_credentials: request.with_credentials.unwrap_or(true),
            with_identity: true,
        })
        .await
    }

    /// `wx.getUserProfile`. Its text for a `desc` that is too long was seen; for one that is missing it is modelled.
    pub(crate) async fn user_profile(&self, request: &GetUserProfile) -> Result<UserInfo, CommandError> {
        let length = request.desc.as_deref().unwrap_or_default().chars().count();
        if !(1..=MAX_DESC).contains(&length) {
            return Ok(failed("getUserProfile", "desc length does not meet the requirements"));
        }
        self.give_user_data(Asked {
            call: "getUserProfile",
            lang: request.lang.as_deref(),
            appid: request.appid.as_deref(),
            with_credentials: true,
            with_identity: false,
        })
        .await
    }

    async fn give_user_data(&self, asked: Asked<'_>) -> Result<UserInfo, CommandError> {
        let Asked { call, lang, appid, with_credentials, with_identity } = asked;
        let wechat = &self.context.wechat;
        let (Caller { user, appid, .. }, settings) = {
            let state = self.state();
            (self.caller(&state, appid)?, state.record.settings.clone())
        };
        if !settings.user_info_permission {
            return Ok(failed(call, "auth deny"));
        }
        let data = if settings.anonymous_user {
            UserData::anonymous()
        } else {
            let own = wechat.user_data(&user)?;
            let own = settings.user_data.iter().fold(own, |own, changed| changed_data(own, changed));
            match lang {
                Some(lang) if LANGUAGES.contains(&lang) => UserData { language: lang.to_owned(), ..own },
                _ => own,
            }
        };
        let given = UserInfo {
            user_info: Some(data.to_json()),
            raw_data: Some(data.raw_data()),
            err_msg: format!("{call}:ok"),
            ..UserInfo::default()
        };
        if !with_credentials {
            return Ok(given);
        }
        let Some(credentials) = wechat.credentials(&user, &appid, &data, with_identity).await? else {
            return Ok(failed(call, NO_SESSION));
        };
        let Credentials { signature, encrypted_data, iv, cloud_id } = credentials;
        Ok(UserInfo {
            signature: Some(signature),
            encrypted_data: Some(encrypted_data),
            iv: Some(iv),
            cloud_id: Some(cloud_id),
            ..given
        })
    }
}

fn failed(call: &str, text: &str) -> UserInfo {
    UserInfo { err_msg: format!("{call}:fail {text}"), ..UserInfo::default() }
}

/// A user's data with what was changed on the phone.
pub(super) fn changed_data(own: UserData, changed: &device::UserData) -> UserData {
    let device::UserData { nick_name, gender, language, city, province, country, avatar_url } =
        changed.clone();
    UserData {
        nick_name: nick_name.unwrap_or(own.nick_name),
        gender: gender.unwrap_or(own.gender),
        language: language.unwrap_or(own.language),
        city: city.unwrap_or(own.city),
        province: province.unwrap_or(own.province),
        country: country.unwrap_or(own.country),
        avatar_url: avatar_url.unwrap_or(own.avatar_url),
    }
}
