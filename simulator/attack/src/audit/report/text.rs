//! The report as text for a terminal.

// Writing to a `String` does not fail, so the results of `write!` are ignored.
use std::fmt::Write as _;

use soter_bridge::{visible, visible_lines};
use soter_text::{Text, text, tr, translated};
use unicode_width::UnicodeWidthStr;

use super::Report;
use super::remedy::Code;
use crate::audit::finding::Summary;
use crate::columns::padded;
use crate::verdict::Verdict;

pub(super) fn text(report: &Report) -> String {
    let mut out = String::new();
    let width = report.findings.iter().map(|finding| finding.attack.id.len()).max().unwrap_or_default();
    for finding in &report.findings {
        let verdict = finding.verdict.column();
        let verdict_width = verdict.width();
        let _ = writeln!(out, "{verdict}  {:width$}  {}", finding.attack.id, finding.title());
        if finding.verdict != Verdict::Pass {
            let _ = writeln!(
                out,
                "{:verdict_width$}  {:width$}  {}",
                "",
                "",
                visible(&finding.reason.localized())
            );
        }
    }
    for finding in report.findings.iter().filter(|finding| finding.needs_attention()) {
        let attack = finding.attack;
        let (verdict, title) = (finding.verdict.label(), Text::whole(attack.title));
        let heading = tr!("{verdict}  {id}: {title}", verdict = verdict, id = attack.id, title = title);
        let _ = writeln!(out, "\n{heading}");
        let mut parts = vec![
            (tr!("what happened"), visible(&finding.reason.localized()).to_string()),
            (tr!("the attempt"), finding.attempt().localized().into_owned()),
            (tr!("what it means"), translated(finding.meaning()).to_owned()),
        ];
        parts.extend(finding.background().map(|text| (tr!("background"), translated(text).to_owned())));
        parts.push((tr!("how to fix it"), translated(finding.fix()).to_owned()));
        let width = parts.iter().map(|(name, _)| name.width()).max().unwrap_or_default();
        for (name, text) in parts {
            let _ = writeln!(out, "  {}  {text}", padded(&name, width));
        }
        if let Some(exchange) = &finding.exchange {
            for (title, text) in [(tr!("sent"), &exchange.request), (tr!("answered"), &exchange.response)] {
                let _ = writeln!(out, "  {title}");
                for line in text.lines() {
                    let _ = writeln!(out, "    {}", visible(line));
                }
            }
            // The command's line ends are part of the request, so its further lines are not indented.
            let _ = writeln!(out, "  {}\n    {}", tr!("again with"), visible_lines(&exchange.curl));
        }
    }
    write_code(report, &mut out);
    let _ = write!(out, "\n{}", summary_line(report));
    out
}

/// The code to write instead, once for all failures that it is about.
fn write_code(report: &Report, out: &mut String) {
    for (remedy, failed) in report.remedies() {
        let ids: Vec<_> = failed.iter().map(|finding| finding.attack.id).collect();
        let heading = tr!(
            "The code to write instead, for {ids}: {title}",
            ids = ids.join(", "),
            title = Text::whole(remedy.title())
        );
        let _ = writeln!(out, "\n{heading}");
        for Code { language, text } in remedy.code() {
            let _ = writeln!(out, "  {}", language.name());
            for line in text.lines() {
                let _ = writeln!(out, "{}", format!("    {line}").trim_end());
            }
        }
    }
}

pub(super) fn summary_line(report: &Report) -> String {
    let Summary { pass, fail, warn, skip, error, known } = report.summary();
    let warn = if known > 0 {
        text!("{count} warn ({known} known)", count = warn, known = known)
    } else {
        text!("{count} warn", count = warn)
    };
    tr!(
        "{count} attacks on {target}: {pass} pass, {fail} fail, {warn}, {skip} skip, {error} error; {seconds} s",
        count = report.findings.len(),
        target = visible(&report.target),
        pass = pass,
        fail = fail,
        warn = warn,
        skip = skip,
        error = error,
        seconds = format!("{:.1}", report.duration.as_secs_f64())
    )
}
