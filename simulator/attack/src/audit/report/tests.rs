use std::path::Path;

use quick_junit::TestCaseStatus;
use serde_json::{Value, json};

use soter_text::Text;

use super::*;
use crate::catalogue::{catalogue, find};
use crate::target::Exchange;

fn report() -> Report {
    let finding = |id: &str, verdict, reason: &str, exchange| Finding {
        attack: find(id).unwrap(),
        verdict,
        reason: Text::verbatim(reason),
        exchange,
        known: false,
    };
    let odd = "<script>\u{0}\u{1b}[2J & \"quotes\" \u{202e}\u{200b}]]>".to_owned();
    let exchange = Exchange { request: odd.clone(), response: odd.clone(), curl: odd.clone() };
    let findings = vec![
        finding("SOTER-REPLAY-01", Verdict::Pass, "refused", None),
        finding("SOTER-REPLAY-02", Verdict::Fail, &odd, Some(exchange)),
        finding("SOTER-REPLAY-03", Verdict::Skip, "no restart", None),
        finding("SOTER-REPLAY-04", Verdict::Warn, "by breaking", None),
        finding("SOTER-REPLAY-05", Verdict::Error, "gone", None),
    ];
    Report {
        target: "http://127.0.0.1:1".to_owned(),
        form: Form::Verifier,
        findings,
        baseline: None,
        strict: false,
        began: SystemTime::UNIX_EPOCH + Duration::from_millis(1_792_582_245_678),
        duration: Duration::from_secs(2),
    }
}

#[test]
fn the_json_report_has_the_counts_and_one_result_for_each_attack() {
    let json: Value = serde_json::from_str(&report().render(ReportKind::Json).unwrap()).unwrap();
    for verdict in ["pass", "fail", "warn", "skip", "error"] {
        assert_eq!(json["summary"][verdict], 1, "{verdict}");
    }
    let results = json["results"].as_array().unwrap();
    assert_eq!(results.len(), 5);
    assert_eq!((&results[1]["id"], &results[1]["verdict"]), (&json!("SOTER-REPLAY-02"), &json!("FAIL")));
    assert!(results[1]["fix"].is_string() && results[1]["curl"].is_string() && results[0]["curl"].is_null());
}

#[test]
fn braces_in_the_text_of_an_attack_are_shown_in_both_languages() {
    let attack = catalogue().find(|attack| attack.making.contains("`{{challenge}}`")).unwrap();
    let finding = Finding { attack, ..report().findings.remove(0) };
    for language in soter_text::Language::ALL {
        let attempt = finding.attempt();
        let attempt = attempt.in_language(language);
        assert!(attempt.contains("`{{challenge}}`") && attempt.contains("`{}`"), "{attempt}");
    }
}

#[test]
fn the_junit_report_can_be_parsed_whatever_the_target_answers() {
    let xml = report().render(ReportKind::JUnit).unwrap();
    let read = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    let suite = &read.test_suites[0];
    assert_eq!((suite.tests, suite.failures, suite.errors, suite.test_cases.len()), (5, 1, 1, 5));
    let strict = Report { strict: true, ..report() }.render(ReportKind::JUnit).unwrap();
    assert_eq!(quick_junit::Report::deserialize_from_str(&strict).unwrap().test_suites[0].failures, 2);
    assert!(!xml.contains('\u{0}') && !xml.contains('\u{1b}'));
}

#[test]
fn the_junit_report_is_xml_whatever_characters_a_target_sends() {
    let every: String = ('\0'..='\u{ffff}').chain(['\u{1fffe}', '\u{10ffff}']).collect();
    let mut report = report();
    report.target.push_str(&every);
    for finding in &mut report.findings {
        finding.reason = Text::verbatim(&every);
        let text = || every.clone();
        finding.exchange = Some(Exchange { request: text(), response: text(), curl: text() });
    }
    let xml = report.render(ReportKind::JUnit).unwrap();
    // https://www.w3.org/TR/xml/#charsets
    let is_char = |character| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(xml.chars().all(is_char));
    let read = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    let TestCaseStatus::NonSuccess { message, .. } = &read.test_suites[0].test_cases[1].status else {
        panic!("{read:?}")
    };
    assert_eq!(message.as_deref(), Some(&*soter_bridge::visible(&every)));
}

#[test]
fn report_files_say_when_the_audit_began() {
    let written = |kind| report().render(kind).unwrap();
    assert!(written(ReportKind::Json).contains("\"began\": \"2026-10-21T11:30:45Z\""));
    assert!(written(ReportKind::Html).contains("began <time>2026-10-21T11:30:45Z</time>"));
    let junit = quick_junit::Report::deserialize_from_str(&written(ReportKind::JUnit)).unwrap();
    for timestamp in [junit.timestamp, junit.test_suites[0].timestamp] {
        assert_eq!(timestamp.unwrap().timestamp(), 1_792_582_245);
    }
}

#[test]
fn every_report_says_what_each_verdict_means() {
    let report = Report { strict: true, ..report() };
    let [_, fail, _, warn, error] = report.findings.as_slice() else { panic!("{report:?}") };
    assert_eq!((fail.meaning(), fail.fix()), (fail.attack.meaning, fail.attack.fix));
    assert!(
        warn.meaning().starts_with("No weakness is proven") && warn.fix().contains("answer with a refusal")
    );
    assert!(error.meaning().starts_with("Nothing can be said") && error.fix().ends_with("audit again."));
    let written = |kind| report.render(kind).unwrap();
    let sarif: Value = serde_json::from_str(&written(ReportKind::Sarif)).unwrap();
    let results = sarif["runs"][0]["results"].to_string();
    let [page, json, junit] = [ReportKind::Html, ReportKind::Json, ReportKind::JUnit].map(written);
    for text in [report.text(), page, json, junit, results] {
        for finding in [fail, warn, error] {
            assert!(text.contains(finding.meaning()) && text.contains(finding.fix()), "{text}");
        }
        for Finding { attack, .. } in [warn, error] {
            assert!(!text.contains(attack.meaning) && !text.contains(attack.fix), "{text}");
        }
    }
}

#[test]
fn a_failure_is_explained_with_code_in_four_languages_and_a_warning_without() {
    let mut report = report();
    let written = |report: &Report, kind| report.render(kind).unwrap();
    for kind in ReportKind::ALL {
        let text = written(&report, kind);
        for line in [
            "await db.query",
            "cursor.execute",
            "db.prepareStatement",
            "tx.ExecContext",
            "at the same moment",
        ] {
            assert!(text.contains(line), "{kind:?}: {line}");
        }
    }
    let sarif = written(&report, ReportKind::Sarif);
    assert!(sarif.contains("```javascript\\n") && sarif.contains("```go\\n"), "{sarif}");
    let json: Value = serde_json::from_str(&written(&report, ReportKind::Json)).unwrap();
    // The second attack of replays is a race.
    assert_eq!(json["results"][1]["remedy"], "use-once");
    assert_eq!(json["remedies"].as_object().unwrap().len(), 1);
    assert!(json["results"][1]["background"].as_str().unwrap().contains("at the same moment"));
    assert!(
        json["results"][1]["attempt"].as_str().unwrap().starts_with("The attacker has a recorded result.")
    );
    assert!(json["results"][3]["remedy"].is_null() && json["results"][3]["background"].is_string());
    assert!(json["results"][4]["background"].is_null(), "{json}");

    // Once for all failures that it is about.
    report.findings[0].verdict = Verdict::Fail;
    let text = report.text();
    assert_eq!(text.matches("The code to write instead").count(), 1, "{text}");
    assert!(text.contains("for SOTER-REPLAY-01, SOTER-REPLAY-02: take the order in one UPDATE"), "{text}");
    for language in ["  Node\n", "  Python\n", "  Java\n", "  Go\n"] {
        assert_eq!(text.matches(language).count(), 1, "{language}");
    }
    for finding in &mut report.findings {
        finding.verdict = Verdict::Warn;
    }
    for text in [report.text(), written(&report, ReportKind::Html), written(&report, ReportKind::Json)] {
        assert!(!text.contains("UPDATE orders"), "{text}");
    }
}

#[test]
fn the_html_report_has_no_markup_from_the_target_and_loads_nothing() {
    let page = report().render(ReportKind::Html).unwrap();
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"), "{page}");
    assert!(page.contains("\\u{202e}\\u{200b}") && !page.contains(['\u{202e}', '\u{200b}']));
    assert!(!page.contains("http://www") && !page.contains("src=") && !page.contains("href="));
    assert!(page.contains("width=device-width"));
}

#[test]
fn the_sarif_log_has_a_rule_for_each_result() {
    let log: Value = serde_json::from_str(&report().render(ReportKind::Sarif).unwrap()).unwrap();
    let run = &log["runs"][0];
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    }
    assert_eq!(run["results"][1]["level"], "error");
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    assert_eq!(run["invocations"][0]["startTimeUtc"], "2026-10-21T11:30:45Z");
}

fn sarif_results(report: &Report) -> Vec<Value> {
    let log: Value = serde_json::from_str(&report.render(ReportKind::Sarif).unwrap()).unwrap();
    log["runs"][0]["results"].as_array().unwrap().clone()
}

#[test]
fn results_of_a_sarif_log_have_a_level_only_if_they_are_failures() {
    let kinds: Vec<_> =
        sarif_results(&report()).iter().map(|result| json!([result["kind"], result["level"]])).collect();
    let expected = json!([
        ["pass", "none"],
        ["fail", "error"],
        ["notApplicable", "none"],
        ["fail", "warning"],
        ["open", "none"]
    ]);
    assert_eq!(Value::from(kinds), expected);
}

#[test]
fn every_result_of_a_sarif_log_has_a_baseline_state_only_if_there_is_a_baseline() {
    assert!(sarif_results(&report()).iter().all(|result| result["baselineState"].is_null()));
    let earlier = json!({"results": [
        {"id": "SOTER-REPLAY-01", "verdict": "PASS"},
        {"id": "SOTER-REPLAY-02", "verdict": "PASS"},
        {"id": "SOTER-REPLAY-03", "verdict": "ERROR"},
        {"id": "SOTER-REPLAY-04", "verdict": "FAIL"},
        {"id": "SOTER-REPLAY-05", "verdict": "FAIL"},
    ]});
    let baseline = Baseline::read(earlier.to_string().as_bytes()).unwrap();
    let results = sarif_results(&Report { baseline: Some(baseline), ..report() });
    let states: Vec<_> = results.iter().map(|result| result["baselineState"].as_str().unwrap()).collect();
    assert_eq!(states, ["unchanged", "new", "updated", "updated", "updated"]);
}

#[test]
fn a_targets_text_is_neither_a_placeholder_nor_a_link_in_a_sarif_log() {
    let mut report = report();
    report.findings[1].reason = Text::verbatim("{0} [here](http://127.0.0.1:2/)");
    report.target = "http://127.0.0.1:1/a b".to_owned();
    let result = &sarif_results(&report)[1];
    let text = result["message"]["text"].as_str().unwrap();
    assert!(text.contains("{{0}} [here] (http"), "{text}");
    assert_eq!(
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        "http://127.0.0.1:1/a%20b"
    );
}

#[test]
fn the_text_ends_with_the_counts_and_has_no_control_characters() {
    let text = report().text();
    let last = text.lines().last().unwrap();
    assert!(last.contains("1 pass, 1 fail, 1 warn, 1 skip, 1 error"), "{last}");
    assert!(
        text.contains("\\u{1b}[2J") && text.contains("\\u{202e}\\u{200b}") && text.contains("how to fix it")
    );
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{200b}']), "{text}");
}

/// Runs the command that a person copies out of the report in a shell.
#[cfg(unix)]
#[test]
fn a_request_of_several_lines_can_be_copied_from_the_text_and_repeated() {
    let mut report = report();
    report.findings.truncate(2);
    let curl = "curl -sS -X POST -H 'a: b' --data-binary 'one\n  two\n' 'http://127.0.0.1:1/'";
    let exchange = Exchange { request: String::new(), response: String::new(), curl: curl.to_owned() };
    report.findings[1].exchange = Some(exchange);
    let text = report.text();
    let (_, copied) = text.split_once("again with\n").unwrap();
    let (copied, _) = copied.split_once("\n\nThe code to write").unwrap();
    let script = format!("curl() {{ for argument; do printf '<%s>' \"$argument\"; done; }}\n{copied}\n");
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "<-sS><-X><POST><-H><a: b><--data-binary><one\n  two\n><http://127.0.0.1:1/>"
    );
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn the_extension_of_a_file_selects_the_report_format() {
    for (path, kind) in [
        ("a.json", ReportKind::Json),
        ("a.XML", ReportKind::JUnit),
        ("a.sarif", ReportKind::Sarif),
        ("b/a.html", ReportKind::Html),
    ] {
        assert_eq!(ReportKind::from_path(Path::new(path)), Ok(kind));
    }
    assert!(ReportKind::from_path(Path::new("report")).unwrap_err().next.english().contains(".sarif"));
}
