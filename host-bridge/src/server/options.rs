//! The options of a server.

use std::net::SocketAddr;
use std::sync::Arc;

use soter_text::Text;
use soter_wechat::Secret;

use super::limits::Limits;
use crate::certificate_authority::CertificateAuthority;
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
    /// TLS for WeChat's hosts, besides plain HTTP; `None`: none.
    pub tls: Option<TlsOptions>,
    /// The limits.
    pub limits: Limits,
}

/// How to serve TLS. It is served on the main address in any case: the first byte of a connection tells it from HTTP, and
/// `CONNECT` leads to it.
#[derive(Clone, Debug)]
pub struct TlsOptions {
    /// The authority that vouches for the server.
    pub authority: Arc<CertificateAuthority>,
    /// Another address to listen on, for clients for which a name of WeChat's leads to this computer, at port 443.
    pub listen: Option<SocketAddr>,
}

impl ServerOptions {
    /// An address with the default rules: only loopback, no foreign origin, no token.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            allow_origins: Vec::new(),
            allow_hosts: Vec::new(),
            token: None,
            tls: None,
            limits: Limits::default(),
        }
    }
}

/// Receives notices for the person at the server, such as the flag that would have admitted a refused client.
pub type Notices = Arc<dyn Fn(Text) + Send + Sync>;

/// Says why the servers cannot work at present. Called for each `/health`.
pub type Health = Arc<dyn Fn() -> Result<(), CommandError> + Send + Sync>;
