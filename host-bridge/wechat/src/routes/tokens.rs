//! Access tokens, and what a backend may do with its app's secret.

use serde_json::json;

use super::answer_types::{AccessToken, Done};
use super::parameters::{PlainToken, QuotaBySecret, QuotaOfApp, StableToken};
use super::{Call, Failed};
use crate::accounts::App;
use crate::answer::{Answer, Errcode};
use crate::sessions::Grant;
use crate::sessions::switches::SwitchStep;

/// A month, for the number of times that a quota can be cleared. Modelled: months of the calendar differ.
const MONTH_MS: u64 = 30 * 86_400_000;

impl Call<'_> {
    pub(super) async fn token(&self) -> Result<Answer, Failed> {
        let PlainToken { grant_type, appid, secret } = self.parameters()?;
        grant_type?;
        let app = self.check_credentials(appid, secret)?;
        Ok(token_answer(self.wechat.sessions.plain_token(&app.appid).await?))
    }

    pub(super) async fn stable_token(&self) -> Result<Answer, Failed> {
        let StableToken { grant_type, appid, secret, force_refresh } = self.parameters()?;
        grant_type?;
        let app = self.check_credentials(appid, secret)?;
        Ok(token_answer(self.wechat.sessions.stable_token(&app.appid, force_refresh).await?))
    }

    /// Modelled: the count starts again at once, and the app may have called any API.
    pub(super) async fn clear_quota(&self) -> Result<Answer, Failed> {
        let QuotaOfApp { app, appid } = self.parameters()?;
        if appid? != app {
            return Err(Errcode::INVALID_APPID.into());
        }
        self.clear_quota_of(app).await
    }

    pub(super) async fn clear_quota_by_secret(&self) -> Result<Answer, Failed> {
        let QuotaBySecret { appid, appsecret } = self.parameters()?;
        let app = self.check_credentials(appid, appsecret)?;
        self.clear_quota_of(&app.appid).await
    }

    async fn clear_quota_of(&self, appid: &str) -> Result<Answer, Failed> {
        let month = self.wechat.time().await? / MONTH_MS;
        let step = SwitchStep::ClearQuota { appid: appid.to_owned(), month };
        let (_, is_cleared) = self.wechat.sessions.step_switches(step).await?;
        if !is_cleared {
            return Err(Errcode::QUOTA_CLEARED_TOO_OFTEN.into());
        }
        Ok(Answer::new(json!(Done::NEW)))
    }

    pub(super) fn check_credentials(
        &self,
        appid: Result<&str, Errcode>,
        secret: Result<&str, Errcode>,
    ) -> Result<&App, Errcode> {
        let (appid, secret) = (appid?, secret?);
        let app = self.wechat.accounts().app(appid).ok_or(Errcode::INVALID_APPID)?;
        if app.secret.is(secret) { Ok(app) } else { Err(Errcode::INVALID_SECRET) }
    }
}

fn token_answer(Grant { token, expires_in }: Grant) -> Answer {
    Answer::new(json!(AccessToken { access_token: token.expose(), expires_in }))
}
