//! The report as JUnit XML.
//!
//! The library silently removes control characters, and keeps U+FFFE and U+FFFF, with which a document is not
//! well-formed XML. So texts from a target go through [`visible()`] first.

use chrono::{DateTime, Utc};
use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};
use soter_bridge::protocol::CommandError;
use soter_bridge::{visible, visible_lines};

use super::Report;
use super::remedy::Code;
use crate::audit::finding::Finding;
use crate::verdict::Verdict;

pub(super) fn document(report: &Report) -> Result<String, CommandError> {
    let mut suite = TestSuite::new("soter-sim audit");
    suite.set_timestamp(DateTime::<Utc>::from(report.began)).set_time(report.duration);
    suite.add_property(Property::new("target", visible(&report.target)));
    suite.add_test_cases(report.findings.iter().map(|finding| case(report, finding)));
    let mut document = quick_junit::Report::new("soter-sim audit");
    document.set_timestamp(DateTime::<Utc>::from(report.began)).set_time(report.duration);
    document.add_test_suite(suite);
    document
        .to_string()
        .map_err(|error| CommandError::defect(format!("a report does not serialise: {error}")))
}

fn case(report: &Report, finding: &Finding) -> TestCase {
    let attack = finding.attack;
    let failed = |kind| {
        let mut status = TestCaseStatus::non_success(kind);
        status
            .set_message(visible(finding.reason.english()))
            .set_type(finding.verdict.name())
            .set_description(visible_lines(&detail(finding)));
        status
    };
    let status = match finding.verdict {
        Verdict::Fail | Verdict::Warn if report.fails(finding) => failed(NonSuccessKind::Failure),
        Verdict::Pass | Verdict::Fail | Verdict::Warn => TestCaseStatus::success(),
        Verdict::Error => failed(NonSuccessKind::Error),
        Verdict::Skip => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(visible(finding.reason.english()));
            status
        }
    };
    let mut case = TestCase::new(format!("{} {}", attack.id, attack.title), status);
    case.set_classname(format!("soter-sim.audit.{}", attack.layer.name()));
    if finding.verdict == Verdict::Warn || finding.known {
        case.set_system_out(format!("{}: {}", finding.verdict.name(), visible(finding.reason.english())));
    }
    case
}

fn detail(finding: &Finding) -> String {
    let exchange = finding.exchange.as_ref().map_or_else(String::new, |exchange| {
        format!("\n\n{}\n\n{}\n\n{}", exchange.request, exchange.response, exchange.curl)
    });
    let code = finding.remedy().map_or_else(String::new, |remedy| {
        let code = remedy.code().map(|Code { language, text }| format!("{}:\n{text}", language.name()));
        format!("\n\nThe code to write instead: {}\n{}", remedy.title(), code.join("\n"))
    });
    let background = finding.background().map_or_else(String::new, |background| format!("{background}\n"));
    let (attempt, meaning, fix) = (finding.attempt(), finding.meaning(), finding.fix());
    let attempt = attempt.english();
    format!("{attempt}\n{meaning}\n{background}{fix}{exchange}{code}")
}
