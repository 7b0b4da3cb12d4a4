//! What a person decides about a server.

use std::net::SocketAddr;
use std::sync::Arc;

use soter_wechat::Secret;

use super::limits::Limits;

/// Where to listen, and whom to let in.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Values of `Origin` that are let in, in addition to the server's own.
    pub allow_origins: Vec<String>,
    /// Values of `Host` that are let in, in addition to loopback with the server's port.
    pub allow_hosts: Vec<String>,
    /// What clients have to show for everything but WeChat's own paths and `/health`.
    pub token: Option<Secret>,
    /// Bounds.
    pub limits: Limits,
}

impl ServerOptions {
    /// An address, and the usual rules: loopback alone, no foreign origin, no token.
    pub fn on(listen: SocketAddr) -> Self {
        Self {
            listen,
            allow_origins: Vec::new(),
            allow_hosts: Vec::new(),
            token: None,
            limits: Limits::default(),
        }
    }
}

/// Hears what a person at the server should know, such as the flag that would have let a refused client in.
pub type Notices = Arc<dyn Fn(&str) + Send + Sync>;
