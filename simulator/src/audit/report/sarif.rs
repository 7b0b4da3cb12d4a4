//! The report as SARIF 2.1.0.

use serde_json::{Value, json};

use super::{Report, needs_attention};
use crate::attack::{Attack, Verdict};
use crate::audit::Finding;
use crate::visible;

pub(super) fn log(report: &Report) -> Value {
    let rules: Vec<Value> = report.findings.iter().map(|finding| rule(finding.attack)).collect();
    let results: Vec<Value> = report
        .findings
        .iter()
        .enumerate()
        .map(|(index, finding)| result(index, finding, &report.target))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "soter-sim audit",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "results": results,
        }],
    })
}

fn rule(attack: &Attack) -> Value {
    json!({
        "id": attack.id,
        "shortDescription": {"text": attack.title},
        "fullDescription": {"text": attack.meaning},
        "help": {"text": attack.fix},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["security", attack.layer.name()]},
    })
}

fn result(index: usize, finding: &Finding, target: &str) -> Value {
    let (kind, level) = match finding.verdict {
        Verdict::Pass => ("pass", "none"),
        Verdict::Skip => ("notApplicable", "none"),
        Verdict::Fail => ("fail", "error"),
        Verdict::Warn => ("fail", "warning"),
        Verdict::Error => ("open", "none"),
    };
    let attack = finding.attack;
    // 3.27.11: a message tells the risk, and what can be done about it.
    let advice = if needs_attention(finding) {
        format!(".\n{}\n{}", finding.meaning(), finding.fix())
    } else {
        String::new()
    };
    let mut result = json!({
        "ruleId": attack.id,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": {"text": format!("{}: {}{advice}", attack.title, visible(&finding.reason))},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": target}}}],
        "partialFingerprints": {"attack/v1": attack.id},
    });
    if kind == "fail" {
        result["baselineState"] = if finding.known { "unchanged" } else { "new" }.into();
    }
    result
}
