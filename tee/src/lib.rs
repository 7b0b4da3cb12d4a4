//! An emulated SOTER TEE: the secure world of one phone.
//!
//! ```text
//!                 commands, touches                          exports, judgements
//!   normal world ──────────────────┐                        ┌──────────────────────> normal world
//!   ───────────────────────────────┼────────────────────────┼───────────────────────────────────
//!   secure world                   v                        │
//!                        ┌───────── Tee ────────────────────┴───┐
//!                        │  sessions   init_sign → present →    │     matcher: enrolled, failures, locks
//!                        │             finish_sign │ cancel     │     keys:    ATTK signs ASK signs AuthKey
//!                        └───────────────┬──────────────────────┘
//!                                        v
//!                                      vault    state (sealed) + counter limit, version (RPMB)
//!                                        │
//!   ─────────────────────────────────────┼─────────────────────────────────────────────────────
//!                                        v
//!                    Environment: randomness, clock, Storage { root key, sealed state, RPMB }
//! ```
//!
//! It behaves like a real TEE and has no attacker powers: it signs nothing without a touch, every counter value is
//! durable before it is signed, and private keys leave it only sealed. It is synchronous and uses no socket, file,
//! runtime or terminal: [`Environment`] provides randomness, clock and storage.
//!
//! All differences between phone families are in the rows of [`soter_wire::PROFILES`].

mod attestation;
mod derive;
mod environment;
mod error;
mod key_path;
mod matcher;
mod private_key;
mod rpmb;
mod seal;
mod secret;
mod seed;
mod session;
mod state;
mod storage;
mod stored_mode;
mod tee;
mod vault;

pub use attestation::{CrlDistributionPoints, EMULATED_ROOT, emulated_root_key};
pub use environment::{Environment, RandomnessError, operating_system_random};
pub use error::{DevicePart, OpenError, TeeError};
pub use key_path::KeyPath;
pub use matcher::{Enrolment, Judgement, Lockout, MAX_ENROLMENTS, Presented, SensorFailures};
pub use private_key::{KeyError, PrivateKey};
pub use seed::Seed;
pub use session::{MAX_SESSIONS, MAX_SESSIONS_PER_APP, SESSION_LIFETIME_MS};
pub use state::{MAX_APPS, MAX_AUTH_KEYS, MAX_KEY_NAME_BYTES};
pub use storage::memory::MemoryStorage;
pub use storage::{
    ProvisionedDevice, ROOT_KEY_BYTES, RpmbSlot, SLOT_BYTES, Storage, StorageError, StoredDevice, power_cut,
};
pub use tee::signing::Signed;
pub use tee::{DeviceIdentity, ExtraParameter, KeyInfo, MAX_CHALLENGE_BYTES, Tee};
