//! How far an audit is, on standard error: a bar at a terminal, and lines in a pipe.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use soter_attack::Verdict;
use soter_attack::audit::{Finding, Summary};
use soter_text::{tr, translated};

use crate::front::Console;
use crate::grammar::Audit;
use crate::stderr;

/// The bar, the number of attacks, and the time that is left, judged by the attacks so far.
fn template() -> String {
    // These places are filled in by the bar itself.
    let [done, all, left] = ["{pos}", "{len}", "{eta}"];
    let text = tr!("{done}/{all} attacks, about {left} left", done = done, all = all, left = left);
    format!("{{wide_bar}} {text}{{msg}}")
}

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// Nothing.
    Quiet,
    /// How far it is, and the findings that a person has to look at.
    Usual,
    /// A line for every attack.
    Verbose,
}

impl Detail {
    /// As the options say.
    pub(super) fn of(audit: &Audit) -> Self {
        match audit {
            Audit { quiet: true, .. } => Self::Quiet,
            Audit { verbose: true, .. } => Self::Verbose,
            _ => Self::Usual,
        }
    }
}

/// The progress of an audit.
pub(super) struct Progress {
    detail: Detail,
    bar: Option<ProgressBar>,
    done: usize,
    all: usize,
    to_look_at: usize,
}

impl Progress {
    /// Begins to show the progress of this number of attacks.
    pub(super) fn begin(detail: Detail, all: usize, target: &str, console: &mut Console) -> Self {
        if detail != Detail::Quiet {
            console.stderr_line(&tr!("{count} attacks on {target}", count = all, target = target));
        }
        // A terminal that cannot move the cursor cannot draw a bar.
        let is_plain = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let draws = detail == Detail::Usual && io::stderr().is_terminal() && !is_plain;
        let bar = draws.then(|| bar(all));
        if let Some(bar) = &bar {
            let above = bar.clone();
            stderr::print_log_with(move |text| {
                above.println(text.trim_end_matches('\n'));
                true
            });
        }
        Self { detail, bar, done: 0, all, to_look_at: 0 }
    }

    /// Shows that an attack was played.
    pub(super) fn add(&mut self, finding: &Finding, console: &mut Console) {
        self.done += 1;
        let is_to_look_at = matches!(finding.verdict, Verdict::Fail | Verdict::Warn | Verdict::Error);
        self.to_look_at += usize::from(is_to_look_at);
        let is_shown = match self.detail {
            Detail::Quiet => false,
            Detail::Usual => is_to_look_at,
            Detail::Verbose => true,
        };
        let width = self.all.to_string().len();
        let line = tr!(
            "{done}/{all} {verdict} {id}: {title}",
            done = format!("{:width$}", self.done),
            all = self.all,
            verdict = finding.verdict.column(),
            id = finding.attack.id,
            title = translated(finding.attack.title)
        );
        match &self.bar {
            Some(bar) => {
                if is_shown {
                    bar.println(line);
                    bar.set_message(tr!(", {count} to look at", count = self.to_look_at));
                }
                bar.inc(1);
            }
            None if is_shown => console.stderr_line(&line),
            None => {}
        }
    }

    /// Ends it, with the numbers of all findings.
    pub(super) fn end(mut self, findings: &[Finding], console: &mut Console) {
        let has_bar = self.bar.is_some();
        self.remove_bar();
        if self.detail != Detail::Quiet && !has_bar {
            let Summary { pass, fail, warn, skip, error, .. } = Summary::from_findings(findings);
            let count = findings.len();
            console.stderr_line(&tr!(
                "{count} attacks done: {pass} pass, {fail} fail, {warn} warn, {skip} skip, {error} error",
                count = count,
                pass = pass,
                fail = fail,
                warn = warn,
                skip = skip,
                error = error
            ));
        }
    }

    fn remove_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
            stderr::print_log_to_stderr();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.remove_bar();
    }
}

fn bar(all: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(all).unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template(&template()) {
        bar.set_style(style.progress_chars("=> "));
    }
    // The time that is left goes on while an attack takes long.
    bar.enable_steady_tick(Duration::from_secs(1));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_valid() {
        assert!(ProgressStyle::with_template(&template()).is_ok());
    }
}
