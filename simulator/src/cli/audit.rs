//! `soter-sim audit`: plays every attack against one's own backend, and reports the results.

mod application;
mod check;
mod init;
mod new_file;
mod plan;
mod progress;
mod recording;
mod started;
mod verifier;

use serde_json::{Value, json};
use soter_attack::{Attack, Layer, description_schema};
use soter_bridge::protocol::CommandError;
use soter_text::{text, tr, translated};

use self::plan::Plan;
use super::setup;
use crate::front::{Console, Exit};
use crate::grammar::{Audit, Options};

/// Audits a backend. The exit code says what was found.
///
/// # Errors
/// `InvalidParams` if the command line or a file that it names is wrong, `Environment` if a file cannot be read or a
/// server cannot start: nothing was sent. `Environment` if the answer or a report cannot be written.
pub(super) fn run(audit: &Audit, options: &Options, console: &mut Console) -> Result<Exit, CommandError> {
    if let Some(path) = &audit.from {
        return recording::run(path, audit.init.as_deref(), options.json, console);
    }
    if let Some(path) = &audit.init {
        return init::run(path, audit, options.json, console);
    }
    if audit.schema {
        console.write_answer(&format!("{:#}", description_schema()))?;
        return Ok(Exit::Good);
    }
    let plan = Plan::make(audit, options.json)?;
    if audit.dry_run {
        return dry_run(&plan, audit, console);
    }
    let runtime = setup::runtime()?;
    if let Some(path) = &audit.config {
        runtime.block_on(application::run(path, audit, &plan, console))
    } else if audit.preset.is_some() {
        runtime.block_on(verifier::run(audit, &plan, console))
    } else {
        Err(CommandError::invalid_params(
            text!("nothing to audit is named"),
            text!(
                "name an application with --config FILE (--init writes one), or a verifier with --preset wechat --url BASE"
            ),
        ))
    }
}

/// Lists the attacks that would be played.
fn dry_run(plan: &Plan, audit: &Audit, console: &mut Console) -> Result<Exit, CommandError> {
    let is_verifier = audit.preset.is_some();
    let applies = |attack: &Attack| !is_verifier || attack.layer == Layer::Verifier;
    let text = if plan.json {
        let listed = plan.attacks.iter().map(|attack| {
            json!({
                "id": attack.id,
                "layer": attack.layer.name(),
                "expected": attack.expected.name(),
                "title": attack.title,
                "play": applies(attack),
            })
        });
        listed.collect::<Value>().to_string()
    } else {
        let lines: Vec<String> = plan
            .attacks
            .iter()
            .map(|attack| {
                let mark = if applies(attack) { tr!("play") } else { tr!("skip") };
                tr!(
                    "{mark}  {id}  {expected}: {title}",
                    mark = mark,
                    id = attack.id,
                    expected = attack.expected.label(),
                    title = translated(attack.title)
                )
            })
            .collect();
        format!("{}\n{}", lines.join("\n"), tr!("{count} attacks; nothing was sent", count = lines.len()))
    };
    console.write_answer(&text)?;
    Ok(Exit::Good)
}
