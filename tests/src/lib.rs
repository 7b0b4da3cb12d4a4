//! What the suites in `tests/` stand on: soter-sim as a process, watched from outside.
//!
//! ```text
//!   State (a folder) ---- program(["auth", ...]) ---> Program --run()----> Finished   exit code, stdout, stderr
//!                                                        |
//!                                                        +-----start()--> Running    lines in, lines out, kill
//!                                                        +-at_a_terminal()-> Terminal   keys in, a screen out (Unix)
//!   Server     the program as a server, and requests to it
//!   Callback   what a wx call gave            Key      one row of `keys --json`
//!   openssl    a second opinion on signatures
//! ```
//!
//! The program is built once for each test process, see [`executable()`]. Every child has a deadline after which it is
//! killed and its test fails, so nothing hangs. Each child gets a home folder of its own, so no test sees or touches
//! the phones of whoever runs it.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::print_stderr,
    reason = "everything here is called by tests: what goes wrong is a test that fails, and what they say is printed"
)]

mod callback;
mod executable;
mod key;
pub mod openssl;
mod process;
mod program;
mod server;
mod state;
#[cfg(unix)]
mod terminal;

pub use callback::Callback;
pub use executable::executable;
pub use key::Key;
pub use process::{Finished, Running};
pub use program::{Program, call};
pub use server::{Server, http};
pub use state::State;
#[cfg(unix)]
pub use terminal::Terminal;
