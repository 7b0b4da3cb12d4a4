//! What an audit found, for people and for programs.

mod advice;
mod control;
mod html;
mod junit;
mod sarif;
mod text;

use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use soter_bridge::protocol::CommandError;

use super::{Baseline, Finding, Summary};
use crate::target::Form;
use crate::verdict::Verdict;

/// The findings of one audit.
#[derive(Clone, Debug)]
pub struct Report {
    /// The target's address.
    pub target: String,
    /// Whether it was audited as a verifier or as an application.
    pub form: Form,
    /// What came of each attack.
    pub findings: Vec<Finding>,
    /// What was found before, if that was given.
    pub baseline: Option<Baseline>,
    /// Whether a warning counts as a failure.
    pub strict: bool,
    /// When it began.
    pub began: SystemTime,
    /// How long it took.
    pub took: Duration,
}

/// In which form a report is written.
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
    /// The user's: another ending.
    pub fn of(path: &std::path::Path) -> Result<Self, CommandError> {
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

impl Report {
    /// When it began, in UTC to the second, as RFC 3339 has it.
    fn began(&self) -> String {
        DateTime::<Utc>::from(self.began).to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// How many attacks came to what.
    pub fn summary(&self) -> Summary {
        Summary::of(&self.findings)
    }

    /// Whether a finding makes the audit fail: a failure, or under `strict` a warning, that no baseline has.
    pub fn fails(&self, finding: &Finding) -> bool {
        let counts = match finding.verdict {
            Verdict::Fail => true,
            Verdict::Warn => self.strict,
            Verdict::Error | Verdict::Skip | Verdict::Pass => false,
        };
        counts && !finding.known
    }

    /// The report in a form.
    ///
    /// # Errors
    /// A defect of the program.
    pub fn written(&self, kind: ReportKind) -> Result<String, CommandError> {
        let pretty = |value: &Value| {
            serde_json::to_string_pretty(value)
                .map(|text| format!("{text}\n"))
                .map_err(|error| CommandError::internal(format!("a report does not serialise: {error}")))
        };
        match kind {
            ReportKind::Html => Ok(html::page(self)),
            ReportKind::Json => pretty(&self.json()),
            ReportKind::JUnit => junit::document(self),
            ReportKind::Sarif => pretty(&sarif::log(self)),
        }
    }

    /// A table, and every finding in detail.
    pub fn text(&self) -> String {
        text::text(self)
    }

    /// The counts in one line.
    pub fn last_line(&self) -> String {
        text::last_line(self)
    }

    /// This project's own form: `summary` and `results`.
    pub fn json(&self) -> Value {
        let Summary { pass, fail, warn, skip, error, known } = self.summary();
        let results: Vec<Value> = self.findings.iter().map(result).collect();
        json!({
            "tool": {"name": "soter-sim", "version": env!("CARGO_PKG_VERSION")},
            "target": self.target,
            "form": form(self.form),
            "began": self.began(),
            "milliseconds": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            "summary": {"pass": pass, "fail": fail, "warn": warn, "skip": skip, "error": error, "known": known},
            "results": results,
        })
    }
}

fn result(finding: &Finding) -> Value {
    let Finding { attack, verdict, reason, exchange, known } = finding;
    let mut result = json!({
        "id": attack.id,
        "verdict": verdict.name(),
        "reason": reason,
        "title": attack.title,
        "layer": attack.layer.name(),
        "expected": attack.expected.name(),
        "known": known,
    });
    if needs_attention(finding) {
        result["meaning"] = finding.meaning().into();
        result["fix"] = finding.fix().into();
        if let Some(exchange) = exchange {
            result["request"] = exchange.request.as_str().into();
            result["response"] = exchange.response.as_str().into();
            result["curl"] = exchange.curl.as_str().into();
        }
    }
    result
}

/// Whether somebody has to look at it.
fn needs_attention(finding: &Finding) -> bool {
    matches!(finding.verdict, Verdict::Fail | Verdict::Warn | Verdict::Error)
}

/// The word for a target's form.
fn form(form: Form) -> &'static str {
    match form {
        Form::Application => "application",
        Form::Verifier => "verifier",
    }
}

#[cfg(test)]
mod tests;
