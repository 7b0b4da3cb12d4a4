//! WeChat's servers, emulated: what a mini program's own backend asks, and what WeChat's client on the phone tells.
//!
//! ```text
//!   mini program's backend                                       WeChat on the phone
//!      │ /cgi-bin/token, /sns/jscode2session,                      │ login, check_session, user_info
//!      │ /cgi-bin/soter/verify_signature, …                        │ register_device, upload_ask, upload_auth_key
//!      │                                                           │ or, from an audit, POST /sim/devices
//!      v                                                           v
//!   routes ──> WeChat (servers.rs) ─────────────────────────────────────┐
//!                │ accounts      mini programs and users                │
//!                │ tokens        access tokens             in memory    │
//!                │ logins        codes and session keys    in memory    │
//!                │ pipeline      is this result good? ──> ledger        │
//!                │ verification  does this signature belong to this key, and if not, why?
//!                └────────────────────────────────────────── keys and counters, durable in groups
//!
//!   reasons   every reason for a refusal, explained       codes     what every number means, and what users do about it
//!   journal   every call, its answer and the reason       event     what happened, for an observer
//! ```
//!
//! Answers look like WeChat's. Why a result was refused is said elsewhere: in the journal, in the events and in the header
//! `x-soter-sim-reason`. Everything here is an emulation that says so in its names; it trusts emulated phones alone.
//!
//! The servers do not know the TEE: a verifier that shared the signer's code could not catch its mistakes. They have only
//! [`soter_wire`] in common. Nor do they know the command protocol, which is built on top of them.

pub mod codes;
pub mod journal;
pub mod reasons;
pub mod verification;

mod accounts;
mod answer;
mod clock;
mod device_info;
mod enrolment;
mod error;
mod event;
mod ledger;
mod logins;
mod paths;
mod pipeline;
mod random;
mod routes;
mod secret;
mod servers;
#[cfg(test)]
mod test_phone;
#[cfg(test)]
mod test_servers;
mod tokens;
mod upload;
mod user_info;
mod verdict;

pub use accounts::{AccountList, Accounts, App, DEFAULT_APPID, DEFAULT_USER, User};
pub use clock::{Clock, SetClock, SystemClock};
pub use error::WeChatError;
pub use event::{Event, Observer};
pub use ledger::change::{AuthKey, Change};
pub use ledger::sqlite::SqliteStore;
pub use ledger::store::{LedgerError, LedgerStore};
pub use ledger::{Ledger, Receipt};
pub use paths::{WeChatPath, is_wechats};
pub use random::random_text;
pub use reasons::Reason;
pub use routes::{MAX_BODY, routes};
pub use secret::Secret;
pub use servers::{Replays, ReplyStyle, WeChat, WeChatOptions};
pub use upload::{DeviceKeys, KeyOwner, Lacks, UploadRefused};
pub use user_info::UserInfo;
pub use verdict::Verdict;
