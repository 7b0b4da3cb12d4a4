//! Support for the suites in `tests/`: soter-sim as a process, observed from outside.
//!
//! ```text
//!   State (a folder) ---- program(["auth", ...]) ---> Program --run()----> Finished   exit code, stdout, stderr
//!                                                        |
//!                                                        +-----start()--> Running    lines in, lines out, kill
//!                                                        +-at_a_terminal()-> Terminal   keys in, a screen out (Unix)
//!   Server     the program as a server, and requests to it
//!   Backend    what a mini program's backend asks of a server
//!   Callback   result of a wx call            Key      one row of `keys --json`
//!   openssl    a second opinion on signatures      has_chinese(), english_sentences()   the language of a text
//! ```
//!
//! The program is built once for each test process, see [`executable()`]. Every child has a deadline after which it is
//! killed and its test fails, so nothing hangs. Each child gets a home folder of its own, so no test sees or changes
//! the phones of the user who runs it.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::print_stderr,
    reason = "only tests call this crate: an error must fail the test, and messages are printed"
)]

mod backend;
mod callback;
mod executable;
mod key;
mod language;
pub mod openssl;
mod process;
mod program;
mod server;
mod state;
#[cfg(unix)]
mod terminal;

pub use backend::Backend;
pub use callback::Callback;
pub use executable::executable;
pub use key::Key;
pub use language::{english_sentences, has_chinese};
pub use process::{Finished, Running};
#[cfg(unix)]
pub use program::NOBODY;
pub use program::{Program, call};
pub use server::{Server, http, try_rpc};
pub use state::State;
#[cfg(unix)]
pub use terminal::Terminal;
