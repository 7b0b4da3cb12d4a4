//! Arguments that the grammar refuses: a request for help, or a mistake, which is reported in two lines.

use clap::error::ErrorKind;
use soter_bridge::protocol::CommandError;

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
    pub(super) fn from_clap(error: &clap::Error, dialect: Dialect) -> Self {
        let plain = error.render().to_string();
        match error.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                // `device` alone is a mistake. The list of its subcommands shows what is missing.
                if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
                    return Self::Usage(incomplete_command(&plain));
                }
                let coloured = error.render().ansi().to_string();
                Self::Help { plain, coloured }
            }
            _ => Self::Usage(usage_error(&plain, dialect)),
        }
    }
}

/// The error for a command that needs a subcommand and has none.
fn incomplete_command(help: &str) -> CommandError {
    let usage = section(help, "Usage:").unwrap_or_default();
    let subcommands: Vec<_> = help
        .lines()
        .skip_while(|line| line.trim() != "Commands:")
        .skip(1)
        .take_while(|line| !line.trim().is_empty())
        // A wrapped summary is indented more than a name.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    CommandError::invalid_params(
        format!("the command is not complete: {usage}"),
        format!("one of: {}", subcommands.join(", ")),
    )
}

/// The first paragraph is what happened. A tip is the best advice; without one, the usage line is.
fn usage_error(text: &str, dialect: Dialect) -> CommandError {
    let first = text.split("\n\n").next().unwrap_or(text);
    // The standard library's words for text that is not an integer.
    let what = join_lines(first.trim_start_matches("error:"))
        .replace("invalid digit found in string", "expected a whole number");
    let help = match dialect {
        Dialect::Program => "soter-sim --help",
        Dialect::Line => "help",
    };
    let tip = text.lines().find_map(|line| line.trim().strip_prefix("tip:")).map(str::trim);
    let usage = section(text, "Usage:").map(|usage| format!("usage: {usage}"));
    let next = match (tip, usage) {
        (Some(tip), Some(usage)) => format!("{tip}; {usage}"),
        (Some(tip), None) => tip.to_owned(),
        (None, Some(usage)) if !usage.ends_with("usage:") => usage,
        (None, _) => format!("`{help}` lists the commands"),
    };
    CommandError::invalid_params(what, next)
}

/// The rest of the line that begins with this.
fn section<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.trim().strip_prefix(start)).map(str::trim)
}

fn join_lines(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
