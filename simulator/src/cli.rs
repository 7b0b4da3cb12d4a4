//! The command line: one command per process, and its exit code.

mod auth;
mod one_shot;
mod vectors;

use std::ffi::OsString;
use std::sync::Arc;

use soter_bridge::protocol::{CommandError, ErrorKind, SeedText, Service, device};
use soter_sim::{Desk, DeskOptions, State, default_state_folder};
use tokio::runtime::Runtime;

use crate::front::{self, Console, Exit};
use crate::grammar::{self, Options, ProgramCommand, Refused};
use crate::repl::{self, Session, Surroundings};

/// Keys that are made ahead for a person's or a server's next phone: ATTK, ASK and AuthKey, and one more AuthKey.
const KEY_STOCK: usize = 4;

/// Carries out the program's arguments, the first of which is its own name.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let mut console = Console::standard();
    match carry_out(arguments, &mut console) {
        Ok(exit) => exit,
        Err(error) => {
            console.error(&error);
            Exit::from(&error)
        }
    }
}

fn carry_out(
    arguments: impl IntoIterator<Item = OsString>,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let (line, options) = match grammar::parse_command_line(arguments) {
        Ok(parsed) => parsed,
        Err(Refused::Usage(error)) => return Err(error),
        Err(Refused::Help { plain, coloured }) => {
            let text = if console.paint.is_coloured() { coloured } else { plain };
            let _ = console.answer(&text)?;
            return Ok(Exit::Good);
        }
    };
    match line.command {
        None | Some(ProgramCommand::Repl) => converse(&options),
        Some(ProgramCommand::Shared(command)) => one_shot::run(command, &options, console),
        Some(ProgramCommand::Vectors(vectors)) => vectors::run(&vectors, &options, console),
        Some(ProgramCommand::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut grammar::command_line(), "soter-sim", &mut script);
            let _ = console.answer(&String::from_utf8_lossy(&script))?;
            Ok(Exit::Good)
        }
    }
}

fn converse(options: &Options) -> Result<Exit, CommandError> {
    let state = state(options)?;
    let surroundings = Surroundings {
        state: match &state {
            State::Ephemeral => None,
            State::Folder(folder) => Some(folder.clone()),
        },
    };
    let runtime = runtime()?;
    let desk = Desk::open(DeskOptions { key_stock: KEY_STOCK, ..desk_options(state, options) })?;
    runtime.block_on(check_device(&desk, options.device.as_deref()))?;
    put_away_when_told(&runtime, &desk);
    let session =
        Session::new(Arc::new(desk.clone()), Console::standard(), options.device.clone(), options.json);
    let exit = repl::run(&runtime, session, &surroundings);
    desk.close()?;
    Ok(exit)
}

/// Switches the phones off if the process is ended from outside.
fn put_away_when_told(runtime: &Runtime, desk: &Desk) {
    let desk = desk.clone();
    // A counter block that is not given back is a gap, which is allowed.
    front::end_in_order(runtime, move || drop(desk.close()));
}

/// Whether there is a device of the name that every line will go to.
async fn check_device(desk: &Desk, name: Option<&str>) -> Result<(), CommandError> {
    let Some(name) = name else { return Ok(()) };
    let listed = desk.request(None, device::List {}).await?.devices;
    if listed.iter().any(|device| device.name == name) {
        return Ok(());
    }
    let known: Vec<_> = listed.iter().take(10).map(|device| device.name.as_str()).collect();
    Err(CommandError::new(
        ErrorKind::UnknownDevice,
        format!("there is no device `{name}`"),
        format!("devices: {}", known.join(", ")),
    ))
}

/// Where the phones live: in the folder that was named, nowhere, or in the platform's data folder.
fn state(options: &Options) -> Result<State, CommandError> {
    if let Some(folder) = &options.state {
        return Ok(State::Folder(folder.clone()));
    }
    if options.ephemeral || options.seed.is_some() {
        return Ok(State::Ephemeral);
    }
    default_state_folder().map(State::Folder).ok_or_else(|| {
        CommandError::invalid_params(
            "this platform names no folder for a program's data",
            "give one with --state DIR, or keep nothing with --ephemeral",
        )
    })
}

/// A desk for one command.
fn open(state: State, options: &Options) -> Result<Desk, CommandError> {
    Desk::open(desk_options(state, options))
}

fn desk_options(state: State, options: &Options) -> DeskOptions {
    DeskOptions {
        profile: options.profile.clone(),
        seed: options.seed.clone().map(SeedText::from),
        clock: options.clock,
        ..DeskOptions::new(state)
    }
}

fn runtime() -> Result<Runtime, CommandError> {
    Runtime::new().map_err(|error| {
        CommandError::environment(
            format!("threads and timers are not to be had: {error}"),
            "check the limits of this process (ulimit), then repeat",
        )
    })
}
