//! Termination by a signal, SIGTERM or SIGHUP, while a person types.

use tokio::runtime::Runtime;
use tokio::sync::Notify;

/// Notified when a signal ends the process. One dialog at most waits for it.
static TERMINATED: Notify = Notify::const_new();

/// Waits until a signal ends the process. What is drawn on the terminal must be removed then.
pub(super) async fn terminated() {
    TERMINATED.notified().await;
}

/// Installs handlers for SIGTERM and SIGHUP. They call `close` to put the phones away, wait until the dialog is removed
/// and the log is written, restore the terminal to its present mode, and end the process with the exit code of shells:
/// 128 plus the signal's number. Programs that change the terminal's mode need this; otherwise a signal leaves the shell
/// without echo.
///
/// On Windows the console belongs to the window and closes with it, so nothing has to be restored.
#[cfg(unix)]
pub(crate) fn exit_cleanly_on_signal(runtime: &Runtime, close: impl FnOnce() + Send + 'static) {
    use std::io::{self, IsTerminal, Write};

    use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
    use tokio::signal::unix::{SignalKind, signal};

    /// Bracketed paste off, cursor shown.
    const RESET_SCREEN_SEQUENCE: &[u8] = b"\x1b[?2004l\x1b[?25h\r\n";

    if !io::stdin().is_terminal() {
        return;
    }
    let Ok(mode) = tcgetattr(io::stdin()) else { return };
    let _guard = runtime.enter();
    // Without handlers, the signals end the process in the default way.
    let (Ok(mut terminate), Ok(mut hang_up)) =
        (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
    else {
        return;
    };
    runtime.spawn(async move {
        let kind = tokio::select! {
            _ = terminate.recv() => SignalKind::terminate(),
            _ = hang_up.recv() => SignalKind::hangup(),
        };
        TERMINATED.notify_one();
        close();
        crate::stderr::flush();
        // If the terminal is gone, nothing has to be restored.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &mode);
        let mut screen = io::stderr();
        if screen.is_terminal() {
            // The same.
            let _ = screen.write_all(RESET_SCREEN_SEQUENCE);
        }
        std::process::exit(128 + kind.as_raw_value());
    });
}

/// Does nothing on Windows; see the Unix version.
#[cfg(not(unix))]
pub(crate) fn exit_cleanly_on_signal(_: &Runtime, _: impl FnOnce() + Send + 'static) {}
