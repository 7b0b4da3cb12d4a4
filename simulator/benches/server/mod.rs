//! A server in a process of its own, and the memory that Linux counts for it.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

type Failed = Box<dyn Error + Send + Sync>;

/// This `soter-sim`.
pub(crate) const SOTER_SIM: &str = env!("CARGO_BIN_EXE_soter-sim");

pub(crate) struct Server {
    child: Child,
    /// Host and port.
    pub(crate) address: String,
}

impl Server {
    /// Starts `serve` of this `soter-sim` or another one.
    pub(crate) fn start(program: &Path, arguments: &[&str]) -> Result<Self, Failed> {
        Self::start_program(program, &[&["serve", "--listen", "127.0.0.1:0"], arguments].concat())
    }

    /// Starts a program whose first line ends with its URL.
    pub(crate) fn start_program(program: &Path, arguments: &[&str]) -> Result<Self, Failed> {
        let mut child =
            Command::new(program).args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut ready = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut ready)?;
        let address = ready.trim().rsplit("//").next().unwrap_or_default().to_owned();
        Ok(Self { child, address })
    }

    /// A number of `/proc/PID/status`: `VmRSS:` now, `VmHWM:` at its peak.
    pub(crate) fn resident_megabytes(&self, member: &str) -> Result<f64, Failed> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(member)).ok_or("no such line")?;
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes / 1000.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its state is not needed any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
