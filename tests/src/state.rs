//! A state folder for one test.

use std::ffi::OsStr;
use std::path::Path;

use tempfile::TempDir;

use crate::{Callback, Key, Program};

/// A temporary folder for the program's state; it is removed when this is dropped.
#[derive(Debug)]
pub struct State {
    folder: TempDir,
}

impl State {
    /// An empty folder.
    pub fn new() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder is made") }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The program with `--state` and these arguments.
    pub fn program<I: IntoIterator<Item: AsRef<OsStr>>>(&self, arguments: I) -> Program {
        Program::new([OsStr::new("--state"), self.path().as_os_str()]).arguments(arguments)
    }

    /// A REPL on this folder that reads from a pipe and answers in JSON.
    pub fn repl(&self) -> Program {
        self.program(["--json", "repl", "--no-bridge"])
    }

    /// Authenticates with a touch of the first finger, which must succeed.
    #[track_caller]
    pub fn authenticate(&self, challenge: &str) -> Callback {
        let callback = self.program(["auth", "--challenge", challenge, "--touch", "1"]).run().exits(0).json();
        Callback::read(&callback)
    }

    /// What `keys --json` lists.
    #[track_caller]
    pub fn keys(&self) -> Vec<Key> {
        Key::read_all(&self.program(["keys", "--json"]).run().exits(0).json())
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}
