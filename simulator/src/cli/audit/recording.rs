//! A description that is proposed from a recording.

use std::path::Path;

use serde_json::json;
use soter_attack::{Application, MAX_RECORDING_BYTES, propose};
use soter_bridge::protocol::CommandError;

use super::new_file::write_new;
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
    let advice = "record one payment alone, from the login to the answer to the result";
    let text =
        String::from_utf8(read_input_up_to(Input::from_path(recording), limit, advice)?).map_err(|_| {
            CommandError::invalid_params(
                format!("{} is not UTF-8, as HAR is", recording.display()),
                "save the requests as HAR once more",
            )
        })?;
    let proposal = propose(&text)?;
    let summary = format!(
        "{} of {} recorded requests are steps; {} guesses, {} missing",
        proposal.used, proposal.recorded, proposal.guesses, proposal.missing
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
        let shown = path.display();
        let next = if proposal.missing > 0 { "complete what is `missing`, check" } else { "check" };
        console.write_answer(&format!(
            "{shown} is written: {summary}. Now {next} each `guess`, then `soter-sim audit --config {shown}`"
        ))?;
    } else {
        console.write_answer(proposal.description.trim_end())?;
        console.stderr_line(&summary);
    }
    if let (0, Err(refused)) = (proposal.missing, Application::read(&proposal.description)) {
        console.remark(&format!(
            "an audit refuses this description as it is: {}; {}",
            refused.what.localized(),
            refused.next.localized()
        ));
    }
    Ok(Exit::Good)
}
