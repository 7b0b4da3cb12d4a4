//! The end from outside: SIGTERM, or a terminal that hangs up, while a person types.

use tokio::runtime::Runtime;

/// Makes SIGTERM and SIGHUP give the terminal back as it is now, put the phones away by `close`, and end the process
/// with the exit code that shells use for a signal, 128 and its number. For programs that change a terminal's mode:
/// one that was only killed would leave the person's shell without echo.
///
/// On Windows the console belongs to the window and goes with it, so there is nothing to give back.
#[cfg(unix)]
pub(crate) fn end_in_order(runtime: &Runtime, close: impl FnOnce() + Send + 'static) {
    use std::io::{self, IsTerminal, Write};

    use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
    use tokio::signal::unix::{SignalKind, signal};

    /// Bracketed paste off, cursor shown.
    const PLAIN_SCREEN: &[u8] = b"\x1b[?2004l\x1b[?25h\r\n";

    if !io::stdin().is_terminal() {
        return;
    }
    let Ok(mode) = tcgetattr(io::stdin()) else { return };
    let _inside = runtime.enter();
    // Without handlers, signals end the process as they do by themselves.
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
        close();
        // A terminal that has gone needs nothing.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &mode);
        let mut screen = io::stderr();
        if screen.is_terminal() {
            let _ = screen.write_all(PLAIN_SCREEN);
        }
        std::process::exit(128 + kind.as_raw_value());
    });
}

/// See the Unix form: here there is nothing to give back.
#[cfg(not(unix))]
pub(crate) fn end_in_order(_: &Runtime, _: impl FnOnce() + Send + 'static) {}
