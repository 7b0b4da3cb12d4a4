//! Plays the honest path of a description once, to show what each step finds.

use soter_wire::PROFILES;

use super::ApplicationTarget;
use super::played_steps::PlayedStep;
use crate::keys::KeySource;
use crate::person::Person;

/// The honest path as it was played.
#[derive(Clone, Debug)]
pub struct Check {
    /// The steps, in the order in which they were carried out.
    pub steps: Vec<PlayedStep>,
    /// Why the payment was not recognised as a success, in one line; `None`: it was.
    pub failure: Option<String>,
}

/// Logs an honest user in, opens an order, and pays for it with an emulated phone. No attack is played.
pub async fn check(target: &ApplicationTarget, keys: &KeySource) -> Check {
    target.client.recorder.begin();
    let failure = pay(target, keys).await.err();
    let steps = target.client.recorder.end();
    let failure = failure.map(|error| match steps.last() {
        // The record has no secrets, as a login's answer may have them.
        Some(PlayedStep { problem: Some(problem), place, section, .. }) if *section != "result" => {
            format!("{place}: {problem}")
        }
        _ => error,
    });
    Check { steps, failure }
}

async fn pay(target: &ApplicationTarget, keys: &KeySource) -> Result<(), String> {
    let person = Person::register("check", target, keys, &PROFILES[0]).await;
    let mut person = person.map_err(|error| error.to_string())?;
    let answer = person.pay(target).await.map_err(|error| error.to_string())?;
    if answer.accepted {
        return Ok(());
    }
    let reason = answer.reason.unwrap_or_else(|| format!("status {}", answer.status));
    Err(format!("the honest payment is refused: {reason}"))
}
