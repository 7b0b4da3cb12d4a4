//! `soter-sim`: the phone simulator on the command line and in a REPL.
//!
//! ```text
//!   grammar   words typed by a person        -> commands of the protocol
//!   front     commands, answers and dialogs  <-> what a person sees, over any `Service`
//!   cli       one command per process, exit codes
//!   repl      many commands per process, from a terminal or a pipe
//!   mcp       the commands as tools of agents, on standard input and output
//!   log       what the program does, for finding faults
//!   stderr    errors, remarks and the log on standard error
//! ```

mod cli;
mod files;
mod front;
mod grammar;
mod log;
mod mcp;
mod repl;
mod stderr;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(std::env::args_os()).into()
}
