//! The host's side of the phone: the command protocol, and the servers that speak it.
//!
//! ```text
//!   REPL, command line, servers, tests
//!        │  Call { device, Request }                 ▲  Response, CommandError
//!        v                                           │
//!   protocol::Service ── implemented by the simulator's desk of phones ──> Events
//!
//!   Connection     a running server, as a Service; download: what it offers by HTTP
//!   page           the phone in a browser
//!   rpc            JSON-RPC 2.0 over the protocol: text in, text out
//!   server         HTTP, WebSocket and TLS on one port, and which clients are admitted
//!   certificate_authority   the authority that vouches for WeChat's hosts here
//!   visible, toml_file, run_cpu_bound   for every front end: showing foreign text, reading TOML files, CPU-bound work
//! ```
//!
//! The bridge does not depend on the TEE: a verifier that shares the signer's code cannot catch its mistakes. The two
//! have only [`soter_wire`] in common.

mod address;
mod certificate_authority;
mod connection;
mod download;
mod line_breaks;
mod outbox;
mod page;
pub mod protocol;
pub mod rpc;
mod run_cpu_bound;
pub mod server;
#[cfg(test)]
mod test_service;
pub mod toml_file;
mod visible;

pub use certificate_authority::{BadAuthority, CertificateAuthority};
pub use connection::Connection;
pub use download::{answer_of, download};
pub use line_breaks::{line_breaks, visible_characters};
pub use page::page;
pub use run_cpu_bound::run_cpu_bound;
pub use visible::{visible, visible_lines};
