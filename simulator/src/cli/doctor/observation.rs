//! What was seen, for persons and as JSON.

use serde::Serialize;
use soter_bridge::protocol::CommandError;
use soter_bridge::visible;
use soter_text::{Text, tr};
use unicode_width::UnicodeWidthStr;

use crate::front::{Paint, labelled};

/// Something that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Observation {
    /// What was looked at: a word that programs can compare.
    pub(super) check: &'static str,
    /// Whether it is as it should be.
    pub(super) severity: Severity,
    /// One line: what was seen.
    pub(super) what: Text,
    /// One line: what to do. `None` if nothing has to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Text>,
}

/// Whether something is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// It is.
    Good,
    /// It may be on purpose, and makes calls fail or differ.
    Note,
    /// It has to be put right before everything works.
    Problem,
}

impl Severity {
    /// Its word for persons.
    fn word(self) -> String {
        match self {
            Self::Good => tr!("good"),
            Self::Note => tr!("note"),
            Self::Problem => tr!("problem"),
        }
    }
}

impl Observation {
    /// Something that is as it should be.
    pub(super) fn good(check: &'static str, what: Text) -> Self {
        Self { check, severity: Severity::Good, what, next: None }
    }

    /// Something that may surprise.
    pub(super) fn note(check: &'static str, what: Text, next: Text) -> Self {
        Self { check, severity: Severity::Note, what, next: Some(next) }
    }

    /// Something that has to be put right.
    pub(super) fn problem(check: &'static str, what: Text, next: Text) -> Self {
        Self { check, severity: Severity::Problem, what, next: Some(next) }
    }

    /// Something that was tried, and failed.
    pub(super) fn failed(check: &'static str, error: CommandError) -> Self {
        Self::problem(check, error.what, error.next)
    }
}

/// A line for each observation, and one below it for what to do, broken where the window ends.
pub(super) fn as_lines(observations: &[Observation], paint: Paint) -> String {
    let width = [Severity::Good, Severity::Note, Severity::Problem]
        .map(|severity| severity.word().width())
        .into_iter()
        .max()
        .unwrap_or_default();
    let lines = observations.iter().flat_map(|Observation { severity, what, next, .. }| {
        let word = severity.word();
        let gap = " ".repeat(width.saturating_sub(word.width()) + 2);
        let word = match severity {
            Severity::Good => paint.good(&word),
            Severity::Note => paint.strong(&word),
            Severity::Problem => paint.bad(&word),
        };
        let first = format!("{word}{gap}{}", visible(&what.localized()));
        let second = next.as_ref().map(|next| {
            let indent = " ".repeat(width + 2);
            let next = labelled(&tr!("next:"), |label| paint.dim(label), &visible(&next.localized()));
            format!("{indent}{next}")
        });
        [Some(first), second].into_iter().flatten()
    });
    paint.wrapped(&lines.collect::<Vec<_>>().join("\n"))
}
