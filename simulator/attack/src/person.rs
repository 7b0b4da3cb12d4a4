//! An honest user with a phone of their own.

use soter_bridge::long_work;
use soter_wire::Profile;

use crate::attacked_phone::{AttackedPhone, Signed, Upload};
use crate::keys::{KeySource, KeySupply};
use crate::play_end::PlayEnd;
use crate::steps::Forgery;
use crate::target::{Answer, Input, Target, TargetError, User, Visit};
use crate::verdict::Verdict;

/// The length of made-up challenges, names and openids, in characters.
pub(super) const FRESH: usize = 14;

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
    /// [`NotIntroduced::KeysRefused`] if the target refuses the keys, [`NotIntroduced::TargetError`] if it cannot be asked.
    pub async fn introduce<T: Target>(
        name: &str,
        target: &T,
        keys: &KeySource,
        profile: &'static Profile,
    ) -> Result<Self, NotIntroduced> {
        let supply = keys.supply(name);
        let mut person = Self::arrive(target, &supply, profile).await.map_err(PlayEnd::into_target_error)?;
        let upload = person.phone.upload().map_err(TargetError::from)?;
        let answer = target.enroll(&upload).await?;
        if answer.accepted { Ok(person) } else { Err(NotIntroduced::KeysRefused(Box::new(answer))) }
    }

    /// Sends an honest result for a new order. Returns the target's answer.
    ///
    /// # Errors
    /// Those of [`Target::order`] and [`Target::send`]. [`TargetError::Broken`] if the phone fails.
    pub async fn pay<T: Target>(&mut self, target: &T) -> Result<Answer, TargetError> {
        let fresh = self.supply.text(FRESH).map_err(|error| TargetError::broken(error.what))?;
        let order = target.order(&mut self.visit, &fresh).await?;
        let signed = self.phone.authenticate(&order.challenge);
        let signed = signed.map_err(|error| TargetError::broken(error.what))?;
        let input = input(signed, &self.user, None, &Forgery::HONEST);
        target.send(&self.visit, &order, &input).await
    }

    /// Brings the keys to the target again, and logs in again, because the target may have forgotten both.
    ///
    /// # Errors
    /// Those of [`Target::enroll`] and [`Target::visit`]. [`TargetError::Broken`] if the target refuses the keys.
    pub async fn return_to<T: Target>(&mut self, target: &T) -> Result<(), TargetError> {
        self.enroll(target).await.map_err(PlayEnd::into_target_error)?;
        self.visit = target.visit(&self.user).await?;
        Ok(())
    }

    /// A new person who is logged in, with a phone whose keys the target does not know yet.
    pub(super) async fn arrive<T: Target>(
        target: &T,
        supply: &KeySupply,
        profile: &'static Profile,
    ) -> Result<Self, PlayEnd> {
        let user = target.user(&supply.text(FRESH)?)?;
        let phone = long_work(|| AttackedPhone::new(supply, profile, &user.openid))?;
        let visit = target.visit(&user).await?;
        Ok(Self { user, phone, visit, uploaded: None, supply: supply.clone() })
    }

    /// Brings the keys to the target, which must accept them.
    pub(super) async fn enroll<T: Target>(&mut self, target: &T) -> Result<(), PlayEnd> {
        let upload = self.phone.upload()?;
        let answer = target.enroll(&upload).await?;
        self.uploaded = Some(upload);
        taken(answer)
    }
}

/// Why a target does not know an honest person.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotIntroduced {
    /// It refuses the phone's keys.
    #[error("{}", keys_refused(.0))]
    KeysRefused(Box<Answer>),
    /// It could not be asked.
    #[error(transparent)]
    TargetError(#[from] TargetError),
}

/// Checks that an upload was accepted.
pub(super) fn taken(answer: Answer) -> Result<(), PlayEnd> {
    if answer.accepted {
        return Ok(());
    }
    Err(PlayEnd::played(Verdict::Error, keys_refused(&answer), Some(answer)))
}

fn keys_refused(answer: &Answer) -> String {
    let told = answer.reason.as_deref().map_or(String::new(), |reason| format!(": {reason}"));
    format!("the target does not know these keys: it does not take an honest phone's upload{told}")
}

/// The input that carries a signed text.
pub(super) fn input(signed: Signed, owner: &User, other: Option<&User>, forgery: &Forgery) -> Input {
    let [openid, requested_openid] = forgery.claims.openids(owner, other);
    Input {
        json: signed.json,
        signature: signed.signature,
        openid,
        requested_openid,
        envelope: forgery.envelope,
    }
}
