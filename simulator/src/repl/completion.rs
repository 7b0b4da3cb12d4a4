//! Completion of a line, from the grammar and from the names of the phones.

use clap::{Arg, Command};
use soter_attack::catalogue;
use soter_bridge::protocol::METHODS;
use soter_wechat::codes;
use soter_wire::Mode;

use crate::grammar::{self, Typed};

/// Names on the desk that a line may mention.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// The names of the devices.
    pub(super) devices: Vec<String>,
}

/// The possible completions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Completions {
    /// The position of the word to complete, in bytes.
    pub(super) start: usize,
    /// The words, in order.
    pub(super) words: Vec<String>,
}

/// The words that complete a line up to the cursor.
pub(super) fn complete(lines: &Command, line: &str, names: &Names) -> Completions {
    let Typed { finished, partial, start } = grammar::parse_typed(line);
    let position = GrammarPosition::after(lines, &finished);
    let mut words = position.next_words(&partial, names);
    words.retain(|word| word.starts_with(&partial));
    words.sort_unstable();
    words.dedup();
    Completions { start, words }
}

/// The names of the arguments that are missing on a line, for a hint after the cursor.
pub(super) fn missing_arguments(lines: &Command, line: &str) -> Option<String> {
    if !line.ends_with(' ') || line.trim().is_empty() {
        return None;
    }
    let Typed { finished, .. } = grammar::parse_typed(line);
    let position = GrammarPosition::after(lines, &finished);
    if position.command.has_subcommands() {
        return (position.positionals == 0
            && position.value_of.is_none()
            && !std::ptr::eq(position.command, lines))
        .then(|| "COMMAND".to_owned());
    }
    let names: Vec<String> = match position.value_of {
        Some(option) => vec![value_name(option)],
        None => position.command.get_positionals().skip(position.positionals).map(value_name).collect(),
    };
    (!names.is_empty()).then(|| names.join(" "))
}

/// The position of a line in the grammar.
struct GrammarPosition<'a> {
    command: &'a Command,
    /// The option whose value comes next, if any.
    value_of: Option<&'a Arg>,
    /// The number of positional arguments so far.
    positionals: usize,
}

impl<'a> GrammarPosition<'a> {
    fn after(lines: &'a Command, words: &[String]) -> Self {
        let mut position = Self { command: lines, value_of: None, positionals: 0 };
        for word in words {
            if position.value_of.take().is_some() {
                continue;
            }
            if let Some(name) = word.strip_prefix("--") {
                let option =
                    position.command.get_arguments().find(|argument| argument.get_long() == Some(name));
                position.value_of = option.filter(|option| option.get_action().takes_values());
            } else if let Some(below) = position.command.find_subcommand(word)
                && position.positionals == 0
            {
                position.command = below;
            } else {
                position.positionals += 1;
            }
        }
        position
    }

    fn next_words(&self, partial: &str, names: &Names) -> Vec<String> {
        if let Some(option) = self.value_of {
            return values(option, names);
        }
        if partial.starts_with('-') {
            let options = self.command.get_arguments().filter(|argument| !argument.is_hide_set());
            return options.filter_map(Arg::get_long).map(|long| format!("--{long}")).collect();
        }
        if self.command.get_name() == "help" {
            let all = grammar::line_syntax();
            return all.get_subcommands().map(|command| command.get_name().to_owned()).collect();
        }
        if self.positionals == 0 && self.command.has_subcommands() {
            return self.command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
        }
        let positional = self.command.get_positionals().nth(self.positionals);
        positional.map(|argument| values(argument, names)).unwrap_or_default()
    }
}

/// The values that an argument takes, if they are known.
fn values(argument: &Arg, names: &Names) -> Vec<String> {
    let possible = argument.get_possible_values();
    if !possible.is_empty() {
        return possible.iter().map(|value| value.get_name().to_owned()).collect();
    }
    match value_name(argument).as_str() {
        "DEVICE" => names.devices.clone(),
        "MODE" | "MODES" => Mode::ALL.iter().map(|mode| mode.name().to_owned()).collect(),
        "METHOD" => METHODS.iter().map(|method| method.name.to_owned()).collect(),
        "ATTACK" => catalogue().map(|attack| attack.id.to_owned()).collect(),
        "CODE" => codes::CODES.iter().map(|code| code.code.to_string()).collect(),
        "SWITCH" => ["on", "off", "default"].map(str::to_owned).to_vec(),
        "TOUCH" => ["1", "wrong", "cancel"].map(str::to_owned).to_vec(),
        "PARAMETER" => ["fingerprint_type", "fingerprint_hardware_position"].map(str::to_owned).to_vec(),
        _ => Vec::new(),
    }
}

fn value_name(argument: &Arg) -> String {
    let first = argument.get_value_names().and_then(|names| names.first());
    first.map_or_else(|| argument.get_id().to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        let names = Names { devices: vec!["phone".to_owned(), "second".to_owned()] };
        let lines = grammar::line_syntax();
        complete(&lines, line, &names).words
    }

    #[test]
    fn commands_and_subcommands_are_completed() {
        assert!(words("").contains(&"auth".to_owned()));
        assert_eq!(words("dev"), ["device"]);
        assert_eq!(words("device sel"), ["select"]);
        assert_eq!(words("tee getAu"), ["getAuthKey"]);
        assert_eq!(words("help dev"), ["device"]);
    }

    #[test]
    fn names_values_and_options_are_completed() {
        assert_eq!(words("device select s"), ["second"]);
        assert_eq!(words("device create x --profile it"), ["itrustee"]);
        assert_eq!(words("keys --device p"), ["phone"]);
        assert_eq!(words("enrolled f"), ["facial", "fingerPrint"]);
        assert_eq!(words("call keys"), ["keys.list"]);
        assert_eq!(words("explain 9001"), ["90010", "90011"]);
        assert_eq!(words("attack run SOTER-PROTOCOL-09"), ["SOTER-PROTOCOL-09"]);
        assert!(words("danger s").contains(&"snapshot".to_owned()));
        assert!(words("auth x --").contains(&"--touch".to_owned()));
    }

    #[test]
    fn nothing_completes_free_text() {
        assert_eq!(words("auth order"), [""; 0]);
        assert_eq!(words("no such command"), [""; 0]);
    }

    #[test]
    fn a_hint_names_what_is_missing() {
        let lines = grammar::line_syntax();
        assert_eq!(missing_arguments(&lines, "auth ").as_deref(), Some("CHALLENGE"));
        assert_eq!(missing_arguments(&lines, "tee getAuthKey ").as_deref(), Some("UID KEY"));
        assert_eq!(missing_arguments(&lines, "tee getAuthKey 10115 ").as_deref(), Some("KEY"));
        assert_eq!(missing_arguments(&lines, "auth x --touch ").as_deref(), Some("SCRIPT"));
        assert_eq!(missing_arguments(&lines, "device ").as_deref(), Some("COMMAND"));
        assert_eq!(missing_arguments(&lines, "keys "), None);
        assert_eq!(missing_arguments(&lines, ""), None);
    }

    proptest::proptest! {
        #[test]
        fn any_line_completes_without_panic_from_a_position_inside_it(line in ".{0,60}") {
            let lines = grammar::line_syntax();
            let completions = complete(&lines, &line, &Names::default());
            assert!(line.is_char_boundary(completions.start));
            missing_arguments(&lines, &line);
        }
    }
}
