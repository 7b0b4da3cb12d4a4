//! The outcome of an authentication, for machines and for people.

use soter_bridge::protocol::wx::SoterAuthentication;

use super::evidence::Evidence;

/// The outcome of an authentication.
#[derive(Clone, Debug)]
pub(crate) struct Authentication {
    /// The object that the mini program's callback gets.
    pub(crate) callback: SoterAuthentication,
    /// What the phone adds for a person: why it refused, in more words than the caller gets.
    pub(crate) reason: Option<String>,
    /// What was signed with which key, after a success.
    pub(crate) evidence: Option<Evidence>,
    /// Mistakes that the answer does not tell of.
    pub(crate) remarks: Vec<String>,
}
