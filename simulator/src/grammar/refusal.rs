//! Arguments that the grammar refuses: a request for help, or a mistake, which is reported in two lines.
//!
//! A mistake is told in clap's English words, and in Chinese. So its text is not taken from clap, but built from what clap
//! knows about it. A test compares the English texts with clap's.

use std::error::Error;
use std::net::AddrParseError;
use std::num::{IntErrorKind, ParseIntError};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use soter_bridge::protocol::CommandError;
use soter_text::{Text, text};
use soter_wire::shortened;

use super::nearest::nearest;
use super::translation::Layout;
use super::wrong_value::WrongValue;

/// The number of characters that are shown of a mistake: more than an honest one has.
const MAX_CHARACTERS: usize = 1000;

/// The place where the words were typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// On the command line of the program.
    Program,
    /// On a line of the REPL.
    Line,
}

/// Why there is no command to carry out.
#[derive(Clone, Debug)]
pub(crate) enum Refused {
    /// Help or the version was requested.
    Help {
        /// The text without colours.
        plain: String,
        /// The text with colours.
        coloured: String,
    },
    /// The words are wrong.
    Usage(CommandError),
}

impl Refused {
    /// Converts clap's error. A mistake becomes two lines: what is wrong, and a tip or the usage.
    pub(super) fn from_clap(
        error: &clap::Error,
        grammar: &clap::Command,
        dialect: Dialect,
        layout: Layout,
    ) -> Self {
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                let rendered = error.render();
                Self::Help {
                    plain: layout.finish(rendered.to_string()),
                    coloured: layout.finish(rendered.ansi().to_string()),
                }
            }
            // `device` alone is a mistake. The list of its subcommands shows what is missing.
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                Self::Usage(incomplete_command(&error.render().to_string(), grammar, dialect))
            }
            ErrorKind::InvalidSubcommand => Self::Usage(unknown_command(error, grammar, dialect)),
            _ => Self::Usage(CommandError::invalid_params(what(error), next(error, dialect))),
        }
    }
}

/// The error for a command that needs a subcommand and has none.
fn incomplete_command(help: &str, grammar: &clap::Command, dialect: Dialect) -> CommandError {
    let usage = usage(help).unwrap_or_default();
    let (_, command) = command_of_usage(usage, grammar, dialect);
    let subcommands: Vec<_> = command
        .get_subcommands()
        .filter(|subcommand| !subcommand.is_hide_set())
        .map(clap::Command::get_name)
        .filter(|name| *name != "help")
        .collect();
    CommandError::invalid_params(
        text!("the command is not complete: {usage}", usage = usage),
        text!("one of: {names}", names = subcommands.join(", ")),
    )
}

/// The error for a word that is not a command.
fn unknown_command(error: &clap::Error, grammar: &clap::Command, dialect: Dialect) -> CommandError {
    let word = string(error, ContextKind::InvalidSubcommand).unwrap_or_default();
    let (path, command) = command_of_usage(&usage_of(error).unwrap_or_default(), grammar, dialect);
    CommandError::invalid_params(
        text!("unrecognized subcommand '{word}'", word = word),
        nearest_command(command, &path, &word, dialect),
    )
}

/// What to do about a word that is not a subcommand of the command with this path.
pub(super) fn nearest_command(command: &clap::Command, path: &[&str], word: &str, dialect: Dialect) -> Text {
    let words = |first: &'static str, last| {
        let words: Vec<_> = std::iter::once(first).chain(path.iter().copied()).chain(last).collect();
        words.join(" ")
    };
    let help = match dialect {
        Dialect::Program => words("soter-sim", Some("--help")),
        Dialect::Line => words("help", None),
    };
    let commands: Vec<_> = nearest(command, word)
        .into_iter()
        .map(|name| format!("`{}`", path.iter().copied().chain([name]).collect::<Vec<_>>().join(" ")))
        .collect();
    if commands.is_empty() {
        return text!("type `{help}` for the list of commands", help = help);
    }
    text!(
        "did you mean {commands}? type `{help}` for the list of commands",
        commands = commands.join(", "),
        help = help
    )
}

/// The words of the command that a usage line is about, and the command.
fn command_of_usage<'a>(
    usage: &str,
    grammar: &'a clap::Command,
    dialect: Dialect,
) -> (Vec<&'a str>, &'a clap::Command) {
    let (mut path, mut command) = (Vec::new(), grammar);
    for word in usage.split_whitespace().skip(usize::from(dialect == Dialect::Program)) {
        let Some(subcommand) = command.find_subcommand(word) else { break };
        command = subcommand;
        path.push(command.get_name());
    }
    (path, command)
}

/// What happened.
fn what(error: &clap::Error) -> Text {
    known_mistake(error).unwrap_or_else(|| {
        let rendered = error.render().to_string();
        let first = rendered.split("\n\n").next().unwrap_or(&rendered);
        Text::verbatim(one_line(first.trim_start_matches("error:")))
    })
}

/// What happened, if it is a mistake that this grammar can meet.
fn known_mistake(error: &clap::Error) -> Option<Text> {
    let argument = || string(error, ContextKind::InvalidArg);
    let value = || string(error, ContextKind::InvalidValue);
    Some(match error.kind() {
        ErrorKind::ArgumentConflict => conflict(&argument()?, error.get(ContextKind::PriorArg)),
        ErrorKind::InvalidValue => invalid_value(&argument()?, &value()?, &valid_values(error)),
        ErrorKind::MissingRequiredArgument => text!(
            "the following required arguments were not provided: {arguments}",
            arguments = strings(error, ContextKind::InvalidArg)?.join(" ")
        ),
        ErrorKind::MissingSubcommand => match string(error, ContextKind::InvalidSubcommand)?.as_str() {
            // Lines of the REPL have no name of a program before the command.
            "" => text!("there is no command"),
            command => text!(
                "'{command}' requires a subcommand but one was not provided [subcommands: {subcommands}]",
                command = command,
                subcommands = strings(error, ContextKind::ValidSubcommand)?.join(", ")
            ),
        },
        ErrorKind::InvalidUtf8 => text!("invalid UTF-8 was detected in one or more arguments"),
        ErrorKind::TooManyValues => text!(
            "unexpected value '{value}' for '{argument}' found; no more were expected",
            value = value()?,
            argument = argument()?
        ),
        ErrorKind::ValueValidation => text!(
            "invalid value '{value}' for '{argument}': {reason}",
            value = value()?,
            argument = argument()?,
            reason = reason(error.source()?)
        ),
        ErrorKind::UnknownArgument => {
            text!("unexpected argument '{argument}' found", argument = argument()?)
        }
        _ => return None,
    })
}

fn conflict(argument: &str, other: Option<&ContextValue>) -> Text {
    match other {
        Some(ContextValue::String(other)) if one_line(other) == argument => {
            text!("the argument '{argument}' cannot be used multiple times", argument = argument)
        }
        Some(ContextValue::String(other)) => text!(
            "the argument '{argument}' cannot be used with '{other}'",
            argument = argument,
            other = one_line(other)
        ),
        Some(ContextValue::Strings(others)) => text!(
            "the argument '{argument}' cannot be used with: {others}",
            argument = argument,
            others = one_line(&others.join(" "))
        ),
        _ => text!(
            "the argument '{argument}' cannot be used with one or more of the other specified arguments",
            argument = argument
        ),
    }
}

fn invalid_value(argument: &str, value: &str, possible: &str) -> Text {
    match (value.is_empty(), possible.is_empty()) {
        (true, true) => {
            text!("a value is required for '{argument}' but none was supplied", argument = argument)
        }
        (true, false) => text!(
            "a value is required for '{argument}' but none was supplied [possible values: {possible}]",
            argument = argument,
            possible = possible
        ),
        (false, true) => {
            text!("invalid value '{value}' for '{argument}'", value = value, argument = argument)
        }
        (false, false) => text!(
            "invalid value '{value}' for '{argument}' [possible values: {possible}]",
            value = value,
            argument = argument,
            possible = possible
        ),
    }
}

/// Why a value is not one of its argument.
fn reason(source: &(dyn Error + 'static)) -> Text {
    if let Some(reason) = source.downcast_ref::<WrongValue>() {
        return reason.text();
    }
    if let Some(error) = source.downcast_ref::<ParseIntError>() {
        return match error.kind() {
            IntErrorKind::InvalidDigit => text!("expected a whole number"),
            IntErrorKind::Empty => text!("cannot parse integer from empty string"),
            IntErrorKind::PosOverflow => text!("number too large to fit in target type"),
            IntErrorKind::NegOverflow => text!("number too small to fit in target type"),
            _ => Text::verbatim(error.to_string()),
        };
    }
    if source.is::<AddrParseError>() {
        return text!("invalid socket address syntax");
    }
    let reason = one_line(&source.to_string());
    // clap's parsers of numbers with limits have no other form for this.
    match reason.split_once(" is not in ") {
        Some((number, range)) => text!("{number} is not in {range}", number = number, range = range),
        None => Text::verbatim(reason),
    }
}

/// What to do next. A tip is the best advice; without one, the usage line is.
fn next(error: &clap::Error, dialect: Dialect) -> Text {
    let help = match dialect {
        Dialect::Program => "soter-sim --help",
        Dialect::Line => "help",
    };
    // A line without a command has a usage without a name, which helps nobody.
    let usage = usage_of(error).filter(|usage| !usage.starts_with('['));
    match (tip(error), usage) {
        (Some(tip), Some(usage)) => text!("{tip}; usage: {usage}", tip = tip, usage = usage),
        (Some(tip), None) => tip,
        (None, Some(usage)) => text!("usage: {usage}", usage = usage),
        (None, None) => text!("`{help}` lists the commands", help = help),
    }
}

/// clap's first tip.
fn tip(error: &clap::Error) -> Option<Text> {
    if let Some(argument) = string(error, ContextKind::SuggestedArg) {
        return Some(text!("a similar argument exists: '{argument}'", argument = argument));
    }
    if let Some(value) = string(error, ContextKind::SuggestedValue) {
        return Some(text!("a similar value exists: '{value}'", value = value));
    }
    let Some(ContextValue::StyledStrs(tips)) = error.get(ContextKind::Suggested) else { return None };
    let tip = one_line(&tips.first()?.to_string());
    let argument = string(error, ContextKind::InvalidArg).unwrap_or_default();
    let command = tip.strip_prefix('\'').and_then(|tip| tip.strip_suffix("' exists")).unwrap_or_default();
    let known = [
        text!("to pass '{argument}' as a value, use '-- {argument}'", argument = argument),
        text!("subcommand '{argument}' exists; to use it, remove the '--' before it", argument = argument),
        text!("'{command}' exists", command = command),
    ];
    Some(known.into_iter().find(|known| *known == *tip).unwrap_or_else(|| Text::verbatim(tip)))
}

/// The values that are possible, comma-separated.
fn valid_values(error: &clap::Error) -> String {
    let quoted =
        |value: String| if value.contains(char::is_whitespace) { format!("{value:?}") } else { value };
    let values = strings(error, ContextKind::ValidValue).unwrap_or_default();
    values.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// The usage line that clap gives with an error.
fn usage_of(error: &clap::Error) -> Option<String> {
    match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(text)) => usage(&text.to_string()).map(str::to_owned),
        _ => None,
    }
}

/// The usage line in a text, if it is not empty.
fn usage(text: &str) -> Option<&str> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("Usage:"))?;
    Some(line.trim()).filter(|usage| !usage.is_empty())
}

fn string(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(one_line(text)),
        _ => None,
    }
}

fn strings(error: &clap::Error, kind: ContextKind) -> Option<Vec<String>> {
    match error.get(kind) {
        Some(ContextValue::Strings(texts)) => Some(texts.iter().map(|text| one_line(text)).collect()),
        _ => None,
    }
}

/// A text in one line, without the end of one that is very long: somebody may have pasted a file.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    shortened(&line, MAX_CHARACTERS).to_owned()
}
