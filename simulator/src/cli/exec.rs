//! `soter-sim exec -- CMD…`: runs a command with its own server, which may have a cloud function, or a cloud function alone.

mod cloud_function;
pub(super) mod environment;
mod served_function;

use std::ffi::{OsStr, OsString};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitStatus;
use std::sync::Arc;

use soter_bridge::protocol::CommandError;
use soter_sim::State;
use soter_text::{Text, text, tr};
use tokio::process::Command;

use crate::front::{Console, Exit};
use crate::grammar::{Exec, Options};

use self::cloud_function::{CloudFunction, EventSource, install_node};
use self::environment::{Environment, ServerInfo, user_of_phone};
use self::served_function::ServedFunction;
use super::child::RunningCommand;
use super::serve::{self, Bridge, Refusals};
use super::setup;
use super::signals::{TerminationSignal, TerminationSignals};

/// Runs the command, and ends with its exit code. Only the command writes to standard output.
///
/// # Errors
/// `InvalidParams` if an option or a file that it names is wrong. `Environment` if a file cannot be read, the server
/// or the command does not start, or storage fails.
pub(super) fn run(exec: Exec, options: &Options, console: &mut Console) -> Result<Exit, CommandError> {
    let Exec { serve: mut settings, cloud_function, event, command } = exec;
    let function = cloud_function.as_deref().map(CloudFunction::read).transpose()?;
    if let Some(function) = &function {
        settings.cloud_permissions = function.permissions();
    }
    let (command, next, served) = match (function, command.as_slice()) {
        (Some(function), []) => {
            (function.command(EventSource::Given(event.unwrap_or_default())), install_node(), None)
        }
        (function, words) => (command_of(words)?, text!("check the command behind `--`"), function),
    };
    let state = if options.state.is_some() { setup::state(options)? } else { State::Ephemeral };
    settings.listen.get_or_insert(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let runtime = setup::runtime()?;
    let desk = serve::open_desk(&runtime, &settings, options, state)?;
    let ended = runtime.block_on(async {
        let mut signals = TerminationSignals::listen()?;
        serve::prepare(&desk, &settings).await?;
        let bridge = Bridge::start(&desk, &settings, true).await?;
        console.remark(&tr!("{url}; {accounts}", url = bridge.url, accounts = serve::accounts_line(&desk)));
        let refusals = Refusals::start(&desk);
        let terminal = Terminal::at_start();
        let environment = async {
            let user = user_of_phone(&desk, options.device.as_deref(), console).await?;
            let info = ServerInfo {
                wechat: desk.wechat(),
                url: &bridge.url,
                address: bridge.address,
                authority: bridge.authority.as_deref(),
            };
            Environment::prepare(&info, &user, console)
        };
        let status = match environment.await {
            Ok(environment) => {
                if let Some(function) = served {
                    let variables = environment.variables().map(|(name, value)| (name, value.clone()));
                    let wechat = Arc::clone(desk.wechat());
                    desk.set_cloud_functions(Arc::new(ServedFunction::new(
                        function,
                        wechat,
                        variables.collect(),
                    )));
                }
                let status = match start(command, next, &environment) {
                    Ok(child) => wait(child, &mut signals, terminal).await,
                    Err(error) => Err(error),
                };
                environment.remove();
                status
            }
            Err(error) => Err(error),
        };
        bridge.stop().await;
        refusals.end().await;
        status
    });
    let closed = desk.close();
    let status = ended?;
    closed?;
    Ok(Exit::Of(exit_code(status)))
}

/// The command behind `--`.
///
/// # Errors
/// `InvalidParams` if it is empty.
pub(super) fn command_of(words: &[OsString]) -> Result<Command, CommandError> {
    match words {
        [program, arguments @ ..] if !program.is_empty() => {
            let mut command = Command::new(found(program));
            command.args(arguments);
            Ok(command)
        }
        _ => Err(CommandError::invalid_params(
            text!("the command behind `--` is empty"),
            text!("write a program's name there"),
        )),
    }
}

/// Starts a command. `next` is what to do if it does not start.
fn start(
    mut command: Command,
    next: Text,
    environment: &Environment,
) -> Result<RunningCommand, CommandError> {
    command.envs(environment.variables());
    let program = command.as_std().get_program().to_owned();
    RunningCommand::start(command).map_err(|error| {
        CommandError::environment(
            text!(
                "{program} does not start: {error}",
                program = program.display().to_string(),
                error = error
            ),
            next,
        )
    })
}

/// The program that a shell would start. Windows itself only tries the extension `.exe`, but `npm` is npm.cmd: this tries those
/// of PATHEXT. The standard library then quotes arguments of `.cmd` and `.bat` files for cmd.exe; it refuses those that
/// cannot be quoted, such as line breaks. A program that is not found keeps its name, for the error.
#[cfg(windows)]
fn found(program: &OsStr) -> OsString {
    which::which(program).map_or_else(|_| program.to_owned(), OsString::from)
}

/// The program that a shell would start: on Unix the operating system finds it.
#[cfg(not(windows))]
fn found(program: &OsStr) -> &OsStr {
    program
}

/// Waits for the command to end. Signals that would end this process are passed on to it.
async fn wait(
    mut child: RunningCommand,
    signals: &mut TerminationSignals,
    terminal: Terminal,
) -> Result<ExitStatus, CommandError> {
    loop {
        tokio::select! {
            status = child.wait() => {
                return status.map_err(|error| {
                    CommandError::environment(text!("the command cannot be waited for: {error}", error = error), text!("run it again"))
                });
            }
            end = signals.next() => forward_signal(end, &child, terminal),
        }
    }
}

/// Passes a signal on, unless the command has received it directly: a second one would interrupt its cleanup.
#[cfg(unix)]
fn forward_signal(end: TerminationSignal, child: &RunningCommand, terminal: Terminal) {
    use rustix::process::{Signal, kill_process};
    let signal = match end {
        TerminationSignal::Interrupted => Signal::INT,
        TerminationSignal::Terminated => Signal::TERM,
        TerminationSignal::HungUp => Signal::HUP,
        TerminationSignal::Quit => Signal::QUIT,
    };
    if terminal.reaches_command(end) {
        return;
    }
    if let Some(id) = child.id()
        && let Err(error) = kill_process(id, signal)
    {
        // The usual reason: the command has just ended.
        tracing::debug!(%error, "the signal is not passed on");
    }
}

/// On Windows, Ctrl-C reaches every process of the console.
#[cfg(not(unix))]
fn forward_signal(_: TerminationSignal, _: &RunningCommand, _: Terminal) {}

/// The terminal of this process and its command, which are in one process group.
#[derive(Clone, Copy, Debug)]
struct Terminal {
    /// Whether there was one when the command started.
    #[cfg_attr(not(unix), expect(dead_code, reason = "Windows has no hang-up"))]
    existed: bool,
}

impl Terminal {
    fn at_start() -> Self {
        Self { existed: cfg!(unix) && std::fs::File::open("/dev/tty").is_ok() }
    }

    /// Whether the terminal sends this signal to the command, too.
    #[cfg(unix)]
    fn reaches_command(self, end: TerminationSignal) -> bool {
        use rustix::process::{getpgrp, getpid, getsid};
        use rustix::termios::tcgetpgrp;
        let terminal = std::fs::File::open("/dev/tty");
        match end {
            // Ctrl-C and Ctrl-\ are for the terminal's foreground process group.
            TerminationSignal::Interrupted | TerminationSignal::Quit => terminal
                .is_ok_and(|terminal| tcgetpgrp(terminal).is_ok_and(|foreground| foreground == getpgrp())),
            // When a terminal closes, the session's leader gets the signal, and the group when the leader has ended.
            TerminationSignal::HungUp => {
                self.existed && terminal.is_err() && getsid(None).is_ok_and(|leader| leader != getpid())
            }
            TerminationSignal::Terminated => false,
        }
    }
}

/// The command's exit code, or as in shells 128 plus the number of the signal that ended it.
fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(u8::MAX);
    }
    // Windows has exit codes that do not fit into a byte; they become 255, so that none becomes 0.
    status.code().map_or(u8::MAX, |code| u8::try_from(code).unwrap_or(u8::MAX))
}
