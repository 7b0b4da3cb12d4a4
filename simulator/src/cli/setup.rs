//! What commands need first: the place of the phones, a desk with them, and the async runtime.

use soter_bridge::protocol::CommandError;
use soter_sim::{Desk, DeskOptions, State, default_state_folder};
use tokio::runtime::Runtime;

use crate::front;
use crate::grammar::Options;

/// The place of the phones: the folder in the options, memory, or the platform's data folder.
pub(super) fn state(options: &Options) -> Result<State, CommandError> {
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

/// Opens a desk for one command.
pub(super) fn open(state: State, options: &Options) -> Result<Desk, CommandError> {
    Desk::open(desk_options(state, options))
}

pub(super) fn desk_options(state: State, options: &Options) -> DeskOptions {
    DeskOptions {
        profile: options.profile.clone(),
        seed: options.seed.clone(),
        clock: options.clock,
        ..DeskOptions::new(state)
    }
}

pub(super) fn runtime() -> Result<Runtime, CommandError> {
    Runtime::new().map_err(|error| {
        CommandError::environment(
            format!("threads and timers are not to be had: {error}"),
            "check the limits of this process (ulimit), then repeat",
        )
    })
}

/// Switches the phones off if a signal ends the process.
pub(super) fn close_desk_on_signal(runtime: &Runtime, desk: &Desk) {
    let desk = desk.clone();
    // If a counter block is not given back, its values are skipped, which is allowed.
    front::exit_cleanly_on_signal(runtime, move || drop(desk.close()));
}
