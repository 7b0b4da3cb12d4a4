//! What an application tells about the effect of payments, apart from its answer to one.

use std::collections::BTreeMap;

use reqwest::Method;

use super::ApplicationTarget;
use super::description::{Section, Step};
use crate::target::{TargetError, Visit};

impl ApplicationTarget {
    /// The values of the steps before a payment that only read, such as the balance.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if a step cannot be carried out or refuses.
    pub(super) async fn read_effects(&self, visit: &Visit) -> Result<BTreeMap<String, String>, TargetError> {
        let Some(section) = self.client.application.result.reading() else { return Ok(BTreeMap::new()) };
        let values = self.values(visit, section.uses("code")).await?;
        let ran = Box::pin(self.client.run(&section, None, values, visit, None)).await?;
        let names: Vec<&str> = section.value_names().collect();
        Ok(ran.values.into_iter().filter(|(name, _)| names.contains(&name.as_str())).collect())
    }
}

impl Section {
    /// The steps before the main one that read values, if they need nothing of an order.
    fn reading(&self) -> Option<Self> {
        let reads = |step: &&Step| {
            let is_get = step.endpoint().is_some_and(|endpoint| endpoint.method() == Method::GET);
            is_get && !step.values.is_empty()
        };
        let mut before: Vec<Step> = self.before.iter().filter(reads).cloned().collect();
        let main = before.pop()?;
        Some(Self { before, main, after: Vec::new(), challenge: None, answer: None, success: None })
    }
}
