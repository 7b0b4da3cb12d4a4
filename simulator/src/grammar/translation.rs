//! Help in Chinese.
//!
//! clap has no translations. So every text of the tree is replaced before the words are parsed, and clap's own words are
//! replaced in the help that it has written.
//!
//! It also breaks lines only at spaces and counts every character as one column, whereas Chinese has no spaces and takes
//! two columns. So Chinese is written for it with a space behind each character, which together are two columns, and the
//! spaces are removed from what it has written.

use clap::Arg;
use clap::builder::{PossibleValue, StyledStr};
use soter_text::{Language, translated_into};
use terminal_size::{Width, terminal_size};
use unicode_width::UnicodeWidthChar;

/// The maximum number of columns of a line of help.
const MAX_COLUMNS: usize = 110;

/// The words that clap writes into help. It has settings for a few of them only, and those change the order of the sections.
const WORDS_OF_CLAP: [&str; 7] =
    ["Usage:", "Commands:", "Arguments:", "Options:", "[default:", "[alias:", "[aliases:"];

/// What clap writes before the values of an argument: before a list, and before explanations.
const POSSIBLE_VALUES: [&str; 2] = ["[possible values:", "Possible values:"];

/// Stands for the second column of a character behind which no line ends. It is not visible, and no text contains it.
const SECOND_COLUMN: char = '\u{2060}';

/// How help is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) language: Language,
    /// The columns of a line.
    columns: usize,
}

impl Layout {
    /// In the language of this process, for its terminal.
    pub(super) fn of_process() -> Self {
        // As clap does it where the columns are not set.
        let of_variable = || std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let of_terminal = terminal_size().map(|(Width(columns), _)| columns.into());
        let columns = of_terminal.or_else(of_variable).unwrap_or(100).clamp(2, MAX_COLUMNS);
        Self { language: Language::of_process(), columns }
    }

    /// In this language, for a terminal with this number of columns.
    #[cfg(test)]
    pub(super) fn new(language: Language, columns: usize) -> Self {
        Self { language, columns }
    }

    /// The grammar with texts in this layout.
    pub(super) fn apply(self, command: clap::Command) -> clap::Command {
        if self.language == Language::English {
            return command.term_width(self.columns);
        }
        // The last character of a line has no space behind it, and so takes a column that clap does not count.
        let mut command = command.term_width(self.columns - 1);
        // Adds clap's own options and commands, which have texts as well.
        command.build();
        replace_texts(command, &mut |english| translated_into(self.language, english).to_owned())
    }

    /// A text in this language, for help.
    pub(super) fn prepare(self, text: &str) -> StyledStr {
        match self.language {
            Language::English => text.to_owned().into(),
            Language::Chinese => spread(text),
        }
    }

    /// Help that clap has written with that grammar.
    pub(super) fn finish(self, help: String) -> String {
        if self.language == Language::English {
            return help;
        }
        let translate = |help: String, word: &&str| help.replace(word, translated_into(self.language, word));
        close_up(&WORDS_OF_CLAP.iter().fold(help, translate))
    }
}

/// Replaces every text of a command and of all below it.
fn replace_texts(mut command: clap::Command, replace: &mut impl FnMut(&str) -> String) -> clap::Command {
    if let Some(about) = command.get_about().map(ToString::to_string) {
        command = command.about(spread(&replace(&about)));
    }
    if let Some(about) = command.get_long_about().map(ToString::to_string) {
        command = command.long_about(spread(&replace(&about)));
    }
    if let Some(examples) = command.get_after_help().map(ToString::to_string)
        && let Some((title, lines)) = examples.split_once('\n')
    {
        command = command.after_help(format!("{}\n{lines}", replace(title)));
    }
    command
        .mut_args(|argument| replace_texts_of_argument(argument, replace))
        .mut_subcommands(|command| replace_texts(command, replace))
}

fn replace_texts_of_argument(mut argument: Arg, replace: &mut impl FnMut(&str) -> String) -> Arg {
    if let Some(heading) = argument.get_help_heading().map(ToOwned::to_owned) {
        argument = argument.help_heading(replace(&heading));
    }
    let mut help = argument.get_help().map(|help| replace(&help.to_string()));
    let mut long_help = argument.get_long_help().map(|help| replace(&help.to_string()));
    let values = argument.get_possible_values();
    if !values.is_empty() && argument.get_action().takes_values() {
        // clap offers no way to change the values' explanations, and breaks lines within its own words. So the values
        // become a part of the argument's help.
        let [before_list, before_explanations] = POSSIBLE_VALUES.map(&mut *replace);
        let names: Vec<_> = values.iter().map(PossibleValue::get_name).collect();
        let list = format!("{before_list}{}]", names.join(", "));
        let short = help.unwrap_or_default();
        let mut long = long_help.unwrap_or_else(|| short.clone());
        long.push_str("\n\n");
        if values.iter().all(|value| value.get_help().is_none()) {
            long.push_str(&list);
        } else {
            long.push_str(&before_explanations);
            for value in &values {
                let explanation = value.get_help().map(|help| replace(&help.to_string())).unwrap_or_default();
                long.extend(["\n- ", value.get_name(), ": ", &explanation]);
            }
        }
        help = Some(format!("{short} {list}"));
        long_help = Some(long);
        argument = argument.hide_possible_values(true);
    }
    if let Some(help) = help {
        argument = argument.help(spread(&help));
    }
    match long_help {
        Some(help) => argument.long_help(spread(&help)),
        None => argument,
    }
}

fn is_wide(character: char) -> bool {
    character.width() == Some(2)
}

/// Writes a text so that clap can break its lines and count its columns.
fn spread(text: &str) -> StyledStr {
    let mut spread = String::with_capacity(2 * text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        spread.push(character);
        if is_wide(character) {
            let stays = "（“《【".contains(character)
                || characters.peek().is_some_and(|next| "，。：；、！？）”》】…".contains(*next));
            spread.push(if stays { SECOND_COLUMN } else { ' ' });
        }
    }
    spread.into()
}

/// Removes what [`spread`] has added.
fn close_up(text: &str) -> String {
    let mut closed = String::with_capacity(text.len());
    let mut is_behind_wide = false;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            // A colour, which is not visible.
            '\u{1b}' => {
                closed.push(character);
                closed.extend(characters.by_ref().take_while(|character| *character != 'm').chain(['m']));
            }
            ' ' if is_behind_wide => is_behind_wide = false,
            // As in headings, which clap ends with a narrow one.
            ':' if is_behind_wide => {
                closed.push('：');
                is_behind_wide = false;
            }
            SECOND_COLUMN => is_behind_wide = false,
            character => {
                closed.push(character);
                is_behind_wide = is_wide(character);
            }
        }
    }
    closed
}

/// Every English text that help consists of.
#[cfg(test)]
pub(super) fn texts(mut command: clap::Command) -> std::collections::BTreeSet<String> {
    let mut texts: std::collections::BTreeSet<_> = WORDS_OF_CLAP.iter().map(ToString::to_string).collect();
    command.build();
    replace_texts(command, &mut |text: &str| {
        texts.insert(text.to_owned());
        text.to_owned()
    });
    texts.remove("");
    texts
}
