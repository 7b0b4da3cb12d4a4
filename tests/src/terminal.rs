//! The program at a terminal, as a person uses it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use tempfile::TempDir;

use crate::program::shown;

/// How long a text may take to appear.
const DEADLINE: Duration = Duration::from_mins(1);

/// A program whose three streams are one pseudo-terminal, without colours and of unknown width if nothing else is set. It is
/// killed when this is dropped.
#[derive(Debug)]
pub struct Terminal {
    command: String,
    child: Child,
    keyboard: File,
    /// Keeps the program's side open, so that its mode can be read after the program has ended.
    line: OwnedFd,
    screen: Receiver<Vec<u8>>,
    /// Output for which no call has waited yet.
    shown: String,
    _home: TempDir,
}

impl Terminal {
    pub(crate) fn spawn(mut command: Command, home: TempDir, columns: Option<u16>) -> Self {
        let shown = shown(&command);
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal is opened");
        grantpt(&master).expect("access to the pseudo-terminal is granted");
        unlockpt(&master).expect("the pseudo-terminal is unlocked");
        let name = ptsname(&master, Vec::new()).expect("the pseudo-terminal has a name");
        let name = name.to_str().expect("the name is ASCII");
        let line = OpenOptions::new().read(true).write(true).open(name).expect("the other side opens");
        if let Some(ws_col) = columns {
            let size = Winsize { ws_row: 24, ws_col, ws_xpixel: 0, ws_ypixel: 0 };
            tcsetwinsize(&line, size).expect("the pseudo-terminal takes a size");
        }
        let stream = || Stdio::from(line.try_clone().expect("the other side is shared"));
        for (name, usual) in [("TERM", "xterm"), ("NO_COLOR", "1")] {
            if !command.get_envs().any(|(set, value)| set == name && value.is_some()) {
                command.env(name, usual);
            }
        }
        let child =
            command.stdin(stream()).stdout(stream()).stderr(stream()).spawn().expect("the program starts");
        let keyboard = File::from(master);
        let mut output = keyboard.try_clone().expect("the pseudo-terminal is shared");
        let (sender, screen) = channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length) = output.read(&mut bytes) {
                if length == 0 || sender.send(bytes[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { command: shown, child, keyboard, line: line.into(), screen, shown: String::new(), _home: home }
    }

    /// Types this text, or these bytes if the terminal is not set to UTF-8.
    pub fn types(&mut self, text: impl AsRef<[u8]>) {
        self.keyboard.write_all(text.as_ref()).expect("the terminal takes what is typed");
    }

    /// Waits until this text has appeared, and returns what appeared before it. What appears after it is left for the
    /// next call.
    #[track_caller]
    pub fn shows(&mut self, text: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(at) = self.shown.find(text) {
                let rest = self.shown.split_off(at + text.len());
                return std::mem::replace(&mut self.shown, rest);
            }
            match self.screen.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.shown.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("`{}` did not show `{text}` in {DEADLINE:?}:\n{}", self.command, self.shown)
                }
            }
        }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the terminal echoes what is typed and delivers it line by line, as a shell sets it.
    pub fn is_cooked(&self) -> bool {
        let mode = tcgetattr(&self.line).expect("the terminal has a mode");
        mode.local_modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// Waits until the program reads single keys. Before that, the terminal holds one line of 4096 bytes at most.
    #[track_caller]
    pub fn reads_keys(&self) {
        let deadline = Instant::now() + DEADLINE;
        while self.is_cooked() {
            assert!(Instant::now() < deadline, "`{}` did not read keys in {DEADLINE:?}", self.command);
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits for the end; the exit code, `None` if a signal ended it.
    pub fn end(&mut self) -> Option<i32> {
        let deadline = Instant::now() + DEADLINE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("the child can be waited for") {
                return status.code();
            }
            thread::sleep(Duration::from_millis(2));
        }
        panic!("`{}` did not end in {DEADLINE:?}:\n{}", self.command, self.shown)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
