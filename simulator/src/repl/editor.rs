//! The line editor: history, completion, hints and colours.

use std::borrow::Cow;
use std::io;
use std::path::Path;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use tracing::warn;

use super::completion::{Names, complete, missing_arguments};
use crate::front::Paint;
use crate::grammar;

/// The maximum number of lines in the history.
const HISTORY_LINES: usize = 1000;

/// The maximum length of a line with hints, in bytes. They parse the line after each space, so a long line that is pasted
/// without bracketed paste would take a time that grows with the square of its length.
const MAX_HINTED_BYTES: usize = 1000;

/// The maximum length of a first word that can have a colour, in bytes. Names of commands are shorter.
const MAX_COLOURED_BYTES: usize = 64;

pub(super) type LineEditor = Editor<TypingAid, DefaultHistory>;

/// Completes, hints and colours while a line is typed.
pub(super) struct TypingAid {
    grammar: clap::Command,
    paint: Paint,
    /// Names on the desk, read before the line is typed.
    pub(super) names: Names,
    /// The device for lines that name none.
    pub(super) selected: String,
}

/// Opens a line editor. Its history is loaded from this file, if there is one.
pub(super) fn open(paint: Paint, lines_file: Option<&Path>) -> Result<LineEditor, ReadlineError> {
    let config = Config::builder()
        .max_history_size(HISTORY_LINES)?
        .history_ignore_dups(true)?
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .auto_add_history(true)
        // After this many milliseconds, Escape alone is not the beginning of a longer sequence.
        .keyseq_timeout(Some(50))
        .build();
    let history = DefaultHistory::with_config(&config);
    let mut editor = Editor::with_history(config, history)?;
    let grammar = grammar::line_syntax();
    editor.set_helper(Some(TypingAid { grammar, paint, names: Names::default(), selected: String::new() }));
    if let Some(path) = lines_file {
        match editor.load_history(path) {
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => warn!(%error, "the history of typed lines cannot be read"),
            Ok(()) => {}
        }
    }
    Ok(editor)
}

impl Helper for TypingAid {}

// Every line is complete when Enter is pressed.
impl Validator for TypingAid {}

impl Completer for TypingAid {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let line = line.get(..position).unwrap_or(line);
        let completions = complete(&self.grammar, line, &self.names);
        let mut words = completions.words;
        if let [only] = words.as_mut_slice() {
            only.push(' ');
        }
        Ok((completions.start, words))
    }
}

impl Hinter for TypingAid {
    type Hint = Hint;

    fn hint(&self, line: &str, position: usize, _: &Context<'_>) -> Option<Hint> {
        if position < line.len() || line.len() > MAX_HINTED_BYTES {
            return None;
        }
        missing_arguments(&self.grammar, line).map(Hint)
    }
}

/// The arguments that are missing. They are shown after the cursor, and never inserted.
pub(super) struct Hint(String);

impl rustyline::hint::Hint for Hint {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Highlighter for TypingAid {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        let (command, rest) = line.split_at(end_of_command(line));
        if self.grammar.find_subcommand(command).is_none() {
            return Cow::Borrowed(line);
        }
        Cow::Owned(format!("{}{rest}", self.paint.name(command)))
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(self.paint.dim(hint))
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        Cow::Owned(self.paint.strong(prompt))
    }

    // Whether the whole line is painted again. Doing that for each character makes a long paste slow.
    fn highlight_char(&self, line: &str, position: usize, kind: CmdKind) -> bool {
        match kind {
            // The hint disappears when the cursor leaves the end of the line.
            CmdKind::MoveCursor => line.ends_with(' ') && line.len() <= MAX_HINTED_BYTES,
            // Only the first word has a colour, and it changes only while that word does.
            CmdKind::Other => {
                let end = end_of_command(line);
                position <= end && end <= MAX_COLOURED_BYTES
            }
            CmdKind::ForcedRefresh => false,
        }
    }
}

/// Where the first word ends.
fn end_of_command(line: &str) -> usize {
    line.find(char::is_whitespace).unwrap_or(line.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typing_aid() -> TypingAid {
        let paint = Paint::COLOURED;
        TypingAid { grammar: grammar::line_syntax(), paint, names: Names::default(), selected: String::new() }
    }

    /// The characters that a line shows, and whether each has a colour.
    fn painted(aid: &TypingAid, line: &str) -> Vec<(char, bool)> {
        let is_coloured = matches!(aid.highlight(line, line.len()), Cow::Owned(_));
        let coloured = if is_coloured { end_of_command(line) } else { 0 };
        line.char_indices().map(|(at, character)| (character, at < coloured)).collect()
    }

    #[test]
    fn a_long_line_is_not_painted_again_for_each_character() {
        let aid = typing_aid();
        let words = format!("explain {}", "xx ".repeat(1000));
        for line in [words, format!("explain {}", "x".repeat(1000)), "x".repeat(1000)] {
            assert!(!aid.highlight_char(&line, line.len(), CmdKind::Other), "{line}");
            assert!(!aid.highlight_char(&line, line.len() - 1, CmdKind::MoveCursor), "{line}");
        }
    }

    #[test]
    fn every_command_is_short_enough_for_its_colour() {
        for command in typing_aid().grammar.get_subcommands() {
            for name in std::iter::once(command.get_name()).chain(command.get_all_aliases()) {
                assert!(name.len() <= MAX_COLOURED_BYTES, "{name}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn the_screen_shows_the_colours_of_the_line(edits in proptest::collection::vec((0..7_usize, 0..80_usize), 0..30)) {
            let aid = typing_aid();
            let (mut line, mut screen, mut was_painted) = (String::new(), Vec::new(), false);
            for (edit, position) in edits {
                let text = ["auth", "keys", " ", "x", "指", "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy", ""][edit];
                // Typed at the end, character by character; the last one removes all from a position on.
                let mut lines = Vec::new();
                for character in text.chars() {
                    line.push(character);
                    lines.push(line.clone());
                }
                if text.is_empty() {
                    line = line.chars().take(position).collect();
                    lines.push(line.clone());
                }
                for line in lines {
                    // As the editor does: a line that was painted for its colours is painted once more without them.
                    let paints = aid.highlight_char(&line, line.len(), CmdKind::Other);
                    if paints || was_painted {
                        screen = painted(&aid, &line);
                    } else {
                        screen.truncate(line.chars().count());
                        screen.extend(line.chars().skip(screen.len()).map(|character| (character, false)));
                    }
                    was_painted = paints;
                    assert_eq!(screen, painted(&aid, &line), "{line}");
                }
            }
        }
    }
}
