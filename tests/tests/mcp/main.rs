//! `soter-sim mcp` as an agent's client meets it: lines of JSON on standard input and output.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

mod client;
mod dialogs;
mod hostile;
mod servers;
mod tools;
