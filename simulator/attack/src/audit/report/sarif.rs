//! The report as SARIF 2.1.0. Section numbers are those of its specification:
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use reqwest::Url;
use serde_json::{Value, json};
use soter_bridge::visible;

use super::Report;
use super::remedy::Code;
use crate::audit::finding::Finding;
use crate::entry::Attack;
use crate::verdict::Verdict;

pub(super) fn log(report: &Report) -> Value {
    let rules: Vec<Value> = report.findings.iter().map(|finding| rule(finding.attack)).collect();
    let results: Vec<Value> =
        report.findings.iter().enumerate().map(|(index, finding)| result(index, finding, report)).collect();
    json!({
        "version": "2.1.0",
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [{
            "tool": {"driver": {
                "name": "soter-sim audit",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "invocations": [{
                "startTimeUtc": report.began(),
                "executionSuccessful": report.summary().error == 0,
            }],
            "results": results,
        }],
    })
}

fn rule(attack: &Attack) -> Value {
    json!({
        "id": attack.id,
        "shortDescription": {"text": attack.title},
        "fullDescription": {"text": attack.meaning},
        "help": {"text": format!("{}\n{}", attack.kind.background(), attack.fix), "markdown": help(attack)},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": tags(attack)},
    })
}

/// What a failure means and what to write instead, as code scanning shows it.
fn help(attack: &Attack) -> String {
    let (kind, remedy) = (attack.kind, attack.kind.remedy());
    let code = remedy
        .code()
        .map(|Code { language, text }| format!("{}:\n\n```{}\n{text}```\n", language.name(), language.tag()));
    format!(
        "**A failure means:** {}\n\n{}\n\n**How to fix it:** {}\n\n### The code to write instead\n\n{}:\n\n{}",
        attack.meaning,
        kind.background(),
        attack.fix,
        remedy.title(),
        code.join("\n")
    )
}

/// The tags of a rule. The form of the CWE's number is that of GitHub's code scanning.
fn tags(attack: &Attack) -> Vec<String> {
    let tags = ["security", attack.layer.name(), attack.kind.name()].map(str::to_owned);
    tags.into_iter().chain(attack.kind.cwe().map(|cwe| format!("external/cwe/cwe-{cwe:03}"))).collect()
}

fn result(index: usize, finding: &Finding, report: &Report) -> Value {
    // 3.27.9 and 3.27.10: a result that is not a failure has no level.
    let (kind, level) = match finding.verdict {
        Verdict::Pass => ("pass", "none"),
        Verdict::Skip => ("notApplicable", "none"),
        Verdict::Fail => ("fail", "error"),
        Verdict::Warn => ("fail", "warning"),
        Verdict::Error => ("open", "none"),
    };
    let attack = finding.attack;
    let mut text = format!("{}: {}", attack.title, visible(finding.reason.english()));
    if finding.needs_attention() {
        // 3.27.11: a message describes the risk, and what can be done about it.
        text = format!("{text}.\n{}\n{}", finding.meaning(), finding.fix());
    }
    let mut result = json!({
        "ruleId": attack.id,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": {"text": escape_message(&text)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri(&report.target)}}}],
        "partialFingerprints": {"attack/v1": attack.id},
    });
    // 3.27.24: either all results have a baseline state, or none has.
    if let Some(baseline) = &report.baseline {
        result["baselineState"] = baseline.state(finding).into();
    }
    result
}

/// A text without placeholders (3.11.5), and without links that a target may have inserted (3.11.6).
fn escape_message(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}").replace("](", "] (")
}

/// The target's address as a URI (3.4.3): a person may have written it with characters that a URI cannot contain.
fn uri(target: &str) -> String {
    Url::parse(target).map_or_else(|_| target.to_owned(), String::from)
}
