//! Orders that are opened and paid in a login that is forged, old or somebody else's.

use soter_bridge::protocol::CommandError;
use soter_text::{Text, seconds, text};

use super::Stage;
use crate::login_edits;
use crate::person::{RANDOM_TEXT_CHARS, build_input};
use crate::play_end::PlayEnd;
use crate::steps::{Forgery, Misuse, Who};
use crate::target::{Answer, Cookies, Input, Target, TargetError, TimePassed, Visit};
use crate::verdict::Verdict;

impl<T: Target> Stage<'_, T> {
    /// Misuses a login. The answer is that to a result of the owner's phone, for an order in that login. Its harm is that it
    /// counts for a user who has not logged in there.
    ///
    /// # Errors
    /// [`PlayEnd::Played`] if the login does not work, or the weakness shows without a result.
    pub(crate) async fn misuse_login(&mut self, misuse: Misuse) -> Result<Answer, PlayEnd> {
        let visits = match misuse {
            Misuse::Kept(time) => {
                self.pass_time(time).await?;
                vec![self.owner.visit.clone()]
            }
            Misuse::OthersIdentity | Misuse::UnsignedToken => {
                let other =
                    self.other.as_ref().ok_or_else(|| CommandError::defect("there is no other user"))?;
                login_edits::altered(&self.owner.visit, &other.visit, misuse == Misuse::UnsignedToken)
            }
            Misuse::NextToken => return self.judge_next_token(),
            Misuse::CookiesFromBefore => self.visit_with_cookies_from_before().await?,
            Misuse::ChosenCookies => self.visit_with_chosen_cookies().await?,
        };
        let mut last = None;
        let mut refusal = None;
        for visit in visits {
            match self.pay_in(visit).await {
                Ok(answer) if answer.harm.is_some() => return Ok(answer),
                Ok(answer) => last = Some(answer),
                Err(PlayEnd::TargetError(TargetError::Broken(why))) => refusal = Some(why),
                Err(end) => return Err(end),
            }
        }
        match (last, refusal) {
            (Some(answer), _) => Ok(answer),
            (None, Some(why)) => {
                Err(PlayEnd::played(Verdict::Pass, text!("the login does not work: {why}", why = why), None))
            }
            (None, None) => Err(TargetError::does_not_apply(match misuse {
                Misuse::UnsignedToken => text!("the login has no JSON Web Token"),
                Misuse::CookiesFromBefore | Misuse::ChosenCookies => {
                    text!("the login is not kept in cookies that a client has before")
                }
                _ => text!("nothing in what shows the login says who has logged in"),
            })
            .into()),
        }
    }

    /// Opens an order in a login, and sends a result of the owner's phone for it.
    async fn pay_in(&mut self, mut visit: Visit) -> Result<Answer, PlayEnd> {
        let fresh = self.supply.random_text(RANDOM_TEXT_CHARS)?;
        let order = self.target.order(&mut visit, &fresh).await?;
        let signed = self.owner.phone.authenticate(&order.challenge)?;
        let input = Input {
            // The attacker's mini program names the attacker.
            requested_openid: visit.user.openid.clone(),
            ..build_input(signed, &self.owner.user, None, &Forgery::HONEST)
        };
        let mut answer = self.target.send(&visit, &order, &input).await?;
        if visit.user.openid == self.owner.user.openid {
            answer.harm = self.asked_about_other(&input.json);
        } else if self.target.openids_asked(&input.json).contains(&self.owner.user.openid) {
            answer.harm = Some(text!(
                "WeChat is asked about a user who has logged in elsewhere: the cookies of before the login are that user's login"
            ));
        }
        if answer.harm.is_none() && self.target.checks_keys() && self.other.is_some() {
            answer.harm = if visit.user.openid == self.owner.user.openid {
                self.pay_as_other(visit).await?
            } else {
                answer.accepted.then(|| text!("the phone of a user confirms who has logged in elsewhere"))
            };
        }
        Ok(answer)
    }

    /// Whether a target that checks signatures itself takes the other user's result in this login. WeChat is not asked there.
    async fn pay_as_other(&mut self, mut visit: Visit) -> Result<Option<Text>, PlayEnd> {
        let fresh = self.supply.random_text(RANDOM_TEXT_CHARS)?;
        let Ok(order) = self.target.order(&mut visit, &fresh).await else { return Ok(None) };
        let other = self.person(Who::Other);
        let signed = other.phone.authenticate(&order.challenge)?;
        let input = build_input(signed, &self.owner.user, None, &Forgery::HONEST);
        let accepted = self.target.send(&visit, &order, &input).await?.accepted;
        Ok(accepted.then(|| text!("the phone of another user confirms in this login")))
    }

    fn judge_next_token(&self) -> Result<Answer, PlayEnd> {
        let other = self.other.as_ref().ok_or_else(|| CommandError::defect("there is no other user"))?;
        let has_token = !self.owner.visit.values.is_empty() || !self.owner.visit.cookies.pairs().is_empty();
        if !has_token {
            return Err(TargetError::does_not_apply(text!("the login gives no token")).into());
        }
        Err(match login_edits::next_token(&self.owner.visit, &other.visit) {
            Some(why) => PlayEnd::played(Verdict::Fail, why, None),
            None => PlayEnd::played(Verdict::Pass, text!("the next token is not computed from one"), None),
        })
    }

    /// The owner logs in with cookies that the attacker has got before and keeps.
    async fn visit_with_cookies_from_before(&mut self) -> Result<Vec<Visit>, PlayEnd> {
        let cookies = self.target.cookies_before_login().await?;
        self.visits_with(cookies).await
    }

    /// The owner logs in with cookies whose values the attacker has chosen.
    async fn visit_with_chosen_cookies(&mut self) -> Result<Vec<Visit>, PlayEnd> {
        let supply = self.supply.clone();
        let mut failed = None;
        let cookies = self.owner.visit.cookies.map(|_, value| match supply.random_text(value.len()) {
            Ok(random) => same_form(value, &random),
            Err(error) => {
                failed = Some(error);
                String::new()
            }
        });
        match failed {
            Some(error) => Err(error.into()),
            None => self.visits_with(cookies).await,
        }
    }

    /// The attacker's visit with these cookies, after the owner has logged in with them.
    async fn visits_with(&mut self, cookies: Cookies) -> Result<Vec<Visit>, PlayEnd> {
        if cookies.pairs().is_empty() {
            return Ok(Vec::new());
        }
        let copy = || cookies.map(|_, value| value.to_owned());
        self.target.start_visit_with(&self.owner.user, copy()).await?;
        let other = self.other.as_ref().ok_or_else(|| CommandError::defect("there is no other user"))?;
        Ok(vec![Visit { cookies: copy(), ..other.visit.clone() }])
    }

    /// Lets time pass, and remembers if it was only waited.
    pub(super) async fn pass_time(&mut self, time: std::time::Duration) -> Result<(), PlayEnd> {
        if let TimePassed::Waited(waited) = self.target.pass_time(time).await? {
            self.waited = Some(waited);
        }
        Ok(())
    }

    /// The verdict on an input that was accepted after time had passed, if the target's clock could not be moved.
    pub(crate) fn judge_waiting(&self, answer: Answer) -> Result<Answer, PlayEnd> {
        match self.waited {
            Some(waited) if answer.accepted => {
                let reason = text!(
                    "accepted after {waited}, and what holds after longer is not known: say in [clock] how the application's clock is moved",
                    waited = seconds(waited)
                );
                Err(PlayEnd::played(Verdict::Warn, reason, Some(answer)))
            }
            _ => Ok(answer),
        }
    }
}

/// Random letters and digits in the form of another text: digits for digits, hexadecimal ones where all are.
fn same_form(text: &str, random: &str) -> String {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let replaced = text.chars().zip(random.bytes()).map(|(character, random)| match character {
        'a'..='f' | '0'..='9' if is_hex => char::from(b"0123456789abcdef"[usize::from(random) % 16]),
        '0'..='9' => char::from(b'0' + random % 10),
        'a'..='z' => char::from(b'a' + random % 26),
        'A'..='Z' => char::from(b'A' + random % 26),
        other => other,
    });
    replaced.collect()
}
