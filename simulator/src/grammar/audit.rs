//! `audit`: every attack against one's own backend.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use soter_wechat::Secret;

/// `audit (--config FILE | --preset wechat --url BASE | --init | --from FILE.har)`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Audit {
    /// Audit an application: a TOML file says how to log in, get a challenge and post a result
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "preset")]
    pub(crate) config: Option<PathBuf>,
    /// Audit a verifier with a contract that is known
    #[arg(long, value_enum, requires = "url")]
    pub(crate) preset: Option<Preset>,
    /// The target's address, such as http://127.0.0.1:3000; with --config, in place of the one in the file
    #[arg(long, value_name = "BASE")]
    pub(crate) url: Option<String>,
    /// Write a commented description to begin with [default: audit.toml]
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        default_missing_value = "audit.toml",
        conflicts_with_all = ["config", "preset"]
    )]
    pub(crate) init: Option<PathBuf>,
    /// Propose a description from a recording (HAR) of one honest payment; --init FILE writes it, otherwise it is printed
    #[arg(
        long,
        value_name = "FILE.har",
        value_hint = ValueHint::FilePath,
        conflicts_with_all = ["config", "preset", "url"]
    )]
    pub(crate) from: Option<PathBuf>,
    /// Where the audit's own WeChat servers listen for the application [default: 127.0.0.1:8777]
    #[arg(long, value_name = "ADDRESS", requires = "config")]
    pub(crate) backend_listen: Option<SocketAddr>,
    /// Where the verifier takes the phones' keys, by POST as JSON [default: /sim/devices]
    ///
    /// Members: cpu_id, uid, attk (PEM), ask and auth_key (json, signature in Base64, empty beside a certificate
    /// chain), public_key (PEM of the AuthKey), salt_length, appid, openid. An answer of 200 takes the phone, unless it
    /// says {"enrolled":false}.
    #[arg(long, value_name = "URL", requires = "preset")]
    pub(crate) enroll_url: Option<String>,
    /// Certificates (PEM) that are trusted for the verifier, too; an application's stand in its file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "preset")]
    pub(crate) ca: Option<PathBuf>,
    /// The mini program [default: SOTER_SIM_APPID, else the simulator's own]
    #[arg(long, value_name = "APPID")]
    pub(crate) appid: Option<String>,
    /// The mini program's secret [default: SOTER_SIM_SECRET, else the simulator's own]
    #[arg(long, value_name = "SECRET")]
    pub(crate) secret: Option<Secret>,
    /// A second mini program of the verifier, for attacks that mix two
    #[arg(long, value_name = "APPID", requires_all = ["preset", "other_secret"])]
    pub(crate) other_appid: Option<String>,
    /// The second mini program's secret
    #[arg(long, value_name = "SECRET", requires = "other_appid")]
    pub(crate) other_secret: Option<Secret>,
    /// A command that restarts the verifier, for attacks that need it; an application's stands in its file
    #[arg(long, value_name = "COMMAND", requires = "preset")]
    pub(crate) restart: Option<String>,
    /// Send attacks to another computer. Only to systems whose owner has permitted it
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// Write a report: .json, .xml (JUnit), .sarif or .html; may be given more than once
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) report: Vec<PathBuf>,
    /// Play these attacks alone: ids or their beginnings, comma-separated, such as REPLAY,COUNTER-01
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Leave these attacks out: ids or their beginnings, comma-separated, such as REPLAY,COUNTER-01
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    pub(crate) skip: Vec<String>,
    /// An earlier .json report: what it has found counts no more
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) baseline: Option<PathBuf>,
    /// Warnings count as failures
    #[arg(long)]
    pub(crate) strict: bool,
    /// List what would be played, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// For each answer of the target
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) timeout: u64,
    /// The same phones and inputs each time; making their keys takes longer
    #[arg(long, value_name = "TEXT")]
    pub(crate) seed: Option<Secret>,
}

/// A contract that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// /cgi-bin/token and /cgi-bin/soter/verify_signature
    Wechat,
}
