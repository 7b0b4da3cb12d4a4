//! `audit --check`: the honest path once, and what each of its steps has found.

use serde_json::{Map, Value, json};
use soter_attack::{ApplicationTarget, Check, PlayedStep, check};
use soter_bridge::protocol::CommandError;
use soter_bridge::visible;
use soter_text::{Text, text, tr};

use super::plan::{INCONCLUSIVE, Plan, print_exchange};
use crate::front::{Console, Exit};

/// Plays the honest path, and shows each step. The exit code says whether the payment was recognised as a success.
///
/// # Errors
/// `Environment` if the answer cannot be written.
pub(super) async fn run(
    target: &ApplicationTarget,
    plan: &Plan,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let Check { steps, failure } = check(target, &plan.keys).await;
    let failure = failure.map(|what| {
        CommandError::environment(text!("the check failed: {what}", what = what), advice(steps.last()))
    });
    let text =
        if plan.json { json(&steps, failure.as_ref()).to_string() } else { text(&steps, failure.as_ref()) };
    console.write_answer(&text)?;
    let Some(failure) = failure else { return Ok(Exit::Good) };
    console.error(&failure);
    if let Some(exchange) = steps.last().and_then(|step| step.exchange.as_ref()) {
        print_exchange(exchange, console);
    }
    Ok(INCONCLUSIVE)
}

/// What to do about a check that has ended with this step.
fn advice(last: Option<&PlayedStep>) -> Text {
    let Some(step) = last else {
        return text!("check the description: no step of it could be carried out");
    };
    let place = &step.place;
    if step.status.is_none() {
        return text!(
            "check that your application runs at the description's `url`, and look at {place}",
            place = place
        );
    }
    match step.section {
        "login" => text!(
            "compare {place} with your application's login, and check that it asks the audit's WeChat servers with the appid and secret above",
            place = place
        ),
        "enroll" => text!("compare {place} with how your application takes a phone's keys", place = place),
        "challenge" => text!(
            "compare {place} with how your application opens an order and answers with a challenge",
            place = place
        ),
        _ => text!(
            "if the answer below is a refusal, find out why your application refuses an honest result; if it is a success, say in {place} or [result.success] what a success looks like",
            place = place
        ),
    }
}

fn text(steps: &[PlayedStep], failure: Option<&CommandError>) -> String {
    let mut lines = Vec::new();
    let mut cookies: &[String] = &[];
    for step in steps {
        let status = step.status.map_or_else(|| tr!("no answer"), |status| status.to_string());
        lines.push(tr!(
            "{place} {action}: {status}",
            place = step.place,
            action = step.action,
            status = status
        ));
        lines.extend(step.values.iter().map(|(name, value)| format!("    {name} = {}", value.localized())));
        if step.cookies != *cookies {
            lines.push(format!("    {}", tr!("cookies: {names}", names = step.cookies.join(", "))));
        }
        cookies = &step.cookies;
        let problem = step.problem.as_ref();
        lines.extend(
            problem.map(|problem| format!("    {}", tr!("not as expected: {problem}", problem = problem))),
        );
    }
    lines.push(match failure {
        None => tr!("the honest payment was recognised as a success"),
        Some(_) => tr!("the honest payment was NOT recognised as a success"),
    });
    lines.iter().map(|line| visible(line).to_string()).collect::<Vec<_>>().join("\n")
}

fn json(steps: &[PlayedStep], failure: Option<&CommandError>) -> Value {
    let last = steps.last();
    let failure = failure.map(|CommandError { what, next, .. }| {
        let exchange = last.and_then(|step| step.exchange.as_ref());
        json!({
            "what": what,
            "next": next,
            "request": exchange.map(|exchange| &exchange.request),
            "response": exchange.map(|exchange| &exchange.response),
            "curl": exchange.map(|exchange| &exchange.curl),
        })
    });
    let steps = steps.iter().map(|step| {
        let values: Map<String, Value> =
            step.values.iter().map(|(name, value)| (name.clone(), value.english().into())).collect();
        json!({
            "section": step.section,
            "place": step.place,
            "action": step.action,
            "status": step.status,
            "values": values,
            "cookies": step.cookies,
            "problem": step.problem,
        })
    });
    json!({"recognised": failure.is_none(), "steps": steps.collect::<Value>(), "failure": failure})
}
