//! TLS for clients that ask `https://api.weixin.qq.com`.

use std::io;
use std::sync::Arc;

use soter_text::text;
use soter_wechat::is_api_host;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::server::{Acceptor, ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

use crate::certificate_authority::{CertificateAuthority, ServerCertificate};
use crate::protocol::CommandError;

/// The first byte of a TLS connection: the type of a handshake record (RFC 8446, 5.1). No HTTP method begins with it.
pub(super) const HANDSHAKE: u8 = 0x16;

/// The server's side of TLS: 1.2 and 1.3, HTTP/1.1.
#[derive(Clone, Debug)]
pub(super) struct Tls(Arc<ServerConfig>);

impl Tls {
    /// Gets a certificate from the authority.
    ///
    /// # Errors
    /// `Internal` if the libraries refuse, which they do not for these values.
    pub(super) fn new(authority: &CertificateAuthority) -> Result<Self, CommandError> {
        let refused = |error: rustls::Error| {
            CommandError::internal(text!("TLS cannot be set up: {error}", error = error.to_string()))
        };
        let ServerCertificate { certificate, key } = authority.issue()?;
        let provider = aws_lc_rs::default_provider();
        let key = CertifiedKey::from_der(vec![certificate], key, &provider).map_err(refused)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .map_err(refused)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(OwnHosts(Arc::new(key))));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// Shakes hands with a client.
    ///
    /// # Errors
    /// [`FailedHandshake`] says why there is no connection. The client got an alert, if it could.
    pub(super) async fn accept<T: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: T,
    ) -> Result<TlsStream<T>, FailedHandshake> {
        let handshake = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let other_host =
            handshake.client_hello().server_name().filter(|name| !is_api_host(name)).map(str::to_owned);
        match (handshake.into_stream(Arc::clone(&self.0)).await, other_host) {
            (Err(_), Some(name)) => Err(FailedHandshake::OtherHost(name)),
            (shaken, _) => Ok(shaken?),
        }
    }
}

/// Why a client has no TLS connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum FailedHandshake {
    /// The client does not trust the certificate.
    #[error("the client does not trust the certificate")]
    Distrust,
    /// The client wants a host for which there is no certificate.
    #[error("the client wants {0}")]
    OtherHost(String),
    /// What the client sends is not TLS, or not one that is served.
    #[error("{0}")]
    Tls(rustls::Error),
    /// The connection broke off.
    #[error("{0}")]
    Stream(io::Error),
}

impl From<io::Error> for FailedHandshake {
    fn from(error: io::Error) -> Self {
        // Some clients say `DecryptError` if they trust an authority of an earlier run, which has the same name.
        use rustls::AlertDescription::{BadCertificate, CertificateUnknown, DecryptError, UnknownCA};
        match error.downcast() {
            Ok(rustls::Error::AlertReceived(
                BadCertificate | CertificateUnknown | DecryptError | UnknownCA,
            )) => Self::Distrust,
            Ok(error) => Self::Tls(error),
            Err(error) => Self::Stream(error),
        }
    }
}

/// Chooses the certificate for WeChat's hosts, and none for others.
#[derive(Debug)]
struct OwnHosts(Arc<CertifiedKey>);

impl ResolvesServerCert for OwnHosts {
    fn resolve(&self, client: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // A client that names no host checks the certificate all the same.
        client.server_name().is_none_or(is_api_host).then(|| Arc::clone(&self.0))
    }
}
