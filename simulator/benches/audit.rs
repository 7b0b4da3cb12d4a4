//! How long a whole audit takes against this project's own servers on the same machine, in seconds.
//!
//! `cargo bench -p soter-sim --bench audit`

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use soter_attack::audit::audit;
use soter_attack::{Attack, Credentials, Http, KeySource, OwnServers, Verdict, WeChatTarget, catalogue};
use soter_bridge::server::{Server, ServerOptions};
use soter_sim::{Desk, DeskOptions, State};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let desk = Desk::open(DeskOptions::new(State::Ephemeral))?;
    let server = Server::bind(ServerOptions::new(SocketAddr::from(([127, 0, 0, 1], 0)))).await?;
    let url = server.url();
    tokio::spawn(server.run(desk.services(false), std::future::pending()));
    let app = desk.wechat().accounts().first_app();
    let app = Credentials { appid: app.appid.clone(), secret: app.secret.clone() };
    let attacks: Vec<&'static Attack> = catalogue().collect();
    let mut out = std::io::stdout();
    let http = Http::over_network(&url, Duration::from_secs(10), None)?;
    let verifier_control = Arc::new(OwnServers::new(Arc::clone(desk.wechat()), None));
    let target = WeChatTarget::new(http, app, verifier_control);
    let begun = Instant::now();
    let findings = audit(&target, &KeySource::random(), &attacks, |_| {}).await?;
    let right = findings.iter().all(|finding| matches!(finding.verdict, Verdict::Pass | Verdict::Skip));
    let took = begun.elapsed().as_secs_f64();
    writeln!(out, "{} attacks: {took:.1} s, nothing found: {right}", findings.len())?;
    Ok(())
}
