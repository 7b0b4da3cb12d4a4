//! The report as one HTML page, readable on a phone.

// Writing to a `String` does not fail, so the results of `write!` are ignored.
use std::fmt::Write as _;

use soter_bridge::visible_lines;

use super::Report;
use super::remedy::Code;
use crate::audit::finding::{Finding, Summary};
use crate::verdict::Verdict;

const STYLE: &str = include_str!("style.css");

pub(super) fn page(report: &Report) -> String {
    let Summary { pass, fail, warn, skip, error, known } = report.summary();
    let target = escape_html(&report.target);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>soter-sim audit of {target}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>soter-sim audit</h1>\n<p>{target}, as {}; began <time>{}</time>, took {:.1} s</p>\n\
         <ul class=\"counts\">\n",
        report.form.name(),
        report.began(),
        report.duration.as_secs_f64()
    );
    for (class, number, word) in [
        ("fail", fail, "fail"),
        ("warn", warn, "warn"),
        ("error", error, "error"),
        ("pass", pass, "pass"),
        ("skip", skip, "skip"),
    ] {
        let _ = writeln!(out, "<li class=\"{class}\"><b>{number}</b> {word}</li>");
    }
    out.push_str("</ul>\n");
    if known > 0 {
        let _ = writeln!(out, "<p>{known} of them were known before.</p>");
    }
    let found: Vec<_> = report.findings.iter().filter(|finding| finding.needs_attention()).collect();
    if found.is_empty() {
        out.push_str("<p>Nothing was found.</p>\n");
    } else {
        out.push_str("<h2>Findings</h2>\n");
        for finding in found {
            details(finding, &mut out);
        }
    }
    out.push_str("<h2>All attacks</h2>\n<ul class=\"all\">\n");
    for finding in &report.findings {
        let attack = finding.attack;
        let _ = writeln!(
            out,
            "<li><span class=\"verdict {}\">{}</span> <code>{}</code> {}<small>{}</small></li>",
            class(finding.verdict),
            finding.verdict.name(),
            attack.id,
            escape_html(attack.title),
            escape_html(&finding.reason)
        );
    }
    let _ = write!(
        out,
        "</ul>\n<footer>soter-sim {}. The phones of this audit are emulated.</footer>\n</main>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    );
    out
}

fn details(finding: &Finding, out: &mut String) {
    let attack = finding.attack;
    let known = if finding.known { " (known)" } else { "" };
    let _ = writeln!(
        out,
        "<details open>\n<summary><span class=\"verdict {}\">{}</span> <code>{}</code> {}{known}</summary>\n<dl>",
        class(finding.verdict),
        finding.verdict.name(),
        attack.id,
        escape_html(attack.title)
    );
    for (term, text) in [
        ("What happened", finding.reason.as_str()),
        ("The attempt", &finding.attempt()),
        ("What it means", finding.meaning()),
        ("Background", finding.background().unwrap_or_default()),
        ("How to fix it", finding.fix()),
    ] {
        if !text.is_empty() {
            let _ = writeln!(out, "<dt>{term}</dt><dd>{}</dd>", escape_html(text));
        }
    }
    out.push_str("</dl>\n");
    if let Some(remedy) = finding.remedy() {
        let _ = writeln!(
            out,
            "<details class=\"code\">\n<summary>The code to write instead: {}</summary>",
            escape_html(remedy.title())
        );
        for Code { language, text } in remedy.code() {
            let _ = writeln!(out, "<h3>{}</h3>\n<pre>{}</pre>", language.name(), escape_html(text));
        }
        out.push_str("</details>\n");
    }
    if let Some(exchange) = &finding.exchange {
        for (title, text) in
            [("Sent", &exchange.request), ("Answered", &exchange.response), ("Again with", &exchange.curl)]
        {
            let _ = writeln!(out, "<h3>{title}</h3>\n<pre>{}</pre>", escape_html(text));
        }
    }
    out.push_str("</details>\n");
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Warn => "warn",
        Verdict::Skip => "skip",
        Verdict::Error => "error",
    }
}

/// Text without markup and without characters that control the display.
fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in visible_lines(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}
