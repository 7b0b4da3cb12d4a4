//! The attacker: what a replayer, a forger or the thief of a phone sends, and what a careful server makes of it.

mod software_key;

pub use self::software_key::{Scheme, SoftwareKey};
