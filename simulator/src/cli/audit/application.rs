//! An audit of an application, with emulated WeChat servers that the application asks.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, absolute};
use std::sync::Arc;
use std::time::Duration;

use soter_attack::audit::{ControlFailed, ControlKind};
use soter_attack::{Application, ApplicationTarget, Emulated, Form, Http, OutageSwitch, WeChatTraffic};
use soter_bridge::protocol::CommandError;
use soter_bridge::server::{Server, ServerOptions, Services, TlsOptions};
use soter_sim::{Desk, DeskOptions, State};
use soter_text::{Text, text, tr};
use soter_wechat::{
    AccountList, Accounts, App, Clock, Replays, ReplyStyle, SetClock, SystemClock, User, WeChatOptions,
};
use tokio::sync::oneshot;
use tracing::error;

use super::check;
use super::plan::{AuditStart, INCONCLUSIVE, Plan};
use super::progress::Detail;
use super::started::Started;
use crate::cli::exec::command_of;
use crate::cli::exec::environment::{Environment, ServerInfo};
use crate::cli::serve::tls_options;
use crate::cli::signals::TerminationSignals;
use crate::files::{Input, read_input};
use crate::front::{Console, Exit};
use crate::grammar::{Audit, DEFAULT_ADDRESS, Tls};

/// How often an attack is played at most: together with others, and then alone.
const TIMES_PLAYED: usize = 2;
/// The maximum number of users that the control takes after an attack, and before the first one.
const USERS_AFTER_ATTACK: usize = 1;
const USERS_FOR_CONTROL: usize = 16;
/// A free port, where an application that the audit starts is told the address.
const FREE_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// How long an application that the audit starts may take until it accepts connections, if the options do not say.
const DEFAULT_WAIT: Duration = Duration::from_mins(1);
/// The appid of the second mini program, which only the audit knows: the first of these that is not the application's
/// own.
const OTHER_APPIDS: [&str; 2] = ["wxemulated00000002", "wxemulated00000003"];

/// Audits the application that a file describes.
///
/// # Errors
/// `InvalidParams` if the description is wrong or its address is not permitted, `Environment` if the file cannot be
/// read or the port cannot be taken: nothing was sent. `Environment` if the answer or a report cannot be written.
pub(super) async fn run(
    path: &Path,
    audit: &Audit,
    plan: &Plan,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let text = String::from_utf8(read_input(Input::from_path(path))?).map_err(|_| {
        CommandError::invalid_params(
            text!("{file} is not UTF-8", file = path.display()),
            text!("write the description as TOML in UTF-8"),
        )
    })?;
    let folder = absolute(path).ok().and_then(|path| path.parent().map(Path::to_owned)).unwrap_or_default();
    let application = Application::read(&text)?.in_folder(folder.clone());
    let url = audit.url.clone().unwrap_or_else(|| application.url.clone());
    let ca = match &application.ca {
        Some(path) => Some(read_input(Input::from_path(&folder.join(path)))?),
        None => None,
    };
    let http = Http::over_network(&url, plan.timeout, ca.as_deref())?;
    application.check_addresses(&http)?;
    plan.check_host(&url)?;

    let users_of_attacks: usize =
        plan.attacks.iter().map(|attack| TIMES_PLAYED * (attack.users() + USERS_AFTER_ATTACK)).sum();
    let users: Vec<String> =
        (1..=users_of_attacks + USERS_FOR_CONTROL).map(|number| format!("audit-{number:04}")).collect();
    // The clock stands still, except for the attack that moves it forward, so that nothing expires by itself.
    let clock = SetClock::at(SystemClock.unix_millis());
    let desk = Desk::open(DeskOptions {
        wechat: WeChatOptions {
            accounts: accounts(plan, &users)?,
            replays: Replays::Accept,
            // Of the two known shapes, this is the one in which an errcode of 0 does not mean success.
            reply_style: ReplyStyle::Errcode,
            cloud_run: application.cloudrun,
            ..WeChatOptions::default()
        },
        servers_clock: Arc::new(clock.clone()),
        ..DeskOptions::new(State::Ephemeral)
    })?;
    let tls = tls_options(Tls { tls: audit.tls, tls_listen: None }, None)?;
    let authority = tls.as_ref().map(|tls| Arc::clone(&tls.authority));
    let server = Server::bind(server_options(audit, tls)).await.map_err(|error| CommandError {
        next: text!("stop what listens there, or choose another address with --backend-listen"),
        ..error
    })?;
    let (backend, server_address) = (server.url(), server.local_address());
    // There is no device page, because this desk is only a backend.
    let services = desk.services(false);
    let emulated = Emulated {
        wechat: Arc::clone(desk.wechat()),
        clock,
        outages: OutageSwitch::default(),
        traffic: WeChatTraffic::default(),
    };
    let services = Services { page: None, wechat: emulated.wrap(services.wechat.clone()), ..services };
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(server.run(services, async {
        // An error means that the sender is dropped; the server stops then, too.
        let _ = stopped.await;
    }));
    let app = &plan.app;
    let line = text!(
        "WeChat for your application: {backend}, appid {appid}, secret {secret}",
        backend = backend,
        appid = app.appid,
        secret = app.secret.expose()
    );
    match (plan.detail, plan.json) {
        (Detail::Quiet, _) => {}
        (_, true) => console.stderr_line(&line.localized()),
        (_, false) => console.write_answer(&line.localized())?,
    }
    let address = http.host_and_port();
    let target = ApplicationTarget::new(http, application, emulated, users);
    let ended = if audit.command.is_empty() {
        play(&target, url, audit, plan, console).await
    } else {
        let server = ServerInfo {
            wechat: desk.wechat(),
            url: &backend,
            address: server_address,
            authority: authority.as_deref(),
        };
        let user = &desk.wechat().accounts().first_user().name;
        match Environment::prepare(&server, user, console) {
            Ok(environment) => {
                let playing = start_and_play(&target, url, &address, &environment, audit, plan, console);
                let ended = Box::pin(playing).await;
                environment.remove();
                ended
            }
            Err(error) => Err(error),
        }
    };
    // An error means that the server has stopped already.
    let _ = stop.send(());
    if let Err(error) = serving.await {
        error!(%error, "WeChat's servers of the audit broke off");
    }
    ended
}

/// Starts the application with the command in the options, and stops it after the attacks, or when a signal comes.
async fn start_and_play(
    target: &ApplicationTarget,
    url: String,
    address: &str,
    environment: &Environment,
    audit: &Audit,
    plan: &Plan,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let mut command = command_of(&audit.command)?;
    command.envs(environment.variables());
    let mut signals = TerminationSignals::listen()?;
    let mut started = Started::start(command, address, plan.detail == Detail::Quiet).await?;
    let limit = audit.wait.map_or(DEFAULT_WAIT, Duration::from_secs);
    let work = async {
        match started.wait_until_it_listens(address, limit).await {
            Ok(()) => play(target, url, audit, plan, console).await,
            Err(what) => {
                let exit = report_not_started(what, url, audit, plan, console);
                started.show_last_lines(console);
                exit
            }
        }
    };
    let ended = tokio::select! {
        ended = work => ended,
        signal = signals.next() => Ok(Exit::Of(signal.exit_code())),
    };
    let ended_before = started.stop().await;
    if let (Some(how), Ok(Exit::Good | Exit::Negative)) = (ended_before, &ended) {
        console.remark(&tr!("your application ended ({how}) before the audit did", how = how));
    }
    ended
}

fn report_not_started(
    what: Text,
    url: String,
    audit: &Audit,
    plan: &Plan,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    if audit.check {
        let next = text!("look at its output, and check the command, --wait and the description's `url`");
        console.error(&CommandError::environment(what, next));
        return Ok(INCONCLUSIVE);
    }
    let failed = ControlFailed { control: ControlKind::Positive, what, exchange: None };
    plan.report_failed_control(AuditStart::now(url, Form::Application), &failed, console)
}

/// Plays the honest path or the attacks.
async fn play(
    target: &ApplicationTarget,
    url: String,
    audit: &Audit,
    plan: &Plan,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    if audit.check { check::run(target, plan, console).await } else { plan.run(target, url, console).await }
}

fn accounts(plan: &Plan, users: &[String]) -> Result<Accounts, CommandError> {
    let own = &plan.app;
    let other = OTHER_APPIDS.iter().find(|appid| **appid != own.appid).map(|appid| {
        // Nobody uses this secret.
        App::new(appid, "of the other mini program")
    });
    let list = AccountList {
        app: std::iter::once(App::new(&own.appid, own.secret.clone())).chain(other).collect(),
        user: users.iter().map(|name| User::named(name)).collect(),
    };
    Ok(Accounts::new(list)?)
}

fn server_options(audit: &Audit, tls: Option<TlsOptions>) -> ServerOptions {
    let usual = if audit.command.is_empty() { DEFAULT_ADDRESS } else { FREE_ADDRESS };
    let listen = audit.backend_listen.unwrap_or(usual);
    // The application authenticates with WeChat's own credentials. All other paths need a token that nobody knows.
    let token = (!listen.ip().is_loopback()).then(|| soter_wechat::random_text(32).into());
    ServerOptions { token, tls, ..ServerOptions::new(listen) }
}
