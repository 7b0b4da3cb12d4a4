//! What TLS costs: `verify_signature` on disk over kept connections, with TLS and without, in turn.
//!
//! One server answers both, on one port. The client takes its share of the processors, and with TLS it encrypts as well.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use soter_bridge::download;
use soter_bridge::server::ServerPath;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::load::{connect_to, median, send_over};
use crate::server::SOTER_SIM;
use crate::verifier::{IS_OK, Verifier, requests_for};
use crate::{CONNECTIONS, RESULTS};

type Failed = Box<dyn Error + Send + Sync>;

const HOST: &str = "api.weixin.qq.com";
const ROUNDS: usize = 7;

/// Runs the comparison and prints it.
pub(crate) async fn compare(out: &mut impl Write) -> Result<(), Failed> {
    let verifier = Verifier::start(Path::new(SOTER_SIM), CONNECTIONS, &["--tls"]).await?;
    let address = verifier.server.address.clone();
    let connector = connector(&address).await?;
    let (mut plain, mut tls) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Neither side is always the first.
        for has_tls in [round % 2 == 0, round % 2 != 0] {
            let bodies = verifier.bodies(RESULTS).await?;
            if has_tls {
                let requests = requests_for(HOST, &verifier.token, &bodies);
                tls.push(send_over(requests, IS_OK, connect_by_tls(&address, &connector)).await?.rate());
            } else {
                plain.push(verifier.turn(&bodies).await?);
            }
        }
    }
    let ratio = median(&mut tls.iter().zip(&plain).map(|(tls, plain)| tls / plain).collect::<Vec<_>>());
    writeln!(out, "verify_signature over {CONNECTIONS} kept connections {:>8.0} /s", median(&mut plain))?;
    writeln!(out, "the same with TLS                          {:>8.0} /s", median(&mut tls))?;
    writeln!(out, "TLS / plain: {ratio:.3}   (goal: at least 0.8)")?;
    Ok(())
}

/// Opens a TLS connection.
fn connect_by_tls(
    address: &str,
    connector: &TlsConnector,
) -> impl Fn() -> BoxFuture<'static, Result<TlsStream<TcpStream>, Failed>> {
    let (connect, connector) = (connect_to(address), connector.clone());
    move || {
        let (connecting, connector) = (connect(), connector.clone());
        Box::pin(async move { Ok(connector.connect(ServerName::try_from(HOST)?, connecting.await?).await?) })
    }
}

/// A client that trusts the server's authority.
async fn connector(address: &str) -> Result<TlsConnector, Failed> {
    let certificate = download(&format!("http://{address}"), ServerPath::CaCertificate)
        .await
        .map_err(|error| error.to_string())?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&certificate)?)?;
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
