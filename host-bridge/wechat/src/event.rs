//! Events of WeChat's servers, and the observer that receives them.

use std::sync::Arc;

use crate::verdict::Verdict;

/// Something that happened. Never contains a secret.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A backend called `verify_signature`, and the result was judged.
    SignatureJudged {
        /// The mini program.
        appid: &'a str,
        /// The user who authenticated, according to the backend.
        openid: &'a str,
        /// The answer to the backend, and why.
        verdict: &'a Verdict,
    },
}

/// Called with each event as it happens, on the task that caused it. It must not block.
pub type Observer = Arc<dyn Fn(Event<'_>) + Send + Sync>;
