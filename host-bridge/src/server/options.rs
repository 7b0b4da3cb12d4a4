//! The options of a server.

use std::net::SocketAddr;
use std::sync::Arc;

use soter_wechat::Secret;

use super::limits::Limits;
use crate::protocol::CommandError;

/// Where to listen, and which clients to admit.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Values of `Origin` that are admitted, in addition to the server's own.
    pub allow_origins: Vec<String>,
    /// Values of `Host` that are admitted, in addition to loopback with the server's port.
    pub allow_hosts: Vec<String>,
    /// What clients must send for everything but WeChat's own paths, `/health` and the files of the page.
    pub token: Option<Secret>,
    /// The limits.
    pub limits: Limits,
}

impl ServerOptions {
    /// An address with the default rules: only loopback, no foreign origin, no token.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            allow_origins: Vec::new(),
            allow_hosts: Vec::new(),
            token: None,
            limits: Limits::default(),
        }
    }
}

/// Receives notices for the person at the server, such as the flag that would have admitted a refused client.
pub type Notices = Arc<dyn Fn(&str) + Send + Sync>;

/// Says why the servers cannot work at present. Called for each `/health`.
pub type Health = Arc<dyn Fn() -> Result<(), CommandError> + Send + Sync>;
