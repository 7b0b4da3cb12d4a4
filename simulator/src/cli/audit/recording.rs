//! A description that is proposed from a recording.

use std::path::Path;

use serde_json::json;
use soter_attack::{Application, MAX_RECORDING_BYTES, propose};
use soter_bridge::protocol::CommandError;
use soter_text::{text, tr};

use super::new_file::{shown_path, write_new};
use crate::files::{Input, read_input_up_to};
use crate::front::{Console, Exit};

/// Proposes a description, and writes it into a new file, or prints it.
///
/// # Errors
/// `Environment` if a file cannot be read or written, `InvalidParams` if the recording is not HAR or shows no payment, or if
/// the new file is there already.
pub(super) fn run(
    recording: &Path,
    init: Option<&Path>,
    json: bool,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let limit = u64::try_from(MAX_RECORDING_BYTES).unwrap_or(u64::MAX);
    let advice = text!("record one payment alone, from the login to the answer to the result");
    let text =
        String::from_utf8(read_input_up_to(Input::from_path(recording), limit, advice)?).map_err(|_| {
            CommandError::invalid_params(
                text!("{file} is not UTF-8, as HAR is", file = recording.display()),
                text!("save the requests as HAR once more"),
            )
        })?;
    let proposal = propose(&text)?;
    let summary = tr!(
        "{used} of {recorded} recorded requests are steps; {guesses} guesses, {missing} missing",
        used = proposal.used,
        recorded = proposal.recorded,
        guesses = proposal.guesses,
        missing = proposal.missing
    );
    if json {
        let answer = json!({
            "description": proposal.description,
            "recorded": proposal.recorded,
            "used": proposal.used,
            "guesses": proposal.guesses,
            "missing": proposal.missing,
        });
        if let Some(path) = init {
            write_new(path, &proposal.description)?;
        }
        console.write_answer(&answer.to_string())?;
    } else if let Some(path) = init {
        write_new(path, &proposal.description)?;
        let [shown, argument] = shown_path(path);
        let written = if proposal.missing > 0 {
            tr!(
                "{file} is written: {summary}. Now complete what is `missing`, check each `guess`, then `soter-sim audit --config {argument}`",
                file = shown,
                summary = summary,
                argument = argument
            )
        } else {
            tr!(
                "{file} is written: {summary}. Now check each `guess`, then `soter-sim audit --config {argument}`",
                file = shown,
                summary = summary,
                argument = argument
            )
        };
        console.write_answer(&console.paint.wrapped(&written))?;
    } else {
        console.write_answer(proposal.description.trim_end())?;
        console.stderr_line(&summary);
    }
    if let (0, Err(refused)) = (proposal.missing, Application::read(&proposal.description)) {
        console.remark(&tr!(
            "an audit refuses this description as it is: {what}; {next}",
            what = refused.what,
            next = refused.next
        ));
    }
    Ok(Exit::Good)
}
