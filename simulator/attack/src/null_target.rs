//! An attack without a target: what would be sent, compared with what the same phone would send honestly.

use std::fmt;
use std::time::Duration;

use serde_json::Value;
use soter_bridge::protocol::CommandError;
use soter_text::{Text, text};
use soter_wechat::verification;
use soter_wire::PublicKey;

use crate::attacked_phone::Upload;
use crate::entry::Attack;
use crate::keys::KeySource;
use crate::play_end::PlayEnd;
use crate::stage::Stage;
use crate::steps::{Before, Code, Envelope, Script};
use crate::target::{Answer, Exchange, Form, Input, Order, Target, TargetError, TimePassed, User, Visit};

/// A crafted input.
#[derive(Clone, Debug)]
pub struct Forged {
    /// What the same phone would have sent honestly, and what the attacker sends; `None` if the attack sends no result.
    pub inputs: Option<[Input; 2]>,
    /// The differences, one line each.
    pub differences: Vec<Text>,
}

/// Crafts an attack's input on a fresh phone.
///
/// # Errors
/// `Internal` if the attack cannot be crafted: a defect of the program. `Environment` if the operating system gives
/// no random bytes.
pub async fn forge(attack: &Attack, keys: &KeySource) -> Result<Forged, CommandError> {
    let mut differences = vec![Text::whole(attack.making)];
    let inputs = match craft_inputs(attack, keys).await? {
        None => None,
        Some(crafted) => {
            differences.extend(find_differences(&crafted));
            Some([crafted.honest, crafted.forged])
        }
    };
    Ok(Forged { inputs, differences })
}

/// The attack's input, what the same phone would have sent honestly, and the phone's AuthKey; `None` if the attack
/// sends no result.
async fn craft_inputs(attack: &Attack, keys: &KeySource) -> Result<Option<Crafted>, CommandError> {
    let (before, forgery) = match attack.script {
        Script::Send(before, forgery) => (before, forgery),
        Script::SendEach(before, [variant, ..]) => (before, variant.forgery),
        Script::SendEach(_, [])
        | Script::Enroll(_)
        | Script::Upload(..)
        | Script::Login(_)
        | Script::Session(_)
        | Script::Observe(_) => return Ok(None),
    };
    let attempt = async || {
        let mut stage = Stage::prepare(attack, &NullTarget, keys, &forgery).await?;
        // `NullTarget` refuses nothing, so forgeries that must be refused first are left out.
        for step in before.iter().filter(|step| !matches!(step, Before::Try(_))) {
            stage.step(*step).await?;
        }
        let (_, order, forged) = stage.forge(forgery).await?;
        let honest = stage.honest_input(&order)?;
        Ok::<_, PlayEnd>(Crafted { honest, forged, key: stage.auth_key()? })
    };
    match attempt().await {
        Ok(crafted) => Ok(Some(crafted)),
        Err(PlayEnd::Defect(error)) => Err(error),
        Err(end) => Err(CommandError::internal(end.into_target_error().text().clone())),
    }
}

/// An input, and an honest one of the same phone.
struct Crafted {
    honest: Input,
    forged: Input,
    /// The phone's AuthKey.
    key: PublicKey,
}

fn find_differences(crafted: &Crafted) -> Vec<Text> {
    let Crafted { honest, forged, key } = crafted;
    let mut lines = Vec::new();
    if honest.openid != forged.openid {
        lines.push(instead("openid", &forged.openid, &honest.openid));
    }
    if honest.requested_openid != forged.requested_openid && forged.requested_openid != forged.openid {
        lines.push(in_own_request("openid", &forged.requested_openid));
    }
    lines.extend(member_differences(&honest.json, &forged.json));
    if honest.signature.len() != forged.signature.len() {
        let [honest, forged] = [honest, forged].map(|input| input.signature.len());
        lines.push(text!(
            "signature: {forged} characters instead of {honest}",
            forged = forged,
            honest = honest
        ));
    }
    let pem = key.to_pem();
    let checked =
        verification::verify(pem.as_bytes(), forged.json.as_bytes(), forged.signature.as_bytes(), None);
    lines.push(text!("checked with the phone's AuthKey: {reason}", reason = checked.verdict.reason));
    lines.extend(envelope_difference(forged.envelope));
    lines.extend(forged.added.iter().map(|(name, value)| in_own_request(name, value)));
    lines
}

fn instead(name: &str, forged: &impl fmt::Display, honest: &impl fmt::Display) -> Text {
    text!(
        "{name}: {forged} instead of {honest}",
        name = name,
        forged = forged.to_string(),
        honest = honest.to_string()
    )
}

fn in_own_request(name: &str, value: &impl fmt::Display) -> Text {
    text!("{name} in the application's own request: {value}", name = name, value = value.to_string())
}

fn member_differences(honest: &str, forged: &str) -> Vec<Text> {
    let (Ok(Value::Object(honest_members)), Ok(Value::Object(forged_members))) =
        (serde_json::from_str(honest), serde_json::from_str(forged))
    else {
        return vec![text!("text: not a JSON object any more")];
    };
    let names: Vec<&String> = honest_members
        .keys()
        .chain(forged_members.keys().filter(|name| !honest_members.contains_key(*name)))
        .collect();
    let mut lines: Vec<Text> = names
        .into_iter()
        .filter_map(|name| match (honest_members.get(name), forged_members.get(name)) {
            (Some(one), Some(other)) if one == other => None,
            (Some(one), Some(other)) => Some(instead(name, other, one)),
            (Some(_), None) => Some(text!("{name}: left out", name = name)),
            (None, Some(other)) => {
                Some(text!("{name}: {value} added", name = name, value = other.to_string()))
            }
            (None, None) => None,
        })
        .collect();
    if lines.is_empty() && honest != forged {
        lines.push(text!(
            "text: {forged} bytes instead of {honest}, with the same members",
            forged = forged.len(),
            honest = honest.len()
        ));
    }
    lines
}

fn envelope_difference(envelope: Envelope) -> Option<Text> {
    Some(match envelope {
        Envelope::Usual | Envelope::Added(..) => return None,
        Envelope::Member(name, Some(literal)) => {
            text!("{name} in the request's body: {value}", name = name, value = literal)
        }
        Envelope::Member(name, None) => text!("{name} in the request's body: left out", name = name),
        Envelope::During(outage) => {
            text!("sent while WeChat's servers fail ({outage})", outage = outage.text())
        }
        Envelope::ObjectForString => text!("sent as an object, not as a string"),
        Envelope::Get => text!("sent with GET"),
        Envelope::ExpiredToken => text!("sent with an access token that has expired"),
        Envelope::OtherAppsToken => text!("sent with the access token of another mini program"),
        Envelope::NoToken => text!("sent without an access token"),
        Envelope::Token(_) => text!("sent with an access token that nobody has given out"),
        Envelope::AtOnce => text!("sent on several connections at once"),
        Envelope::OneTouchAtOnce => text!("sent for several orders at once"),
        Envelope::NewConnections => text!("sent several times, each over a new connection"),
    })
}

/// A target that accepts everything and sends nothing.
struct NullTarget;

impl NullTarget {
    fn accepted_answer() -> Answer {
        Answer {
            accepted: true,
            status: 200,
            reason: None,
            doubt: None,
            harm: None,
            exchange: Exchange::default(),
        }
    }
}

impl Target for NullTarget {
    fn form(&self) -> Form {
        Form::Verifier
    }

    fn sends_challenges(&self) -> bool {
        true
    }

    fn user(&self, name: &str) -> Result<User, TargetError> {
        Ok(User::made_up(name))
    }

    async fn enroll(&self, _: &Visit, _: &Upload) -> Result<Answer, TargetError> {
        Ok(Self::accepted_answer())
    }

    async fn enroll_in_other_app(&self, _: &Upload) -> Result<Answer, TargetError> {
        Ok(Self::accepted_answer())
    }

    async fn start_visit(&self, user: &User) -> Result<Visit, TargetError> {
        Ok(Visit::new(user))
    }

    async fn end_visit(&self, _: &mut Visit) -> Result<(), TargetError> {
        Ok(())
    }

    async fn order(&self, _: &mut Visit, proposed: &str) -> Result<Order, TargetError> {
        Ok(Order::new(proposed))
    }

    async fn send(&self, _: &Visit, _: &Order, _: &Input) -> Result<Answer, TargetError> {
        Ok(Self::accepted_answer())
    }

    async fn login(&self, _: &User, _: Code) -> Result<Answer, TargetError> {
        Ok(Self::accepted_answer())
    }

    async fn restart(&self) -> Result<(), TargetError> {
        Ok(())
    }

    async fn pass_time(&self, _: Duration) -> Result<TimePassed, TargetError> {
        Ok(TimePassed::Moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{catalogue, find};
    use crate::keys::KeySource;

    #[tokio::test]
    async fn every_attack_can_be_forged_without_a_target_and_differs_from_an_honest_request() {
        let keys = KeySource::random();
        for attack in catalogue() {
            let forged = forge(attack, &keys).await.unwrap();
            assert!(!forged.differences.is_empty(), "{}", attack.id);
            for line in &forged.differences {
                assert!(line.chinese().is_some(), "{}: {line:?}", attack.id);
            }
            if let Some([honest, forged]) = forged.inputs {
                assert_ne!(honest, forged, "{}", attack.id);
            }
        }
    }

    #[tokio::test]
    async fn a_seed_gives_the_same_forgery_whatever_else_was_forged() {
        let forged = async |before: Option<&str>| {
            let keys = KeySource::seeded("demo");
            if let Some(id) = before {
                forge(find(id).unwrap(), &keys).await.unwrap();
            }
            forge(find("SOTER-COUNTER-01").unwrap(), &keys).await.unwrap().inputs
        };
        assert_eq!(forged(None).await, forged(Some("SOTER-JSON-01")).await);
    }
}
