//! `soter-sim serve`: serves the phones and WeChat's servers on one port, until a signal comes.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use soter_bridge::CertificateAuthority;
use soter_bridge::protocol::{CommandError, Event, Service, sensor};
use soter_bridge::server::{Limits, Server, ServerOptions, TlsOptions};
use soter_bridge::toml_file;
use soter_sim::store::kept_authority;
use soter_sim::{Desk, DeskOptions, State};
use soter_text::{Text, text, tr};
use soter_wechat::Secret;
use soter_wechat::{AccountList, Accounts, WeChatOptions};
use tokio::runtime::Runtime;
use tokio::sync::{broadcast, oneshot};
use tokio::task::JoinHandle;
use tracing::{error, info};

use crate::files::{Input, read_input};
use crate::front::{self, Console, Exit, Paint};
use crate::grammar::{DEFAULT_ADDRESS, Options, Serve, Tls};

use super::child::wait_for_orphans;
use super::signals::TerminationSignals;
use super::{ledger, setup};

/// The number of keys that are made in advance for the next phone: ATTK, ASK, AuthKey, and one more AuthKey.
const KEY_STOCK_SIZE: usize = 4;
/// The number of descriptors that are kept for files, and for connections that are refused because there are too many.
const RESERVED_DESCRIPTORS: u64 = 128;

/// Serves until SIGINT, SIGTERM, SIGHUP or SIGQUIT. Then pending calls end, and everything is durable.
///
/// # Errors
/// `InvalidParams` if an option or a file that it names is wrong. `Environment` if a file cannot be read, the server
/// cannot start, the ready line cannot be written, or storage fails.
pub(super) fn run(serve: &Serve, options: &Options, console: &mut Console) -> Result<Exit, CommandError> {
    let state = setup::state(options)?;
    let runtime = setup::runtime()?;
    let desk = open_desk(&runtime, serve, options, state)?;
    let served = runtime.block_on(async {
        let mut signals = TerminationSignals::listen()?;
        wait_for_orphans();
        prepare(&desk, serve).await?;
        let bridge = Bridge::start(&desk, serve, serve.listen.is_some()).await?;
        // Started before the ready line: the first client may be refused, and the refusal is reported only once.
        let refusals = Refusals::start(&desk);
        if console.answer(&format!("soter-sim ready {}", bridge.url))? == front::Delivery::Closed {
            console.remark(&tr!("nobody reads the ready line"));
        }
        console.remark(&accounts_line(&desk).localized());
        for remark in bridge.remarks() {
            console.remark(&remark);
        }
        if let Some(remark) = few_connections_remark() {
            console.remark(&remark);
        }
        let end = signals.next().await;
        info!(?end, "a signal ends the server");
        bridge.stop().await;
        refusals.end().await;
        Ok::<_, CommandError>(())
    });
    let closed = desk.close();
    served?;
    closed?;
    Ok(Exit::Good)
}

/// A server that runs in the background of another command.
#[derive(Debug)]
pub(super) struct Bridge {
    /// The address in the ready line.
    pub(super) url: String,
    /// Whether it listens on another port, because the usual one was taken.
    pub(super) uses_other_port: bool,
    /// Where clients on this computer connect.
    pub(super) address: SocketAddr,
    /// The authority of its TLS, if it has TLS.
    pub(super) authority: Option<Arc<CertificateAuthority>>,
    /// The other address for TLS, if there is one.
    tls_address: Option<SocketAddr>,
    /// What clients show, if they have to show something.
    pub(super) token: Option<Secret>,
    is_cloud_run: bool,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Bridge {
    /// Starts the server. If the usual address is taken and was not demanded, a free port is used.
    ///
    /// # Errors
    /// Those of [`Server::bind`]. `InvalidParams` if the token file has no token, `Environment` if a file cannot be
    /// read or written.
    pub(super) async fn start(desk: &Desk, serve: &Serve, is_required: bool) -> Result<Self, CommandError> {
        let tls = tls_options(serve.tls, desk.state_folder())?;
        let authority = tls.as_ref().map(|tls| Arc::clone(&tls.authority));
        let options = server_options(serve, tls)?;
        let token = options.token.clone();
        let (server, uses_other_port) = match Server::bind(options.clone()).await {
            Ok(server) => (server, false),
            Err(error) if is_required => return Err(error),
            Err(_) => {
                let mut other_port = options;
                other_port.listen.set_port(0);
                (Server::bind(other_port).await?, true)
            }
        };
        let (url, address, tls_address) = (server.url(), server.local_address(), server.tls_address());
        desk.set_url(&url)?;
        desk.upload_existing_keys().await;
        let services = desk.services(serve.attacker);
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(services, async {
            // An error means that the sender is dropped; the server stops then, too.
            let _ = stopped.await;
        }));
        Ok(Self {
            url,
            uses_other_port,
            address,
            authority,
            tls_address,
            token,
            is_cloud_run: serve.cloudrun,
            stop,
            running,
        })
    }

    /// What a person needs to know about these options.
    pub(super) fn remarks(&self) -> impl Iterator<Item = String> {
        let cloud_run = self.is_cloud_run.then(|| {
            tr!("requests without an access token are those of the first mini program, for everyone who reaches the port (--cloudrun)")
        });
        self.tls_remark().into_iter().chain(cloud_run)
    }

    fn tls_remark(&self) -> Option<String> {
        self.authority.as_ref()?;
        let url = format!("{}{}", self.url, if self.token.is_some() { "?token=TOKEN" } else { "" });
        Some(match self.tls_address {
            None => tr!(
                "https://api.weixin.qq.com is served on {address}; for programs that ask it: soter-sim ca --export DIR --connect {url}",
                address = self.address,
                url = url
            ),
            Some(tls_address) => tr!(
                "https://api.weixin.qq.com is served on {address} and {tls_address}; for programs that ask it: soter-sim ca --export DIR --connect {url}",
                address = self.address,
                tls_address = tls_address,
                url = url
            ),
        })
    }

    /// Stops accepting requests and waits for those that are pending.
    pub(super) async fn stop(self) {
        let Self { stop, running, .. } = self;
        // An error means that the server has stopped already.
        let _ = stop.send(());
        if let Err(error) = running.await {
            error!(%error, "the server broke off");
        }
    }
}

/// Opens a server's desk.
///
/// # Errors
/// Those of [`Desk::open`]. `InvalidParams` if an option or a file that it names is wrong, `Environment` if a file cannot be read,
/// or a shared ledger cannot be used.
pub(super) fn open_desk(
    runtime: &Runtime,
    serve: &Serve,
    options: &Options,
    state: State,
) -> Result<Desk, CommandError> {
    let options = desk_options(serve, options, state)?;
    let shared_ledger = runtime.block_on(ledger::connect(serve))?;
    // What the ledger has started belongs to the runtime.
    let _entered = runtime.enter();
    Desk::open(DeskOptions { shared_ledger, ..options })
}

fn desk_options(serve: &Serve, options: &Options, state: State) -> Result<DeskOptions, CommandError> {
    let accounts = serve.config.as_deref().map_or_else(|| Ok(Accounts::default()), read_config)?;
    Ok(DeskOptions {
        key_stock: KEY_STOCK_SIZE,
        wechat: WeChatOptions {
            accounts,
            replays: serve.replays.into(),
            reply_style: serve.reply_style.into(),
            clock_ahead: serve.servers_clock,
            cloud_run: serve.cloudrun,
            cloud_permissions: serve.cloud_permissions.clone(),
            ..WeChatOptions::default()
        },
        allow_reset: serve.allow_reset,
        sensor: serve.touch.clone(),
        fleet: serve.fleet,
        ..setup::desk_options(state, options)
    })
}

/// Sets the selected phone's sensor and the clock of WeChat's servers as the options say.
pub(super) async fn prepare(desk: &Desk, serve: &Serve) -> Result<(), CommandError> {
    if let Some(mode) = serve.touch.clone() {
        desk.request(None, sensor::SetMode { mode }).await?;
    }
    Ok(desk.wechat().begin().await?)
}

/// The accounts that a backend developer puts into a configuration. A configured secret is masked, because many
/// people read the logs of a build.
pub(super) fn accounts_line(desk: &Desk) -> Text {
    let accounts = desk.wechat().accounts();
    let (app, user) = (accounts.first_app(), accounts.first_user());
    let secret = app.printable_secret();
    text!(
        "mini program {app}, secret {secret}, user {user}",
        app = app.appid,
        secret = secret,
        user = user.name
    )
}

/// TLS, if it is wanted: with the authority that the state folder keeps, or with one for this run.
pub(super) fn tls_options(tls: Tls, folder: Option<&Path>) -> Result<Option<TlsOptions>, CommandError> {
    if !tls.is_wanted() {
        return Ok(None);
    }
    let authority = match folder.map(kept_authority).transpose()?.flatten() {
        Some(kept) => kept,
        None => CertificateAuthority::generate()?,
    };
    Ok(Some(TlsOptions { authority: Arc::new(authority), listen: tls.tls_listen }))
}

fn server_options(serve: &Serve, tls: Option<TlsOptions>) -> Result<ServerOptions, CommandError> {
    let token = serve.token_file.as_deref().map(read_token).transpose()?;
    Ok(ServerOptions {
        listen: serve.listen.unwrap_or(DEFAULT_ADDRESS),
        allow_origins: serve.allow_origin.clone(),
        allow_hosts: serve.allow_host.clone(),
        token,
        tls,
        limits: limits(),
    })
}

/// The usual limits, with fewer connections if the process has few descriptors (some systems allow 256). A client
/// that opens as many connections as it can must not prevent the phones from being stored.
fn limits() -> Limits {
    let usual = Limits::default();
    #[cfg(unix)]
    if let Some(descriptors) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        let left = usize::try_from(descriptors.saturating_sub(RESERVED_DESCRIPTORS)).unwrap_or(usize::MAX);
        return Limits { max_connections: usual.max_connections.min(left.max(1)), ..usual };
    }
    usual
}

/// A remark if this process may open so few files that fewer connections than usual fit.
pub(super) fn few_connections_remark() -> Option<String> {
    let (possible, usual) = (limits().max_connections, Limits::default().max_connections);
    (possible < usual).then(|| {
        let needed = RESERVED_DESCRIPTORS + u64::try_from(usual).unwrap_or(u64::MAX);
        tr!("this process may open few files, so {possible} connections fit instead of {usual}; raise the limit with `ulimit -n {needed}`", possible = possible, usual = usual, needed = needed)
    })
}

fn read_config(path: &Path) -> Result<Accounts, CommandError> {
    let refused = |what: Text| {
        CommandError::invalid_params(
            text!("the configuration {path}: {what}", path = path.display(), what = what),
            text!("write [[app]] with appid and secret, and [[user]] with name"),
        )
    };
    let text = String::from_utf8(read_input(Input::from_path(path))?)
        .map_err(|_| refused(text!("it is not UTF-8")))?;
    let list: AccountList = toml_file::parse(&text).map_err(|error| refused(error.text()))?;
    Ok(Accounts::new(list)?)
}

fn read_token(path: &Path) -> Result<Secret, CommandError> {
    let bytes = zeroize::Zeroizing::new(read_input(Input::from_path(path))?);
    let line = std::str::from_utf8(&bytes).unwrap_or_default().lines().next().unwrap_or_default().trim();
    if line.len() < 16 || !line.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(CommandError::invalid_params(
            text!("the first line of {path} is not a token", path = path.display()),
            text!("write 16 or more printable ASCII characters, for example from `openssl rand -hex 32`"),
        ));
    }
    Ok(line.into())
}

/// Writes refusals to standard error, where a developer sees them.
pub(super) struct Refusals {
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Refusals {
    /// Starts reporting.
    pub(super) fn start(desk: &Desk) -> Self {
        let (stop, stopped) = oneshot::channel();
        Self { stop, running: tokio::spawn(print_refusals(desk.problems(), stopped)) }
    }

    /// Waits until the earlier refusals are reported.
    pub(super) async fn end(self) {
        let Self { stop, running } = self;
        // An error means that the task has ended already.
        let _ = stop.send(());
        if let Err(error) = running.await {
            error!(%error, "the reports of refusals broke off");
        }
    }
}

async fn print_refusals(mut events: broadcast::Receiver<Event>, mut stopped: oneshot::Receiver<()>) {
    let mut console = Console::of_task();
    loop {
        let event = tokio::select! {
            biased;
            event = events.recv() => event,
            _ = &mut stopped => return,
        };
        match event {
            Ok(event) => console.stderr_line(&front::event_line(&event, Paint::PLAIN)),
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                console.remark(&tr!("{missed} events were missed", missed = missed));
            }
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Starts a bridge in the background of a REPL, unless `no_bridge` is set.
pub(super) fn start_bridge_for_repl(
    runtime: &Runtime,
    desk: &Desk,
    serve: &Serve,
    no_bridge: bool,
    console: &mut Console,
) -> Result<Option<Bridge>, CommandError> {
    if no_bridge {
        return Ok(None);
    }
    let bridge = runtime.block_on(async {
        prepare(desk, serve).await?;
        Bridge::start(desk, serve, serve.listen.is_some()).await
    })?;
    if bridge.uses_other_port {
        console.remark(&tr!(
            "{address} is in use: the bridge listens on {url}",
            address = DEFAULT_ADDRESS,
            url = bridge.url
        ));
    }
    for remark in bridge.remarks() {
        console.remark(&remark);
    }
    Ok(Some(bridge))
}
