//! An honest user with a phone of their own.

use soter_bridge::protocol::CommandError;
use soter_bridge::run_cpu_bound;
use soter_text::{Text, text};
use soter_wire::Profile;

use crate::attacked_phone::{AttackedPhone, Signed, Upload};
use crate::keys::{KeySource, KeySupply};
use crate::play_end::PlayEnd;
use crate::steps::Forgery;
use crate::target::{Answer, Input, Target, TargetError, User, Visit};
use crate::verdict::Verdict;

/// The length of made-up challenges, names and openids, in characters.
pub(super) const RANDOM_TEXT_CHARS: usize = 14;

/// An honest user with a phone of their own.
#[derive(Debug)]
pub struct Person {
    pub(super) user: User,
    pub(super) phone: AttackedPhone,
    pub(super) visit: Visit,
    /// The last upload that was brought to the target.
    pub(super) uploaded: Option<Upload>,
    supply: KeySupply,
}

impl Person {
    /// A new person who is logged in, and whose keys the target knows.
    ///
    /// # Errors
    /// [`RegistrationError::KeysRefused`] if the target refuses the keys, [`RegistrationError::TargetError`] if it cannot
    /// be asked.
    pub async fn register<T: Target>(
        name: &str,
        target: &T,
        keys: &KeySource,
        profile: &'static Profile,
    ) -> Result<Self, RegistrationError> {
        let supply = keys.supply(name);
        let mut person = Self::create(target, &supply, profile).await.map_err(PlayEnd::into_target_error)?;
        let upload = person.phone.upload().map_err(TargetError::from)?;
        let answer = target.enroll(&person.visit, &upload).await?;
        if answer.accepted { Ok(person) } else { Err(RegistrationError::KeysRefused(Box::new(answer))) }
    }

    /// Sends an honest result for a new order. Returns the target's answer.
    ///
    /// # Errors
    /// Those of [`Target::order`] and [`Target::send`]. [`TargetError::Broken`] if the phone fails.
    pub async fn pay<T: Target>(&mut self, target: &T) -> Result<Answer, TargetError> {
        self.pay_with_signature(target, |signature| Ok(signature.to_owned())).await
    }

    /// The same with another signature, which is made from the honest one.
    pub(super) async fn pay_with_signature<T: Target>(
        &mut self,
        target: &T,
        change: impl FnOnce(&str) -> Result<String, CommandError>,
    ) -> Result<Answer, TargetError> {
        let fresh =
            self.supply.random_text(RANDOM_TEXT_CHARS).map_err(|error| TargetError::broken(error.what))?;
        let order = target.order(&mut self.visit, &fresh).await?;
        let signed = self.phone.authenticate(&order.challenge);
        let mut signed = signed.map_err(|error| TargetError::broken(error.what))?;
        signed.signature = change(&signed.signature)?;
        let input = build_input(signed, &self.user, None, &Forgery::HONEST);
        target.send(&self.visit, &order, &input).await
    }

    /// Logs in again, and brings the keys to the target again, because the target may have forgotten both.
    ///
    /// # Errors
    /// Those of [`Target::enroll`] and [`Target::start_visit`]. [`TargetError::Broken`] if the target refuses the keys.
    pub async fn enroll_again<T: Target>(&mut self, target: &T) -> Result<(), TargetError> {
        self.visit = target.start_visit(&self.user).await?;
        self.enroll(target).await.map_err(PlayEnd::into_target_error)?;
        Ok(())
    }

    /// A new person who is logged in, with a phone whose keys the target does not know yet.
    pub(super) async fn create<T: Target>(
        target: &T,
        supply: &KeySupply,
        profile: &'static Profile,
    ) -> Result<Self, PlayEnd> {
        let user = target.user(&supply.random_text(RANDOM_TEXT_CHARS)?)?;
        let phone = run_cpu_bound(|| AttackedPhone::new(supply, profile, &user.openid))?;
        let visit = target.start_visit(&user).await?;
        Ok(Self { user, phone, visit, uploaded: None, supply: supply.clone() })
    }

    /// Brings the keys to the target, which must accept them.
    pub(super) async fn enroll<T: Target>(&mut self, target: &T) -> Result<(), PlayEnd> {
        let upload = self.phone.upload()?;
        let answer = target.enroll(&self.visit, &upload).await?;
        self.uploaded = Some(upload);
        check_keys_accepted(answer)
    }
}

/// Why a target does not know an honest person.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RegistrationError {
    /// It refuses the phone's keys.
    #[error("{}", keys_refused_message(.0).english())]
    KeysRefused(Box<Answer>),
    /// It could not be asked.
    #[error(transparent)]
    TargetError(#[from] TargetError),
}

/// Checks that an upload was accepted.
pub(super) fn check_keys_accepted(answer: Answer) -> Result<(), PlayEnd> {
    if answer.accepted {
        return Ok(());
    }
    Err(PlayEnd::played(Verdict::Error, keys_refused_message(&answer), Some(answer)))
}

fn keys_refused_message(answer: &Answer) -> Text {
    if let Some(reason) = &answer.reason {
        text!(
            "the target does not know these keys: it does not take an honest phone's upload: {reason}",
            reason = reason
        )
    } else {
        text!("the target does not know these keys: it does not take an honest phone's upload")
    }
}

impl RegistrationError {
    /// Why, in one line.
    pub fn text(&self) -> Text {
        match self {
            Self::KeysRefused(answer) => keys_refused_message(answer),
            Self::TargetError(error) => error.text().clone(),
        }
    }
}

/// The input that carries a signed text.
pub(super) fn build_input(signed: Signed, owner: &User, other: Option<&User>, forgery: &Forgery) -> Input {
    let [openid, requested_openid] = forgery.claims.openids(owner, other);
    Input {
        json: signed.json,
        signature: signed.signature,
        openid,
        requested_openid,
        envelope: forgery.envelope,
        added: Vec::new(),
    }
}
