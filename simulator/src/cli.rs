//! The command line: one command per process, and its exit code.

mod audit;
mod ca;
mod child;
mod dialog;
mod doctor;
mod exec;
mod language;
mod ledger;
mod mcp;
mod one_shot;
mod preload;
mod proxies;
mod rpc;
mod scenario;
mod serve;
mod setup;
mod signals;
mod trust;
mod vectors;

use std::ffi::OsString;
use std::sync::Arc;

use soter_bridge::Connection;
use soter_bridge::protocol::CommandError;
use soter_sim::State;
use soter_text::{Language, text, tr};
use tracing_subscriber::filter::LevelFilter;

use crate::front::{self, Console, Exit};
use crate::grammar::{self, Options, ProgramCommand, Refused, Repl};
use crate::log;
use crate::repl::{self, BannerInfo, Session};
use crate::stderr;

/// Runs the program with its arguments, the first of which is its own name.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let language = language::choose(&arguments);
    language.as_ref().copied().unwrap_or_else(|_| Language::of_locale()).set_for_process();
    let mut console = Console::standard();
    let exit = language.and_then(|_| execute(arguments, &mut console)).unwrap_or_else(|error| {
        console.error(&error);
        Exit::from(&error)
    });
    stderr::flush();
    exit
}

fn execute(
    arguments: impl IntoIterator<Item = OsString>,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let (line, options) = match grammar::parse_command_line(arguments) {
        Ok(parsed) => parsed,
        Err(Refused::Usage(error)) => return Err(error),
        Err(Refused::Help { plain, coloured }) => {
            let text = if console.paint.is_coloured() { coloured } else { plain };
            console.write_answer(&text)?;
            return Ok(Exit::Good);
        }
    };
    let level = match line.command {
        // Log lines do not belong between a person's lines, nor between the answers of a pipe.
        None | Some(ProgramCommand::Repl(_)) => LevelFilter::OFF,
        Some(_) => LevelFilter::WARN,
    };
    log::start(options.log.as_deref(), options.log_format.unwrap_or_default(), level)?;
    match line.command {
        None => run_repl(&line.repl, &options, console),
        Some(ProgramCommand::Repl(repl)) => run_repl(&repl, &options, console),
        Some(ProgramCommand::Serve(serve)) => {
            check_not_connected(&options, "serve")?;
            serve::run(&serve, &options, console)
        }
        Some(ProgramCommand::Exec(exec)) => {
            check_not_connected(&options, "exec")?;
            exec::run(exec, &options, console)
        }
        Some(ProgramCommand::Mcp(serve)) => mcp::run(&serve, &options, console),
        Some(ProgramCommand::Ca(ca)) => ca::run(&ca, &options, console),
        Some(ProgramCommand::Rpc(rpc)) => rpc::run(&rpc, &options, console),
        Some(ProgramCommand::Shared(command)) => one_shot::run(command, &options, console),
        Some(ProgramCommand::Run(scenario)) => scenario::run(&scenario, &options, console),
        Some(ProgramCommand::Audit(command)) => audit::run(&command, &options, console),
        Some(ProgramCommand::Vectors(vectors)) => vectors::run(&vectors, &options, console),
        Some(ProgramCommand::Doctor(doctor)) => doctor::run(&doctor, &options, console),
        Some(ProgramCommand::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut grammar::command_line(), "soter-sim", &mut script);
            console.write_answer(&String::from_utf8_lossy(&script))?;
            Ok(Exit::Good)
        }
    }
}

fn run_repl(repl: &Repl, options: &Options, console: &mut Console) -> Result<Exit, CommandError> {
    if let Some(url) = &options.connect {
        return run_remote_repl(url.expose(), options);
    }
    let state = setup::state(options)?;
    let mut info = BannerInfo {
        bridge: None,
        state: match &state {
            State::Ephemeral => None,
            State::Folder(folder) => Some(folder.clone()),
        },
    };
    let runtime = setup::runtime()?;
    let desk = serve::open_desk(&runtime, &repl.serve, options, state)?;
    runtime.block_on(setup::check_device(&desk, options.device.as_deref()))?;
    setup::close_desk_on_signal(&runtime, &desk);
    let bridge = serve::start_bridge_for_repl(&runtime, &desk, &repl.serve, repl.no_bridge, console)?;
    info.bridge = bridge
        .as_ref()
        .map(|bridge| tr!("{url}, {accounts}", url = bridge.url, accounts = serve::accounts_line(&desk)));
    let session =
        Session::new(Arc::new(desk.clone()), Console::standard(), options.device.clone(), options.json);
    let exit = repl::run(&runtime, session, &info);
    if let Some(bridge) = bridge {
        runtime.block_on(bridge.stop());
    }
    desk.close()?;
    Ok(exit)
}

/// Runs a REPL on the phones of a running server.
fn run_remote_repl(url: &str, options: &Options) -> Result<Exit, CommandError> {
    let runtime = setup::runtime()?;
    let connection = runtime.block_on(Connection::open(url))?;
    let english = match Language::of_process() {
        Language::English => connection.clone(),
        Language::Chinese => runtime.block_on(Connection::open_in_language(url, None, Language::English))?,
    };
    runtime.block_on(setup::check_device(&connection, options.device.as_deref()))?;
    front::exit_cleanly_on_signal(&runtime, || {});
    let session =
        Session::new(Arc::new(connection), Console::standard(), options.device.clone(), options.json)
            .with_service_for_programs(Arc::new(english));
    let shown = url.split('?').next().unwrap_or_default().to_owned();
    Ok(repl::run(&runtime, session, &BannerInfo { bridge: Some(shown), state: None }))
}

fn check_not_connected(options: &Options, command: &str) -> Result<(), CommandError> {
    if options.connect.is_none() {
        return Ok(());
    }
    Err(CommandError::invalid_params(
        text!("`{command}` starts a server, and --connect means one that runs", command = command),
        text!("leave --connect out"),
    ))
}
