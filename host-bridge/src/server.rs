//! One port for everything: JSON-RPC over WebSocket and HTTP, WeChat's paths, the journal.
//!
//! ```text
//!   connection (bounded in number)
//!     -> head within a time limit -> guard: Host, Origin, token -> body within time and size
//!     -> /ws                    JSON-RPC, and notifications      (a connection of its own from here on)
//!        /rpc                   JSON-RPC, one message at a time
//!        /cgi-bin/… /sns/…      WeChat's servers
//!        /                      pages for a browser, if there are any
//!        /health /sim/journal /sim/reset
//! ```
//!
//! Everything that a client can make grow has a limit, and each limit has its own answer; see [`Limits`]. A panic in
//! one connection does not affect the others.

mod client_stream;
mod guard;
mod limits;
mod listener;
mod memory;
mod options;
mod paths;
mod respond;
mod routes;
mod socket;
mod write_timeout;

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use soter_wechat::journal::Journal;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::info;

use self::guard::Guard;
use self::routes::Handlers;
use crate::protocol::{CommandError, Service};
use crate::rpc::Rpc;

pub use self::limits::Limits;
pub use self::options::{Health, Notices, ServerOptions};
pub use self::paths::ServerPath;

/// The services behind the port.
pub struct Services<S> {
    /// The service that answers commands.
    pub service: Arc<S>,
    /// The journal of calls.
    pub journal: Arc<Journal>,
    /// WeChat's paths.
    pub wechat: Router,
    /// The pages for a browser, if there are any: `/`, which also requires the token, and the files that it needs.
    pub page: Option<Router>,
    /// The receiver of notices.
    pub notices: Notices,
    /// Why the servers cannot work at present, for `/health`.
    pub health: Health,
    /// Whether `danger.*` and `attack.*` are offered.
    pub attacker: bool,
}

impl<S> fmt::Debug for Services<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Services").finish_non_exhaustive()
    }
}

/// A server whose port is bound, but not served yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    options: ServerOptions,
}

impl Server {
    /// Binds the port.
    ///
    /// # Errors
    /// `InvalidParams` if the address is beyond loopback and there is no token, the token is empty, or an allowed
    /// origin or host is malformed. `Environment` if the address is in use or not this computer's.
    pub async fn bind(options: ServerOptions) -> Result<Self, CommandError> {
        let listen = options.listen;
        if !listen.ip().to_canonical().is_loopback() && options.token.is_none() {
            return Err(CommandError::invalid_params(
                format!("{listen} can be reached from other computers, and there is no token"),
                "give one with --token-file FILE, or listen on 127.0.0.1",
            ));
        }
        guard::check_options(&options)?;
        let unavailable = |error: std::io::Error| {
            CommandError::environment(
                format!("{listen} cannot be listened on: {error}"),
                "stop what listens there, or choose another port with --listen (port 0 takes a free one)",
            )
        };
        let listener = TcpListener::bind(listen).await.map_err(unavailable)?;
        let address = listener.local_addr().map_err(unavailable)?;
        Ok(Self { listener, address, options })
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL for clients on this computer: `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
            ip => ip,
        };
        format!("http://{}", SocketAddr::new(ip, self.address.port()))
    }

    /// Serves until `shutdown` is ready. Then it accepts no more connections, gives pending requests
    /// [`Limits::drain_timeout`] to finish, and closes what is left.
    pub async fn run<S: Service>(self, services: Services<S>, shutdown: impl Future<Output = ()>) {
        let Self { listener, address, options } = self;
        let Services { service, journal, wechat, page, notices, health, attacker } = services;
        let (stop, stopping) = watch::channel(false);
        let rpc = Rpc::new(service, journal).with_attacker_methods(attacker);
        let guard = Arc::new(Guard::new(&options, address, notices));
        let router =
            routes::router(rpc, Handlers { wechat, page, health }, guard, options.limits, stopping.clone());
        let serving = listener::serve(listener, router, options.limits, stopping);
        info!(%address, has_token = options.token.is_some(), attacker, "serving");
        tokio::pin!(serving);
        tokio::select! {
            () = &mut serving => {}
            () = shutdown => {
                info!("stopping");
                // The listener holds a receiver, so this cannot fail.
                let _ = stop.send(true);
                serving.await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
