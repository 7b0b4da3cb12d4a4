//! Users' sessions: codes and session keys.

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use serde_json::json;
use soter_text::{Text, text};
use soter_wire::base64;

use super::answer_types::{Done, NewSessionKey, PhoneInfo, PhoneNumber, UserSession, Watermark};
use super::parameters::{LoginCode, PhoneCode, SignedSession};
use super::{Call, Failed};
use crate::accounts;
use crate::answer::{Answer, Errcode};
use crate::secret::Secret;
use crate::sessions::BadCode;

impl Call<'_> {
    pub(super) async fn code_to_session(&self) -> Result<Answer, Failed> {
        let LoginCode { appid, secret, grant_type, js_code } = self.parameters()?;
        let app = self.check_credentials(appid, secret)?;
        grant_type?;
        let exchanged = self.wechat.sessions.exchange(&app.appid, js_code?).await?;
        let (name, session_key) = exchanged.map_err(|bad| match bad {
            // Another user is only found where one is asked for, which is not here.
            BadCode::Invalid | BadCode::OtherUser => Errcode::INVALID_CODE.into(),
            BadCode::Used => Errcode::CODE_USED.into(),
            BadCode::OtherPurpose => Failed::because(
                Errcode::INVALID_CODE,
                text!("this code is from wx.getPhoneNumber; the one for a session comes from wx.login"),
            ),
        })?;
        let user = self.wechat.accounts().user(&name).ok_or(Errcode::INVALID_CODE)?;
        Ok(Answer::new(json!(UserSession {
            session_key: session_key.expose(),
            openid: &accounts::openid(&user, &app.appid),
            unionid: app.unionid.then(|| accounts::unionid(&user)),
        })))
    }

    pub(super) async fn check_session(&self) -> Result<Answer, Failed> {
        self.signed_session().await?;
        Ok(Answer::new(json!(Done::NEW)))
    }

    pub(super) async fn reset_session_key(&self) -> Result<Answer, Failed> {
        let KeyOfSession { appid, user, openid, key } = self.signed_session().await?;
        let replaced = self.wechat.sessions.replace_session_key(appid, &user, &key).await?;
        let new = replaced.ok_or_else(|| {
            Failed::because(
                Errcode::INVALID_SIGNATURE,
                text!("the session has ended or got another key meanwhile"),
            )
        })?;
        Ok(Answer::new(json!(NewSessionKey::new(openid, new.expose()))))
    }

    /// The session whose key has signed the request: `signature` is HMAC-SHA256 over the empty text. The key is the Base64
    /// text of `session_key`.
    async fn signed_session(&self) -> Result<KeyOfSession<'_>, Failed> {
        let SignedSession { app: appid, openid, signature, sig_method } = self.parameters()?;
        let openid = openid?;
        let user = self.wechat.accounts().user_of_openid(appid, openid).ok_or(Errcode::INVALID_OPENID)?;
        sig_method?;
        let refuse = |why: Text| Failed::because(Errcode::INVALID_SIGNATURE, why);
        let signature =
            signature.map_err(|errcode| Failed::because(errcode, text!("there is no signature")))?;
        let user = user.name.clone();
        let key = self.wechat.sessions.session_key(appid, &user).await?;
        let key = key.ok_or_else(|| refuse(text!("the user has no session, or it has expired")))?;
        let is_signed_with = |key: &[u8]| {
            base16ct::mixed::decode_vec(signature).is_ok_and(|signature| {
                hmac::verify(&hmac::Key::new(HMAC_SHA256, key), b"", &signature).is_ok()
            })
        };
        let is_decoded_key = || base64::decode(key.expose()).is_ok_and(|key| is_signed_with(&key));
        if !is_signed_with(key.expose().as_bytes()) {
            let why = if is_decoded_key() {
                text!("it was made with the decoded session_key")
            } else {
                text!("it was not made with the present session_key over the empty text")
            };
            return Err(refuse(why));
        }
        if signature.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(refuse(text!("it is in upper case")));
        }
        Ok(KeyOfSession { appid, user, openid, key })
    }

    /// Modelled: a code that was used before gets the errcode of one that is not known.
    pub(super) async fn phone_number(&self) -> Result<Answer, Failed> {
        let PhoneCode { app: appid, code, openid } = self.parameters()?;
        let code = code?;
        let user = match openid.filter(|openid| !openid.is_empty()) {
            Some(openid) => {
                let user = self.wechat.accounts().user_of_openid(appid, openid);
                Some(user.ok_or(Errcode::INVALID_OPENID)?.name.clone())
            }
            None => None,
        };
        let exchanged = self.wechat.sessions.exchange_phone_code(appid, code, user.as_deref()).await?;
        let user = exchanged.map_err(|bad| match bad {
            BadCode::Invalid => Errcode::INVALID_CODE.into(),
            BadCode::Used => Failed::because(Errcode::INVALID_CODE, text!("this code was used before")),
            BadCode::OtherPurpose => Failed::because(
                Errcode::INVALID_CODE,
                text!("this code is from wx.login; the one for a phone number comes from wx.getPhoneNumber"),
            ),
            BadCode::OtherUser => {
                Failed::because(Errcode::INVALID_OPENID, text!("the code is of another user"))
            }
        })?;
        let user = self.wechat.accounts().user(&user).ok_or(Errcode::INVALID_CODE)?;
        let number = accounts::phone_number(&user);
        let timestamp = self.wechat.time().await? / 1000;
        Ok(Answer::new(json!(PhoneNumber::new(PhoneInfo {
            phone_number: &number,
            pure_phone_number: &number,
            country_code: "86",
            watermark: Watermark { timestamp, appid },
        }))))
    }
}

/// A user's session in a mini program, and its key.
struct KeyOfSession<'a> {
    appid: &'a str,
    user: String,
    openid: &'a str,
    key: Secret,
}
