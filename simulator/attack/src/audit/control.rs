//! The controls: what must be refused looks like a refusal, and honest people are served before, between and after attacks.

use std::time::Duration;

use soter_text::{Text, text};
use soter_wire::{PROFILES, Profile};
use tokio::time::sleep;

use super::finding::{ControlFailed, ControlKind, Finding};
use super::negative_control;
use crate::entry::Attack;
use crate::keys::KeySource;
use crate::person::{Person, RegistrationError};
use crate::play::play;
use crate::target::{Target, TargetError};
use crate::verdict::{Played, Verdict};

/// The number of results that one honest person sends before a new one takes over. Up to then the counter has one
/// digit: whether a target knows that 10 is greater than 9 is a question for an attack, not for the control.
const MAX_PAYMENTS: usize = 4;

/// How long to wait, again and again, for a target that serves nobody after several attacks side by side.
const RECOVERY_PAUSES: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(3)];

/// The honest people whom the target must serve before, between and after attacks.
pub(super) struct Control {
    person: Person,
    /// How many results this person has sent.
    payment_count: usize,
    /// How many people there have been.
    person_count: usize,
    /// A family whose honest phones the target refuses.
    refused_family: Option<RefusedFamily>,
}

/// A family whose honest phones a target refuses. If the target refuses their forgeries too, that proves nothing.
struct RefusedFamily {
    family: &'static str,
    /// Whether the target accepts the keys and refuses only the results.
    is_known: bool,
    /// One line: the refusal.
    reason: Text,
}

impl Control {
    /// Sends honest results of both salt lengths, and what must be refused. If the target serves only the default family, the
    /// other family's attacks are skipped.
    pub(super) async fn begin<T: Target>(target: &T, keys: &KeySource) -> Result<Self, ControlFailed> {
        let first = &PROFILES[0];
        let mut person = register_and_pay(target, keys, first, 1).await?;
        // The same phone sends a second result, whose counter is higher.
        pay(&mut person, target, first).await?;
        let mut refused_family = None;
        if let Some(other) = PROFILES.iter().find(|profile| profile.scheme != first.scheme) {
            let family = other.name;
            refused_family = match register_and_pay(target, keys, other, 1).await {
                Ok(_) => None,
                Err(NotServed::KeysRefused(reason)) => {
                    Some(RefusedFamily { family, is_known: false, reason: reason.what })
                }
                Err(NotServed::ResultRefused(reason)) => {
                    Some(RefusedFamily { family, is_known: true, reason: reason.what })
                }
                Err(NotServed::Broken(error)) => return Err(NotServed::Broken(error).into()),
            };
        }
        // Another person, because some targets lock out users after a refusal.
        let mut stranger = register_and_pay(target, keys, first, 0).await?;
        Box::pin(negative_control::check(&mut stranger, target)).await?;
        Ok(Self { person, payment_count: 2, person_count: 1, refused_family })
    }

    pub(super) async fn play<T: Target>(
        &self,
        attack: &'static Attack,
        target: &T,
        keys: &KeySource,
    ) -> Finding {
        if let Some(RefusedFamily { family, is_known, reason }) = &self.refused_family
            && *family == attack.profile
        {
            // An attack that must be accepted asks just this: whether honest phones of the family are served.
            let is_acceptance_test = *is_known && attack.expected.is_acceptance();
            if !is_acceptance_test {
                return Finding::not_played(
                    attack,
                    Verdict::Skip,
                    text!("the target serves no {family} phones: {reason}", family = family, reason = reason),
                );
            }
        }
        // Boxed, because every audit has many of them.
        let Played { verdict, reason, answer } = Box::pin(play(attack, target, keys)).await;
        let exchange = answer.map(|answer| answer.exchange);
        Finding { attack, verdict, reason, exchange, known: false }
    }

    /// Checks that an honest result is accepted. The target may have forgotten login and keys, for example after a
    /// restart, so after a refusal the person logs in and uploads the keys again. If the result is refused
    /// nevertheless, a new person takes over, and the refusal is returned.
    ///
    /// # Errors
    /// One line with the refusal, if the target serves nobody any more.
    pub(super) async fn check_honest_payment<T: Target>(
        &mut self,
        target: &T,
        keys: &KeySource,
    ) -> Result<Option<Text>, Text> {
        self.payment_count += 1;
        if self.person.pay(target).await.is_ok_and(|answer| answer.accepted) {
            if self.payment_count >= MAX_PAYMENTS {
                self.replace(target, keys).await.map_err(|refused| ControlFailed::from(refused).what)?;
            }
            return Ok(None);
        }
        let retry = async {
            self.person.enroll_again(target).await.map_err(NotServed::Broken)?;
            pay(&mut self.person, target, &PROFILES[0]).await
        };
        let Err(refused) = retry.await.map_err(ControlFailed::from) else { return Ok(None) };
        match self.replace(target, keys).await {
            Ok(()) => Ok(Some(text!(
                "{refusal}, who was served before; somebody new is served",
                refusal = refused.what
            ))),
            Err(_) => Err(refused.what),
        }
    }

    /// Waits for a target that serves nobody, which may be restarting or have too many requests to serve.
    pub(super) async fn recovers<T: Target>(&mut self, target: &T, keys: &KeySource) -> bool {
        for pause in RECOVERY_PAUSES {
            sleep(pause).await;
            if self.replace(target, keys).await.is_ok() {
                return true;
            }
        }
        false
    }

    /// Replaces the person by a new one, whom the target serves.
    async fn replace<T: Target>(&mut self, target: &T, keys: &KeySource) -> Result<(), NotServed> {
        self.person_count += 1;
        self.person = register_and_pay(target, keys, &PROFILES[0], self.person_count).await?;
        self.payment_count = 1;
        Ok(())
    }
}

/// What a target did with an honest person instead of serving them.
enum NotServed {
    /// It refused the phone's keys.
    KeysRefused(ControlFailed),
    /// It refused the result.
    ResultRefused(ControlFailed),
    /// It could not be asked.
    Broken(TargetError),
}

impl From<NotServed> for ControlFailed {
    fn from(not_served: NotServed) -> Self {
        match not_served {
            NotServed::KeysRefused(failed) | NotServed::ResultRefused(failed) => failed,
            NotServed::Broken(error) => {
                Self { control: ControlKind::Positive, what: error.text().clone(), exchange: None }
            }
        }
    }
}

/// A new person, whose keys and whose first result are accepted.
async fn register_and_pay<T: Target>(
    target: &T,
    keys: &KeySource,
    profile: &'static Profile,
    number: usize,
) -> Result<Person, NotServed> {
    let name = format!("control {} {number}", profile.name);
    let mut person = Person::register(&name, target, keys, profile).await.map_err(|error| match error {
        RegistrationError::TargetError(error) => NotServed::Broken(error),
        RegistrationError::KeysRefused(ref answer) => {
            let exchange = Some(answer.exchange.clone());
            NotServed::KeysRefused(ControlFailed {
                control: ControlKind::Positive,
                what: error.text(),
                exchange,
            })
        }
    })?;
    pay(&mut person, target, profile).await?;
    Ok(person)
}

/// Sends an honest result, which must be accepted.
async fn pay<T: Target>(person: &mut Person, target: &T, profile: &'static Profile) -> Result<(), NotServed> {
    let answer = person.pay(target).await.map_err(NotServed::Broken)?;
    if answer.accepted {
        return Ok(());
    }
    Err(NotServed::ResultRefused(ControlFailed {
        control: ControlKind::Positive,
        what: if let Some(reason) = answer.reason {
            text!(
                "the target refuses the honest result of a {family} phone ({reason}): status {status}",
                family = profile.name,
                reason = reason,
                status = answer.status
            )
        } else {
            text!(
                "the target refuses the honest result of a {family} phone: status {status}",
                family = profile.name,
                status = answer.status
            )
        },
        exchange: Some(answer.exchange),
    }))
}
