//! The host's side of the phone: the command protocol, the codes that it speaks in, and a verifier.
//!
//! ```text
//!   REPL, command line, servers, tests
//!        │  Call { device, Request }                 ▲  Response, CommandError
//!        v                                           │
//!   protocol::Service ── implemented by the simulator's desk of phones ──> Events
//!
//!   Connection     a running server, as a Service
//!   codes          what every number means, and what users do about it
//!   journal        every call from outside, its answer and the reason for it
//!   verification   does this signature belong to this key, and if not, why?
//!   page           the phone in a browser
//!   rpc            JSON-RPC 2.0 over the protocol: text in, text out
//!   server         HTTP and WebSocket on one port, and who may come in
//!   reasons        every reason for a refusal, explained
//!   wechat         WeChat's servers, emulated: tokens, logins, verify_signature and its ledger
//!   visible, toml_file, long_work   what every front end needs: text of others, files of people, busy processors
//! ```
//!
//! The bridge does not know the TEE: a verifier that shared the signer's code could not catch its mistakes. They
//! have only [`soter_wire`] in common.

pub mod codes;
mod connection;
pub mod journal;
mod long_work;
mod outbox;
mod page;
pub mod protocol;
pub mod reasons;
pub mod rpc;
mod secret;
pub mod server;
#[cfg(test)]
mod test_service;
pub mod toml_file;
pub mod verification;
mod visible;
pub mod wechat;

pub use connection::Connection;
pub use long_work::long_work;
pub use page::page;
pub use secret::Secret;
pub use visible::{visible, visible_lines};
