//! The forms in which a report is written.

use std::path::Path;

use soter_bridge::protocol::CommandError;

/// A form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportKind {
    /// One self-contained page for a browser.
    Html,
    /// This project's own JSON format.
    Json,
    /// JUnit XML, for continuous integration.
    JUnit,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

impl ReportKind {
    /// The form for a file name's extension.
    ///
    /// # Errors
    /// `InvalidParams` if the file name has another extension, or none.
    pub fn from_path(path: &Path) -> Result<Self, CommandError> {
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
