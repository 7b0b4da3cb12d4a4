//! In which form a report is written.

use std::path::Path;

use soter_bridge::protocol::CommandError;

/// A form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportKind {
    /// One page for a browser, which needs nothing else.
    Html,
    /// This project's own.
    Json,
    /// JUnit's XML, as continuous integration reads it.
    JUnit,
    /// SARIF 2.1.0, as code scanning reads it.
    Sarif,
}

impl ReportKind {
    /// The form that a file's ending names.
    ///
    /// # Errors
    /// `InvalidParams` if it is another ending.
    pub fn of(path: &Path) -> Result<Self, CommandError> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        match ending.as_deref() {
            Some("html" | "htm") => Ok(Self::Html),
            Some("json") => Ok(Self::Json),
            Some("xml") => Ok(Self::JUnit),
            Some("sarif") => Ok(Self::Sarif),
            _ => Err(CommandError::invalid_params(
                format!("no report is written as {}", path.display()),
                "end the file's name in .json, .xml (JUnit), .sarif or .html",
            )),
        }
    }
}
