//! The plan of an audit, and how it is carried out against either kind of target.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use soter_attack::audit::{
    Baseline, ControlFailed, ControlKind, Finding, Report, ReportKind, Selection, audit,
};
use soter_attack::{Attack, Credentials, Exchange, Form, KeySource, Target, host_is_loopback};
use soter_bridge::protocol::CommandError;
use soter_bridge::visible;
use soter_text::text;
use soter_wechat::{Accounts, Secret};
use soter_wire::shortened;

use super::progress::{Detail, Progress};
use crate::files::{Input, read_input, write_file};
use crate::front::{Console, Exit};
use crate::grammar::Audit;

/// No conclusion is possible: the target cannot be reached, is the wrong one, or broke.
pub(super) const INCONCLUSIVE: Exit = Exit::Of(2);

/// The checked options of an audit.
pub(super) struct Plan {
    pub(super) attacks: Vec<&'static Attack>,
    reports: Vec<(PathBuf, ReportKind)>,
    baseline: Option<Baseline>,
    pub(super) app: Credentials,
    pub(super) keys: KeySource,
    pub(super) timeout: Duration,
    strict: bool,
    allow_remote: bool,
    pub(super) json: bool,
    pub(super) detail: Detail,
}

impl Plan {
    /// Parses and checks the options, before anything is sent.
    pub(super) fn make(audit: &Audit, json: bool) -> Result<Self, CommandError> {
        let reports = audit
            .report
            .iter()
            .map(|path| {
                // Checked before anything is sent: otherwise the report fails only after minutes.
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                if folder.is_some_and(|folder| !folder.is_dir()) {
                    return Err(CommandError::environment(
                        text!("there is no folder for the report {file}", file = path.display()),
                        text!("make the folder first, or name another file"),
                    ));
                }
                Ok((path.clone(), ReportKind::from_path(path)?))
            })
            .collect::<Result<_, CommandError>>()?;
        let baseline = match &audit.baseline {
            Some(path) => Some(Baseline::read(&read_input(Input::from_path(path))?)?),
            None => None,
        };
        Ok(Self {
            attacks: Selection { only: audit.only.clone(), skip: audit.skip.clone() }.attacks()?,
            reports,
            baseline,
            app: credentials(audit),
            keys: audit.seed.as_ref().map_or_else(KeySource::random, |seed| KeySource::seeded(seed.expose())),
            timeout: Duration::from_secs(audit.timeout),
            strict: audit.strict,
            allow_remote: audit.allow_remote,
            json,
            detail: Detail::of(audit),
        })
    }

    /// Refuses a target on another computer, unless that is permitted.
    pub(super) fn check_host(&self, url: &str) -> Result<(), CommandError> {
        if self.allow_remote || host_is_loopback(url) {
            return Ok(());
        }
        let shown = shortened(url, 120);
        Err(CommandError::invalid_params(
            text!("{address} is on another computer", address = shown),
            text!(
                "audit only systems whose owner has permitted it, in writing where it is not you; then add --allow-remote"
            ),
        ))
    }

    /// Plays the attacks, then prints and writes the results.
    pub(super) async fn run<T: Target>(
        &self,
        target: &T,
        address: String,
        console: &mut Console,
    ) -> Result<Exit, CommandError> {
        let start = AuditStart::now(address, target.form());
        let mut progress = Progress::begin(self.detail, self.attacks.len(), &start.address, console);
        let result = audit(target, &self.keys, &self.attacks, |finding| progress.add(finding, console)).await;
        let mut findings = match result {
            Ok(findings) => findings,
            Err(failed) => {
                drop(progress);
                return self.report_failed_control(start, &failed, console);
            }
        };
        progress.end(&findings, console);
        for finding in &mut findings {
            finding.known = self.baseline.as_ref().is_some_and(|baseline| baseline.knows(finding));
        }
        let report = self.report(start, findings);
        let text = if self.json { report.json().to_string() } else { report.text() };
        console.write_answer(&text)?;
        self.write(&report)?;
        Ok(exit(&report))
    }

    /// Reports that the positive control failed. Writes the reports too, because an older one would look like this
    /// audit's.
    pub(super) fn report_failed_control(
        &self,
        start: AuditStart,
        failed: &ControlFailed,
        console: &mut Console,
    ) -> Result<Exit, CommandError> {
        print_inconclusive(failed, start.form, self.keys.is_seeded(), console);
        let report = self.report(start, vec![Finding::for_control(failed)]);
        if self.json {
            console.write_answer(&report.json().to_string())?;
        }
        self.write(&report)?;
        Ok(INCONCLUSIVE)
    }

    fn report(&self, start: AuditStart, findings: Vec<Finding>) -> Report {
        Report {
            target: start.address,
            form: start.form,
            findings,
            baseline: self.baseline.clone(),
            strict: self.strict,
            began: start.at,
            duration: start.clock.elapsed(),
        }
    }

    fn write(&self, report: &Report) -> Result<(), CommandError> {
        self.reports.iter().try_for_each(|(path, kind)| write_file(path, report.render(*kind)?.as_bytes()))
    }
}

/// An audit that has started: the target, and the time.
pub(super) struct AuditStart {
    address: String,
    form: Form,
    at: SystemTime,
    clock: Instant,
}

impl AuditStart {
    pub(super) fn now(address: String, form: Form) -> Self {
        Self { address, form, at: SystemTime::now(), clock: Instant::now() }
    }
}

fn exit(report: &Report) -> Exit {
    if report.summary().error > 0 {
        INCONCLUSIVE
    } else if report.findings.iter().any(|finding| report.fails(finding)) {
        Exit::Negative
    } else {
        Exit::Good
    }
}

/// Prints that honest results are refused, with the exchange that shows it.
fn print_inconclusive(failed: &ControlFailed, form: Form, is_seeded: bool, console: &mut Console) {
    let next = match form {
        _ if failed.control == ControlKind::Negative => {
            text!(
                "say in that section how a success differs from this answer (pointer and value, status or regex), and audit again; if the answer does mean a success, the application accepts garbage"
            )
        }
        Form::Verifier if is_seeded => {
            text!(
                "check --url, --appid and --secret; and with --seed the phones are the same each time: a verifier that remembers their counters refuses them the second time"
            )
        }
        Form::Verifier => {
            text!(
                "check --url, --appid and --secret; the verifier has to take the phones' keys at POST /sim/devices or at --enroll-url"
            )
        }
        Form::Application => {
            text!(
                "check that it runs, that it asks the audit's WeChat servers with the appid and secret above, and the description"
            )
        }
    };
    console.error(&CommandError::environment(
        match failed.control {
            ControlKind::Positive => {
                text!("the positive control failed, so nothing is concluded: {what}", what = failed.what)
            }
            ControlKind::Negative => {
                text!(
                    "your description cannot tell yes from no, so nothing is concluded: {what}",
                    what = failed.what
                )
            }
        },
        next,
    ));
    if let Some(exchange) = &failed.exchange {
        print_exchange(exchange, console);
    }
}

/// Prints what went over the wire, indented.
pub(super) fn print_exchange(exchange: &Exchange, console: &mut Console) {
    for line in [&exchange.request, &exchange.response].into_iter().flat_map(|text| text.lines()) {
        console.stderr_line(&format!("  {}", visible(line)));
    }
}

/// The mini program's credentials: from the options, from the environment variables, or the simulator's own.
fn credentials(audit: &Audit) -> Credentials {
    let default_accounts = Accounts::default();
    let default_app = default_accounts.first_app();
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let appid = audit.appid.clone().or_else(|| variable("SOTER_SIM_APPID"));
    let secret = audit.secret.clone().or_else(|| variable("SOTER_SIM_SECRET").map(Secret::from));
    Credentials {
        appid: appid.unwrap_or_else(|| default_app.appid.clone()),
        secret: secret.unwrap_or_else(|| default_app.secret.clone()),
    }
}
