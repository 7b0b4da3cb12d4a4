//! Plays the honest path of a description once, to show what each step finds.

use soter_text::{Text, text};
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
    pub failure: Option<Text>,
}

/// Logs an honest user in, opens an order, and pays for it with an emulated phone. No attack is played.
pub async fn check(target: &ApplicationTarget, keys: &KeySource) -> Check {
    target.client.recorder.begin();
    let failure = pay(target, keys).await.err();
    let steps = target.client.recorder.end();
    let failure = failure.map(|error| match steps.last() {
        // The record has no secrets, as a login's answer may have them.
        Some(PlayedStep { problem: Some(problem), place, section, .. }) if *section != "result" => {
            text!("{place}: {problem}", place = place, problem = problem)
        }
        _ => error,
    });
    Check { steps, failure }
}

async fn pay(target: &ApplicationTarget, keys: &KeySource) -> Result<(), Text> {
    let person = Person::register("check", target, keys, &PROFILES[0]).await;
    let mut person = person.map_err(|error| error.text())?;
    let answer = person.pay(target).await.map_err(|error| error.text().clone())?;
    if answer.accepted {
        return Ok(());
    }
    let reason = answer.reason.unwrap_or_else(|| text!("status {status}", status = answer.status));
    Err(text!("the honest payment is refused: {reason}", reason = reason))
}
