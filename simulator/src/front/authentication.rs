//! The outcome of an authentication, for machines and for people.

use soter_bridge::protocol::wx::SoterAuthentication;
use soter_text::Text;

use super::evidence::Evidence;

/// The outcome of an authentication.
#[derive(Clone, Debug)]
pub(crate) struct Authentication {
    /// The object that the mini program's callback receives.
    pub(crate) callback: SoterAuthentication,
    /// The phone's reason for a refusal, in more words than the caller receives.
    pub(crate) reason: Option<Text>,
    /// What was signed with which key, after a success.
    pub(crate) evidence: Option<Evidence>,
    /// Mistakes that the answer does not show.
    pub(crate) remarks: Vec<Text>,
}
