//! `audit`: every attack against one's own backend.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum, ValueHint};
use soter_attack::Shape;
use soter_text::text;
use soter_wechat::Secret;

use super::wrong_value::WrongValue;

/// `audit (--config FILE [-- CMD…] | --preset wechat --url BASE | --init | --from FILE.har)`.
#[derive(Args, Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
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
    /// What the application is like, for --init; left out: asked at a terminal, otherwise session
    #[arg(long, value_name = "NAME", requires = "init", value_parser = shape())]
    pub(crate) shape: Option<Shape>,
    /// Start the application with this command, with the environment of `exec`, and stop it at the end
    #[arg(value_name = "CMD", requires = "config", last = true)]
    pub(crate) command: Vec<OsString>,
    /// How long the application that is started may take until it accepts connections [default: 60]
    #[arg(long, value_name = "SECONDS", requires = "command", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) wait: Option<u64>,
    /// Serve TLS as well, as `exec --tls` does: for an application that has https://api.weixin.qq.com built in
    #[arg(long, requires = "command")]
    pub(crate) tls: bool,
    /// Propose a description from a recording (HAR) of one honest payment; --init FILE writes it, otherwise it is printed
    #[arg(
        long,
        value_name = "FILE.har",
        value_hint = ValueHint::FilePath,
        conflicts_with_all = ["config", "preset", "url", "schema", "shape"]
    )]
    pub(crate) from: Option<PathBuf>,
    /// Where the audit's own WeChat servers listen for the application [default: 127.0.0.1:8777; with a command, a free port]
    #[arg(long, value_name = "ADDRESS", requires = "config")]
    pub(crate) backend_listen: Option<SocketAddr>,
    /// Print the JSON schema of descriptions, for editors; with --init, write it next to the file, which then names it
    #[arg(long, conflicts_with_all = ["config", "preset"])]
    pub(crate) schema: bool,
    /// Where the verifier takes the phones' keys, by POST as JSON [default: /sim/devices]
    ///
    /// Members: cpu_id, uid, attk (PEM), ask and auth_key (json, signature in Base64, empty with a certificate
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
    #[arg(long, value_name = "COMMAND", requires = "preset", value_parser = parse_command)]
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
    /// Play the honest path once, and show what each step has found; no attack is played
    #[arg(long, requires = "config", conflicts_with_all = ["dry_run", "report", "baseline"])]
    pub(crate) check: bool,
    /// Show nothing but the answer and errors: no progress, and of a started application's output only what shows why it did not start
    #[arg(long, short, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Show a line for every attack, and not only for those that need attention
    #[arg(long, short)]
    pub(crate) verbose: bool,
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

fn shape() -> impl TypedValueParser<Value = Shape> {
    let values = Shape::ALL.map(|shape| PossibleValue::new(shape.name()).help(shape.summary()));
    PossibleValuesParser::new(values)
        .try_map(|name| Shape::named(&name).ok_or_else(|| WrongValue::from(text!("not a shape"))))
}

/// A contract that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// /cgi-bin/token and /cgi-bin/soter/verify_signature
    Wechat,
}

fn parse_command(text: &str) -> Result<String, WrongValue> {
    if text.trim().is_empty() {
        return Err(text!("an empty command restarts nothing").into());
    }
    Ok(text.to_owned())
}
