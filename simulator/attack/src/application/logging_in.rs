//! Logs users in and out.

use soter_text::text;

use super::ApplicationTarget;
use super::answers::reply_summary;
use super::description::{OTHER_PREFIX, Section, Success};
use super::running::Ran;
use super::template::Values;
use crate::steps::{AFTER_CODE_EXPIRY, Code, GARBAGE_CODE};
use crate::target::{Answer, Cookies, Target, TargetError, User, Visit};

impl ApplicationTarget {
    /// Logs in a user who already has these cookies.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if the application cannot be asked, or refuses.
    pub(super) async fn log_in(&self, user: &User, cookies: Cookies) -> Result<Visit, TargetError> {
        let mut visit = Visit { cookies, ..Visit::new(user) };
        let Some(login) = &self.client.application.login else { return Ok(visit) };
        let code = self.code(user, self.appid()).await?;
        let ran = self.run_login(login, &visit, code).await?;
        check_login(&ran)?;
        visit.identity.clone_from(&ran.identity);
        visit.values.extend(ran.named(login));
        Ok(visit)
    }

    /// The cookies of a client whose login is refused.
    ///
    /// # Errors
    /// [`TargetError::DoesNotApply`] if there are no logins, [`TargetError::Broken`] if the application cannot be asked.
    pub(super) async fn cookies_of_refused_login(&self) -> Result<Cookies, TargetError> {
        let Some(login) = &self.client.application.login else {
            return Err(TargetError::does_not_apply(text!("the description has no [login]")));
        };
        let visit = Visit::new(&self.user("")?);
        self.run_login(login, &visit, GARBAGE_CODE.to_owned()).await?;
        Ok(visit.cookies)
    }

    /// Logs in with a code that is perhaps misused. The answer says whether it was accepted.
    ///
    /// # Errors
    /// [`TargetError::DoesNotApply`] if there are no logins, or there is no such code. [`TargetError::Broken`] if the application
    /// cannot be asked.
    pub(super) async fn log_in_with(&self, user: &User, code: Code) -> Result<Answer, TargetError> {
        let Some(login) = &self.client.application.login else {
            return Err(TargetError::does_not_apply(text!("the description has no [login]")));
        };
        if !login.uses("code") {
            return Err(TargetError::does_not_apply(text!("the login takes no code of wx.login")));
        }
        let code = match code {
            Code::Fresh => self.code(user, self.appid()).await?,
            Code::Garbage => GARBAGE_CODE.to_owned(),
            Code::Twice => {
                let code = self.code(user, self.appid()).await?;
                check_login(&self.run_login(login, &Visit::new(user), code.clone()).await?)?;
                code
            }
            Code::Expired => {
                let code = self.code(user, self.appid()).await?;
                self.clock.advance(AFTER_CODE_EXPIRY);
                code
            }
            Code::OfAnotherApp => {
                let appid = self.other_appid();
                let appid = appid
                    .ok_or_else(|| TargetError::does_not_apply(text!("there is no second mini program")))?;
                self.code(user, &appid).await?
            }
        };
        let visit = Visit::new(user);
        let ran = self.run_login(login, &visit, code).await?;
        // The session that this login may have opened is a secret, too.
        let secrets = self.client.secrets(None, &ran.values, &visit.cookies);
        let exchange = ran.exchange.clone().masked(&secrets);
        Ok(Answer { reason: None, exchange, ..ran.into_answer() })
    }

    /// Ends a login: by the description's request, or by forgetting what shows it.
    ///
    /// # Errors
    /// [`TargetError::DoesNotApply`] if results are sent without anything of a login, [`TargetError::Broken`] if the logout is
    /// refused or cannot be sent.
    pub(super) async fn log_out(&self, visit: &mut Visit) -> Result<(), TargetError> {
        if let Some(logout) = &self.client.application.logout {
            let values = self.values(visit, logout.uses("code")).await?;
            let request = self.client.build_request(logout, &[], &values, visit)?;
            let reply = self.outages.outside(self.client.send_request(request, visit)).await?;
            return if (200..400).contains(&reply.status) {
                Ok(())
            } else {
                Err(TargetError::broken(text!(
                    "the logout is refused: {answer}",
                    answer = reply_summary(&reply)
                )))
            };
        }
        let result = &self.client.application.result;
        if !self.sends_cookies(visit) && !visit.values.keys().any(|name| result.uses(name)) {
            return Err(TargetError::does_not_apply(text!(
                "results are sent without anything of a login, and there is no [logout]"
            )));
        }
        visit.cookies.clear();
        visit.values.values_mut().for_each(String::clear);
        Ok(())
    }

    /// Carries out the login with this code.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if the application cannot be asked.
    pub(super) async fn run_login(
        &self,
        login: &Section,
        visit: &Visit,
        code: String,
    ) -> Result<Ran, TargetError> {
        let mut values = visit.values.clone();
        values.insert("openid".to_owned(), visit.user.openid.clone());
        values.insert("user".to_owned(), visit.user.name.clone());
        values.insert("code".to_owned(), code);
        let usual = Success::default();
        let success = login.judged().unwrap_or(&usual);
        self.outages.outside(self.client.run(login, Some(success), values, visit, None)).await
    }

    /// The values of another user, who logs in for this.
    pub(super) async fn other_values(&self) -> Result<Values, TargetError> {
        let user = self.user("")?;
        // Those who see this user's values in their own orders have named them.
        self.observed.remove_user(&user.openid);
        let mut values = Values::from([
            ("openid".to_owned(), user.openid.clone()),
            ("user".to_owned(), user.name.clone()),
        ]);
        if let Some(login) = &self.client.application.login {
            let code = self.code(&user, self.appid()).await?;
            let ran = self.run_login(login, &Visit::new(&user), code).await?;
            check_login(&ran)?;
            values.extend(ran.named(login));
        }
        Ok(values.into_iter().map(|(name, value)| (format!("{OTHER_PREFIX}{name}"), value)).collect())
    }
}

fn check_login(ran: &Ran) -> Result<(), TargetError> {
    ran.refused.as_ref().map_or(Ok(()), |mismatch| {
        Err(TargetError::broken(text!(
            "the login of an honest user is refused ({mismatch}): {answer}",
            mismatch = mismatch,
            answer = reply_summary(&ran.reply)
        )))
    })
}
