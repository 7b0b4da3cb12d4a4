//! How the program is started.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::{Finished, Running, executable};

/// The variables that tell the platforms where a user's folders are.
const HOME_VARIABLES: [&str; 7] =
    ["APPDATA", "HOME", "LOCALAPPDATA", "USERPROFILE", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"];

/// The number of the user and group `nobody`, for [`Program::without_root`].
#[cfg(unix)]
pub const NOBODY: u32 = 65534;

/// An invocation of the program, not started yet.
#[derive(Debug)]
pub struct Program {
    command: Command,
    input: Vec<u8>,
    home: TempDir,
}

impl Program {
    /// The program with these arguments, an empty standard input and an empty home folder.
    pub fn new<I: IntoIterator<Item: AsRef<OsStr>>>(arguments: I) -> Self {
        let home = TempDir::new().expect("a folder for the child's home is made");
        let mut command = Command::new(executable());
        command
            .args(arguments)
            .env_remove("NO_COLOR")
            .env_remove("SOTER_SIM_LOG")
            // The tests read English, on a computer with any locale.
            .env("SOTER_SIM_LANG", "en")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for name in HOME_VARIABLES {
            command.env(name, home.path());
        }
        Self { command, input: Vec::new(), home }
    }

    /// Appends arguments.
    #[must_use]
    pub fn arguments<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, arguments: I) -> Self {
        self.command.args(arguments);
        self
    }

    /// The whole standard input of the program when it is [`run`](Self::run).
    #[must_use]
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// An environment variable of the program.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Without an environment variable, also if the tests have it.
    #[must_use]
    pub fn without_variable(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// The folder that the program takes for the user's home.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Redirects standard output. [`Finished::stdout`] is empty then.
    #[must_use]
    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.command.stdout(stdout);
        self
    }

    /// Redirects standard error. [`Finished::stderr`] is empty then.
    #[must_use]
    pub fn stderr(mut self, stderr: impl Into<Stdio>) -> Self {
        self.command.stderr(stderr);
        self
    }

    /// Runs the program to its end.
    pub fn run(self) -> Finished {
        let Self { command, input, home } = self;
        Running::spawn(command, home).feed_and_end(input)
    }

    /// Starts the program. Lines can be sent to it, see [`Running`].
    pub fn start(self) -> Running {
        let Self { command, home, .. } = self;
        Running::spawn(command, home)
    }
}

#[cfg(unix)]
impl Program {
    /// Limits how many files and connections the program can have open.
    #[must_use]
    pub fn with_descriptors(self, most: u32) -> Self {
        self.after(&format!("ulimit -n {most}"))
    }

    /// Lets the program ignore SIGHUP and SIGQUIT, as `nohup` and scripts without job control do.
    #[must_use]
    pub fn with_ignored_signals(self) -> Self {
        self.after("trap '' HUP QUIT")
    }

    /// Runs the program as a user whom the modes of files stop: as [`NOBODY`] if the tests run as root. `None`, with a printed
    /// line, if that user cannot run the program.
    pub fn without_root(mut self) -> Option<Self> {
        use std::os::unix::process::CommandExt;
        if !rustix::process::geteuid().is_root() {
            return Some(self);
        }
        let tried = Command::new(executable()).arg("--version").uid(NOBODY).gid(NOBODY).output();
        if !tried.is_ok_and(|tried| tried.status.success()) {
            eprintln!("skipped: user {NOBODY} cannot run {}", executable().display());
            return None;
        }
        self.command.uid(NOBODY).gid(NOBODY);
        Some(self)
    }

    /// Runs a shell's command in the process that becomes the program.
    fn after(self, prepare: &str) -> Self {
        self.below("sh", &["-c", &format!("{prepare} && exec \"$0\" \"$@\"")])
    }

    /// Makes the program process 1, as in a container. `None`, with a printed line, if this machine does not permit it.
    #[cfg(target_os = "linux")]
    pub fn as_first_process(self) -> Option<Self> {
        const OPTIONS: [&str; 4] = ["--pid", "--fork", "--mount-proc", "--kill-child"];
        let tried = Command::new("unshare").args(OPTIONS).arg("true").output();
        if !tried.is_ok_and(|tried| tried.status.success()) {
            eprintln!("skipped: `unshare --pid` is not permitted here");
            return None;
        }
        Some(self.below("unshare", &OPTIONS))
    }

    /// Runs another program, which gets this one as its last arguments.
    fn below(mut self, program: &str, arguments: &[&str]) -> Self {
        let mut shell = Command::new(program);
        shell
            .args(arguments)
            .arg(self.command.get_program())
            .args(self.command.get_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        self.command = shell;
        self
    }

    /// Puts the program into its own process group, without the terminal of the tests, as on a build server.
    #[must_use]
    pub fn in_own_process_group(mut self) -> Self {
        std::os::unix::process::CommandExt::process_group(&mut self.command, 0);
        self
    }

    /// Starts the program with a terminal as its three streams.
    pub fn at_a_terminal(self) -> crate::Terminal {
        let Self { command, home, .. } = self;
        crate::Terminal::spawn(command, home, None)
    }

    /// The same with a window of this many columns.
    pub fn at_a_terminal_of(self, columns: u16) -> crate::Terminal {
        let Self { command, home, .. } = self;
        crate::Terminal::spawn(command, home, Some(columns))
    }
}

/// The REPL's line for a protocol method with these parameters, quoted for a shell.
pub fn call(method: &str, parameters: &Value) -> String {
    format!("call {method} '{}'", parameters.to_string().replace('\'', r"'\''"))
}

/// The command line, for messages.
pub(crate) fn shown(command: &Command) -> String {
    let words: Vec<OsString> = command.get_args().map(OsStr::to_owned).collect();
    format!("soter-sim {}", words.join(OsStr::new(" ")).display())
}
