//! Events of WeChat's servers, and the observer that receives them.

use std::sync::Arc;

use crate::ledger::error::LedgerError;
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
    /// WeChat's cloud did not pass a cloud function's call on, and why.
    CloudCallRefused {
        /// The reason, and what to do.
        verdict: &'a Verdict,
    },
    /// The ledger's store has failed: until [`Event::LedgerRecovered`], neither results nor keys are accepted.
    LedgerFailed {
        /// What happened, and what to do.
        error: &'a LedgerError,
    },
    /// The ledger accepts changes again.
    LedgerRecovered,
}

/// Called with each event as it happens, on the task that caused it. It must not block.
pub type Observer = Arc<dyn Fn(Event<'_>) + Send + Sync>;
