//! The report in each of its forms.

use serde_json::Value;
use soter_bridge::protocol::CommandError;

use super::{Report, ReportKind, html, junit, sarif, text};

impl Report {
    /// The report in one of its forms.
    ///
    /// # Errors
    /// `Internal` if the report cannot be serialised: a defect of the program.
    pub fn render(&self, kind: ReportKind) -> Result<String, CommandError> {
        let pretty = |value: &Value| {
            serde_json::to_string_pretty(value)
                .map(|text| format!("{text}\n"))
                .map_err(|error| CommandError::defect(format!("a report does not serialise: {error}")))
        };
        match kind {
            ReportKind::Html => Ok(html::page(self)),
            ReportKind::Json => pretty(&self.json()),
            ReportKind::JUnit => junit::document(self),
            ReportKind::Sarif => pretty(&sarif::log(self)),
        }
    }

    /// A table, and the details of every finding that needs attention.
    pub fn text(&self) -> String {
        text::text(self)
    }

    /// The counts in one line.
    pub fn summary_line(&self) -> String {
        text::summary_line(self)
    }
}
