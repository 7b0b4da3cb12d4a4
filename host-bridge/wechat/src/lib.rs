//! An emulation of WeChat's servers, for mini programs' backends and for WeChat's client on the phone.
//!
//! ```text
//!   mini program's backend                                       WeChat on the phone
//!      │ /cgi-bin/token, /sns/jscode2session,                      │ login, check_session, credentials
//!      │ /cgi-bin/soter/verify_signature, …                        │ register_device, upload_ask, upload_auth_key
//!      │                                                           │ or, from an audit, POST /sim/devices
//!      v                                                           v
//!   routes ──> WeChat (servers.rs) ─────────────────────────────────────┐
//!                │ accounts      mini programs and users                │
//!                │ sessions      codes, session keys, access tokens     │
//!                │ pipeline      is this result good? ──> ledger        │
//!                │ verification  does this signature belong to this key, and if not, why?
//!                └────────────────────────────────────────── keys and counters, durable
//!
//!   reasons   every reason for a refusal, explained       codes     what every number means, and what to do about it
//!   journal   every call, its answer and the reason       event     what happened, for an observer
//! ```
//!
//! Answers have the form of WeChat's, which give no reason for a refusal. The reason is in the journal, in the events
//! and in the header `x-soter-sim-reason`. Everything here is an emulation and says so in its names. It trusts only
//! emulated phones.
//!
//! This crate does not depend on the TEE: a verifier that shares the signer's code cannot catch its mistakes. The two
//! have only [`soter_wire`] in common. This crate does not depend on the command protocol either, which is built on
//! top of it.

pub mod codes;
pub mod journal;
pub mod reasons;
pub mod verification;

mod accounts;
mod answer;
mod body;
mod clock;
mod cloud;
mod device_info;
mod enrolment;
mod error;
mod event;
mod hosts;
mod json;
mod ledger;
mod open_api;
mod parameter;
mod paths;
mod payment;
mod pipeline;
mod random;
mod routes;
mod secret;
mod servers;
mod sessions;
#[cfg(test)]
mod test_phone;
#[cfg(test)]
mod test_servers;
mod upload;
mod user_info;
mod verdict;

pub use accounts::{
    AccountList, Accounts, App, DEFAULT_APPID, DEFAULT_USER, FLEET_NAME_DIGITS, FLEET_NAME_PREFIX, MAX_FLEET,
    User, fleet_name, fleet_number,
};
pub use clock::{Clock, SetClock, SystemClock};
pub use cloud::method::{CloudMethod, CloudPermissions};
pub use cloud::{CLOUD_ENVIRONMENT, CLOUD_SOURCE};
pub use error::WeChatError;
pub use event::{Event, Observer};
pub use hosts::{API_HOSTS, CLOUD_HOSTS, is_api_host, is_cloud_host};
pub use ledger::change::{AuthKey, Change};
pub use ledger::embedded::EmbeddedLedger;
pub use ledger::embedded::sqlite::SqliteStore;
pub use ledger::embedded::store::LedgerStore;
pub use ledger::error::LedgerError;
pub use ledger::postgres::PostgresLedger;
pub use ledger::postgres::address::{BadNamespace, Namespace};
pub use open_api::open_api_document;
pub use paths::{OWN_PREFIX, UnknownPath, WeChatPath};
pub use payment::PaymentRequest;
pub use random::random_text;
pub use reasons::Reason;
pub use routes::{MAX_BODY_BYTES, MAX_METHOD_CHARACTERS, routes};
pub use secret::Secret;
pub use servers::{Replays, ReplyStyle, ServerLedger, WeChat, WeChatOptions};
pub use sessions::Expiry;
pub use sessions::switches::{
    ClockChange, Failure, MAX_CLOCK_OFFSET_MS, MAX_DELAY_MS, SwitchChanges, Switches,
};
pub use upload::{DeviceKeys, ExportKind, KeyOwner, MissingUploads, UploadRefused};
pub use user_info::{Credentials, UserData, user_data_signature};
pub use verdict::Verdict;
