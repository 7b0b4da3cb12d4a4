//! `soter-sim run FILE`: a scenario on its own phone.

use std::sync::Arc;

use soter_bridge::Connection;
use soter_bridge::protocol::CommandError;
use soter_sim::State;
use soter_text::{Language, text};

use crate::files::{Input, read_input};
use crate::front::{Console, Exit};
use crate::grammar::{Options, Scenario};
use crate::repl;

use super::setup;

/// Carries out the scenario on a new phone, which is discarded afterwards. If a folder or a server is named, its
/// phone is used instead.
///
/// # Errors
/// `InvalidParams` if the file is not a scenario, `Environment` if it cannot be read or the answer cannot be written.
/// Those of [`Desk::open`](soter_sim::Desk::open) and [`Connection::open`].
pub(super) fn run(
    scenario: &Scenario,
    options: &Options,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let name = scenario.file.display();
    let text = String::from_utf8(read_input(Input::from_path(&scenario.file))?).map_err(|_| {
        CommandError::invalid_params(
            text!("{name} is not UTF-8", name = name),
            text!("write scenarios as text in UTF-8"),
        )
    })?;
    let runtime = setup::runtime()?;
    let device = options.device.clone();
    if let Some(url) = &options.connect {
        // A scenario compares answers, and gives the same result in every locale. Errors come in both languages.
        let opened = Connection::open_in_language(url.expose(), None, Language::English);
        let connection = Arc::new(runtime.block_on(opened)?);
        return repl::run_scenario(&runtime, &connection, device, &text, console);
    }
    let state = if options.state.is_some() { setup::state(options)? } else { State::Ephemeral };
    let desk = setup::open(state, options)?;
    setup::close_desk_on_signal(&runtime, &desk);
    let ended = repl::run_scenario(&runtime, &Arc::new(desk.clone()), device, &text, console);
    let closed = desk.close();
    let exit = ended?;
    closed?;
    Ok(exit)
}
