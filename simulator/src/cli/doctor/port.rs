//! The port of the page and the servers, and who has it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use serde_json::Value;
use soter_bridge::answer_of;
use soter_bridge::protocol::CommandError;
use soter_bridge::server::ServerPath;
use soter_text::{Text, text};

use super::observation::Observation;
use crate::grammar::DEFAULT_ADDRESS;

/// What was found at the address.
#[derive(Debug)]
pub(super) struct Port {
    address: SocketAddr,
    found: Found,
}

#[derive(Debug)]
enum Found {
    /// Nobody listens there.
    Free,
    /// A soter-sim listens there: its version, and why its ledger fails, if it does.
    SoterSim { version: String, failure: Option<CommandError> },
    /// Another program does.
    Another,
    /// This program may not listen there.
    Refused(io::Error),
}

impl Port {
    /// Looks at the address; without one, at the usual one. Listens there for a moment if it is free.
    pub(super) async fn look_at(address: Option<SocketAddr>) -> Self {
        let address = address.unwrap_or(DEFAULT_ADDRESS);
        let found = match TcpListener::bind(address) {
            Ok(_) => Found::Free,
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Self::holder(address).await,
            Err(error) => Found::Refused(error),
        };
        Self { address, found }
    }

    async fn holder(address: SocketAddr) -> Found {
        soter_sim_at(&format!("http://{}", reachable(address))).await.unwrap_or(Found::Another)
    }

    /// The address of the soter-sim that runs there.
    pub(super) fn server_url(&self) -> Option<String> {
        matches!(self.found, Found::SoterSim { .. }).then(|| format!("http://{}", reachable(self.address)))
    }

    /// What that means.
    pub(super) fn observation(&self) -> Observation {
        let address = reachable(self.address);
        match &self.found {
            Found::Free if address.port() == 0 => Observation::good(
                "port",
                text!("the system chooses a free port: `soter-sim serve` and the REPL show its number"),
            ),
            Found::Free => Observation::good(
                "port",
                text!(
                    "the port is free: `soter-sim serve` and the REPL show their page at http://{address}",
                    address = address
                ),
            ),
            Found::SoterSim { failure: Some(CommandError { what, next, .. }), .. } => Observation::problem(
                "port",
                text!(
                    "a soter-sim runs at http://{address}, and its ledger fails: {what}",
                    address = address,
                    what = what
                ),
                next.clone(),
            ),
            Found::SoterSim { version, .. } if version == env!("CARGO_PKG_VERSION") => Observation::good(
                "port",
                text!("a soter-sim runs at http://{address}, with its page", address = address),
            ),
            Found::SoterSim { version, .. } => Observation::note(
                "port",
                text!(
                    "a soter-sim {version} runs at http://{address}, and this is {own}",
                    version = version,
                    address = address,
                    own = env!("CARGO_PKG_VERSION")
                ),
                text!("end it, and start it again with this version"),
            ),
            Found::Another => Observation::problem(
                "port",
                text!("another program listens on {address}", address = address),
                text!("end that program, or choose another port: --listen 127.0.0.1:0 takes a free one"),
            ),
            Found::Refused(error) => Observation::problem(
                "port",
                text!(
                    "this program may not listen on {address}: {error}",
                    address = self.address,
                    error = error
                ),
                text!("choose another address: --listen 127.0.0.1:0 takes a free port"),
            ),
        }
    }
}

/// Where this computer reaches a server that listens on this address.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The soter-sim with this address. `None` if it is not one.
async fn soter_sim_at(url: &str) -> Option<Found> {
    // A server whose ledger fails answers the same with another status, and with the reason.
    let (_, answer) = answer_of(url, ServerPath::Health).await.ok()?;
    let answer: Value = serde_json::from_slice(&answer).ok()?;
    let version = answer["version"].as_str().filter(|_| answer["name"] == "soter-sim")?;
    let failure = match (answer["error"].as_str(), answer["next"].as_str()) {
        (Some(what), Some(next)) => {
            Some(CommandError::environment(Text::verbatim(what), Text::verbatim(next)))
        }
        _ => None,
    };
    Some(Found::SoterSim { version: version.to_owned(), failure })
}

/// Whether a soter-sim has this address, and tells nothing more without its token.
pub(super) async fn wants_token(url: &str) -> bool {
    let refuses = async || answer_of(url, ServerPath::OpenApi).await.is_ok_and(|(status, _)| status == 401);
    soter_sim_at(url).await.is_some() && refuses().await
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;
    use crate::cli::doctor::observation::Severity;

    /// The address of a program that says that it is a soter-sim, and answers the next request with this status.
    fn answers_then(status: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for (status, body) in [("200 OK", r#"{"name":"soter-sim","version":"0"}"#), (status, "")] {
                let (mut stream, _) = listener.accept().unwrap();
                // The request is short, and comes at once.
                assert_ne!(stream.read(&mut [0; 4096]).unwrap(), 0);
                let length = body.len();
                write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
            }
        });
        url
    }

    #[tokio::test]
    async fn a_token_is_wanted_only_by_a_server_that_answers_401() {
        for (status, expected) in
            [("401 Unauthorized", true), ("503 Service Unavailable", false), ("200 OK", false)]
        {
            assert_eq!(wants_token(&answers_then(status)).await, expected, "{status}");
        }
    }

    #[tokio::test]
    async fn a_port_of_another_program_is_a_problem_and_a_free_one_is_good() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        // It answers nothing that a soter-sim answers, and ends.
        let program = std::thread::spawn(move || drop(listener.accept()));
        let taken = Port::look_at(Some(address)).await;
        assert_eq!(taken.observation().severity, Severity::Problem);
        assert_eq!(taken.server_url(), None);
        program.join().unwrap();
        assert_eq!(Port::look_at(Some(address)).await.observation().severity, Severity::Good);
    }
}
