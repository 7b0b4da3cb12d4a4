//! The state of one attack: the people, their phones and what was recorded. The module `steps_before` has the steps
//! before the attack, `uploading` has uploads that should be refused, and `forging` has the forged input.

mod additions;
mod forging;
mod misused_logins;
mod simultaneous;
mod steps_before;
mod uploading;

use std::time::Duration;

use soter_bridge::protocol::CommandError;
use soter_bridge::run_cpu_bound;
use soter_tee::MemoryStorage;
use soter_text::{Text, text};
use soter_wire::{Profile, PublicKey, ResultJson};

use crate::attacked_phone::{AttackedPhone, Signed, Upload};
use crate::entry::{Attack, Expected, Policy, Refuses};
use crate::keys::{KeySource, KeySupply};
use crate::person::{Person, RANDOM_TEXT_CHARS, build_input};
use crate::play_end::PlayEnd;
use crate::software_key::SoftwareKey;
use crate::steps::{Addition, Before, Claim, Edit, Envelope, Forgery, Made, Misuse, Script, Signer, Who};
use crate::target::{Answer, Exchange, Form, Input, Order, Target, TargetError, Visit};
use crate::translatable::english;
use crate::verdict::Verdict;
use crate::weak_key::WeakKey;

/// Why an attack does not apply if an order is refused while another one is open, and if one is refused after a result was.
pub(super) const NO_ORDER_SENTENCES: [&str; 2] = [
    english!(text!("there is no second order while one is open")),
    english!(text!("no order is opened after a refused result")),
];

/// The state of one attack.
pub(super) struct Stage<'a, T> {
    target: &'a T,
    supply: KeySupply,
    owner: Person,
    other: Option<Person>,
    /// The attacker's own key, if the attack uses one.
    attacker: Option<SoftwareKey>,
    /// The owner's second phone.
    second_phone: Option<AttackedPhone>,
    copy: Option<MemoryStorage>,
    recorded: Vec<(Order, Signed)>,
    /// The highest counter that the target has accepted.
    accepted_counter: u64,
    old_key: Option<SoftwareKey>,
    /// The weak key that was uploaded, if one was.
    weak_key: Option<WeakKey>,
    /// What the owner's phone uploaded first.
    first_upload: Option<Upload>,
    /// Whether there is an order whose result was recorded and not sent.
    has_open_order: bool,
    /// Whether the target has refused a result of this attack.
    was_refused: bool,
    /// The verdict if an honest result before the attack is refused.
    honest_refusal_verdict: Verdict,
    /// The verdict if a result with a chosen counter is refused before the attack.
    early_refusal_verdict: Verdict,
    /// The policy by which a careful server may refuse such a result.
    early_policy: Option<&'static str>,
    /// The texts that were accepted, and the answers to them.
    answers: Vec<(String, Exchange)>,
    /// How long was waited because the target's clock cannot be moved.
    waited: Option<Duration>,
}

impl<'a, T: Target> Stage<'a, T> {
    /// Sets up an attack: the people, whose keys the target knows.
    pub(super) async fn prepare(
        attack: &Attack,
        target: &'a T,
        keys: &KeySource,
        forgery: &Forgery,
    ) -> Result<Self, PlayEnd> {
        let supply = keys.supply(attack.id);
        let mut owner = Person::create(target, &supply, profile(attack)?).await?;
        owner.enroll(target).await?;
        let first_upload = owner.uploaded.clone();
        let other = if needs_other_person(attack, forgery) {
            let mut other = Person::create(target, &supply, profile(attack)?).await?;
            other.enroll(target).await?;
            Some(other)
        } else {
            None
        };
        let key = signer(forgery);
        if let (Some(Signer::AnotherAuthKey), Some(other)) = (key, &other) {
            let upload = run_cpu_bound(|| owner.phone.upload_for(&other.user.openid))?;
            let answer = target.enroll(&other.visit, &upload).await?;
            if !answer.accepted {
                let reason = text!("the target takes the keys of one user alone from a phone");
                return Err(PlayEnd::played(Verdict::Skip, reason, Some(answer)));
            }
        }
        if key == Some(Signer::OtherAppsAuthKey) {
            let upload = run_cpu_bound(|| owner.phone.upload_for(&owner.user.other_app_openid))?;
            let answer = target.enroll_in_other_app(&upload).await?;
            if !answer.accepted {
                let reason = text!("the target takes the keys of one mini program alone from a phone");
                return Err(PlayEnd::played(Verdict::Skip, reason, Some(answer)));
            }
        }
        let attacker = if key == Some(Signer::Attacker) { Some(supply.key()?) } else { None };
        Ok(Self {
            target,
            supply,
            owner,
            other,
            attacker,
            second_phone: None,
            copy: None,
            recorded: Vec::new(),
            accepted_counter: 0,
            old_key: None,
            weak_key: None,
            first_upload,
            has_open_order: false,
            was_refused: false,
            // A target may serve only one user, or only one mini program, on a phone: the newest one.
            honest_refusal_verdict: match key {
                Some(Signer::AnotherAuthKey | Signer::OtherAppsAuthKey) => Verdict::Skip,
                _ => Verdict::Error,
            },
            // If the attack asks whether this result is accepted, a refusal answers it. If it asks what happens
            // afterwards, a refusal leaves nothing to ask.
            early_refusal_verdict: match attack.expected {
                Expected::ShouldAccept(Policy { refuses: Refuses::ChosenCounter, .. }) => Verdict::Warn,
                Expected::MustAccept | Expected::ShouldAccept(_) => Verdict::Fail,
                Expected::MayRefuse(_) | Expected::MustRefuse(_) | Expected::ShouldRefuse(..) => {
                    Verdict::Skip
                }
            },
            early_policy: match attack.expected {
                Expected::ShouldAccept(Policy { refuses: Refuses::ChosenCounter, sentence, .. }) => {
                    Some(sentence)
                }
                _ => None,
            },
            answers: Vec::new(),
            waited: None,
        })
    }

    /// Makes an honest result for a new order, and does not send it.
    async fn honest_result(&mut self) -> Result<(Order, Signed), PlayEnd> {
        let fresh = self.supply.random_text(RANDOM_TEXT_CHARS)?;
        let order = self.order(Who::Owner, &fresh).await?;
        let signed = self.owner.phone.authenticate(&order.challenge)?;
        Ok((order, signed))
    }

    /// Sends a result that must be accepted, and records it.
    async fn pay(&mut self, order: Order, signed: Signed, refusal_verdict: Verdict) -> Result<(), PlayEnd> {
        let input = build_input(signed.clone(), &self.owner.user, None, &Forgery::HONEST);
        let answer = self.target.send(&self.owner.visit, &order, &input).await?;
        if !answer.accepted {
            let reason = if let Some(reason) = &answer.reason {
                text!("an honest result before the attack was refused: {reason}", reason = reason)
            } else {
                text!("an honest result before the attack was refused")
            };
            return Err(PlayEnd::played(refusal_verdict, reason, Some(answer)));
        }
        self.answers.push((signed.json.clone(), answer.exchange));
        if let Ok(result) = ResultJson::decode(signed.json.as_bytes()) {
            self.accepted_counter = self.accepted_counter.max(result.counter);
        }
        self.recorded.push((Order { is_paid: true, ..order }, signed));
        Ok(())
    }

    /// Opens an order for one of the people.
    async fn order(&mut self, who: Who, proposed: &str) -> Result<Order, PlayEnd> {
        let (target, sentence) = (self.target, self.order_refusal_sentence());
        let visit = &mut self.person(who).visit;
        let order = target.order(visit, proposed).await.map_err(|error| match (error, sentence) {
            (TargetError::Broken(how), Some(sentence)) => {
                let why = text!("{sentence}: {how}", sentence = Text::whole(sentence), how = how);
                PlayEnd::from(TargetError::does_not_apply(why))
            }
            (error, _) => error.into(),
        })?;
        let is_same = |(earlier, _): &(Order, Signed)| {
            !earlier.is_paid && earlier.challenge == order.challenge && earlier.values == order.values
        };
        if !order.values.is_empty() && self.recorded.iter().any(is_same) {
            let why = text!("the application gives an open order again instead of a second one");
            return Err(TargetError::does_not_apply(why).into());
        }
        Ok(order)
    }

    /// Why an order may be refused that a target need not open; `None`: it must open one.
    fn order_refusal_sentence(&self) -> Option<&'static str> {
        let [second, after_refusal] = NO_ORDER_SENTENCES;
        self.has_open_order.then_some(if self.was_refused { after_refusal } else { second })
    }

    /// Whether an application answers this input as it answered the same text the first time. Without a look at the effect, a
    /// second payment cannot be told from a repetition that changes nothing.
    pub(super) fn is_answered_as_before(&self, input: &Input, answer: &Answer) -> bool {
        let is_same = |(text, exchange): &(String, Exchange)| {
            *text == input.json && exchange.response == answer.exchange.response
        };
        self.target.form() == Form::Application && self.answers.iter().any(is_same)
    }

    /// Whether the refusal of a result comes from this policy: what the target does with further inputs.
    ///
    /// # Errors
    /// [`PlayEnd::Played`] with the conclusion, or that the target cannot be asked.
    pub(super) async fn conclude(&mut self, policy: Policy, refused: Answer) -> Result<Answer, PlayEnd> {
        for tell in policy.tells {
            // The refusal may have ended the login.
            self.owner.visit = self.target.start_visit(&self.owner.user).await?;
            let (login, order, input) = self.forge(tell.forgery).await?;
            let answer = self.target.send(self.visit(login), &order, &input).await?;
            if answer.accepted != tell.accepts {
                let otherwise = Text::whole(tell.otherwise);
                let reason = if let Some(reason) = &refused.reason {
                    text!(
                        "refused: {reason}, and must be accepted. {otherwise}",
                        reason = reason,
                        otherwise = otherwise
                    )
                } else {
                    text!("refused, and must be accepted. {otherwise}", otherwise = otherwise)
                };
                return Err(PlayEnd::played(Verdict::Fail, reason, Some(refused)));
            }
        }
        let policy = Text::whole(policy.sentence);
        let reason = if let Some(reason) = &refused.reason {
            text!("refused: {reason}. {policy}", reason = reason, policy = policy)
        } else {
            text!("refused. {policy}", policy = policy)
        };
        Err(PlayEnd::played(Verdict::Warn, reason, Some(refused)))
    }

    fn person(&mut self, who: Who) -> &mut Person {
        match (who, &mut self.other) {
            (Who::Other, Some(other)) => other,
            _ => &mut self.owner,
        }
    }

    /// What the owner's phone would send honestly for an order.
    pub(super) fn honest_input(&mut self, order: &Order) -> Result<Input, PlayEnd> {
        let signed = self.owner.phone.authenticate(&order.challenge)?;
        Ok(build_input(signed, &self.owner.user, None, &Forgery::HONEST))
    }

    /// The AuthKey of the owner's phone.
    pub(super) fn auth_key(&mut self) -> Result<PublicKey, PlayEnd> {
        Ok(self.owner.phone.auth_key(&self.owner.user.openid)?.public().clone())
    }

    /// The login of one of the people.
    pub(super) fn visit(&self, who: Who) -> &Visit {
        match (who, &self.other) {
            (Who::Other, Some(other)) => &other.visit,
            _ => &self.owner.visit,
        }
    }
}

fn needs_other_person(attack: &Attack, forgery: &Forgery) -> bool {
    let before = attack.script.before();
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
        || matches!(forgery.envelope, Envelope::Added(Addition::OtherUser, _))
        || matches!(attack.script, Script::Session(misuse) if !matches!(misuse, Misuse::Kept(_)))
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
    Profile::named(attack.profile).ok_or_else(|| CommandError::defect("an attack on a phone that is unknown"))
}
