//! The report as JSON, in this project's own format.

use serde_json::{Map, Value, json};

use super::Report;
use super::remedy::{Code, Remedy};
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
            "remedies": self.remedies().into_keys().map(code).collect::<Map<_, _>>(),
        })
    }
}

/// The code of a remedy, under the remedy's name.
fn code(remedy: Remedy) -> (String, Value) {
    let code = remedy.code().map(|Code { language, text }| (language.tag().to_owned(), text.into()));
    let code: Map<_, _> = code.into_iter().collect();
    (remedy.name().to_owned(), json!({"title": remedy.title(), "code": code}))
}

fn result(finding: &Finding) -> Value {
    let Finding { attack, verdict, reason, exchange, known } = finding;
    let mut result = json!({
        "id": attack.id,
        "verdict": verdict.name(),
        "reason": reason.english(),
        "title": attack.title,
        "layer": attack.layer.name(),
        "kind": attack.kind.name(),
        "cwe": attack.kind.cwe(),
        "expected": attack.expected.name(),
        "known": known,
    });
    if finding.needs_attention() {
        result["attempt"] = finding.attempt().english().into();
        result["meaning"] = finding.meaning().into();
        result["background"] = finding.background().into();
        result["fix"] = finding.fix().into();
        result["remedy"] = finding.remedy().map(Remedy::name).into();
        if let Some(exchange) = exchange {
            result["request"] = exchange.request.as_str().into();
            result["response"] = exchange.response.as_str().into();
            result["curl"] = exchange.curl.as_str().into();
        }
    }
    result
}
