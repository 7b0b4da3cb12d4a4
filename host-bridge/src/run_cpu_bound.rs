//! Work that keeps a processor busy, inside an async runtime.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Runs work that keeps a processor busy for long, such as making a key. Other tasks of a runtime with several
/// threads continue meanwhile.
pub fn run_cpu_bound<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
