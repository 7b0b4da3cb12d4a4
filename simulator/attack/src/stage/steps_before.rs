//! The steps before the forged input is sent.

use futures_util::stream::{self, StreamExt};
use soter_bridge::protocol::CommandError;
use soter_bridge::run_cpu_bound;
use soter_text::{Text, text};
use soter_wire::Profile;

use super::Stage;
use crate::attacked_phone::AttackedPhone;
use crate::keys::KeySupply;
use crate::person::{Person, check_keys_accepted};
use crate::play_end::PlayEnd;
use crate::software_key::Scheme;
use crate::steps::{Before, CounterIs, Edit, Signer};
use crate::target::Target;
use crate::verdict::Verdict;

/// How many other users pay at the same time.
const PEOPLE_AT_ONCE: usize = 8;

impl<T: Target> Stage<'_, T> {
    /// Carries out one step.
    pub(crate) async fn step(&mut self, step: Before) -> Result<(), PlayEnd> {
        match step {
            Before::Pay => {
                let (order, signed) = self.honest_result().await?;
                self.pay(order, signed, self.honest_refusal_verdict).await
            }
            Before::PayAt(counter) => {
                let (order, signed) = self.honest_result().await?;
                let edits = [Edit::Counter(CounterIs::Exactly(counter))];
                let signed = self.sign_edited(&signed, &order, Signer::AuthKey, &edits, Scheme::STANDARD)?;
                let paid = self.pay(order, signed, self.early_refusal_verdict).await;
                paid.map_err(|end| match (end, self.early_policy) {
                    (PlayEnd::Played(mut played), Some(sentence)) => {
                        played.reason = text!(
                            "{reason}. {sentence}",
                            reason = played.reason,
                            sentence = Text::whole(sentence)
                        );
                        PlayEnd::Played(played)
                    }
                    (end, _) => end,
                })
            }
            Before::Record => {
                let recorded = self.honest_result().await?;
                self.recorded.push(recorded);
                self.has_open_order = true;
                Ok(())
            }
            Before::CopyPhone => {
                self.copy = Some(self.owner.phone.copy_storage()?);
                Ok(())
            }
            Before::RestoreCopy => match &self.copy {
                Some(copy) => Ok(self.owner.phone.restore(copy)?),
                None => Err(CommandError::defect("there is no copy to be put back").into()),
            },
            Before::Duplicate => {
                self.second_phone = Some(self.owner.phone.duplicate()?);
                Ok(())
            }
            Before::OthersPay(count) => {
                let profile = self.owner.phone.profile();
                others_pay(self.target, &self.supply, profile, count).await
            }
            Before::SecondPhone => {
                let (profile, openid) = (self.owner.phone.profile(), self.owner.user.openid.clone());
                let mut second_phone = run_cpu_bound(|| AttackedPhone::new(&self.supply, profile, &openid))?;
                check_keys_accepted(self.target.enroll(&self.owner.visit, &second_phone.upload()?).await?)?;
                self.second_phone = Some(second_phone);
                Ok(())
            }
            Before::Restart => {
                self.target.restart().await?;
                self.owner.visit = self.target.start_visit(&self.owner.user).await?;
                self.resume_after_restart().await
            }
            Before::Logout => Ok(self.target.end_visit(&mut self.owner.visit).await?),
            Before::EnrollFinger => {
                self.owner.phone.enroll_finger()?;
                self.renew_key().await
            }
            Before::RenewKey => self.renew_key().await,
            Before::PassTime(time) => self.pass_time(time).await,
            Before::LogInAgain => {
                self.owner.visit = self.target.start_visit(&self.owner.user).await?;
                Ok(())
            }
            Before::RenewAsk => {
                self.remember_key()?;
                run_cpu_bound(|| self.owner.phone.renew_ask())?;
                self.owner.enroll(self.target).await
            }
            Before::Try(forgery) => {
                let (login, order, input) = self.forge(forgery).await?;
                let answer = self.target.send(self.visit(login), &order, &input).await?;
                if answer.accepted {
                    let reason =
                        text!("the forgery before it was accepted already, so there is nothing to ask");
                    return Err(PlayEnd::played(Verdict::Skip, reason, Some(answer)));
                }
                self.was_refused = true;
                Ok(())
            }
        }
    }

    /// Brings the users back after a restart. A target that has forgotten its phones refuses everything, which proves
    /// nothing until they have uploaded their keys again as real phones would.
    async fn resume_after_restart(&mut self) -> Result<(), PlayEnd> {
        let Some(other) = &mut self.other else { return Ok(()) };
        other.visit = self.target.start_visit(&other.user).await?;
        if other.pay(self.target).await?.accepted {
            return Ok(());
        }
        other.enroll_again(self.target).await?;
        let answer = other.pay(self.target).await?;
        if !answer.accepted {
            let reason = text!("after the restart an honest result is refused");
            return Err(PlayEnd::played(Verdict::Error, reason, Some(answer)));
        }
        // The recorded upload may bring the keys back with their old counters. If the target refuses it, the phone
        // makes a new upload.
        if let Some(recorded) = &self.owner.uploaded
            && self.target.enroll(&self.owner.visit, recorded).await?.accepted
        {
            return Ok(());
        }
        self.owner.enroll(self.target).await
    }

    async fn renew_key(&mut self) -> Result<(), PlayEnd> {
        self.remember_key()?;
        run_cpu_bound(|| self.owner.phone.renew_key())?;
        self.owner.enroll(self.target).await
    }

    /// Keeps the AuthKey that the phone is about to replace.
    fn remember_key(&mut self) -> Result<(), PlayEnd> {
        let openid = self.owner.user.openid.clone();
        self.old_key = Some(self.owner.phone.auth_key(&openid)?);
        Ok(())
    }
}

/// Other users send one honest result each, some of them at the same time. Those who fail are replaced one by one, because
/// a target may serve only one at a time.
async fn others_pay<T: Target>(
    target: &T,
    supply: &KeySupply,
    profile: &'static Profile,
    count: usize,
) -> Result<(), PlayEnd> {
    let mut numbers = 0..;
    let first: Vec<u64> = numbers.by_ref().take(count).collect();
    let paid: Vec<_> = stream::iter(first)
        .map(|number| another_pays(target, supply.part(number), profile))
        .buffered(PEOPLE_AT_ONCE)
        .collect()
        .await;
    let failed = paid.iter().filter(|paid| paid.is_err()).count();
    for number in numbers.take(failed) {
        another_pays(target, supply.part(number), profile).await?;
    }
    Ok(())
}

/// A new user registers and pays.
async fn another_pays<T: Target>(
    target: &T,
    supply: KeySupply,
    profile: &'static Profile,
) -> Result<(), PlayEnd> {
    let mut other = Person::create(target, &supply, profile).await?;
    other.enroll(target).await?;
    let answer = other.pay(target).await?;
    if answer.accepted {
        return Ok(());
    }
    let reason = text!("an honest result of another user's phone was refused");
    Err(PlayEnd::played(Verdict::Error, reason, Some(answer)))
}
