//! What happens in one attack: the people, their phones, what was recorded, and in `forging` the forged input.

mod at_once;
mod forging;

use soter_bridge::long_work;
use soter_bridge::protocol::CommandError;
use soter_tee::MemoryStorage;
use soter_wire::{Profile, PublicKey, ResultJson};

use super::handset::{Handset, Signed};
use super::keys::{KeySource, KeySupply};
use super::person::{FRESH, Person, input, taken};
use super::play::Verdict;
use super::steps::{Before, Claim, CounterIs, Edit, Forgery, Made, Script, Signer, Who};
use super::stopped::Stopped;
use super::target::{Input, Order, Target, Trouble, Visit};
use super::{Attack, Expected, Scheme, SoftwareKey};

/// What happens in one attack.
pub(super) struct Stage<'a, T> {
    target: &'a T,
    supply: KeySupply,
    owner: Person,
    other: Option<Person>,
    /// A key of the attacker's own, where one is used.
    attacker: Option<SoftwareKey>,
    /// The owner's second phone.
    second: Option<Handset>,
    copy: Option<MemoryStorage>,
    recorded: Vec<(Order, Signed)>,
    /// The highest counter that the target has accepted.
    accepted: u64,
    old_key: Option<SoftwareKey>,
    /// Whether there is an order whose result was kept back.
    has_open_order: bool,
    /// The verdict if an honest result before the attack is refused.
    if_honest_is_refused: Verdict,
    /// The verdict if an odd but honest result before the attack is refused.
    if_refused_before: Verdict,
}

impl<'a, T: Target> Stage<'a, T> {
    /// The people of an attack, whose keys the target knows.
    pub(super) async fn set(
        attack: &Attack,
        target: &'a T,
        keys: &KeySource,
        forgery: &Forgery,
    ) -> Result<Self, Stopped> {
        let supply = keys.supply(attack.id);
        let mut owner = Person::arrive(target, &supply, profile(attack)?).await?;
        owner.enroll(target).await?;
        let other = if needs_other(attack, forgery) {
            let mut other = Person::arrive(target, &supply, profile(attack)?).await?;
            other.enroll(target).await?;
            Some(other)
        } else {
            None
        };
        let key = signer(forgery);
        if let (Some(Signer::AnotherAuthKey), Some(other)) = (key, &other) {
            let upload = long_work(|| owner.handset.upload_for(&other.user.openid))?;
            taken(target.enroll(&upload).await?)?;
        }
        let attacker = if key == Some(Signer::Attacker) { Some(supply.key()?) } else { None };
        Ok(Self {
            target,
            supply,
            owner,
            other,
            attacker,
            second: None,
            copy: None,
            recorded: Vec::new(),
            accepted: 0,
            old_key: None,
            has_open_order: false,
            // A target may well serve one user on a phone, the newest.
            if_honest_is_refused: if key == Some(Signer::AnotherAuthKey) {
                Verdict::Skip
            } else {
                Verdict::Error
            },
            // Whoever asks whether it is accepted has the answer; whoever asks what comes after it has none.
            if_refused_before: match attack.expected {
                Expected::MustAccept => Verdict::Fail,
                Expected::MayRefuse(_) | Expected::MustRefuse(_) => Verdict::Skip,
            },
        })
    }

    /// Something that happens before.
    pub(super) async fn step(&mut self, step: Before) -> Result<(), Stopped> {
        match step {
            Before::Pay => {
                let (order, signed) = self.honest().await?;
                self.pay(order, signed, self.if_honest_is_refused).await
            }
            Before::PayAt(counter) => {
                let (order, signed) = self.honest().await?;
                let edits = [Edit::Counter(CounterIs::Exactly(counter))];
                let signed = self.signed_anew(&signed, &order, Signer::AuthKey, &edits, Scheme::USUAL)?;
                self.pay(order, signed, self.if_refused_before).await
            }
            Before::Record => {
                let recorded = self.honest().await?;
                self.recorded.push(recorded);
                self.has_open_order = true;
                Ok(())
            }
            Before::CopyPhone => {
                self.copy = Some(self.owner.handset.copy()?);
                Ok(())
            }
            Before::PutBack => match &self.copy {
                Some(copy) => Ok(self.owner.handset.put_back(copy)?),
                None => Err(CommandError::internal("there is no copy to be put back").into()),
            },
            Before::Duplicate => {
                self.second = Some(self.owner.handset.duplicate()?);
                Ok(())
            }
            Before::SecondPhone => {
                let (profile, openid) = (self.owner.handset.profile(), self.owner.user.openid.clone());
                let mut second = long_work(|| Handset::new(&self.supply, profile, &openid))?;
                taken(self.target.enroll(&second.upload()?).await?)?;
                self.second = Some(second);
                Ok(())
            }
            Before::Restart => {
                self.target.restart().await?;
                self.owner.visit = self.target.visit(&self.owner.user).await?;
                self.come_back().await
            }
            Before::Logout => Ok(self.target.leave(&mut self.owner.visit).await?),
            Before::EnrollFinger => {
                self.owner.handset.enroll_finger()?;
                self.renew_key().await
            }
            Before::RenewKey => self.renew_key().await,
            Before::Try(forgery) => {
                let (login, order, input) = self.forge(forgery).await?;
                let answer = self.target.send(self.visit(login), &order, &input).await?;
                if answer.accepted {
                    let reason = "the forgery before it was accepted already, so there is nothing to ask";
                    return Err(Stopped::played(Verdict::Skip, reason, Some(answer)));
                }
                Ok(())
            }
        }
    }

    /// After a restart: a target that knows its phones no more refuses everything, which proves nothing until they have
    /// come back as real ones would.
    async fn come_back(&mut self) -> Result<(), Stopped> {
        let Some(bystander) = &mut self.other else { return Ok(()) };
        bystander.visit = self.target.visit(&bystander.user).await?;
        if bystander.pay(self.target).await?.accepted {
            return Ok(());
        }
        bystander.return_to(self.target).await?;
        let answer = bystander.pay(self.target).await?;
        if !answer.accepted {
            let reason = "after the restart an honest result is refused";
            return Err(Stopped::played(Verdict::Error, reason, Some(answer)));
        }
        // What was recorded once may bring the keys back with their old counters; else the phone does it.
        if let Some(recorded) = &self.owner.uploaded
            && self.target.enroll(recorded).await?.accepted
        {
            return Ok(());
        }
        self.owner.enroll(self.target).await
    }

    /// An honest result for a new order, not sent yet.
    async fn honest(&mut self) -> Result<(Order, Signed), Stopped> {
        let fresh = self.supply.text(FRESH)?;
        let order = self.order(Who::Owner, &fresh).await?;
        let signed = self.owner.handset.authenticate(&order.challenge)?;
        Ok((order, signed))
    }

    /// Sends a result that must be accepted, and records it.
    async fn pay(&mut self, order: Order, signed: Signed, else_verdict: Verdict) -> Result<(), Stopped> {
        let input = input(signed.clone(), &self.owner.user, None, &Forgery::HONEST);
        let answer = self.target.send(&self.owner.visit, &order, &input).await?;
        if !answer.accepted {
            let told = answer.reason.as_deref().map_or(String::new(), |reason| format!(": {reason}"));
            let reason = format!("an honest result before the attack was refused{told}");
            return Err(Stopped::played(else_verdict, reason, Some(answer)));
        }
        if let Ok(result) = ResultJson::decode(signed.json.as_bytes()) {
            self.accepted = self.accepted.max(result.counter);
        }
        self.recorded.push((order, signed));
        Ok(())
    }

    /// An order of one of the people.
    async fn order(&mut self, whose: Who, proposed: &str) -> Result<Order, Stopped> {
        let (target, has_open_order) = (self.target, self.has_open_order);
        target.order(&mut self.person(whose).visit, proposed).await.map_err(|trouble| match trouble {
            Trouble::Broken(how) if has_open_order => {
                Trouble::does_not_apply(format!("there is no second order while one is open: {how}")).into()
            }
            trouble => trouble.into(),
        })
    }

    async fn renew_key(&mut self) -> Result<(), Stopped> {
        let openid = self.owner.user.openid.clone();
        self.old_key = Some(self.owner.handset.auth_key(&openid)?);
        long_work(|| self.owner.handset.renew_key())?;
        self.owner.enroll(self.target).await
    }

    fn person(&mut self, who: Who) -> &mut Person {
        match (who, &mut self.other) {
            (Who::Other, Some(other)) => other,
            _ => &mut self.owner,
        }
    }

    /// The login of one of the people.
    pub(super) fn visit(&self, who: Who) -> &Visit {
        match (who, &self.other) {
            (Who::Other, Some(other)) => &other.visit,
            _ => &self.owner.visit,
        }
    }
}

/// The input of an attack that sends one, what the same phone would have sent honestly, and its AuthKey; `None` for an
/// attack that sends no result.
pub(super) async fn crafted<T: Target>(
    attack: &Attack,
    target: &T,
    keys: &KeySource,
) -> Result<Option<Crafted>, CommandError> {
    let Script::Send(before, forgery) = attack.script else { return Ok(None) };
    let craft = async || {
        let mut stage = Stage::set(attack, target, keys, &forgery).await?;
        // Nobody refuses a forgery on paper.
        for step in before.iter().filter(|step| !matches!(step, Before::Try(_))) {
            stage.step(*step).await?;
        }
        let (_, order, forged) = stage.forge(forgery).await?;
        let owner = &mut stage.owner;
        let signed = owner.handset.authenticate(&order.challenge)?;
        let key = owner.handset.auth_key(&owner.user.openid)?.public().clone();
        let honest = input(signed, &owner.user, None, &Forgery::HONEST);
        Ok::<_, Stopped>(Crafted { honest, forged, key })
    };
    match craft().await {
        Ok(crafted) => Ok(Some(crafted)),
        Err(Stopped::Defect(error)) => Err(error),
        Err(stopped) => Err(CommandError::internal(stopped.into_trouble().to_string())),
    }
}

/// An input beside an honest one of the same phone.
#[derive(Debug)]
pub(super) struct Crafted {
    pub(super) honest: Input,
    pub(super) forged: Input,
    /// The phone's AuthKey.
    pub(super) key: PublicKey,
}

fn needs_other(attack: &Attack, forgery: &Forgery) -> bool {
    let before = match attack.script {
        Script::Send(before, _) => before,
        Script::Enroll(_) | Script::Login(_) => &[],
    };
    let restarts = before.iter().any(|step| matches!(step, Before::Restart));
    let tries_as_other =
        before.iter().any(|step| matches!(step, Before::Try(tried) if tried.login == Who::Other));
    let edits = match forgery.made {
        Made::InSoftware { edits, .. } => edits,
        _ => &[],
    };
    restarts
        || tries_as_other
        || matches!(forgery.made, Made::ByPhone(Who::Other))
        || matches!(signer(forgery), Some(Signer::AnotherAuthKey | Signer::OthersAuthKey))
        || forgery.login == Who::Other
        || matches!(forgery.claims, Claim::Who(Who::Other) | Claim::OtherByRequest)
        || edits
            .iter()
            .chain(forgery.tampered)
            .any(|edit| matches!(edit, Edit::OthersCpuId | Edit::CpuIdTwice))
}

/// The key that signs in software, if one does.
fn signer(forgery: &Forgery) -> Option<Signer> {
    match forgery.made {
        Made::InSoftware { key, .. } => Some(key),
        _ => None,
    }
}

/// The family of the attacked phone.
pub(super) fn profile(attack: &Attack) -> Result<&'static Profile, CommandError> {
    Profile::named(attack.profile)
        .ok_or_else(|| CommandError::internal("an attack on a phone that is unknown"))
}
