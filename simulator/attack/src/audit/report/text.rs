//! The report as text for a terminal.

// Writing to a `String` does not fail, so the results of `write!` are ignored.
use std::fmt::Write as _;

use soter_bridge::{visible, visible_lines};

use super::Report;
use super::remedy::Code;
use crate::audit::finding::Summary;
use crate::verdict::Verdict;

pub(super) fn text(report: &Report) -> String {
    let mut out = String::new();
    let width = report.findings.iter().map(|finding| finding.attack.id.len()).max().unwrap_or_default();
    for finding in &report.findings {
        let known = if finding.known { " (known)" } else { "" };
        let _ = writeln!(
            out,
            "{:5}  {:width$}  {}{known}",
            finding.verdict.name(),
            finding.attack.id,
            finding.attack.title
        );
        if finding.verdict != Verdict::Pass {
            let _ = writeln!(out, "{:5}  {:width$}  {}", "", "", visible(&finding.reason));
        }
    }
    for finding in report.findings.iter().filter(|finding| finding.needs_attention()) {
        let attack = finding.attack;
        let _ = writeln!(out, "\n{}  {}: {}", finding.verdict.name(), attack.id, attack.title);
        let _ = writeln!(out, "  what happened  {}", visible(&finding.reason));
        let _ = writeln!(out, "  the attempt    {}", finding.attempt());
        let _ = writeln!(out, "  what it means  {}", finding.meaning());
        if let Some(background) = finding.background() {
            let _ = writeln!(out, "  background     {background}");
        }
        let _ = writeln!(out, "  how to fix it  {}", finding.fix());
        if let Some(exchange) = &finding.exchange {
            for (title, text) in [("sent", &exchange.request), ("answered", &exchange.response)] {
                let _ = writeln!(out, "  {title}");
                for line in text.lines() {
                    let _ = writeln!(out, "    {}", visible(line));
                }
            }
            // The command's line ends are part of the request, so its further lines are not indented.
            let _ = writeln!(out, "  again with\n    {}", visible_lines(&exchange.curl));
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
        let _ = writeln!(out, "\nThe code to write instead, for {}: {}", ids.join(", "), remedy.title());
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
    let known = if known > 0 { format!(" ({known} known)") } else { String::new() };
    format!(
        "{} attacks on {}: {pass} pass, {fail} fail, {warn} warn{known}, {skip} skip, {error} error; {:.1} s",
        report.findings.len(),
        visible(&report.target),
        report.duration.as_secs_f64()
    )
}
