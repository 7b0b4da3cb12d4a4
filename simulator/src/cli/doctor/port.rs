//! The port of the page and the servers, and who has it.

use std::io;
use std::net::{SocketAddr, TcpListener};

use serde_json::Value;
use soter_bridge::download;
use soter_bridge::server::ServerPath;
use soter_text::text;

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
    /// A soter-sim of this version listens there.
    SoterSim { version: String },
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
        let answer = download(&format!("http://{address}"), ServerPath::Health).await;
        let answer: Value =
            answer.ok().and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default();
        match (answer["name"].as_str(), answer["version"].as_str()) {
            (Some("soter-sim"), Some(version)) => Found::SoterSim { version: version.to_owned() },
            _ => Found::Another,
        }
    }

    /// The address of the soter-sim that runs there.
    pub(super) fn server_url(&self) -> Option<String> {
        matches!(self.found, Found::SoterSim { .. }).then(|| format!("http://{}", self.address))
    }

    /// What that means.
    pub(super) fn observation(&self) -> Observation {
        let address = self.address;
        match &self.found {
            Found::Free => Observation::good(
                "port",
                text!(
                    "the port is free: `soter-sim serve` and the REPL show their page at http://{address}",
                    address = address
                ),
            ),
            Found::SoterSim { version } if version == env!("CARGO_PKG_VERSION") => Observation::good(
                "port",
                text!("a soter-sim runs at http://{address}, with its page", address = address),
            ),
            Found::SoterSim { version } => Observation::note(
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
                text!(
                    "another program listens on {address}, or a soter-sim that wants its token",
                    address = address
                ),
                text!(
                    "end that program, or choose another port: --listen 127.0.0.1:0 takes a free one; with a token: --connect 'http://{address}/?token=TOKEN'",
                    address = address
                ),
            ),
            Found::Refused(error) => Observation::problem(
                "port",
                text!("this program may not listen on {address}: {error}", address = address, error = error),
                text!("choose another address: --listen 127.0.0.1:0 takes a free port"),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::observation::Severity;

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
