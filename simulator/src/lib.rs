//! The phone on the desk: devices with a TEE, a sensor and WeChat, and the program that drives them.
//!
//! ```text
//!   REPL   command line   (servers)          front ends: speak the command protocol
//!      └────────┬────────────┘
//!               v  Call                      soter_bridge::protocol
//!            ┌─ Desk ──────────────────────────────────────────────────────────┐
//!            │    Phone "phone"            Phone "second"  …                   │
//!            │      WeChat   checks, keys, dialog  (order of SOTER's client)   │
//!            │      sensor   ask │ auto │ script                               │
//!            │      Tee      opened by the first command that needs it         │
//!            └──────┬──────────────────────────────────────────────────────────┘
//!                   v  Environment: operating system's randomness, a clock, storage
//!                store    memory, or one folder with one lock
//! ```
//!
//! [`Desk`] implements [`Service`](soter_bridge::protocol::Service); everything else talks to that.

pub mod store;

mod desk;
mod phone;

pub use desk::{
    CloudFunctionCall, CloudFunctionEnd, CloudFunctions, Desk, DeskOptions, RunningFunction, State,
    default_state_folder,
};
