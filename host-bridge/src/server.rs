//! One port for everything: JSON-RPC over WebSocket and HTTP, WeChat's paths, the journal.
//!
//! ```text
//!   connection (bounded in number)
//!     -> TLS within a time limit, if the client begins with it or with CONNECT
//!     -> head within a time limit -> guard: Host, Origin, token -> body within time and size
//!     -> /ws                    JSON-RPC, and notifications      (a connection of its own from here on)
//!        /rpc                   JSON-RPC, one message at a time
//!        /cgi-bin/… /sns/…      WeChat's servers
//!        /                      pages for a browser, if there are any
//!        /health /sim/journal /sim/openapi.json /sim/reset
//! ```
//!
//! Everything that a client can make grow has a limit, and each limit has its own answer; see [`Limits`]. A panic in
//! one connection does not affect the others.

mod client_stream;
mod guard;
mod language;
mod limits;
mod listener;
mod memory;
mod options;
mod paths;
mod respond;
mod routes;
mod socket;
mod tls;
mod write_timeout;

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use soter_text::text;
use soter_wechat::journal::Journal;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::info;

use self::guard::Guard;
use self::listener::Serving;
use self::routes::Handlers;
use self::tls::Tls;
use crate::protocol::{CommandError, Service};
use crate::rpc::Rpc;

pub use self::limits::Limits;
pub use self::options::{Health, Notices, ServerOptions, TlsOptions};
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
    tls: Option<Tls>,
    tls_listener: Option<TcpListener>,
    options: ServerOptions,
}

impl Server {
    /// Binds the port, and the other one for TLS if there is one.
    ///
    /// # Errors
    /// `InvalidParams` if an address is beyond loopback and there is no token, the token is empty, or an allowed
    /// origin or host is malformed. `Environment` if an address is in use or not this computer's.
    pub async fn bind(options: ServerOptions) -> Result<Self, CommandError> {
        let listen_for_tls = options.tls.as_ref().and_then(|tls| tls.listen);
        for listen in [Some(options.listen), listen_for_tls].into_iter().flatten() {
            if !listen.ip().to_canonical().is_loopback() && options.token.is_none() {
                return Err(CommandError::invalid_params(
                    text!(
                        "{listen} can be reached from other computers, and there is no token",
                        listen = listen
                    ),
                    text!("give one with --token-file FILE, or listen on 127.0.0.1"),
                ));
            }
        }
        if listen_for_tls == Some(options.listen) && options.listen.port() != 0 {
            return Err(CommandError::invalid_params(
                text!("{listen} is the main address, which has TLS anyway", listen = options.listen),
                text!("leave --tls-listen out and give --tls, or name another address"),
            ));
        }
        guard::check_options(&options)?;
        let (listener, address) = listen(options.listen, "--listen").await?;
        let tls_listener = match listen_for_tls {
            Some(address) => Some(listen(address, "--tls-listen").await?.0),
            None => None,
        };
        let tls = options.tls.as_ref().map(|tls| Tls::new(&tls.authority)).transpose()?;
        Ok(Self { listener, address, tls, tls_listener, options })
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The other address for TLS, if there is one.
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.tls_listener.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// The address for clients on this computer.
    pub fn local_address(&self) -> SocketAddr {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
            ip => ip,
        };
        SocketAddr::new(ip, self.address.port())
    }

    /// The URL for clients on this computer: `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.local_address())
    }

    /// Serves until `shutdown` is ready. Then it accepts no more connections, gives pending requests
    /// [`Limits::drain_timeout`] to finish, and closes what is left.
    pub async fn run<S: Service>(self, services: Services<S>, shutdown: impl Future<Output = ()>) {
        let Self { listener, address, tls, tls_listener, options } = self;
        let Services { service, journal, wechat, page, notices, health, attacker } = services;
        let (stop, stopping) = watch::channel(false);
        let rpc = Rpc::new(service, journal).with_attacker_methods(attacker);
        let tls_address = tls_listener.as_ref().and_then(|listener| listener.local_addr().ok());
        let guard = Arc::new(Guard::new(&options, [address].into_iter().chain(tls_address), notices));
        let limits = options.limits;
        let ca_certificate = options.tls.as_ref().map(|tls| tls.authority.to_pem());
        let handlers = Handlers { wechat, page, health, ca_certificate };
        let router = routes::router(rpc, handlers, Arc::clone(&guard), limits, stopping.clone());
        let listeners = [Some(listener), tls_listener].into_iter().flatten().collect();
        let serving = listener::serve(listeners, Serving { router, guard, limits, tls, stopping });
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

/// Listens on an address that an option gave.
async fn listen(address: SocketAddr, option: &str) -> Result<(TcpListener, SocketAddr), CommandError> {
    let unavailable = |error: std::io::Error| {
        let next = if error.kind() == std::io::ErrorKind::PermissionDenied {
            text!(
                "ports below 1024 may need rights: run this as root, or on Linux `setcap cap_net_bind_service=+ep` for the program; or choose another port with {option}",
                option = option
            )
        } else {
            text!(
                "stop what listens there, or choose another port with {option} (port 0 takes a free one)",
                option = option
            )
        };
        CommandError::environment(
            text!("{address} cannot be listened on: {error}", address = address, error = error),
            next,
        )
    };
    let listener = TcpListener::bind(address).await.map_err(unavailable)?;
    let bound = listener.local_addr().map_err(unavailable)?;
    Ok((listener, bound))
}

#[cfg(test)]
mod tests;
