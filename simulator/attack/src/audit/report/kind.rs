//! The forms in which a report is written.

use std::path::Path;

use soter_bridge::protocol::CommandError;
use soter_text::text;

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
    /// All forms, in the order in which errors list them.
    pub const ALL: [Self; 4] = [Self::Json, Self::JUnit, Self::Sarif, Self::Html];

    /// The extension of such a file, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Json => "json",
            Self::JUnit => "xml",
            Self::Sarif => "sarif",
        }
    }

    /// The form for a file name's extension.
    ///
    /// # Errors
    /// `InvalidParams` if the file name has another extension, or none.
    pub fn from_path(path: &Path) -> Result<Self, CommandError> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        let ending = ending.as_deref().map(|ending| if ending == "htm" { "html" } else { ending });
        let kind = Self::ALL.into_iter().find(|kind| Some(kind.extension()) == ending);
        kind.ok_or_else(|| {
            let known = Self::ALL.map(|kind| format!(".{}", kind.extension())).join(", ");
            CommandError::invalid_params(
                text!("no report is written as {file}", file = path.display()),
                text!("end the file's name in one of {endings}", endings = known),
            )
        })
    }
}
