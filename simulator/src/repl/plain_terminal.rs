//! The REPL at a terminal that cannot edit lines, such as a shell in Emacs or the console of a build (`TERM=dumb`).
//!
//! Lines are read as from a pipe, and each touch is a line. The banner and the prompt are those of other terminals.

use std::io::BufRead;

use soter_bridge::protocol::{CommandError, Service};
use soter_text::tr;
use tokio::runtime::Runtime;

use super::banner::{self, BannerInfo};
use super::lines::{Lines, NextLine};
use super::pipe::{Flow, Pipe};
use super::session::Session;
use crate::front::{Delivery, Exit, selected_device};

/// Reads lines and carries them out until Ctrl-D or `exit`. Mistakes and refusals do not change the exit code.
pub(super) fn run<S: Service>(
    runtime: &Runtime,
    mut session: Session<S>,
    info: &BannerInfo,
    input: impl BufRead,
) -> Exit {
    if !session.is_json() {
        match runtime.block_on(banner::show(&mut session, info)) {
            Ok(Delivery::Delivered) => {}
            Ok(Delivery::Closed) => return Exit::Good,
            Err(error) => session.console.error(&error),
        }
    }
    let mut pipe = Pipe::new(session);
    let mut lines = Lines::new(input);
    let mut exit = Exit::Good;
    let flow = loop {
        match runtime.block_on(prompt(pipe.session())) {
            Ok(Delivery::Delivered) => {}
            Ok(Delivery::Closed) => break Flow::Closed,
            Err(error) => pipe.report_error(&error),
        }
        let flow = match lines.next_line() {
            Ok(NextLine::Line(line)) => {
                let had_dialog = pipe.has_open_dialog();
                let flow = runtime.block_on(pipe.line(&line));
                if pipe.has_open_dialog() && !had_dialog {
                    let remark =
                        tr!("the phone waits for a touch: type `touch 1`, `touch wrong` or `cancel`");
                    pipe.session().console.remark(&remark);
                }
                flow
            }
            Ok(NextLine::Unreadable(error)) => {
                pipe.report_error(&error);
                Flow::Next
            }
            // Ctrl-D leaves the cursor behind the prompt, and what comes next begins on a line of its own.
            Ok(NextLine::End) => match pipe.session().console.answer("") {
                Ok(Delivery::Delivered) | Err(_) => Flow::Leave,
                Ok(Delivery::Closed) => Flow::Closed,
            },
            Err(error) => {
                pipe.report_error(&error);
                exit = Exit::from(&error);
                Flow::Leave
            }
        };
        if flow != Flow::Next {
            break flow;
        }
    };
    if flow == Flow::Leave {
        runtime.block_on(pipe.leave());
    }
    exit
}

async fn prompt<S: Service>(session: &mut Session<S>) -> Result<Delivery, CommandError> {
    let selected = if let Some(device) = session.device() {
        device.to_owned()
    } else {
        // If the phones cannot be reached, the next command says so.
        selected_device(&*session.service).await.unwrap_or_default()
    };
    session.console.prompt(&format!("{selected}> "))
}
