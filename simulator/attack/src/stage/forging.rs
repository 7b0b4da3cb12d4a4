//! The forged input, made from the people, the phones and what was recorded.

use futures_util::future::join_all;
use soter_bridge::protocol::CommandError;
use soter_text::text;
use soter_wire::{ResultJson, base64};

use super::Stage;
use crate::attacked_phone::Signed;
use crate::changed_challenge::change_challenge;
use crate::forge;
use crate::person::{RANDOM_TEXT_CHARS, build_input};
use crate::play_end::PlayEnd;
use crate::software_key::{Scheme, SoftwareKey};
use crate::steps::{Challenge, Claim, Edit, Envelope, Forgery, Made, OrderOf, Record, Shape, Signer, Who};
use crate::target::{Form, Input, Order, Target, TargetError};
use crate::text::{EditContext, apply_edits};

impl<T: Target> Stage<'_, T> {
    /// Makes the input to be judged. Returns in whose login and for which order it is sent, and the input itself.
    pub(crate) async fn forge(&mut self, forgery: Forgery) -> Result<(Who, Order, Input), PlayEnd> {
        let order = self.open_order(&forgery).await?;
        self.make_input(forgery, order)
    }

    /// Opens the order for which an input is sent, or finds the recorded one.
    async fn open_order(&mut self, forgery: &Forgery) -> Result<Order, PlayEnd> {
        self.check_sender(forgery)?;
        if matches!(forgery.claims, Claim::OwnerElsewhere | Claim::OwnerInOtherCase)
            && self.target.form() == Form::Application
        {
            return Err(TargetError::does_not_apply(text!(
                "an application takes the openid from its session"
            ))
            .into());
        }
        let fresh = self.supply.random_text(RANDOM_TEXT_CHARS)?;
        let is_shared = forgery.envelope == Envelope::AtOnce;
        match forgery.order {
            OrderOf::Recorded => Ok(Order { is_shared, ..self.recorded(forgery)?.0 }),
            OrderOf::FirstRecorded => {
                self.check_new_order(forgery)?;
                let first = self.recorded.first().ok_or_else(nothing_recorded)?;
                Ok(Order { is_shared, ..first.0.clone() })
            }
            OrderOf::New | OrderOf::Owners => {
                self.check_new_order(forgery)?;
                let proposed = match forgery.challenge {
                    Challenge::Quotes | Challenge::Unicode if self.target.form() == Form::Application => {
                        return Err(TargetError::does_not_apply(text!(
                            "the application chooses its challenges"
                        ))
                        .into());
                    }
                    Challenge::Unicode => format!("支付 42 元 🔏\u{2028}{fresh}/"),
                    Challenge::Quotes => format!("{{\"counter\":0}}\",\\\\\"counter\\\":[{fresh}]}}"),
                    // Without a target, the issued challenge has what the attack changes.
                    Challenge::OtherNormalForm => format!("\u{e9}{fresh}"),
                    Challenge::SameNumber(_) => {
                        fresh.bytes().map(|byte| char::from(b'0' + byte % 10)).collect()
                    }
                    Challenge::FieldChanged(_) => format!("pay|42|{fresh}"),
                    _ => fresh.clone(),
                };
                self.order(forgery.payer(), &proposed).await
            }
        }
    }

    /// Opens as many orders as inputs arrive at once. The very first is opened alone, because it shows whether the target
    /// opens orders at all; those that fail at the same time as others are opened once more, one by one.
    pub(super) async fn open_orders(
        &mut self,
        forgery: &Forgery,
        count: usize,
    ) -> Result<Vec<Order>, PlayEnd> {
        let mut orders = Vec::new();
        if !matches!(forgery.order, OrderOf::New | OrderOf::Owners) {
            orders.resize(count, self.open_order(forgery).await?);
            return Ok(orders);
        }
        if !self.has_open_order {
            orders.push(self.open_order(forgery).await?);
            self.has_open_order = true;
        }
        let mut proposed = Vec::new();
        for _ in orders.len()..count {
            proposed.push(self.supply.random_text(RANDOM_TEXT_CHARS)?);
        }
        let (target, payer) = (self.target, forgery.payer());
        let opened = proposed.iter().map(|text| {
            let mut visit = self.visit(payer).clone();
            async move { target.order(&mut visit, text).await }
        });
        let opened = join_all(opened).await;
        for (text, order) in proposed.iter().zip(opened) {
            orders.push(match order {
                Ok(order) => order,
                Err(_) => self.order(payer, text).await?,
            });
        }
        Ok(orders)
    }

    /// Makes the input for an order.
    pub(super) fn make_input(
        &mut self,
        forgery: Forgery,
        mut order: Order,
    ) -> Result<(Who, Order, Input), PlayEnd> {
        let never_issued = self.supply.random_text(RANDOM_TEXT_CHARS)?;
        if forgery.challenge == Challenge::BroughtAlong {
            if !self.target.sends_challenges() {
                return Err(TargetError::does_not_apply(text!(
                    "the application's request names no challenge"
                ))
                .into());
            }
            order.challenge.clone_from(&never_issued);
        }
        let signed = self.make_result(&forgery, &order, &never_issued)?;
        let edit_context = self.edit_context(&order);
        let json = apply_edits(&signed.json, forgery.tampered, edit_context.as_edit_context())?;
        if !forgery.tampered.is_empty() && json == signed.json {
            return Err(nothing_to_change().into());
        }
        let signature = if signed.signature.is_empty() {
            String::new()
        } else {
            let openid = self.owner.user.openid.clone();
            let key = self.owner.phone.auth_key(&openid)?;
            let made = match forgery.signature {
                Shape::OfRecorded | Shape::OfRecordedBitFlipped => {
                    &self.recorded.first().ok_or_else(nothing_recorded)?.1.signature
                }
                _ => &signed.signature,
            };
            forge::reshape(made, forgery.signature, key.public())?
        };
        let other = self.other.as_ref().map(|other| &other.user);
        let mut input = build_input(Signed { json, signature }, &self.owner.user, other, &forgery);
        if let Envelope::Added(addition, place) = forgery.envelope {
            input.added = self.added(addition, place);
        }
        Ok((forgery.login, order, input))
    }

    /// An input for the owner's order in another login differs from an honest one only if requests name logins.
    fn check_sender(&self, forgery: &Forgery) -> Result<(), PlayEnd> {
        let is_own = forgery.login == Who::Owner || forgery.order == OrderOf::New;
        if is_own || self.target.identifies_senders(self.visit(forgery.login)) {
            return Ok(());
        }
        Err(TargetError::does_not_apply(text!("the application's request does not say in whose login it is"))
            .into())
    }

    /// A recorded result for a new order differs from the recorded order only if requests name orders.
    fn check_new_order(&self, forgery: &Forgery) -> Result<(), PlayEnd> {
        let is_recorded = matches!(forgery.made, Made::Recorded(_));
        if is_recorded && forgery.login == Who::Owner && !self.target.identifies_orders() {
            return Err(TargetError::does_not_apply(text!(
                "the application's request does not say for which order it is"
            ))
            .into());
        }
        Ok(())
    }

    fn make_result(&mut self, forgery: &Forgery, order: &Order, fresh: &str) -> Result<Signed, PlayEnd> {
        let challenge = change_challenge(&order.challenge, forgery.challenge, fresh);
        let challenge = challenge.ok_or_else(nothing_to_change)?;
        Ok(match forgery.made {
            Made::ByPhone(who) => self.person(who).phone.authenticate(&challenge)?,
            Made::BySecondPhone => match &mut self.second_phone {
                Some(second_phone) => second_phone.authenticate(&challenge)?,
                None => return Err(CommandError::defect("there is no second phone").into()),
            },
            Made::BySecondPhoneAhead => self.second_phone_ahead(&challenge)?,
            Made::InSoftware { key, edits, scheme } => {
                let signed = self.owner.phone.authenticate(&challenge)?;
                self.sign_edited(&signed, order, key, edits, scheme)?
            }
            Made::Recorded(_) => self.recorded(forgery)?.1,
            Made::Failed => Signed { json: String::new(), signature: String::new() },
        })
    }

    /// A result of the second phone whose counter is higher than the highest that was accepted.
    fn second_phone_ahead(&mut self, challenge: &str) -> Result<Signed, PlayEnd> {
        /// More touches than it takes to overtake a phone that was used a few times.
        const MAX_TOUCHES: usize = 50;
        let second_phone =
            self.second_phone.as_mut().ok_or_else(|| CommandError::defect("there is no second phone"))?;
        for _ in 0..MAX_TOUCHES {
            let signed = second_phone.authenticate(challenge)?;
            let counter = ResultJson::decode(signed.json.as_bytes()).map_or(0, |result| result.counter);
            if counter > self.accepted_counter {
                return Ok(signed);
            }
        }
        Err(CommandError::defect("the second phone does not overtake the first one").into())
    }

    /// Changes a phone's text and signs it again in software.
    pub(super) fn sign_edited(
        &mut self,
        signed: &Signed,
        order: &Order,
        key: Signer,
        edits: &[Edit],
        scheme: Scheme,
    ) -> Result<Signed, PlayEnd> {
        let edit_context = self.edit_context(order);
        let json = apply_edits(&signed.json, edits, edit_context.as_edit_context())?;
        let signature = match (key, &self.weak_key) {
            (Signer::Weak, Some(weak_key)) => weak_key.sign(json.as_bytes(), scheme)?,
            _ => self.signing_key(key)?.sign(json.as_bytes(), scheme)?,
        };
        Ok(Signed { json, signature: base64::encode(&signature) })
    }

    fn signing_key(&mut self, signer: Signer) -> Result<SoftwareKey, PlayEnd> {
        let openid = self.owner.user.openid.clone();
        Ok(match signer {
            Signer::AuthKey => self.owner.phone.auth_key(&openid)?,
            Signer::OldAuthKey => self
                .old_key
                .clone()
                .ok_or_else(|| CommandError::defect("the phone has made no new AuthKey"))?,
            Signer::AnotherAuthKey => {
                let other = self.person(Who::Other).user.openid.clone();
                self.owner.phone.auth_key(&other)?
            }
            Signer::OtherAppsAuthKey => {
                let in_other_app = self.owner.user.other_app_openid.clone();
                self.owner.phone.auth_key(&in_other_app)?
            }
            Signer::Ask => self.owner.phone.ask()?,
            Signer::OthersAuthKey => {
                let other = self.person(Who::Other);
                let openid = other.user.openid.clone();
                other.phone.auth_key(&openid)?
            }
            Signer::Weak => return Err(CommandError::defect("no weak key was uploaded").into()),
            Signer::Attacker => {
                self.attacker.clone().ok_or_else(|| CommandError::defect("the attacker has made no key"))?
            }
        })
    }

    fn edit_context(&self, order: &Order) -> OwnedEditContext {
        OwnedEditContext {
            accepted_counter: self.accepted_counter,
            challenge: order.challenge.clone(),
            owner_cpu_id: self.owner.phone.cpu_id(),
            other_cpu_id: self.other.as_ref().map_or_else(String::new, |other| other.phone.cpu_id()),
            attackers_key: self.attacker.as_ref().map_or_else(String::new, |key| key.public().to_pem()),
        }
    }

    fn recorded(&self, forgery: &Forgery) -> Result<(Order, Signed), PlayEnd> {
        let recorded = match forgery.made {
            Made::Recorded(Record::First) => self.recorded.first(),
            _ => self.recorded.last(),
        };
        recorded.cloned().ok_or_else(|| nothing_recorded().into())
    }
}

/// The values that edits use.
struct OwnedEditContext {
    accepted_counter: u64,
    challenge: String,
    owner_cpu_id: String,
    other_cpu_id: String,
    attackers_key: String,
}

impl OwnedEditContext {
    fn as_edit_context(&self) -> EditContext<'_> {
        EditContext {
            accepted_counter: self.accepted_counter,
            challenge: &self.challenge,
            owner_cpu_id: &self.owner_cpu_id,
            other_cpu_id: &self.other_cpu_id,
            attackers_key: &self.attackers_key,
        }
    }
}

fn nothing_recorded() -> CommandError {
    CommandError::defect("nothing was recorded")
}

fn nothing_to_change() -> TargetError {
    TargetError::does_not_apply(text!("the target's challenges have nothing to change in this way"))
}
