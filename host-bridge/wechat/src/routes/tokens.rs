//! Access tokens, and what a backend may do with its app's secret.

use serde_json::{Value, json};

use super::{Call, Failed};
use crate::accounts::App;
use crate::answer::{Answer, Errcode};
use crate::json::Json;
use crate::sessions::switches::SwitchStep;
use crate::sessions::{BadToken, Grant};

/// A month, for the number of times that a quota can be cleared. Modelled: months of the calendar differ.
const MONTH_MS: u64 = 30 * 86_400_000;

impl Call<'_> {
    pub(super) async fn token(&self) -> Result<Answer, Failed> {
        if self.parameter("grant_type") != Some("client_credential") {
            return Err(Errcode::GRANT_TYPE.into());
        }
        let app = self.check_credentials(self.parameter("appid"), self.parameter("secret"))?;
        Ok(token_answer(self.wechat.sessions.plain_token(&app.appid).await?))
    }

    pub(super) async fn stable_token(&self) -> Result<Answer, Failed> {
        let body = self.body_object()?;
        let text = |name: &str| body.text(name);
        if text("grant_type") != Some("client_credential") {
            return Err(Errcode::GRANT_TYPE.into());
        }
        let app = self.check_credentials(text("appid"), text("secret"))?;
        let force_refresh = matches!(body.get("force_refresh"), Some(Json::Value(Value::Bool(true))));
        Ok(token_answer(self.wechat.sessions.stable_token(&app.appid, force_refresh).await?))
    }

    /// Modelled: the count starts again at once, and the app may have called any API.
    pub(super) async fn clear_quota(&self) -> Result<Answer, Failed> {
        let appid = self.authorized_app()?;
        let named = self.body_object()?.text("appid").ok_or(Errcode::APPID_MISSING)?;
        if named != appid {
            return Err(Errcode::INVALID_APPID.into());
        }
        self.clear_quota_of(appid).await
    }

    pub(super) async fn clear_quota_by_secret(&self) -> Result<Answer, Failed> {
        let app = self.check_credentials(self.parameter("appid"), self.parameter("appsecret"))?;
        self.clear_quota_of(&app.appid).await
    }

    async fn clear_quota_of(&self, appid: &str) -> Result<Answer, Failed> {
        let month = self.wechat.time().await? / MONTH_MS;
        let step = SwitchStep::ClearQuota { appid: appid.to_owned(), month };
        let (_, is_cleared) = self.wechat.sessions.step_switches(step).await?;
        if !is_cleared {
            return Err(Errcode::QUOTA_CLEARED_TOO_OFTEN.into());
        }
        Ok(Answer::new(json!({"errcode": 0, "errmsg": "ok"})))
    }

    pub(super) fn check_credentials(
        &self,
        appid: Option<&str>,
        secret: Option<&str>,
    ) -> Result<&App, Errcode> {
        let appid = appid.ok_or(Errcode::APPID_MISSING)?;
        let secret = secret.ok_or(Errcode::SECRET_MISSING)?;
        let app = self.wechat.accounts().app(appid).ok_or(Errcode::INVALID_APPID)?;
        if app.secret.is(secret) { Ok(app) } else { Err(Errcode::INVALID_SECRET) }
    }

    /// The app of the request's access token.
    pub(super) fn authorized_app(&self) -> Result<&str, Failed> {
        match &self.app {
            None => Err(Errcode::TOKEN_MISSING.into()),
            Some(Ok(appid)) => Ok(appid),
            Some(Err(BadToken::Unknown)) => Err(Errcode::INVALID_TOKEN.into()),
            Some(Err(BadToken::Expired)) => Err(Errcode::TOKEN_EXPIRED.into()),
            Some(Err(BadToken::Replaced)) => {
                Err(Failed::because(Errcode::INVALID_TOKEN, "a newer access token has replaced this one"))
            }
        }
    }
}

fn token_answer(Grant { token, expires_in }: Grant) -> Answer {
    Answer::new(json!({"access_token": token.expose(), "expires_in": expires_in}))
}
