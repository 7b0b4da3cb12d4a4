//! The signals that end a server.

use soter_bridge::protocol::CommandError;
#[cfg(unix)]
use soter_text::text;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signal that ended a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TerminationSignal {
    /// SIGINT, or Ctrl-C.
    Interrupted,
    /// SIGTERM.
    #[cfg(unix)]
    Terminated,
    /// SIGHUP: the terminal is gone.
    #[cfg(unix)]
    HungUp,
    /// SIGQUIT, or Ctrl-\.
    #[cfg(unix)]
    Quit,
}

impl TerminationSignal {
    /// The exit code of shells for a process that it has ended.
    pub(super) fn exit_code(self) -> u8 {
        128 + match self {
            Self::Interrupted => 2,
            #[cfg(unix)]
            Self::Terminated => 15,
            #[cfg(unix)]
            Self::HungUp => 1,
            #[cfg(unix)]
            Self::Quit => 3,
        }
    }
}

/// The signals that end a server.
pub(super) struct TerminationSignals {
    #[cfg(unix)]
    terminate: Signal,
    #[cfg(unix)]
    interrupt: Signal,
    /// `None` if the signal stays ignored, as below `nohup`.
    #[cfg(unix)]
    hang_up: Option<Signal>,
    /// `None` if the signal stays ignored.
    #[cfg(unix)]
    quit: Option<Signal>,
}

impl TerminationSignals {
    /// Subscribes to SIGINT and SIGTERM. Also to SIGHUP and SIGQUIT, unless they were ignored when this process started. On
    /// Windows there is nothing to subscribe to: `next` waits for Ctrl-C.
    pub(super) fn listen() -> Result<Self, CommandError> {
        #[cfg(unix)]
        {
            let failed = |error: std::io::Error| {
                CommandError::environment(
                    text!("signals cannot be listened to: {error}", error = error),
                    text!("check the limits of this process (ulimit), then repeat"),
                )
            };
            let unless_ignored =
                |kind: SignalKind| (!is_ignored(kind)).then(|| signal(kind)).transpose().map_err(failed);
            Ok(Self {
                hang_up: unless_ignored(SignalKind::hangup())?,
                quit: unless_ignored(SignalKind::quit())?,
                terminate: signal(SignalKind::terminate()).map_err(failed)?,
                interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for a signal.
    pub(super) async fn next(&mut self) -> TerminationSignal {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => TerminationSignal::Terminated,
            _ = self.interrupt.recv() => TerminationSignal::Interrupted,
            () = received(&mut self.hang_up) => TerminationSignal::HungUp,
            () = received(&mut self.quit) => TerminationSignal::Quit,
        }
        #[cfg(not(unix))]
        {
            // Without a handler for Ctrl-C, the server ends only with the process.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            TerminationSignal::Interrupted
        }
    }
}

/// Waits for a signal. Never returns if it is ignored.
#[cfg(unix)]
async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether this process was started with the signal ignored. Only Linux says it in a way that needs no unsafe code.
/// Elsewhere SIGHUP stays as it is, because a server below `nohup` must survive its terminal.
#[cfg(unix)]
fn is_ignored(kind: SignalKind) -> bool {
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .is_some_and(|mask| mask & (1 << (kind.as_raw_value() - 1)) != 0)
    }
    #[cfg(not(target_os = "linux"))]
    {
        kind == SignalKind::hangup()
    }
}
