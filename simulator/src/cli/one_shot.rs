//! Commands that the REPL has too, each in its own process.

use std::sync::Arc;

use soter_bridge::Connection;
use soter_bridge::protocol::{CommandError, Request, Response, Service};
use soter_sim::State;
use soter_text::{Language, text};

use super::dialog;
use super::setup;
use crate::front::{self, Answer, Console, Exit};
use crate::grammar::{Command, Job, Options, PreparedCall, Servers};

/// Carries out one command and prints its answer. Before it is printed, everything is durable.
///
/// # Errors
/// `InvalidParams` if the command needs a process that keeps running. Those of the command; nothing was printed.
/// `Environment` if the answer cannot be written.
pub(super) fn run(command: Command, options: &Options, console: &mut Console) -> Result<Exit, CommandError> {
    if let Command::Tee(tee) = &command
        && tee.command.needs_session()
        && options.connect.is_none()
    {
        return Err(CommandError::invalid_params(
            text!("a signing session lives only as long as its process"),
            text!(
                "open, touch and finish it in the REPL (`soter-sim` without a command), or on a server with --connect URL"
            ),
        ));
    }
    if let Command::Danger(danger) = &command
        && danger.needs_copies()
        && options.connect.is_none()
    {
        return Err(CommandError::invalid_params(
            text!("a copy of a phone lives only as long as its process"),
            text!(
                "take it and put it back in the REPL (`soter-sim` without a command), or on a server with --attacker by --connect URL"
            ),
        ));
    }
    if let (
        Command::Clock { clock: Some(_) } | Command::Servers(Servers::Set(_) | Servers::Expire { .. }),
        None,
    ) = (&command, &options.connect)
    {
        return Err(CommandError::invalid_params(
            text!("WeChat's servers keep their clock, switches and sessions only as long as their process"),
            text!(
                "do it in the REPL (`soter-sim` without a command), on its page, or on a running server with --connect URL"
            ),
        ));
    }
    if let (Command::Journal { .. }, None) = (&command, &options.connect) {
        return Err(CommandError::invalid_params(
            text!("the journal lives only as long as the process of its servers"),
            text!(
                "read it in the REPL (`soter-sim` without a command), on its page, or on a running server with --connect URL"
            ),
        ));
    }
    let answer = match command.job()? {
        Job::Verify(files) => Answer::Response(Response::VerifySignature(front::verify_files(&files)?)),
        Job::Explain(code) => front::explain(code)?,
        Job::Call(prepared_call) => run_on_desk(prepared_call, options)?,
    };
    let text = if options.json || answer.is_always_json() {
        answer.to_json()?
    } else {
        answer.to_text(console.paint)
    };
    // If the reader has closed the pipe, it does not want the answer. That is not an error.
    console.write_answer(&text)?;
    // In JSON, a verdict contains its remarks.
    if !(options.json && matches!(answer, Answer::Response(_))) {
        answer.remarks().iter().for_each(|remark| console.remark(remark));
    }
    Ok(if answer.is_negative() { Exit::Negative } else { Exit::Good })
}

fn run_on_desk(prepared_call: PreparedCall, options: &Options) -> Result<Answer, CommandError> {
    if let Some(url) = &options.connect {
        let runtime = setup::runtime()?;
        front::exit_cleanly_on_signal(&runtime, || {});
        let prepared_call = prepared_call.for_device(options.device.as_deref());
        // The protocol's own answer is for programs.
        let language = if prepared_call.verbatim { Language::English } else { Language::of_process() };
        return runtime.block_on(async {
            let connection = Connection::open_in_language(url.expose(), None, language).await?;
            perform(&Arc::new(connection), prepared_call).await
        });
    }
    let state = if needs_no_phone(&prepared_call.call.request) && options.state.is_none() {
        State::Ephemeral
    } else {
        setup::state(options)?
    };
    let runtime = setup::runtime()?;
    let desk = setup::open(state, options)?;
    setup::close_desk_on_signal(&runtime, &desk);
    let prepared_call = prepared_call.for_device(options.device.as_deref());
    let answer = runtime.block_on(perform(&Arc::new(desk.clone()), prepared_call));
    let closed = desk.close();
    let answer = answer?;
    closed?;
    Ok(answer)
}

/// Whether the command makes its own phones, so that the ones in the folder are not used.
fn needs_no_phone(request: &Request) -> bool {
    matches!(
        request,
        Request::AttackList(_) | Request::AttackShow(_) | Request::AttackForge(_) | Request::AttackRun(_)
    )
}

async fn perform<S: Service>(service: &Arc<S>, prepared_call: PreparedCall) -> Result<Answer, CommandError> {
    if front::opens_dialog(&prepared_call.call.request) {
        dialog::perform(service, prepared_call).await
    } else {
        front::perform(service, prepared_call).await
    }
}
