//! The outcome of a payment, for machines and for people.

use soter_bridge::protocol::wx::PaymentResult;
use soter_text::Text;
use soter_wechat::Reason;

/// The outcome of a payment.
#[derive(Clone, Debug)]
pub(crate) struct Payment {
    /// The object that the mini program's callback receives.
    pub(crate) result: PaymentResult,
    /// Why it ended so, in more words than the caller receives.
    pub(crate) reason: Option<(Reason, Text)>,
    /// Mistakes that the answer does not show.
    pub(crate) remarks: Vec<Text>,
}
