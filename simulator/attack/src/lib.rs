//! The attacker: the inputs of a replayer, a forger or a phone thief, and how a careful server handles them.
//!
//! ```text
//!   catalogue   every attack: what it is, what a correct server does, and its steps as data
//!       │
//!       v
//!   play        fresh phones whose keys the attacker knows  ── input ──>  Target
//!                                                           <── answer ──    WeChatTarget       verify_signature
//!                                                                            ApplicationTarget  a mini program's own server
//!   null_target the same without a target: what would be sent, compared with an honest phone's input
//! ```
//!
//! The phones have the real secure world, which gives an attacker no special access. The attacker works from outside:
//! on the phone's storage, with keys that were made in software and given to it, and on its output.

mod application;
mod attacked_phone;
pub mod audit;
mod catalogue;
mod changed_challenge;
mod columns;
mod disclosure;
mod entry;
mod forge;
mod http;
mod json_values;
mod key_pool;
mod keys;
mod kind;
mod login_edits;
mod null_target;
mod outage;
mod person;
mod play;
mod play_end;
mod predictability;
mod recording;
mod restart;
mod software_key;
mod stage;
mod steps;
mod target;
mod text;
mod translatable;
mod verdict;
mod verifier_cases;
mod verifier_control;
mod weak_key;
mod wechat_paths;
mod wechat_target;
mod wechat_traffic;

pub use self::application::checking::{Check, check};
pub use self::application::played_steps::PlayedStep;
pub use self::application::schema::description_schema;
pub use self::application::shapes::Shape;
pub use self::application::{Application, ApplicationTarget, Emulated};
pub use self::attacked_phone::Upload;
pub use self::catalogue::{catalogue, find};
pub use self::disclosure::Disclosed;
pub use self::entry::{Attack, Expected, Holds, Layer, Policy, Refuses, Tell};
pub use self::http::{Http, host_is_loopback};
pub use self::key_pool::KeyPool;
pub use self::keys::KeySource;
pub use self::kind::Kind;
pub use self::null_target::{Forged, forge};
pub use self::outage::{Failure, Outage, OutageSwitch};
pub use self::person::{Person, RegistrationError};
pub use self::play::play;
pub use self::predictability::Predictable;
pub use self::recording::{LeftOut, MAX_RECORDING_BYTES, Proposal, propose};
pub use self::software_key::{Flaw, Scheme, SoftwareKey};
pub use self::steps::{Addition, Code, Envelope, Observation, Place};
pub use self::target::{
    Answer, Cookies, Exchange, Form, Input, Observed, Order, Target, TargetError, TimePassed, User, Visit,
};
pub use self::verdict::{Played, Verdict};
pub use self::verifier_cases::{Evidence, VerifierCase, VerifierCheck, verifier_cases};
pub use self::verifier_control::{OwnServers, RemoteServers, VerifierControl};
pub use self::wechat_target::{Credentials, WeChatTarget};
pub use self::wechat_traffic::WeChatTraffic;
