//! The general options that count before the words are parsed: what is wrong with the words is told in the language that
//! they ask for.

use std::ffi::{OsStr, OsString};

use clap::Arg;

use super::options::{JSON, LANG};

/// What the words say about the language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EarlyOptions {
    /// The last `--lang`, as it is written.
    pub(crate) language: Option<String>,
    /// Whether the answer is machine output.
    pub(crate) json: bool,
}

impl EarlyOptions {
    /// Reads them from the program's arguments, which begin with its own name, with the grammar of the command line. Each word is
    /// seen as parsing sees it: behind a command that has its own option of that name, the own one is meant.
    pub(crate) fn read(grammar: &clap::Command, arguments: &[OsString]) -> Self {
        let mut found = Self::default();
        let mut command = grammar;
        let mut words =
            arguments.iter().skip(1).map(OsString::as_os_str).map(OsStr::to_string_lossy).peekable();
        while let Some(word) = words.next() {
            // What follows are words of another program.
            if word == "--" {
                break;
            }
            let Some(option) = word.strip_prefix("--") else {
                command = command.find_subcommand(&*word).unwrap_or(command);
                continue;
            };
            let (name, value) =
                option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
            let Some(argument) = command.get_arguments().find(|argument| argument.get_long() == Some(name))
            else {
                continue;
            };
            let value = match value {
                Some(value) => Some(value.to_owned()),
                None if takes_value(argument) => words
                    .next_if(|word| argument.is_allow_hyphen_values_set() || !word.starts_with('-'))
                    .map(std::borrow::Cow::into_owned),
                None => None,
            };
            match argument.get_id().as_str() {
                JSON => found.json = true,
                LANG => found.language = value.or(found.language),
                _ => {}
            }
        }
        found
    }
}

fn takes_value(argument: &Arg) -> bool {
    argument.get_action().takes_values()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (Option<String>, bool) {
        let arguments: Vec<_> = line.split(' ').map(OsString::from).collect();
        let EarlyOptions { language, json } = EarlyOptions::read(&crate::grammar::command_line(), &arguments);
        (language, json)
    }

    fn language(line: &str) -> Option<String> {
        read(line).0
    }

    #[test]
    fn the_last_general_option_before_another_programs_words_counts() {
        assert_eq!(language("soter-sim --lang zh-CN keys").as_deref(), Some("zh-CN"));
        assert_eq!(language("soter-sim --lang=zh_CN keys --lang en").as_deref(), Some("en"));
        assert_eq!(language("soter-sim device set support off --lang en").as_deref(), Some("en"));
        assert_eq!(language("soter-sim --no-such-option --lang en").as_deref(), Some("en"));
        assert_eq!(read("soter-sim exec -- npm test --lang zh --json"), (None, false));
        assert_eq!(language("soter-sim keys --lang"), None);
        assert_eq!(language("soter-sim --lang zh-CN keys --lang").as_deref(), Some("zh-CN"));
        assert_eq!(read("soter-sim keys --lang --json"), (None, true));
    }

    #[test]
    fn a_commands_own_option_of_the_same_name_does_not_count() {
        assert_eq!(read("soter-sim userinfo --lang zh_CN"), (None, false));
        assert_eq!(language("soter-sim --lang en userinfo --lang zh_CN").as_deref(), Some("en"));
        assert_eq!(read("soter-sim verify --key k --json j.json --signature s"), (None, false));
        assert_eq!(read("soter-sim --json verify --key k --json j.json --signature s"), (None, true));
    }

    #[test]
    fn a_value_is_not_an_option_or_a_command() {
        assert_eq!(read("soter-sim --state verify keys --json"), (None, true));
        assert_eq!(language("soter-sim --device userinfo keys --lang en").as_deref(), Some("en"));
        assert_eq!(read("soter-sim auth --challenge --json --touch 1"), (None, false));
    }
}
