//! The attacker: the inputs of a replayer, a forger or a phone thief, and how a careful server handles them.
//!
//! ```text
//!   catalogue   every attack: what it is, what a correct server does, and its steps as data
//!       │
//!       v
//!   play        fresh phones whose keys the attacker knows  ── input ──>  Target
//!                                                           <── answer ──    WeChatTarget       verify_signature
//!                                                                            ApplicationTarget  a mini program's own server
//!               paper       the same without a target: what would be sent, compared with an honest phone's input
//! ```
//!
//! The phones have the real secure world, which gives an attacker no special access. The attacker works from outside:
//! on the phone's storage, with keys that were made in software and given to it, and on its output.

mod application;
pub mod audit;
mod backstage;
mod catalogue;
mod entry;
mod forge;
mod handset;
mod http;
mod keys;
mod outage;
mod paper;
mod person;
mod play;
mod restart;
mod software_key;
mod stage;
mod steps;
mod stopped;
mod target;
mod text;
mod verdict;
mod wechat_target;

pub use self::application::{Application, ApplicationTarget, Emulated, INITIAL};
pub use self::backstage::{Backstage, OwnServers, RemoteServers};
pub use self::catalogue::{catalogue, find};
pub use self::entry::{Attack, Expected, Holds, Layer};
pub use self::handset::Upload;
pub use self::http::{Http, host_is_loopback};
pub use self::keys::KeySource;
pub use self::outage::{Outage, OutageSwitch};
pub use self::paper::{Forged, forge};
pub use self::person::{NotIntroduced, Person};
pub use self::play::play;
pub use self::software_key::{Flaw, Scheme, SoftwareKey};
pub use self::steps::{Code, Envelope};
pub use self::target::{Answer, Cookies, Exchange, Form, Input, Order, Target, Trouble, User, Visit};
pub use self::verdict::{Played, Verdict};
pub use self::wechat_target::{Credentials, WeChatTarget};
