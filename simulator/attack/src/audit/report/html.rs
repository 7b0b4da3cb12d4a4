//! The report as one HTML page, readable on a phone.

// Writing to a `String` does not fail, so the results of `write!` are ignored.
use std::fmt::Write as _;

use soter_bridge::visible_lines;
use soter_text::{Language, Text, tr, translated};

use super::Report;
use super::remedy::Code;
use crate::audit::finding::{Finding, Summary};
use crate::verdict::Verdict;

const STYLE: &str = include_str!("style.css");

pub(super) fn page(report: &Report) -> String {
    let Summary { pass, fail, warn, skip, error, known } = report.summary();
    let target = escape_html(&report.target);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{heading}</h1>\n<p>{about}</p>\n\
         <ul class=\"counts\">\n",
        language = Language::of_process().tag(),
        title = tr!("soter-sim audit of {target}", target = target),
        heading = tr!("soter-sim audit"),
        about = tr!(
            "{target}, as {form}; began {time}, took {seconds} s",
            target = target,
            form = report.form.label(),
            time = format!("<time>{}</time>", report.began()),
            seconds = format!("{:.1}", report.duration.as_secs_f64())
        ),
    );
    for (class, number, word) in [
        ("fail", fail, tr!("fail")),
        ("warn", warn, tr!("warn")),
        ("error", error, tr!("error")),
        ("pass", pass, tr!("pass")),
        ("skip", skip, tr!("skip")),
    ] {
        let _ = writeln!(out, "<li class=\"{class}\"><b>{number}</b> {word}</li>");
    }
    out.push_str("</ul>\n");
    if known > 0 {
        let _ = writeln!(out, "<p>{}</p>", tr!("{known} of them were known before.", known = known));
    }
    let found: Vec<_> = report.findings.iter().filter(|finding| finding.needs_attention()).collect();
    if found.is_empty() {
        let _ = writeln!(out, "<p>{}</p>", tr!("Nothing was found."));
    } else {
        let _ = writeln!(out, "<h2>{}</h2>", tr!("Findings"));
        for finding in found {
            details(finding, &mut out);
        }
    }
    let _ = writeln!(out, "<h2>{}</h2>\n<ul class=\"all\">", tr!("All attacks"));
    for finding in &report.findings {
        let attack = finding.attack;
        let _ = writeln!(
            out,
            "<li><span class=\"verdict {}\">{}</span> <code>{}</code> {}<small>{}</small></li>",
            class(finding.verdict),
            finding.verdict.label().localized(),
            attack.id,
            escape_html(translated(attack.title)),
            escape_html(&finding.reason.localized())
        );
    }
    let _ = write!(
        out,
        "</ul>\n<footer>{}</footer>\n</main>\n</body>\n</html>\n",
        tr!(
            "soter-sim {version}. The phones of this audit are emulated.",
            version = env!("CARGO_PKG_VERSION")
        )
    );
    out
}

fn details(finding: &Finding, out: &mut String) {
    let attack = finding.attack;
    let _ = writeln!(
        out,
        "<details open>\n<summary><span class=\"verdict {}\">{}</span> <code>{}</code> {}</summary>\n<dl>",
        class(finding.verdict),
        finding.verdict.label().localized(),
        attack.id,
        escape_html(&finding.title())
    );
    for (term, text) in [
        (tr!("What happened"), &*finding.reason.localized()),
        (tr!("The attempt"), &finding.attempt().localized()),
        (tr!("What it means"), translated(finding.meaning())),
        (tr!("Background"), finding.background().map(translated).unwrap_or_default()),
        (tr!("How to fix it"), translated(finding.fix())),
    ] {
        if !text.is_empty() {
            let _ = writeln!(out, "<dt>{term}</dt><dd>{}</dd>", escape_html(text));
        }
    }
    out.push_str("</dl>\n");
    if let Some(remedy) = finding.remedy() {
        let _ = writeln!(
            out,
            "<details class=\"code\">\n<summary>{}</summary>",
            escape_html(&tr!("The code to write instead: {title}", title = Text::whole(remedy.title())))
        );
        for Code { language, text } in remedy.code() {
            let _ = writeln!(out, "<h3>{}</h3>\n<pre>{}</pre>", language.name(), escape_html(text));
        }
        out.push_str("</details>\n");
    }
    if let Some(exchange) = &finding.exchange {
        for (title, text) in [
            (tr!("Sent"), &exchange.request),
            (tr!("Answered"), &exchange.response),
            (tr!("Again with"), &exchange.curl),
        ] {
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
