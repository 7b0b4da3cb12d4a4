//! How long a whole audit takes against targets that answer each request after 200 ms, as targets far away do: an application
//! and a verifier. Printed for each: the number of requests, the longest chain of requests, and the time; then how much longer
//! half of the attacks on signatures take one after the other. At the end the process's peak memory, with the targets and WeChat's servers in it.
//!
//! The chain is counted by the target: the place of a request is one behind the highest place of those that were answered
//! before it arrived. That is the greatest number of requests that do not overlap one another, whether one waited for the
//! other or not. The same is measured: the time divided by 200 ms, which counts the audit's own work as well.
//!
//! `cargo bench -p soter-sim --bench audit`

mod slow;

use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use soter_attack::audit::{LANES, audit_in_lanes};
use soter_attack::{
    Application, ApplicationTarget, Attack, Credentials, Http, KeySource, OwnServers, Target, Verdict,
    WeChatTarget, catalogue,
};
use soter_wechat::{Replays, routes};

use slow::{Counts, DELAY};

/// At most this many requests wait for one another in an audit.
const MAX_CHAIN: u64 = 400;
/// At most this much memory is needed.
const MAX_MEMORY_MB: u64 = 100;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let all: Vec<&'static Attack> = catalogue().collect();
    let sample: Vec<_> =
        all.iter().copied().filter(|attack| attack.id.starts_with("SOTER-S")).step_by(2).collect();
    let mut longest_chain = 0;
    for form in ["application", "verifier"] {
        let whole = Box::pin(measure(form, &all, LANES)).await?;
        writeln!(
            std::io::stdout(),
            "{form}: {} attacks, {} requests, the longest chain {} (measured {:.0}), {:.1} s, no failure: {}",
            all.len(),
            whole.requests,
            whole.chain,
            whole.took.as_secs_f64() / DELAY.as_secs_f64(),
            whole.took.as_secs_f64(),
            whole.is_clean,
        )?;
        longest_chain = longest_chain.max(whole.chain);
        if !whole.is_clean {
            return Err("a correct target caused a finding".into());
        }
    }
    let (beside, alone) = (
        Box::pin(measure("application", &sample, LANES)).await?,
        Box::pin(measure("application", &sample, 1)).await?,
    );
    writeln!(
        std::io::stdout(),
        "{} attacks on an application: {:.1} s in {LANES} lanes, {:.1} s one after the other: {:.1} times as long",
        sample.len(),
        beside.took.as_secs_f64(),
        alone.took.as_secs_f64(),
        alone.took.as_secs_f64() / beside.took.as_secs_f64(),
    )?;
    if longest_chain > MAX_CHAIN {
        return Err(format!("{longest_chain} requests wait for one another, and {MAX_CHAIN} may").into());
    }
    match peak_memory_mb() {
        Some(memory) if memory > MAX_MEMORY_MB => {
            return Err(format!("{memory} MB of memory, and {MAX_MEMORY_MB} may be needed").into());
        }
        Some(memory) => writeln!(std::io::stdout(), "peak memory: {memory} MB")?,
        None => writeln!(std::io::stdout(), "peak memory: not known on this system")?,
    }
    Ok(())
}

struct Measured {
    requests: u64,
    chain: u64,
    took: Duration,
    /// Whether every attack passed or was skipped.
    is_clean: bool,
}

/// Audits a new target of this form.
async fn measure(form: &str, attacks: &[&'static Attack], lanes: usize) -> Result<Measured, Box<dyn Error>> {
    let counts = Arc::new(Counts::default());
    if form == "application" {
        let emulated = slow::emulated()?;
        let shop = slow::shop(&emulated, Arc::clone(&counts));
        let http = Http::in_process(shop, Duration::from_secs(30))?;
        let description = Application::read(slow::DESCRIPTION)?;
        let target = ApplicationTarget::new(http, description, emulated, slow::users());
        run(&target, attacks, lanes, &counts).await
    } else {
        let clock = slow::clock();
        let desk = slow::desk(Replays::Refuse, &clock)?;
        let app = desk.wechat().accounts().first_app();
        let app = Credentials { appid: app.appid.clone(), secret: app.secret.clone() };
        let http = slow::delayed(routes(Arc::clone(desk.wechat())), Arc::clone(&counts));
        let http = Http::in_process(http, Duration::from_secs(30))?;
        let control = Arc::new(OwnServers::new(Arc::clone(desk.wechat()), Some(clock)));
        run(&WeChatTarget::new(http, app, control), attacks, lanes, &counts).await
    }
}

async fn run<T: Target>(
    target: &T,
    attacks: &[&'static Attack],
    lanes: usize,
    counts: &Counts,
) -> Result<Measured, Box<dyn Error>> {
    let begun = Instant::now();
    let findings = audit_in_lanes(target, &KeySource::random(), attacks, lanes, |_| {}).await?;
    let took = begun.elapsed();
    // Their clocks cannot be moved, so old challenges and logins are warnings.
    let is_right = |verdict| matches!(verdict, Verdict::Pass | Verdict::Skip | Verdict::Warn);
    for finding in findings.iter().filter(|finding| !is_right(finding.verdict)) {
        writeln!(
            std::io::stdout(),
            "{} {:?}: {}",
            finding.attack.id,
            finding.verdict,
            finding.reason.english()
        )?;
    }
    let is_clean = findings.iter().all(|finding| is_right(finding.verdict));
    Ok(Measured { requests: counts.requests(), chain: counts.chain(), took, is_clean })
}

/// The most memory that this process has had, on Linux.
fn peak_memory_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1024)
}
