//! The grammar: every command's name, arguments, help and examples.
//!
//! Lines of the REPL and the command line are parsed by the same types, so a command is the same in both. Completion
//! and hints use the same [`clap::Command`].

mod attack;
mod audit;
mod auth;
mod biometric;
mod call;
mod danger;
mod device;
mod early_options;
mod examples;
mod fleet;
mod nearest;
mod options;
mod pay;
mod prepared_call;
mod refusal;
mod sensor;
mod serve;
mod servers;
mod tee;
mod timestamp;
mod translation;
mod verify;
mod words;
mod wrong_value;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use serde_json::{Map, Value};
use soter_bridge::protocol::{CommandError, Touch, desk, keys, wx};
use soter_text::text;

pub(crate) use self::audit::Audit;
pub(crate) use self::auth::Auth;
pub(crate) use self::call::check_names;
pub(crate) use self::early_options::EarlyOptions;
pub(crate) use self::options::Options;
use self::options::Scope;
pub(crate) use self::pay::Pay;
pub(crate) use self::prepared_call::PreparedCall;
pub(crate) use self::refusal::{Dialect, Refused};
use self::serve::parse_event;
pub(crate) use self::serve::{Ca, DEFAULT_ADDRESS, Doctor, Exec, Repl, Rpc, Serve, Tls};
pub(crate) use self::servers::Servers;
pub(crate) use self::timestamp::{format_duration, format_timestamp};
use self::translation::Layout;
pub(crate) use self::verify::Verify;
pub(crate) use self::words::{MAX_LINE_BYTES, Typed, parse_typed, split_lines};

/// A command that the REPL and the command line both take.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask for a touch and get a signed result (wx.startSoterAuthentication)
    Auth(Auth),
    /// Check paySign, and ask for a touch on the payment sheet (wx.requestPayment)
    Pay(Pay),
    /// Which modes the phone supports (wx.checkIsSupportSoterAuthentication)
    Support,
    /// Whether a finger or face is enrolled (wx.checkIsSoterEnrolledInDevice)
    Enrolled {
        /// The mode asked about, passed on as it is
        #[arg(value_name = "MODE")]
        mode: String,
    },
    /// A login code for the mini program's own server (wx.login)
    Login {
        /// Milliseconds after which a call without an answer fails
        #[arg(long, value_name = "MILLISECONDS")]
        timeout: Option<u64>,
        /// The mini program that calls; left out: the first one of WeChat's servers
        #[arg(long, value_name = "APPID")]
        app: Option<String>,
    },
    /// Whether the login session is alive (wx.checkSession)
    Session {
        /// The mini program that calls; left out: the first one of WeChat's servers
        #[arg(long, value_name = "APPID")]
        app: Option<String>,
    },
    /// The user's data, signed and encrypted with the session key (wx.getUserInfo)
    Userinfo {
        /// Only the data, for which nobody has to be logged in
        #[arg(long)]
        without_credentials: bool,
        /// The language of the places: en, zh_CN or zh_TW
        #[arg(long, value_name = "LANGUAGE")]
        lang: Option<String>,
        /// The mini program that calls; left out: the first one of WeChat's servers
        #[arg(long, value_name = "APPID")]
        app: Option<String>,
    },
    /// The same, without the openid in what is encrypted (wx.getUserProfile)
    Userprofile {
        /// What the data are for: 1 to 30 characters
        #[arg(value_name = "PURPOSE")]
        desc: String,
        /// The language of the places: en, zh_CN or zh_TW
        #[arg(long, value_name = "LANGUAGE")]
        lang: Option<String>,
        /// The mini program that calls; left out: the first one of WeChat's servers
        #[arg(long, value_name = "APPID")]
        app: Option<String>,
    },
    /// A code for the user's phone number (what a button with open-type="getPhoneNumber" gets)
    Phonenumber {
        /// The mini program that calls; left out: the first one of WeChat's servers
        #[arg(long, value_name = "APPID")]
        app: Option<String>,
    },
    /// Run the cloud function that `exec --cloud-function` serves (wx.cloud.callFunction)
    Callfunction {
        /// Its name: that of its folder
        #[arg(value_name = "NAME")]
        name: String,
        /// Its event: a JSON object [default: {}]
        #[arg(value_name = "JSON", value_parser = parse_event)]
        data: Option<Map<String, Value>>,
        /// The mini program that calls; left out: the first one of WeChat's servers
        #[arg(long, value_name = "APPID")]
        app: Option<String>,
    },
    /// The desk as a whole
    #[command(subcommand)]
    Desk(Desk),
    /// WeChat's servers: what backends meet, and what ends before its time
    #[command(subcommand)]
    Servers(Servers),
    /// Move the clock of WeChat's servers, by which codes, sessions and access tokens expire
    Clock {
        /// Such as +2h, +5m or +1d12h; default: the computer's time; left out: show it
        #[arg(value_name = "MOVE", value_parser = servers::parse_clock_move, allow_hyphen_values = true)]
        clock: Option<servers::ClockMove>,
    },
    /// Calls of mini programs and backends, with the reasons for their answers; without options: the newest
    Journal {
        /// Only calls after the one with this number, beginning with the oldest
        #[arg(long, value_name = "NUMBER", conflicts_with = "before")]
        after: Option<u64>,
        /// Only calls before the one with this number
        #[arg(long, value_name = "NUMBER")]
        before: Option<u64>,
        /// How many at most, from 1 to 100 [default: 20]
        #[arg(long, value_name = "NUMBER")]
        limit: Option<u32>,
    },
    /// Phones on the desk: make, choose, look at them, and switch their troubles on
    #[command(subcommand)]
    Device(device::Device),
    /// Many phones for load tests, if the desk has a fleet
    #[command(subcommand)]
    Fleet(fleet::Fleet),
    /// Who touches the sensor: a person, the first finger at once, or a script
    #[command(subcommand)]
    Sensor(sensor::Sensor),
    /// Enrolled fingers and faces, and lockouts
    #[command(subcommand, visible_alias = "finger")]
    Biometric(biometric::Biometric),
    /// The trusted app's own commands, named as in ISoterService
    Tee(tee::Tee),
    /// An attacker's powers over a phone: copy, put back, duplicate, set its clock, sign with other keys
    #[command(subcommand)]
    Danger(danger::Danger),
    /// The catalogue of replays and forgeries
    #[command(subcommand)]
    Attack(attack::Attack),
    /// The public half of every key on the phone
    Keys,
    /// Check a signature against a public key, all in files
    Verify(Verify),
    /// What an error code means, and what to do about it
    Explain {
        /// The code, for example 90010; left out: every code
        #[arg(value_name = "CODE", allow_negative_numbers = true)]
        code: Option<i32>,
    },
    /// Any method of the command protocol, with its parameters as JSON
    Call(call::CallMethod),
}

/// `desk …`.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Desk {
    /// Start over: a new phone, and WeChat's servers without keys, counters and sessions
    Reset,
}

/// The command line of the program.
#[derive(Debug, Parser)]
#[command(
    name = "soter-sim",
    version,
    about = "A phone with SOTER on your desk: emulated TEE, fingerprint sensor and WeChat client",
    long_about = "A phone with SOTER on your desk: emulated TEE, fingerprint sensor and WeChat client.\n\n\
        The root key is emulated: nothing that is signed here verifies on a real server.\n\
        Without a command, the REPL starts; it takes the options of `soter-sim repl` as well."
)]
pub(crate) struct CommandLine {
    // Of the REPL, which starts without a command.
    #[command(flatten)]
    pub(crate) repl: Repl,
    /// What to do; nothing: the REPL.
    #[command(subcommand)]
    pub(crate) command: Option<ProgramCommand>,
}

/// A command of the command line.
#[derive(Debug, Subcommand)]
pub(crate) enum ProgramCommand {
    /// Read commands from the terminal or a pipe until `exit`; this is the default
    ///
    /// Negative answers, such as an errCode, do not change the exit code: read the answers, for example with --json.
    /// It is 2 or 3 if some line was a mistake or the surroundings failed.
    Repl(Repl),
    /// Serve the phones and WeChat's servers on one port, until SIGINT or SIGTERM comes
    Serve(Serve),
    /// Run a command with a server of its own: SOTER_SIM_URL, _WS, _APPID and _SECRET tell it where
    ///
    /// Cloud functions need no change: wx-server-sdk and @cloudbase/node-sdk find the server, the mini program and the phone's user
    /// in variables that are set as well. For SDKs older than 2.4, NODE_OPTIONS names a file that leads them to the server.
    Exec(Exec),
    /// Serve an agent on standard input and output (MCP), with the same servers as `serve`
    ///
    /// Standard output has nothing but MCP; all else is on standard error. It ends when the client closes standard input, or when
    /// SIGINT or SIGTERM comes. With --connect, the agent uses the phones of a running server.
    Mcp(Box<Serve>),
    /// Write what programs need to trust https://api.weixin.qq.com of `serve --tls`: ca.pem, and bundles with it
    ///
    /// Without --connect, it is about a certificate authority that the state folder keeps from now on, with its private key;
    /// `serve --tls` then uses it. With --connect, it is about that of a running server.
    Ca(Ca),
    /// Call any method of a running server, with its parameters as JSON
    Rpc(Rpc),
    #[command(flatten)]
    Shared(Command),
    /// Carry out a scenario: a file of REPL lines, and of `expect` lines that say what has to come of them
    ///
    /// Exit codes: 0 all expectations hold, 1 some do not, 2 the file is not a scenario, 3 the surroundings: a missing file,
    /// a folder that is in use.
    Run(Scenario),
    /// Play every attack against your own backend, and report what it lets through
    ///
    /// Exit codes: 0 nothing found, 1 findings, 2 nothing can be concluded (the target is dead, wrong, or broke) or the
    /// words are wrong, 3 the surroundings: a missing file, a port in use, a report that cannot be written.
    Audit(Box<Audit>),
    /// Write a complete matching set of test vectors: keys, results, signatures, manifest
    ///
    /// `cases` in manifest.json drives a verifier in any language. Of each case it says: `valid`, whether a verifier must accept it;
    /// `refusedBy`, the check that refuses it; `attk`, `ask`, `authKey` and `result`, the files of the chain, with `verified` for what
    /// WeChat's verify_ask answers; `challenge`, what was given out; `highestCounter`, the highest counter of the device so far.
    /// README.txt, which is written too, says what each check demands.
    Vectors(Vectors),
    /// Look at the port, the state folder, the clock, the language and what is switched on, and say what to do
    ///
    /// It changes nothing; while it looks, it holds the state folder. Exit codes: 0 no problems, 1 something has to be put right.
    Doctor(Doctor),
    /// Print a script that teaches a shell to complete this command line
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// `run FILE`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Scenario {
    /// The scenario; `-` for standard input
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) file: PathBuf,
}

/// `vectors DIR`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Vectors {
    /// Where to write; made if missing, refused if not empty
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// Write into a folder that is not empty, over files of the same names
    #[arg(long)]
    pub(crate) force: bool,
}

/// One line of the REPL.
#[derive(Debug, Parser)]
#[command(name = "", no_binary_name = true, disable_help_subcommand = true)]
struct LineSyntax {
    #[command(subcommand)]
    command: LineCommand,
}

/// A command of the REPL.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum LineCommand {
    #[command(flatten)]
    Shared(Command),
    /// Touch the sensor while a dialog or a signing session waits
    Touch {
        /// A finger's or face's number, `wrong` (or `x`), or `cancel` (or `c`)
        #[arg(value_name = "TOUCH", value_parser = auth::parse_touch)]
        touch: Touch,
    },
    /// Press the open dialog's cancel button
    Cancel,
    /// Show what happens on the phones, or stop showing it
    Events {
        /// Whether to show it
        #[arg(value_name = "SWITCH", value_parser = device::switch(), action = clap::ArgAction::Set)]
        shown: bool,
    },
    /// The list of commands, or all about one
    Help {
        /// A command's words, for example `device set`
        #[arg(value_name = "COMMAND")]
        words: Vec<String>,
    },
    /// Clear the screen; in a pipe, it does nothing
    Clear,
    /// Leave; so does Ctrl-D
    #[command(visible_alias = "quit")]
    Exit,
}

/// A parsed line of the REPL.
#[derive(Debug)]
pub(crate) struct Line {
    /// What to do.
    pub(crate) command: LineCommand,
    /// The device that `--device` names, if any.
    pub(crate) device: Option<String>,
    /// Whether `--json` asks for machine output of this one answer.
    pub(crate) json: bool,
}

/// The action that a [`Command`] stands for.
#[derive(Debug)]
pub(crate) enum Job {
    /// A command of the protocol.
    Call(PreparedCall),
    /// A verification of a signature in files, without a phone.
    Verify(Verify),
    /// A look-up in the list of codes.
    Explain(Option<i32>),
}

impl Command {
    /// The action for this command.
    ///
    /// # Errors
    /// `InvalidParams` if arguments are well formed but wrong, `UnknownMethod` if `call` names an unknown method,
    /// `Environment` if a file cannot be read.
    pub(crate) fn job(self) -> Result<Job, CommandError> {
        Ok(Job::Call(match self {
            Self::Auth(auth) => auth.prepared_call(),
            Self::Pay(pay) => pay.prepared_call(),
            Self::Support => PreparedCall::new(wx::CheckIsSupportSoterAuthentication {}),
            Self::Enrolled { mode } => {
                PreparedCall::new(wx::CheckIsSoterEnrolledInDevice { check_auth_mode: Some(mode) })
            }
            Self::Login { timeout, app } => {
                PreparedCall::new(wx::Login { timeout: timeout.map(Into::into), appid: app })
            }
            Self::Session { app } => PreparedCall::new(wx::CheckSession { appid: app }),
            Self::Userinfo { without_credentials, lang, app } => PreparedCall::new(wx::GetUserInfo {
                with_credentials: without_credentials.then_some(false),
                lang,
                appid: app,
            }),
            Self::Userprofile { desc, lang, app } => {
                PreparedCall::new(wx::GetUserProfile { desc: Some(desc), lang, appid: app })
            }
            Self::Phonenumber { app } => PreparedCall::new(wx::GetPhoneNumber { appid: app }),
            Self::Callfunction { name, data, app } => {
                PreparedCall::new(wx::CallFunction { name: Some(name), data, appid: app })
            }
            Self::Servers(servers) => servers.prepared_call()?,
            Self::Clock { clock } => {
                PreparedCall::new(clock.map_or_else(desk::Clock::default, servers::ClockMove::request))
            }
            Self::Journal { after, before, limit } => {
                PreparedCall::new(desk::Journal { after, before, limit })
            }
            Self::Desk(Desk::Reset) => PreparedCall::new(desk::Reset {}),
            Self::Device(device) => device.prepared_call()?,
            Self::Fleet(fleet) => fleet.prepared_call(),
            Self::Sensor(sensor) => sensor.prepared_call(),
            Self::Biometric(biometric) => biometric.prepared_call(),
            Self::Tee(tee) => tee.prepared_call()?,
            Self::Danger(danger) => danger.prepared_call()?,
            Self::Attack(attack) => attack.prepared_call(),
            Self::Keys => PreparedCall::new(keys::List {}),
            Self::Call(call) => call.prepared_call()?,
            Self::Verify(verify) => return Ok(Job::Verify(verify)),
            Self::Explain { code } => return Ok(Job::Explain(code)),
        }))
    }
}

/// The grammar of the command line, with the options that every command takes.
pub(crate) fn command_line() -> clap::Command {
    let command = options::add_options(CommandLine::command(), Scope::Program);
    // `repl` has them in its help, and the help of the program is long enough.
    let command = command.mut_args(|argument| {
        let is_hidden = argument.get_help_heading() == Some(serve::HEADING);
        argument.hide(is_hidden)
    });
    examples::add_examples(command, Dialect::Program)
}

/// The grammar of REPL lines, with the options that every command takes.
pub(crate) fn line_syntax() -> clap::Command {
    let command = options::add_options(LineSyntax::command(), Scope::Line);
    examples::add_examples(command, Dialect::Line)
}

/// Every command of the REPL, with a line about each, for a person; with colours or without.
pub(crate) fn command_list(is_coloured: bool) -> String {
    command_list_in(Layout::of_process(), is_coloured)
}

fn command_list_in(layout: Layout, is_coloured: bool) -> String {
    let remarks = [
        text!("`help COMMAND` tells all about one, with examples; Tab completes."),
        text!("Every command takes --device NAME for another phone, and --json for machine output."),
    ];
    let remarks = remarks.map(|remark| remark.in_language(layout.language).into_owned()).join("\n");
    let mut lines = layout
        .apply(line_syntax())
        .help_template("{subcommands}{after-help}")
        .after_help(layout.prepare(&remarks));
    let help = lines.render_help();
    let help = layout.finish(if is_coloured { help.ansi().to_string() } else { help.to_string() });
    help.trim_end().to_owned()
}

/// Checks that these are the words of a command of the REPL.
///
/// # Errors
/// `InvalidParams` if they are not.
pub(crate) fn check_command(words: &[String]) -> Result<(), CommandError> {
    let lines = line_syntax();
    let (mut path, mut command) = (Vec::new(), &lines);
    for word in words {
        command = command.find_subcommand(word).ok_or_else(|| {
            CommandError::invalid_params(
                text!("there is no command `{words}`", words = words.join(" ")),
                refusal::nearest_command(command, &path, word, Dialect::Line),
            )
        })?;
        path.push(command.get_name());
    }
    Ok(())
}

/// Parses the program's arguments, the first of which is the program's own name.
///
/// # Errors
/// [`Refused::Help`] if help or the version is requested, [`Refused::Usage`] if the arguments are wrong.
pub(crate) fn parse_command_line(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<(CommandLine, Options), Refused> {
    let matches = matches_of(command_line, arguments, Dialect::Program, Layout::of_process())?;
    let parsed = from_matches(&matches, command_line, Dialect::Program)?;
    check_options_of_repl(&matches).map_err(Refused::Usage)?;
    let options = Options::read(&matches).map_err(Refused::Usage)?;
    Ok((parsed, options))
}

/// Refuses the REPL's options before a command, which would ignore them.
fn check_options_of_repl(matches: &ArgMatches) -> Result<(), CommandError> {
    let Some((command, _)) = matches.subcommand() else { return Ok(()) };
    let options = Repl::augment_args(clap::Command::new(""));
    let given = options
        .get_arguments()
        .find(|argument| matches.value_source(argument.get_id().as_str()) == Some(ValueSource::CommandLine));
    match given.and_then(clap::Arg::get_long) {
        None => Ok(()),
        Some(option) => Err(CommandError::invalid_params(
            text!("--{option} before a command is an option of the REPL", option = option),
            text!("write it behind `{command}`, if that takes it, or leave it out", command = command),
        )),
    }
}

/// Parses a line of the REPL. `None` for an empty line or a comment.
///
/// # Errors
/// [`Refused::Help`] if help is requested, [`Refused::Usage`] if the line is wrong.
pub(crate) fn parse_line(line: &str) -> Result<Option<Line>, Refused> {
    let words = words::split(line).map_err(Refused::Usage)?;
    if words.is_empty() {
        return Ok(None);
    }
    let matches = matches_of(line_syntax, words, Dialect::Line, Layout::of_process())?;
    let parsed: LineSyntax = from_matches(&matches, line_syntax, Dialect::Line)?;
    let options = Options::read(&matches).map_err(Refused::Usage)?;
    Ok(Some(Line { command: parsed.command, device: options.device, json: options.json }))
}

/// Parses words. Help is in this layout, and errors are in both languages.
fn matches_of<W: Into<OsString>>(
    grammar: fn() -> clap::Command,
    words: impl IntoIterator<Item = W>,
    dialect: Dialect,
    layout: Layout,
) -> Result<ArgMatches, Refused> {
    let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
    let mut plain = grammar();
    let error = match plain.try_get_matches_from_mut(&words) {
        Ok(matches) => return Ok(matches),
        Err(error) => error,
    };
    if error.kind() != ErrorKind::DisplayHelp {
        return Err(Refused::from_clap(&error, &plain, dialect, layout));
    }
    // To lay the texts out and to translate them takes longer than to parse, so only help pays for it.
    let mut laid_out = layout.apply(grammar());
    let error = laid_out.try_get_matches_from_mut(words).err().unwrap_or(error);
    Err(Refused::from_clap(&error, &laid_out, dialect, layout))
}

/// What matches say, as our own types.
fn from_matches<T: FromArgMatches>(
    matches: &ArgMatches,
    grammar: impl FnOnce() -> clap::Command,
    dialect: Dialect,
) -> Result<T, Refused> {
    T::from_arg_matches(matches)
        .map_err(|error| Refused::from_clap(&error, &grammar(), dialect, Layout::of_process()))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod wording_tests;
