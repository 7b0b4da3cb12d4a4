//! `help`: the list of commands, or the help of one command.

use soter_bridge::protocol::CommandError;
use soter_text::text;

use crate::front::Paint;
use crate::grammar::{self, Refused};

/// The list of commands, or the help of the command with these words.
///
/// # Errors
/// `InvalidParams` if there is no such command, `Internal` if it has no help.
pub(super) fn help_text(words: &[String], paint: Paint) -> Result<String, CommandError> {
    if words.is_empty() {
        return Ok(grammar::command_list(paint.is_coloured()));
    }
    grammar::check_command(words)?;
    match grammar::parse_line(&format!("{} --help", words.join(" "))) {
        Err(Refused::Help { plain, coloured }) => {
            let text = if paint.is_coloured() { coloured } else { plain };
            Ok(text.trim_end().to_owned())
        }
        _ => Err(CommandError::internal(text!("`{words}` has no help", words = words.join(" ")))),
    }
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
