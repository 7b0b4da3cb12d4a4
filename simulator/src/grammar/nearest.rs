//! The commands that a mistyped word may stand for.

use std::cmp::Reverse;

use strsim::damerau_levenshtein;

/// How many are named at most.
const MAX_NEAREST: usize = 3;

/// The names of this command's subcommands that are nearest to a word, the best first; empty if none is near.
///
/// A name is near if it has at most one mistake per three letters (at most three), or begins with the word.
pub(crate) fn nearest<'a>(command: &'a clap::Command, word: &str) -> Vec<&'a str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    let limit = (length / 3).clamp(1, 3);
    let mut found: Vec<_> = command
        .get_subcommands()
        .filter(|subcommand| !subcommand.is_hide_set())
        .filter_map(|subcommand| {
            let names = std::iter::once(subcommand.get_name()).chain(subcommand.get_all_aliases());
            // Of a command with several names, the nearest.
            names
                .filter_map(|name| {
                    let lower = name.to_lowercase();
                    let begins = length > 1 && lower.starts_with(&word);
                    // The distance is at least the difference of the lengths, so that long words need no comparison.
                    let may_be_near = begins || lower.chars().count().abs_diff(length) <= limit;
                    let distance = may_be_near.then(|| damerau_levenshtein(&lower, &word))?;
                    (begins || distance <= limit).then_some((distance, Reverse(begins), name))
                })
                .min()
        })
        .collect();
    found.sort_unstable();
    found.into_iter().take(MAX_NEAREST).map(|(_, _, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands() -> clap::Command {
        ["auth", "audit", "biometric", "device", "enrolled", "exit", "keys", "login"]
            .iter()
            .fold(clap::Command::new(""), |command, name| command.subcommand(clap::Command::new(*name)))
            .mut_subcommand("biometric", |command| command.visible_alias("finger"))
            .mut_subcommand("exit", |command| command.visible_alias("quit"))
            .mut_subcommand("device", |command| command.alias("phone-set"))
    }

    #[test]
    fn the_nearest_command_is_the_one_with_the_fewest_mistakes() {
        let commands = commands();
        for (word, names) in [
            ("aut", vec!["auth"]),
            ("auht", vec!["auth"]),
            ("KEYS", vec!["keys"]),
            ("fingr", vec!["finger"]),
            ("qiut", vec!["quit"]),
            ("devcies", vec!["device"]),
            ("enrol", vec!["enrolled"]),
            ("phonset", vec!["phone-set"]),
        ] {
            assert_eq!(nearest(&commands, word), names, "{word}");
        }
    }

    #[test]
    fn a_word_that_resembles_nothing_has_no_nearest_command() {
        let commands = commands();
        for word in ["", "x", "frobnicate", "支付", "--", &"auth".repeat(10_000)] {
            assert_eq!(nearest(&commands, word), [""; 0], "{word}");
        }
    }

    #[test]
    fn the_best_is_the_first_and_there_are_three_at_most() {
        let commands = ["abcdef", "abcdeg", "abcxyz", "abcdefghi", "abcde"]
            .iter()
            .fold(clap::Command::new(""), |command, name| command.subcommand(clap::Command::new(*name)));
        assert_eq!(nearest(&commands, "abcdef"), ["abcdef", "abcde", "abcdeg"]);
    }
}
