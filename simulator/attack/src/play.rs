//! Plays one attack against a target: the steps before, the input, and the verdict on the answer.

use crate::entry::{Attack, Expected, Layer};
use crate::forge;
use crate::keys::KeySource;
use crate::person::{FRESH, Person, input};
use crate::play_end::PlayEnd;
use crate::stage::{Stage, profile};
use crate::steps::{Before, Code, Enrolment, Envelope, Forgery, Script};
use crate::target::{Answer, Form, Target, TargetError};
use crate::verdict::{Played, Verdict};

/// Plays an attack on a fresh phone. If that is not possible, the reason says why.
pub async fn play<T: Target>(attack: &Attack, target: &T, keys: &KeySource) -> Played {
    if attack.layer == Layer::Application && target.form() == Form::Verifier {
        return Played::new(Verdict::Skip, "only an application knows challenges, orders and logins");
    }
    let answered = match attack.script {
        Script::Send(before, forgery) => send(attack, target, keys, before, forgery).await,
        Script::Enroll(forgery) => enroll(attack, target, keys, forgery).await,
        Script::Login(code) => login(attack, target, keys, code).await,
    };
    match answered {
        Ok(answer) => judged(attack, answer),
        Err(PlayEnd::Played(played)) => *played,
        Err(PlayEnd::TargetError(TargetError::DoesNotApply(why))) => Played::new(Verdict::Skip, why),
        Err(PlayEnd::TargetError(TargetError::Broken(how))) => Played::new(Verdict::Error, how),
        Err(PlayEnd::Defect(error)) => Played::new(Verdict::Error, error.what),
    }
}

fn judged(attack: &Attack, answer: Answer) -> Played {
    let told = answer.reason.as_deref().map_or(String::new(), |reason| format!(": {reason}"));
    let is_right = match attack.expected {
        Expected::MustAccept => answer.accepted,
        Expected::MustRefuse(_) => !answer.accepted,
        Expected::MayRefuse(_) => true,
    };
    let done = if answer.accepted { "accepted" } else { "refused" };
    let (verdict, reason) = match (is_right, attack.expected) {
        (false, Expected::MustAccept) => (Verdict::Fail, format!("refused{told}, and must be accepted")),
        (false, _) => (Verdict::Fail, "accepted, and must be refused".to_owned()),
        (true, _) if answer.status >= 500 && !attack.script.has_outage() => {
            (Verdict::Warn, format!("{done} by breaking: status {}", answer.status))
        }
        (true, _) => (Verdict::Pass, format!("{done}{told}")),
    };
    Played { verdict, reason, answer: Some(answer) }
}

async fn send<T: Target>(
    attack: &Attack,
    target: &T,
    keys: &KeySource,
    before: &[Before],
    forgery: Forgery,
) -> Result<Answer, PlayEnd> {
    let mut stage = Stage::set(attack, target, keys, &forgery).await?;
    if forgery.envelope == Envelope::AtOnce {
        return stage.send_at_once(before, forgery).await;
    }
    for step in before {
        stage.step(*step).await?;
    }
    let (login, order, input) = stage.forge(forgery).await?;
    Ok(target.send(stage.visit(login), &order, &input).await?)
}

/// Uploads keys that should be refused, and sends the first result.
async fn enroll<T: Target>(
    attack: &Attack,
    target: &T,
    keys: &KeySource,
    forgery: Enrolment,
) -> Result<Answer, PlayEnd> {
    if target.form() == Form::Application {
        return Err(TargetError::does_not_apply(
            "WeChat's servers check the keys of a mini program's phones",
        )
        .into());
    }
    let supply = keys.supply(attack.id);
    let mut person = Person::arrive(target, &supply, profile(attack)?).await?;
    let upload = forge::enrolled(person.phone.upload()?, forgery, &supply)?;
    let refused = target.enroll(&upload).await?;
    if !refused.accepted {
        return Ok(refused);
    }
    // An upload alone is no use to an attacker. What counts is whether a result with these keys is accepted.
    let order = target.order(&mut person.visit, &supply.text(FRESH)?).await?;
    let signed = person.phone.authenticate(&order.challenge)?;
    let input = input(signed, &person.user, None, &Forgery::HONEST);
    Ok(target.send(&person.visit, &order, &input).await?)
}

async fn login<T: Target>(
    attack: &Attack,
    target: &T,
    keys: &KeySource,
    code: Code,
) -> Result<Answer, PlayEnd> {
    let user = target.user(&keys.supply(attack.id).text(FRESH)?)?;
    Ok(target.login(&user, code).await?)
}
