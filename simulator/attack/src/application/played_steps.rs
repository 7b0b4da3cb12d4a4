//! The record of the steps that are carried out, while somebody wants one.

use std::sync::{Mutex, PoisonError};

use soter_text::Text;

use crate::target::Exchange;

/// A step that was carried out. Secrets in it are masked as in reports.
#[derive(Clone, Debug)]
pub struct PlayedStep {
    /// The section of the description: `login`, `enroll`, `challenge` or `result`.
    pub section: &'static str,
    /// The step's place in the description, such as `[result]` or `[[result.after]] 1`.
    pub place: String,
    /// The request without its values, such as `POST /orders/{{order}}/pay`, or the command.
    pub action: String,
    /// The status of the answer; `None`: there was no answer.
    pub status: Option<u16>,
    /// The values that it has found, by their names. Long ones are shortened, and those of a login are masked.
    pub values: Vec<(String, Text)>,
    /// The names of the cookies that are kept after it.
    pub cookies: Vec<String>,
    /// What its answer lacks, or why there was none; `None`: it has led to the next step.
    pub problem: Option<Text>,
    /// What went over the wire; `None`: nothing was answered.
    pub exchange: Option<Exchange>,
}

/// Keeps the steps that are carried out, from [`begin`](Self::begin) to [`end`](Self::end).
#[derive(Debug, Default)]
pub(super) struct Recorder(Mutex<Option<Vec<PlayedStep>>>);

impl Recorder {
    /// Begins a new record.
    pub(super) fn begin(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    }

    /// Adds a step, if there is a record.
    pub(super) fn add(&self, step: impl FnOnce() -> PlayedStep) {
        if let Some(steps) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            steps.push(step());
        }
    }

    /// Ends the record. Returns its steps.
    pub(super) fn end(&self) -> Vec<PlayedStep> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }
}
