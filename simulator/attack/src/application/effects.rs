//! What an application tells about the effect of payments, apart from its answer to one.

use std::collections::BTreeMap;

use soter_text::text;

use super::ApplicationTarget;
use super::description::{Application, RESULT_NAMES, Section, Step};
use super::result_parts::MEMBERS;
use crate::target::{TargetError, Visit};

impl ApplicationTarget {
    /// The values of the steps before a payment that need nothing of an order, such as the balance.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if a step cannot be carried out or refuses.
    pub(super) async fn read_effects(&self, visit: &Visit) -> Result<BTreeMap<String, String>, TargetError> {
        let Application { challenge, result, .. } = &self.client.application;
        let of_order: Vec<&str> = challenge.value_names().chain(RESULT_NAMES).chain(MEMBERS).collect();
        let Some(section) = result.reading(&of_order) else { return Ok(BTreeMap::new()) };
        let values = self.values(visit, section.uses("code")).await?;
        let ran = Box::pin(self.client.run(&section, None, values, visit, None)).await?;
        if let Some(mismatch) = ran.refused {
            return Err(TargetError::broken(text!(
                "what a payment changes cannot be read: {mismatch}",
                mismatch = mismatch
            )));
        }
        let names: Vec<&str> = section.value_names().collect();
        Ok(ran.values.into_iter().filter(|(name, _)| names.contains(&name.as_str())).collect())
    }
}

impl Section {
    /// The steps before the main one that read values, and use none of these names.
    fn reading(&self, of_order: &[&str]) -> Option<Self> {
        let reads = |step: &&Step| !step.values.is_empty() && !of_order.iter().any(|name| step.uses(name));
        let mut before: Vec<Step> = self.before.iter().filter(reads).cloned().collect();
        let main = before.pop()?;
        Some(Self { before, main, after: Vec::new(), challenge: None, answer: None, success: None })
    }
}
