//! An honest user with a phone of their own.

use soter_bridge::long_work;
use soter_wire::Profile;

use crate::handset::{Handset, Signed, Upload};
use crate::keys::{KeySource, KeySupply};
use crate::steps::Forgery;
use crate::stopped::Stopped;
use crate::target::{Answer, Input, Target, Trouble, User, Visit};
use crate::verdict::Verdict;

/// The length of made-up challenges, names and openids, in characters.
pub(super) const FRESH: usize = 14;

/// An honest user with a phone of their own.
#[derive(Debug)]
pub struct Person {
    pub(super) user: User,
    pub(super) handset: Handset,
    pub(super) visit: Visit,
    /// The last upload that was brought to the target.
    pub(super) uploaded: Option<Upload>,
    supply: KeySupply,
}

impl Person {
    /// A new person who is logged in, and whose keys the target knows.
    ///
    /// # Errors
    /// [`NotIntroduced::KeysRefused`] if the target refuses the keys, [`NotIntroduced::Trouble`] if it cannot be asked.
    pub async fn introduce<T: Target>(
        name: &str,
        target: &T,
        keys: &KeySource,
        profile: &'static Profile,
    ) -> Result<Self, NotIntroduced> {
        let supply = keys.supply(name);
        let mut person = Self::arrive(target, &supply, profile).await.map_err(Stopped::into_trouble)?;
        let upload = person.handset.upload().map_err(Trouble::from)?;
        let answer = target.enroll(&upload).await?;
        if answer.accepted { Ok(person) } else { Err(NotIntroduced::KeysRefused(Box::new(answer))) }
    }

    /// Sends an honest result for a new order. Returns the target's answer.
    ///
    /// # Errors
    /// Those of [`Target::order`] and [`Target::send`]. [`Trouble::Broken`] if the phone fails.
    pub async fn pay<T: Target>(&mut self, target: &T) -> Result<Answer, Trouble> {
        let fresh = self.supply.text(FRESH).map_err(|error| Trouble::broken(error.what))?;
        let order = target.order(&mut self.visit, &fresh).await?;
        let signed = self.handset.authenticate(&order.challenge);
        let signed = signed.map_err(|error| Trouble::broken(error.what))?;
        let input = input(signed, &self.user, None, &Forgery::HONEST);
        target.send(&self.visit, &order, &input).await
    }

    /// Brings the keys to the target again, and logs in again, because the target may have forgotten both.
    ///
    /// # Errors
    /// Those of [`Target::enroll`] and [`Target::visit`]. [`Trouble::Broken`] if the target refuses the keys.
    pub async fn return_to<T: Target>(&mut self, target: &T) -> Result<(), Trouble> {
        self.enroll(target).await.map_err(Stopped::into_trouble)?;
        self.visit = target.visit(&self.user).await?;
        Ok(())
    }

    /// A new person who is logged in, with a phone whose keys the target does not know yet.
    pub(super) async fn arrive<T: Target>(
        target: &T,
        supply: &KeySupply,
        profile: &'static Profile,
    ) -> Result<Self, Stopped> {
        let user = target.user(&supply.text(FRESH)?)?;
        let handset = long_work(|| Handset::new(supply, profile, &user.openid))?;
        let visit = target.visit(&user).await?;
        Ok(Self { user, handset, visit, uploaded: None, supply: supply.clone() })
    }

    /// Brings the keys to the target, which must accept them.
    pub(super) async fn enroll<T: Target>(&mut self, target: &T) -> Result<(), Stopped> {
        let upload = self.handset.upload()?;
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
    Trouble(#[from] Trouble),
}

/// Checks that an upload was accepted.
pub(super) fn taken(answer: Answer) -> Result<(), Stopped> {
    if answer.accepted {
        return Ok(());
    }
    Err(Stopped::played(Verdict::Error, keys_refused(&answer), Some(answer)))
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
