//! `serve`, `mcp`, `exec` and `rpc`: the servers, and calls to running ones.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use serde_json::{Map, Value};
use soter_bridge::protocol::sensor::SensorMode;
use soter_text::text;
use soter_wechat::{
    BadNamespace, CloudPermissions, MAX_CLOCK_OFFSET_MS, MAX_FLEET, Namespace, Replays, ReplyStyle, Secret,
};

use super::timestamp::parse_duration;
use super::wrong_value::WrongValue;

/// The address on which servers listen by default.
pub(crate) const DEFAULT_ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8777);

/// `doctor`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Doctor {
    /// The address that a server would listen on [default: 127.0.0.1:8777]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
}

/// The heading of these options in the help.
pub(super) const HEADING: &str = "Options of the servers";

/// How to serve.
#[derive(Args, Clone, Debug, Default, PartialEq)]
#[command(next_help_heading = HEADING)]
pub(crate) struct Serve {
    /// The address to listen on; port 0 takes a free one [default: 127.0.0.1:8777; of `exec`: a free one]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Who touches the sensor of the selected phone and of new ones: `ask`, `auto`, or a script; left out: as the phone is set
    #[arg(long, value_name = "ask|auto|SCRIPT", value_parser = parse_sensor_mode)]
    pub(crate) touch: Option<SensorMode>,
    /// A fleet for load tests: this many more phones, fleet-000000 and so on, each with its own user; a state folder keeps it
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_FLEET)))]
    pub(crate) fleet: Option<u32>,
    /// Whether `verify_signature` refuses a counter that is not new, or leaves that to the caller
    #[arg(long, value_enum, default_value_t)]
    pub(crate) replays: ReplaysChoice,
    /// How `verify_signature` answers: {"is_ok"}, or {"errcode","errmsg","is_ok"}
    #[arg(long, value_enum, default_value_t)]
    pub(crate) reply_style: ReplyStyleChoice,
    /// How far the clock of WeChat's servers is ahead at the start and after a reset, for example +2h; of a shared ledger, for all
    /// its servers
    #[arg(long, value_name = "DURATION", value_parser = parse_ahead)]
    pub(crate) servers_clock: Option<u64>,
    /// Mini programs and users: a TOML file with [[app]] and [[user]]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Be the platform of WeChat Cloud Run: requests without an access token are the first mini program's, and good answers have the
    /// header x-openapi-seqid. Everyone who reaches the port can call then
    #[arg(long)]
    pub(crate) cloudrun: bool,
    /// A ledger that several servers share: postgres://USER:PASSWORD@HOST/DATABASE [env: SOTER_SIM_LEDGER]
    #[arg(long, value_name = "URL")]
    pub(crate) ledger: Option<Secret>,
    /// The part of the shared ledger that these servers use [env: SOTER_SIM_LEDGER_NAMESPACE] [default: default]
    #[arg(long, value_name = "NAME", value_parser = parse_namespace)]
    pub(crate) ledger_namespace: Option<Namespace>,
    #[command(flatten)]
    pub(crate) tls: Tls,
    /// Let pages of this origin in, for example http://localhost:10086; may be given more than once
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) allow_origin: Vec<String>,
    /// Let requests for this host name in; may be given more than once
    #[arg(long, value_name = "HOST")]
    pub(crate) allow_host: Vec<String>,
    /// A file whose first line clients have to show as their token
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) token_file: Option<PathBuf>,
    /// Let /sim/reset empty a state folder
    #[arg(long)]
    pub(crate) allow_reset: bool,
    /// What cloud functions may call. Not an option of its own: a function's folder says it.
    #[arg(skip)]
    pub(crate) cloud_permissions: CloudPermissions,
    /// Offer the attacker's methods danger.* and attack.* over RPC as well
    #[arg(long)]
    pub(crate) attacker: bool,
}

/// Whether there is TLS.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = HEADING)]
pub(crate) struct Tls {
    /// Serve TLS as well, on the same port and for proxies' CONNECT, to clients that have https://api.weixin.qq.com built in;
    /// they have to trust a CA: see `soter-sim ca`
    #[arg(long)]
    pub(crate) tls: bool,
    /// One more address for it, at port 443, for clients for which the hosts file leads api.weixin.qq.com to this address; one that
    /// containers reach takes a --token-file
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) tls_listen: Option<SocketAddr>,
}

impl Tls {
    /// Whether there is TLS: another address for it says so as well.
    pub(crate) fn is_wanted(self) -> bool {
        self.tls || self.tls_listen.is_some()
    }
}

/// See [`Replays`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReplaysChoice {
    /// The stricter way
    #[default]
    Refuse,
    /// Your own server has to notice them
    Accept,
}

/// See [`ReplyStyle`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReplyStyleChoice {
    /// {"is_ok":true}
    #[default]
    Plain,
    /// {"errcode":0,"errmsg":"ok","is_ok":true}
    Errcode,
}

impl From<ReplaysChoice> for Replays {
    fn from(choice: ReplaysChoice) -> Self {
        match choice {
            ReplaysChoice::Refuse => Self::Refuse,
            ReplaysChoice::Accept => Self::Accept,
        }
    }
}

impl From<ReplyStyleChoice> for ReplyStyle {
    fn from(choice: ReplyStyleChoice) -> Self {
        match choice {
            ReplyStyleChoice::Plain => Self::Plain,
            ReplyStyleChoice::Errcode => Self::Errcode,
        }
    }
}

/// `repl`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Repl {
    /// Start no server next to the REPL
    #[arg(long)]
    pub(crate) no_bridge: bool,
    #[command(flatten)]
    pub(crate) serve: Serve,
}

/// `exec [options] [--cloud-function DIR] -- CMD…`, `exec --cloud-function DIR`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Exec {
    #[command(flatten)]
    pub(crate) serve: Serve,
    /// The folder of a cloud function: index.js, and config.json for what it may call and how long it may take. With a command, mini
    /// programs call it by the folder's name while the command runs. Without one, it runs once, and its result is printed as one line
    /// of JSON. What it prints itself goes to standard error
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) cloud_function: Option<PathBuf>,
    /// The event of a cloud function that runs once: a JSON object [default: {}]
    #[arg(
        long,
        value_name = "JSON",
        requires = "cloud_function",
        conflicts_with = "command",
        value_parser = parse_event
    )]
    pub(crate) event: Option<Map<String, Value>>,
    /// The command, which finds the server through SOTER_SIM_URL and the other variables
    #[arg(value_name = "CMD", required_unless_present = "cloud_function", last = true)]
    pub(crate) command: Vec<OsString>,
}

/// `ca --export DIR`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Ca {
    /// Where to write; made if missing
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) export: PathBuf,
}

/// `rpc METHOD [PARAMS]`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Rpc {
    /// The method, for example wx.login or rpc.discover
    #[arg(value_name = "METHOD")]
    pub(crate) method: String,
    /// Its parameters: a JSON object
    #[arg(value_name = "PARAMS-AS-JSON")]
    pub(crate) params: Option<String>,
}

fn parse_namespace(text: &str) -> Result<Namespace, WrongValue> {
    text.parse().map_err(|error: BadNamespace| WrongValue::from(error.text()))
}

/// How far a clock is ahead, in milliseconds.
fn parse_ahead(text: &str) -> Result<u64, WrongValue> {
    let ahead = parse_duration(text.strip_prefix('+').unwrap_or(text))?;
    if ahead > MAX_CLOCK_OFFSET_MS {
        return Err(WrongValue::from(text!("at most {days} days", days = MAX_CLOCK_OFFSET_MS / 86_400_000)));
    }
    Ok(ahead)
}

pub(super) fn parse_event(text: &str) -> Result<Map<String, Value>, WrongValue> {
    serde_json::from_str(text).map_err(|error| {
        WrongValue::from(text!(
            "not a JSON object, such as {example}: {error}",
            example = "{\"order\": 42}",
            error = error.to_string()
        ))
    })
}

fn parse_sensor_mode(text: &str) -> Result<SensorMode, WrongValue> {
    match text {
        "ask" => Ok(SensorMode::Ask),
        "auto" => Ok(SensorMode::Auto),
        script => super::auth::parse_touch_script(script).map(SensorMode::Script),
    }
}
