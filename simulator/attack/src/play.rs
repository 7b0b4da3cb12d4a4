//! Plays one attack against a target: the steps before, the input, and the verdict on the answer.

use soter_text::{Text, text};
use soter_wechat::Reason;

use crate::entry::{Attack, Expected, Layer, Refuses};
use crate::forge;
use crate::keys::KeySource;
use crate::person::{Person, RANDOM_TEXT_CHARS, build_input};
use crate::play_end::PlayEnd;
use crate::stage::{Stage, profile};
use crate::steps::{
    Before, Code, Enrolment, Envelope, Forgery, Misuse, Observation, Script, Uploaded, Variant,
};
use crate::target::{Answer, Form, Target, TargetError};
use crate::verdict::{Played, Verdict, add_problem};

/// Plays an attack on a fresh phone. If that is not possible, the reason says why.
pub async fn play<T: Target>(attack: &Attack, target: &T, keys: &KeySource) -> Played {
    if attack.layer == Layer::Application && target.form() == Form::Verifier {
        return Played::new(Verdict::Skip, text!("only an application knows challenges, orders and logins"));
    }
    // Boxed, because the future of an audit contains those of all scripts.
    let result = match attack.script {
        Script::Send(before, forgery) => Box::pin(send(attack, target, keys, before, forgery)).await,
        Script::SendEach(before, variants) => send_each(attack, target, keys, before, variants).await,
        Script::Enroll(forgery) => enroll(attack, target, keys, forgery).await,
        Script::Upload(before, uploaded, forgery) => {
            Box::pin(upload(attack, target, keys, before, uploaded, forgery)).await
        }
        Script::Login(code) => login(attack, target, keys, code).await,
        // Boxed, because every attack's future contains them.
        Script::Session(misuse) => Box::pin(misuse_login(attack, target, keys, misuse)).await,
        Script::Observe(what) => Box::pin(observe(attack, target, what)).await,
    };
    let mut played = match result {
        Ok(answer) => judge(attack, target, answer),
        Err(PlayEnd::Played(played)) => *played,
        Err(PlayEnd::TargetError(TargetError::DoesNotApply(why))) => Played::new(Verdict::Skip, why),
        Err(PlayEnd::TargetError(TargetError::Broken(how) | TargetError::TimedOut(how))) => {
            Played::new(Verdict::Error, how)
        }
        Err(PlayEnd::Defect(error)) => Played::new(Verdict::Error, error.what),
    };
    // The next attack must find the time that it expects, also if an earlier one could not put it back.
    if let Err(error) = target.end_passed_time().await {
        add_problem(&mut played.verdict, &mut played.reason, Verdict::Error, error.text());
    }
    played
}

fn judge<T: Target>(attack: &Attack, target: &T, answer: Answer) -> Played {
    let is_right = match attack.expected {
        Expected::MustAccept | Expected::ShouldAccept(_) => answer.accepted,
        Expected::MustRefuse(_) | Expected::ShouldRefuse(..) => !answer.accepted,
        Expected::MayRefuse(_) => true,
    };
    if let Some(harm) = &answer.harm {
        return Played { verdict: Verdict::Fail, reason: harm.clone(), answer: Some(answer) };
    }
    let (verdict, reason) = match (is_right, attack.expected) {
        (false, Expected::MustRefuse(_)) if attack.script.passes_time() => {
            let reason = text!(
                "accepted, and must be refused. If [clock] has not moved the application's clock, that is the reason"
            );
            (Verdict::Fail, reason)
        }
        (false, Expected::MustAccept | Expected::ShouldAccept(_)) => {
            let reason = if let Some(reason) = &answer.reason {
                text!("refused: {reason}, and must be accepted", reason = reason)
            } else {
                text!("refused, and must be accepted")
            };
            (Verdict::Fail, reason)
        }
        (false, Expected::ShouldRefuse(reasons, sentence)) if may_accept(target, reasons) => {
            (Verdict::Warn, text!("accepted. {sentence}", sentence = Text::whole(sentence)))
        }
        (false, _) => (Verdict::Fail, text!("accepted, and must be refused")),
        (true, _) if answer.status >= 500 && !attack.script.has_outage() => {
            let status = answer.status;
            let reason = if answer.accepted {
                text!("accepted by breaking: status {status}", status = status)
            } else {
                text!("refused by breaking: status {status}", status = status)
            };
            (Verdict::Warn, reason)
        }
        (true, Expected::MustRefuse(_) | Expected::ShouldRefuse(..)) if let Some(doubt) = &answer.doubt => {
            let reason = if answer.accepted {
                text!("accepted, but not for certain: {doubt}", doubt = doubt)
            } else {
                text!("refused, but not for certain: {doubt}", doubt = doubt)
            };
            (Verdict::Warn, reason)
        }
        (true, _) => (Verdict::Pass, outcome(&answer)),
    };
    Played { verdict, reason, answer: Some(answer) }
}

/// Whether it was accepted, and why.
fn outcome(answer: &Answer) -> Text {
    match (answer.accepted, &answer.reason) {
        (true, None) => text!("accepted"),
        (true, Some(reason)) => text!("accepted: {reason}", reason = reason),
        (false, None) => text!("refused"),
        (false, Some(reason)) => text!("refused: {reason}", reason = reason),
    }
}

/// Whether a target may accept what it should refuse for these reasons. A verifier may not. An application may if it has all of
/// the checks, or if its WeChat accepts as well, which during an audit accepts any counter.
fn may_accept<T: Target>(target: &T, reasons: &[Reason]) -> bool {
    let is_about_counters =
        reasons.iter().all(|reason| matches!(reason, Reason::CounterReplayed | Reason::CounterRolledBack));
    target.form() == Form::Application && (target.checks_keys() || is_about_counters)
}

async fn send<T: Target>(
    attack: &Attack,
    target: &T,
    keys: &KeySource,
    before: &[Before],
    forgery: Forgery,
) -> Result<Answer, PlayEnd> {
    let mut stage = Stage::prepare(attack, target, keys, &forgery).await?;
    if matches!(forgery.envelope, Envelope::AtOnce | Envelope::OneTouchAtOnce) {
        return stage.send_simultaneously(before, forgery).await;
    }
    for step in before {
        stage.step(*step).await?;
    }
    if let Envelope::Added(addition, _) = forgery.envelope {
        return Box::pin(stage.send_with_addition(addition, forgery)).await;
    }
    if forgery.envelope == Envelope::NewConnections {
        return stage.send_over_new_connections(forgery).await;
    }
    let (login, order, input) = stage.forge(forgery).await?;
    let answer = match target.send(stage.visit(login), &order, &input).await {
        // The application may wait for WeChat as long as it likes.
        Err(TargetError::TimedOut(how)) if attack.script.has_outage() => {
            return Err(PlayEnd::played(Verdict::Pass, text!("not accepted: {how}", how = how), None));
        }
        answer => answer?,
    };
    match attack.expected {
        Expected::ShouldAccept(policy) if !answer.accepted && policy.refuses == Refuses::Judged => {
            stage.conclude(policy, answer).await
        }
        Expected::MustRefuse(_) if answer.accepted && stage.is_answered_as_before(&input, &answer) => {
            // The answer to a repetition does not show whether it had an effect.
            let reason = text!(
                "accepted, and must be refused. The answer is the same as the first time: if a repetition changes nothing, show it in the description, with a number that a payment changes, such as the balance, in [[result.before]] and [[result.after]]"
            );
            Err(PlayEnd::played(Verdict::Fail, reason, Some(answer)))
        }
        _ => stage.judge_waiting(answer),
    }
}

/// Sends the variants of an input, until one is not handled as it should be, or does not apply. The answer is that of the
/// last one that applies.
async fn send_each<T: Target>(
    attack: &Attack,
    target: &T,
    keys: &KeySource,
    before: &[Before],
    variants: &[Variant],
) -> Result<Answer, PlayEnd> {
    let mut right = None;
    for variant in variants {
        // Boxed, because every attack's future contains it.
        let answer = match Box::pin(send(attack, target, keys, before, variant.forgery)).await {
            Err(PlayEnd::TargetError(TargetError::DoesNotApply(why))) => {
                return right.ok_or_else(|| TargetError::DoesNotApply(why).into());
            }
            answer => answer?,
        };
        let mut played = judge(attack, target, answer.clone());
        if played.verdict != Verdict::Pass {
            played.reason =
                text!("{variant}: {reason}", variant = Text::whole(variant.name), reason = played.reason);
            return Err(PlayEnd::Played(Box::new(played)));
        }
        right = Some(answer);
    }
    right.ok_or_else(|| TargetError::does_not_apply(text!("there is nothing to send")).into())
}

/// Uploads keys that should be refused, and sends the first result.
async fn enroll<T: Target>(
    attack: &Attack,
    target: &T,
    keys: &KeySource,
    forgery: Enrolment,
) -> Result<Answer, PlayEnd> {
    check_keys_are_its_own(target)?;
    let supply = keys.supply(attack.id);
    let mut person = Person::create(target, &supply, profile(attack)?).await?;
    let upload = forge::forge_enrolment(person.phone.upload()?, forgery, &supply)?;
    let refused = target.enroll(&person.visit, &upload).await?;
    if !refused.accepted {
        return Ok(refused);
    }
    // An upload alone does not help an attacker. What counts is whether a result with these keys is accepted.
    let order = target.order(&mut person.visit, &supply.random_text(RANDOM_TEXT_CHARS)?).await?;
    let signed = person.phone.authenticate(&order.challenge)?;
    let input = build_input(signed, &person.user, None, &Forgery::HONEST);
    Ok(target.send(&person.visit, &order, &input).await?)
}

/// Uploads keys that should be refused after honest ones, and sends an input that they sign.
async fn upload<T: Target>(
    attack: &Attack,
    target: &T,
    keys: &KeySource,
    before: &[Before],
    uploaded: Uploaded,
    forgery: Forgery,
) -> Result<Answer, PlayEnd> {
    check_keys_are_its_own(target)?;
    let mut stage = Stage::prepare(attack, target, keys, &forgery).await?;
    for step in before {
        stage.step(*step).await?;
    }
    let refused = stage.upload(uploaded).await?;
    if !refused.accepted {
        return Ok(refused);
    }
    // As above: what counts is whether a result with these keys is accepted.
    let (login, order, input) = stage.forge(forgery).await?;
    Ok(target.send(stage.visit(login), &order, &input).await?)
}

fn check_keys_are_its_own<T: Target>(target: &T) -> Result<(), TargetError> {
    if target.checks_keys() {
        return Ok(());
    }
    Err(TargetError::does_not_apply(text!("WeChat's servers check the keys of a mini program's phones")))
}

async fn login<T: Target>(
    attack: &Attack,
    target: &T,
    keys: &KeySource,
    code: Code,
) -> Result<Answer, PlayEnd> {
    let user = target.user(&keys.supply(attack.id).random_text(RANDOM_TEXT_CHARS)?)?;
    Ok(target.login(&user, code).await?)
}

async fn misuse_login<T: Target>(
    attack: &Attack,
    target: &T,
    keys: &KeySource,
    misuse: Misuse,
) -> Result<Answer, PlayEnd> {
    let mut stage = Stage::prepare(attack, target, keys, &Forgery::HONEST).await?;
    let answer = stage.misuse_login(misuse).await?;
    stage.judge_waiting(answer)
}

/// Judges what the target has told in all its answers so far.
async fn observe<T: Target>(attack: &Attack, target: &T, what: Observation) -> Result<Answer, PlayEnd> {
    target.provoke().await?;
    let Some(observed) = target.observed(what) else {
        return Err(PlayEnd::played(Verdict::Pass, text!("nothing of the kind was seen"), None));
    };
    let verdict = match attack.expected {
        Expected::ShouldRefuse(..) => Verdict::Warn,
        _ => Verdict::Fail,
    };
    let reason = match attack.expected {
        Expected::ShouldRefuse(_, sentence) => {
            text!("{what}. {sentence}", what = observed.what, sentence = Text::whole(sentence))
        }
        _ => observed.what,
    };
    let answer = observed.exchange.map(Answer::observed);
    Err(PlayEnd::played(verdict, reason, answer))
}
