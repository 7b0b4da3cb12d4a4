//! What a server decided, and why.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use soter_text::{Text, text};

use crate::ledger::error::LedgerError;
use crate::reasons::Reason;

/// Yes or no, with the reason. As JSON: `{"isOk", "reason", "detail"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Why. The reason alone decides whether the answer is yes; see [`Reason::is_ok`].
    pub reason: Reason,
    /// One line for people, with the numbers in it.
    pub detail: Text,
}

impl Verdict {
    /// A verdict for this reason.
    pub fn new(reason: Reason, detail: Text) -> Self {
        Self { reason, detail }
    }

    /// Whether the answer is yes.
    pub fn is_ok(&self) -> bool {
        self.reason.is_ok()
    }
}

impl From<LedgerError> for Verdict {
    fn from(LedgerError { what, next, .. }: LedgerError) -> Self {
        Self::new(Reason::LedgerUnavailable, text!("{what}; {next}", what = what, next = next))
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("Verdict", 3)?;
        members.serialize_field("isOk", &self.is_ok())?;
        members.serialize_field("reason", &self.reason)?;
        members.serialize_field("detail", &self.detail)?;
        members.end()
    }
}
