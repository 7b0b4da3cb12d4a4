//! The report as JSON, in this project's own format.

use serde_json::{Value, json};

use super::Report;
use crate::audit::finding::{Finding, Summary};

impl Report {
    /// The report in this project's own format: `summary` and `results`.
    pub fn json(&self) -> Value {
        let Summary { pass, fail, warn, skip, error, known } = self.summary();
        let results: Vec<Value> = self.findings.iter().map(result).collect();
        json!({
            "tool": {"name": "soter-sim", "version": env!("CARGO_PKG_VERSION")},
            "target": self.target,
            "form": self.form.name(),
            "began": self.began(),
            "milliseconds": u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX),
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
        "kind": attack.kind.name(),
        "cwe": attack.kind.cwe(),
        "expected": attack.expected.name(),
        "known": known,
    });
    if finding.needs_attention() {
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
