//! The addresses of WeChat's servers.

use serde_json::json;

use super::answer_types::Addresses;
use super::parameters::OnlyToken;
use super::{Call, Failed};
use crate::answer::Answer;

impl Call<'_> {
    /// Modelled: the servers are on this computer.
    pub(super) fn own_addresses(&self) -> Result<Answer, Failed> {
        let OnlyToken { app: _ } = self.parameters()?;
        Ok(Answer::new(json!(Addresses { ip_list: &["127.0.0.1"] })))
    }
}
