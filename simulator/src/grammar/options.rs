//! The options that every command takes, before or after its name: which phone, which state, which output.
//!
//! They are not clap's global arguments, because a command's own option may have the same name and another meaning:
//! `verify --json FILE`, `device create --profile NAME`. After such a command's name, its own option is meant; before
//! the name, the general one can still be given.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, ValueHint, value_parser};
use soter_bridge::protocol::CommandError;
use soter_text::{Language, text};
use soter_wechat::Secret;
use soter_wire::Profile;

use super::timestamp::parse_timestamp;
use crate::log::LogFormat;

/// The heading of these options in the help.
pub(crate) const HEADING: &str = "Options of every command";

const STATE: &str = "general_state";
const EPHEMERAL: &str = "general_ephemeral";
const PROFILE: &str = "general_profile";
const SEED: &str = "general_seed";
const CLOCK: &str = "general_clock";
const DEVICE: &str = "general_device";
pub(super) const JSON: &str = "general_json";
const CONNECT: &str = "general_connect";
const LOG: &str = "general_log";
const LOG_FORMAT: &str = "general_log_format";
pub(super) const LANG: &str = "general_lang";

/// Commands that use no phone, and so only take the options for output and log. On a command line they also accept the
/// address of a server and ignore it, so that a script can add it to every command.
const WITHOUT_PHONE: [&str; 8] =
    ["audit", "verify", "explain", "completions", "events", "help", "clear", "exit"];

/// The options that are valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// On the command line: all of them.
    Program,
    /// On a line of the REPL, where the state is chosen already: device and output.
    Line,
}

/// The options as they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// The state folder.
    pub(crate) state: Option<PathBuf>,
    /// Whether nothing is stored.
    pub(crate) ephemeral: bool,
    /// The family of a new phone.
    pub(crate) profile: Option<String>,
    /// The seed of a new phone.
    pub(crate) seed: Option<Secret>,
    /// The time at which a seeded phone's clock stands, in milliseconds since 1970.
    pub(crate) clock: Option<u64>,
    /// The device for the command.
    pub(crate) device: Option<String>,
    /// Whether the output is JSON.
    pub(crate) json: bool,
    /// The address of a running server, whose phones are used. It may contain the server's token.
    pub(crate) connect: Option<Secret>,
    /// The log's filter.
    pub(crate) log: Option<String>,
    /// The form of the log's lines.
    pub(crate) log_format: Option<LogFormat>,
}

impl Options {
    /// Collects the options from all levels of the command. The innermost value wins.
    ///
    /// # Errors
    /// `InvalidParams` if options exclude each other, or one needs another that is missing.
    pub(crate) fn read(matches: &ArgMatches) -> Result<Self, CommandError> {
        let mut options = Self::default();
        let mut level = Some(matches);
        while let Some(matches) = level {
            overwrite(matches, STATE, &mut options.state);
            overwrite(matches, PROFILE, &mut options.profile);
            overwrite(matches, SEED, &mut options.seed);
            overwrite(matches, CLOCK, &mut options.clock);
            overwrite(matches, DEVICE, &mut options.device);
            overwrite(matches, CONNECT, &mut options.connect);
            overwrite(matches, LOG, &mut options.log);
            overwrite(matches, LOG_FORMAT, &mut options.log_format);
            options.ephemeral |= is_set(matches, EPHEMERAL);
            options.json |= is_set(matches, JSON);
            level = matches.subcommand().map(|(_, matches)| matches);
        }
        if options.ephemeral && options.state.is_some() {
            return Err(CommandError::invalid_params(
                text!("--state and --ephemeral exclude each other"),
                text!("keep the state in a folder, or keep nothing: leave one of them out"),
            ));
        }
        let has_state_option = options.state.is_some()
            || options.ephemeral
            || options.profile.is_some()
            || options.seed.is_some()
            || options.clock.is_some();
        if options.connect.is_some() && has_state_option {
            return Err(CommandError::invalid_params(
                text!(
                    "--connect means the phones of a running server, which has its own state, profile and seed"
                ),
                text!(
                    "leave --state, --ephemeral, --profile, --seed and --clock out, or leave --connect out"
                ),
            ));
        }
        if options.clock.is_some() && options.seed.is_none() {
            return Err(CommandError::invalid_params(
                text!("--clock needs --seed: only a seeded phone has a clock that stands still"),
                text!("add --seed TEXT, or leave --clock out"),
            ));
        }
        Ok(options)
    }
}

/// Adds the options to a command and all its subcommands, unless a command has its own option with that name.
pub(super) fn add_options(mut command: clap::Command, scope: Scope) -> clap::Command {
    let stateless = WITHOUT_PHONE.contains(&command.get_name());
    for argument in arguments() {
        let id = argument.get_id().as_str();
        let applies = match scope {
            Scope::Program if stateless => [JSON, CONNECT, LANG, LOG, LOG_FORMAT].contains(&id),
            Scope::Line if stateless => id == JSON,
            Scope::Program => true,
            Scope::Line => id == DEVICE || id == JSON,
        };
        let is_defined = command.get_arguments().any(|own| own.get_long() == argument.get_long());
        if applies && !is_defined {
            command = command.arg(argument);
        }
    }
    command
        .disable_help_subcommand(scope == Scope::Line)
        .mut_subcommands(|subcommand| add_options(subcommand, scope))
}

fn arguments() -> [Arg; 11] {
    let option = |id: &'static str, long: &'static str, value: &'static str, parser: ValueParser| {
        Arg::new(id).long(long).value_name(value).value_parser(parser).help_heading(HEADING)
    };
    let flag = |id: &'static str, long: &'static str| {
        Arg::new(id).long(long).action(ArgAction::SetTrue).help_heading(HEADING)
    };
    [
        option(STATE, "state", "DIR", value_parser!(PathBuf))
            .value_hint(ValueHint::DirPath)
            .help("Keep the phones in this folder; without it, in the platform's data folder"),
        flag(EPHEMERAL, "ephemeral").help("Keep nothing: a new phone that is gone at the end"),
        option(PROFILE, "profile", "PROFILE", PossibleValuesParser::new(Profile::names()).into())
            .help("The phone family of a new phone"),
        option(SEED, "seed", "TEXT", value_parser!(Secret).into())
            .help("A reproducible phone; implies --ephemeral unless --state is given"),
        option(CLOCK, "clock", "TIME", ValueParser::new(parse_timestamp))
            .help("Where the seeded phone's clock stands: 2020-01-01T00:00:00Z or Unix milliseconds"),
        option(DEVICE, "device", "DEVICE", value_parser!(String))
            .help("The phone that the command is for, if not the selected one"),
        option(CONNECT, "connect", "URL", value_parser!(Secret).into())
            .help("Work on a running server's phones; the address as in its ready line"),
        flag(JSON, "json").help("Machine output: each answer is one line of JSON"),
        // Read before the command line is parsed, by `language::choose`, because errors and help are in that language.
        option(LANG, "lang", "LANGUAGE", PossibleValuesParser::new(Language::ALL.map(Language::tag)).into())
            .help("The language of what persons read [env: SOTER_SIM_LANG; default: that of the locale]"),
        option(LOG, "log", "LEVEL", value_parser!(String)).help(
            "Write a log to standard error: error, warn, info, debug or trace, or CRATE=LEVEL,…; \
             off is the default of the REPL, warn that of the others [env: SOTER_SIM_LOG]",
        ),
        option(LOG_FORMAT, "log-format", "FORMAT", value_parser!(LogFormat).into())
            .help("The form of the log's lines"),
    ]
}

/// Overwrites the value, if this level has the option.
fn overwrite<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, id: &str, value: &mut Option<T>) {
    if let Ok(Some(found)) = matches.try_get_one::<T>(id) {
        *value = Some(found.clone());
    }
}

fn is_set(matches: &ArgMatches, id: &str) -> bool {
    matches!(matches.try_get_one::<bool>(id), Ok(Some(true)))
}
