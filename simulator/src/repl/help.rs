//! `help`: the list of commands, or the help of one command.

use soter_bridge::protocol::CommandError;
use soter_text::{text, tr};

use crate::front::Paint;
use crate::grammar::{self, Refused};

/// The list of commands, or the help of the command with these words.
///
/// # Errors
/// `InvalidParams` if there is no such command, `Internal` if it has no help.
pub(super) fn help_text(words: &[String], paint: Paint) -> Result<String, CommandError> {
    if words.is_empty() {
        return Ok(overview(paint));
    }
    let mut command = &grammar::line_syntax();
    for word in words {
        command = command.find_subcommand(word).ok_or_else(|| {
            CommandError::invalid_params(
                text!("there is no command `{words}`", words = words.join(" ")),
                grammar::nearest_line(words),
            )
        })?;
    }
    match grammar::parse_line(&format!("{} --help", words.join(" "))) {
        Err(Refused::Help { plain, coloured }) => {
            let text = if paint.is_coloured() { coloured } else { plain };
            Ok(text.trim_end().to_owned())
        }
        _ => Err(CommandError::internal(text!("`{words}` has no help", words = words.join(" ")))),
    }
}

/// Every command, with a line about each.
fn overview(paint: Paint) -> String {
    [
        grammar::command_list(paint.is_coloured()),
        String::new(),
        tr!("`help COMMAND` tells all about one, with examples; Tab completes."),
        tr!("Every command takes --device NAME for another phone, and --json for machine output."),
    ]
    .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn help_lists_every_command() {
        let text = help_text(&[], Paint::PLAIN).unwrap();
        for command in grammar::line_syntax().get_subcommands() {
            assert!(text.contains(command.get_name()), "{}: {text}", command.get_name());
        }
    }

    #[test]
    fn help_for_a_command_ends_with_an_example() {
        for command in ["auth", "device set failNext", "finger enroll", "tee initSigh", "exit"] {
            let text = help_text(&words(command), Paint::PLAIN).unwrap();
            assert!(text.contains("Usage:") && text.contains("Example"), "{text}");
        }
    }

    #[test]
    fn help_for_an_unknown_command_is_an_error_that_names_it() {
        let error = help_text(&words("device explode"), Paint::PLAIN).unwrap_err();
        assert!(error.what.english().contains("device explode"), "{error}");
    }
}
