//! The attacker: what a replayer, a forger or the thief of a phone sends, and what a careful server makes of it.
//!
//! ```text
//!   catalogue   every attack: what it is, what a correct server does, and its steps as data
//!       │
//!       v
//!   play        fresh phones whose keys the attacker knows  ── input ──>  Target
//!                                                           <── answer ──    WeChatTarget       verify_signature
//!                                                                            ApplicationTarget  a mini program's own server
//!               paper       the same played on paper: what would be sent, beside what an honest phone would send
//! ```
//!
//! The secure world of the phones is the real one and has no attacker's power. What an attacker does happens outside: to
//! its storage, with keys that were made in software and given to it, and to what comes out of it.

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
