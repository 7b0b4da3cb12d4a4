//! `soter-sim audit`: every attack against one's own backend, and what came of it.

mod application;
mod verifier;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use soter_attack::audit::{Baseline, ControlFailed, Finding, Report, ReportKind, Selection, audit};
use soter_attack::{Attack, Credentials, Form, INITIAL, KeySource, Layer, Target, host_is_loopback};
use soter_bridge::protocol::CommandError;
use soter_bridge::visible;
use soter_wechat::Accounts;
use soter_wechat::Secret;
use soter_wire::shortened;

use crate::files::{Input, read_input, write_file};
use crate::front::{Console, Exit};
use crate::grammar::{Audit, Options};

use super::setup;

/// Nothing can be concluded: the target is dead, wrong, or broke.
const INCONCLUSIVE: Exit = Exit::Of(2);

/// Audits a backend, and ends with what was found.
///
/// # Errors
/// The user's or the environment's, before anything was sent.
pub(super) fn run(audit: &Audit, options: &Options, console: &mut Console) -> Result<Exit, CommandError> {
    if let Some(path) = &audit.init {
        return initialise(path, console);
    }
    let plan = Plan::make(audit, options.json)?;
    if audit.dry_run {
        return dry_run(&plan, audit, console);
    }
    let runtime = setup::runtime()?;
    if let Some(path) = &audit.config {
        runtime.block_on(application::run(path, audit, &plan, console))
    } else if audit.preset.is_some() {
        runtime.block_on(verifier::run(audit, &plan, console))
    } else {
        Err(CommandError::invalid_params(
            "nothing to audit is named",
            "name an application with --config FILE (--init writes one), or a verifier with --preset wechat --url BASE",
        ))
    }
}

/// What was asked for, checked.
struct Plan {
    attacks: Vec<&'static Attack>,
    reports: Vec<(std::path::PathBuf, ReportKind)>,
    baseline: Option<Baseline>,
    app: Credentials,
    keys: KeySource,
    timeout: Duration,
    strict: bool,
    allow_remote: bool,
    json: bool,
}

impl Plan {
    fn make(audit: &Audit, json: bool) -> Result<Self, CommandError> {
        let reports = audit
            .report
            .iter()
            .map(|path| {
                // Before anything is sent: a report that cannot be written is found out after minutes otherwise.
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                if folder.is_some_and(|folder| !folder.is_dir()) {
                    return Err(CommandError::environment(
                        format!("there is no folder for the report {}", path.display()),
                        "make the folder first, or name another file",
                    ));
                }
                Ok((path.clone(), ReportKind::of(path)?))
            })
            .collect::<Result<_, CommandError>>()?;
        let baseline = match &audit.baseline {
            Some(path) => Some(Baseline::read(&read_input(Input::named(path))?)?),
            None => None,
        };
        Ok(Self {
            attacks: Selection { only: audit.only.clone(), skip: audit.skip.clone() }.attacks()?,
            reports,
            baseline,
            app: credentials(audit),
            keys: audit.seed.as_deref().map_or_else(KeySource::random, KeySource::seeded),
            timeout: Duration::from_secs(audit.timeout),
            strict: audit.strict,
            allow_remote: audit.allow_remote,
            json,
        })
    }

    /// Refuses a target on another computer, unless that was permitted.
    fn check_host(&self, url: &str) -> Result<(), CommandError> {
        if self.allow_remote || host_is_loopback(url) {
            return Ok(());
        }
        let shown = shortened(url, 120);
        Err(CommandError::invalid_params(
            format!("{shown} is on another computer"),
            "audit only systems whose owner has permitted it, in writing where it is not you; then add --allow-remote",
        ))
    }

    /// Plays the attacks, prints and writes what came of them.
    async fn carry_out<T: Target>(
        &self,
        target: &T,
        address: String,
        console: &mut Console,
    ) -> Result<Exit, CommandError> {
        let begun = Begun::now(address, target.form());
        let (mut done, all) = (0, self.attacks.len());
        let width = all.to_string().len();
        let played = audit(target, &self.keys, &self.attacks, |finding| {
            done += 1;
            let (verdict, id) = (finding.verdict.name(), finding.attack.id);
            console.aside(&format!("{done:width$}/{all} {verdict:5} {id}"));
        })
        .await;
        let mut findings = match played {
            Ok(findings) => findings,
            Err(failed) => return self.give_up(begun, &failed, console),
        };
        for finding in &mut findings {
            finding.known = self.baseline.as_ref().is_some_and(|baseline| baseline.knows(finding));
        }
        let report = self.report(begun, findings);
        let text = if self.json { report.json().to_string() } else { report.text() };
        let _ = console.answer(&text)?;
        self.write(&report)?;
        Ok(exit(&report))
    }

    /// Tells that the positive control failed, in every report as well: an earlier one would pass for this audit's.
    fn give_up(
        &self,
        begun: Begun,
        failed: &ControlFailed,
        console: &mut Console,
    ) -> Result<Exit, CommandError> {
        inconclusive(failed, begun.form, self.keys.is_seeded(), console);
        let report = self.report(begun, vec![Finding::of_control(failed)]);
        if self.json {
            let _ = console.answer(&report.json().to_string())?;
        }
        self.write(&report)?;
        Ok(INCONCLUSIVE)
    }

    fn report(&self, begun: Begun, findings: Vec<Finding>) -> Report {
        Report {
            target: begun.address,
            form: begun.form,
            findings,
            baseline: self.baseline.clone(),
            strict: self.strict,
            began: begun.at,
            took: begun.clock.elapsed(),
        }
    }

    fn write(&self, report: &Report) -> Result<(), CommandError> {
        self.reports.iter().try_for_each(|(path, kind)| write_file(path, report.written(*kind)?.as_bytes()))
    }
}

/// An audit that has begun: when, and of what.
struct Begun {
    address: String,
    form: Form,
    at: SystemTime,
    clock: Instant,
}

impl Begun {
    fn now(address: String, form: Form) -> Self {
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

/// Tells that honest results are refused, with the exchange that shows it.
fn inconclusive(failed: &ControlFailed, form: Form, is_seeded: bool, console: &mut Console) {
    let next = match form {
        Form::Verifier if is_seeded => {
            "check --url, --appid and --secret; and with --seed the phones are the same each time: a verifier that remembers their counters refuses them the second time"
        }
        Form::Verifier => {
            "check --url, --appid and --secret; the verifier has to take the phones' keys at POST /sim/devices or at --enroll-url"
        }
        Form::Application => {
            "check that it runs, that it asks the audit's WeChat servers with the appid and secret above, and the description"
        }
    };
    console.error(&CommandError::environment(
        format!("the positive control failed, so nothing is concluded: {}", failed.what),
        next,
    ));
    if let Some(exchange) = &failed.exchange {
        for line in [&exchange.request, &exchange.response].into_iter().flat_map(|text| text.lines()) {
            console.aside(&format!("  {}", visible(line)));
        }
    }
}

/// Lists what would be played.
fn dry_run(plan: &Plan, audit: &Audit, console: &mut Console) -> Result<Exit, CommandError> {
    let is_verifier = audit.preset.is_some();
    let applies = |attack: &Attack| !is_verifier || attack.layer == Layer::Verifier;
    let text = if plan.json {
        let listed = plan.attacks.iter().map(|attack| {
            json!({
                "id": attack.id,
                "layer": attack.layer.name(),
                "expected": attack.expected.name(),
                "title": attack.title,
                "play": applies(attack),
            })
        });
        listed.collect::<Value>().to_string()
    } else {
        let lines: Vec<String> = plan
            .attacks
            .iter()
            .map(|attack| {
                let mark = if applies(attack) { "play" } else { "skip" };
                format!("{mark}  {}  {}: {}", attack.id, attack.expected.name(), attack.title)
            })
            .collect();
        format!("{}\n{} attacks; nothing was sent", lines.join("\n"), lines.len())
    };
    let _ = console.answer(&text)?;
    Ok(Exit::Good)
}

fn initialise(path: &Path, console: &mut Console) -> Result<Exit, CommandError> {
    let opened = OpenOptions::new().write(true).create_new(true).open(path);
    match opened.and_then(|mut file| file.write_all(INITIAL.as_bytes())) {
        Ok(()) => {
            let shown = path.display();
            let _ = console.answer(&format!(
                "{shown} is written: fill it in, then `soter-sim audit --config {shown}`"
            ))?;
            Ok(Exit::Good)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(CommandError::invalid_params(
            format!("{} is there already", path.display()),
            "name another file: --init FILE",
        )),
        Err(error) => Err(CommandError::environment(
            format!("{} cannot be written: {error}", path.display()),
            "check the folder and its permissions, or name another file: --init FILE",
        )),
    }
}

/// The mini program: as told, as the environment says, or the simulator's own.
fn credentials(audit: &Audit) -> Credentials {
    let own = Accounts::default();
    let own = own.first_app();
    let told = |given: &Option<String>, name: &str| {
        given.clone().or_else(|| std::env::var(name).ok().filter(|value| !value.is_empty()))
    };
    Credentials {
        appid: told(&audit.appid, "SOTER_SIM_APPID").unwrap_or_else(|| own.appid.clone()),
        secret: told(&audit.secret, "SOTER_SIM_SECRET").map_or_else(|| own.secret.clone(), Secret::from),
    }
}
