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
        if position < line.len() {
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
        let end = line.find(char::is_whitespace).unwrap_or(line.len());
        let (command, rest) = line.split_at(end);
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

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        true
    }
}
