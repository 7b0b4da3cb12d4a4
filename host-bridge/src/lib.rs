//! The host's side of the phone: the command protocol, and the servers that speak it.
//!
//! ```text
//!   REPL, command line, servers, tests
//!        │  Call { device, Request }                 ▲  Response, CommandError
//!        v                                           │
//!   protocol::Service ── implemented by the simulator's desk of phones ──> Events
//!
//!   Connection     a running server, as a Service
//!   page           the phone in a browser
//!   rpc            JSON-RPC 2.0 over the protocol: text in, text out
//!   server         HTTP and WebSocket on one port, and who may come in
//!   visible, toml_file, long_work   what every front end needs: text of others, files of people, busy processors
//! ```
//!
//! The bridge does not know the TEE: a verifier that shared the signer's code could not catch its mistakes. They
//! have only [`soter_wire`] in common.

mod connection;
mod long_work;
mod outbox;
mod page;
pub mod protocol;
pub mod rpc;
pub mod server;
#[cfg(test)]
mod test_service;
pub mod toml_file;
mod visible;

pub use connection::Connection;
pub use long_work::long_work;
pub use page::page;
pub use visible::{visible, visible_lines};
