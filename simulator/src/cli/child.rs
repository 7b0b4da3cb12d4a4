//! The command that `exec` runs, and the processes that nobody else waits for.
//!
//! In a container this may be process 1. The kernel then makes it the parent of each process whose own parent has ended,
//! and such a process stays in the process table until its parent has waited for it.

use std::io;
use std::process::ExitStatus;

#[cfg(unix)]
use rustix::process::{Pid, WaitOptions, WaitStatus, getpid, wait};
use tokio::process::{Child, Command};
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(unix)]
use tracing::debug;

/// A command that runs.
pub(super) enum RunningCommand {
    /// Below an ordinary process.
    Ordinary(Child),
    /// Below process 1, which waits for all its children, so that tokio must not wait for this one.
    #[cfg(unix)]
    BelowInit {
        /// The command.
        id: Pid,
        /// Received when a child ends.
        child_ended: Signal,
    },
}

impl RunningCommand {
    /// Starts a command. A process that is not process 1 kills it when this is dropped.
    ///
    /// # Errors
    /// Those of the operating system if the command cannot be started.
    pub(super) fn start(mut command: Command) -> io::Result<Self> {
        #[cfg(unix)]
        if getpid().is_init() {
            let child_ended = signal(SignalKind::child())?;
            let id = Pid::from_child(&command.as_std_mut().spawn()?);
            return Ok(Self::BelowInit { id, child_ended });
        }
        command.kill_on_drop(true).spawn().map(Self::Ordinary)
    }

    /// The process id; `None` if the command has ended.
    #[cfg(unix)]
    pub(super) fn id(&self) -> Option<Pid> {
        match self {
            Self::Ordinary(child) => child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw),
            Self::BelowInit { id, .. } => Some(*id),
        }
    }

    /// The number of the process; `None` if the command has ended.
    #[cfg(not(unix))]
    pub(super) fn number(&self) -> Option<u32> {
        match self {
            Self::Ordinary(child) => child.id(),
        }
    }

    /// Waits for the command to end. Cancel safe.
    ///
    /// # Errors
    /// Those of the operating system.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        match self {
            Self::Ordinary(child) => child.wait().await,
            #[cfg(unix)]
            Self::BelowInit { id, child_ended } => loop {
                while let Some((ended, status)) = wait(WaitOptions::NOHANG)? {
                    if ended == *id {
                        return Ok(exit_status(status));
                    }
                }
                child_ended.recv().await;
            },
        }
    }
}

#[cfg(unix)]
fn exit_status(status: WaitStatus) -> ExitStatus {
    std::os::unix::process::ExitStatusExt::from_raw(status.as_raw())
}

/// Waits in the background for children that end, if this is process 1. The process must start none of its own.
pub(super) fn wait_for_orphans() {
    #[cfg(unix)]
    if getpid().is_init() {
        match signal(SignalKind::child()) {
            Ok(mut child_ended) => drop(tokio::spawn(async move {
                loop {
                    // An error means that there is no child.
                    while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
                    child_ended.recv().await;
                }
            })),
            Err(error) => debug!(%error, "processes that end are not waited for"),
        }
    }
}
