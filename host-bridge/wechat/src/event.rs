//! Events of WeChat's servers, and the observer that receives them.

use std::sync::Arc;

use crate::verdict::Verdict;

/// Something that happened. Never contains a secret.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A backend asked `verify_signature` about a result, and was answered.
    SignatureJudged {
        /// The mini program.
        appid: &'a str,
        /// The user who is said to have authenticated.
        openid: &'a str,
        /// What the backend was told, and why.
        verdict: &'a Verdict,
    },
}

/// Is told of each event as it happens, on the task that caused it: it must not wait.
pub type Observer = Arc<dyn Fn(Event<'_>) + Send + Sync>;
