//! An audit of a verifier with WeChat's contract.

use std::sync::Arc;

use soter_attack::audit::{ControlFailed, ControlKind};
use soter_attack::{Credentials, Http, RemoteServers, Target, WeChatTarget};
use soter_bridge::protocol::CommandError;

use super::plan::{AuditStart, Plan};
use crate::files::{Input, read_input};
use crate::front::{Console, Exit};
use crate::grammar::Audit;

/// Audits the verifier at the address in the options.
///
/// # Errors
/// `InvalidParams` if an address is wrong or not permitted, `Environment` if the HTTP client cannot be created:
/// nothing was sent. `Environment` if the answer or a report cannot be written.
pub(super) async fn run(audit: &Audit, plan: &Plan, console: &mut Console) -> Result<Exit, CommandError> {
    let url = audit.url.clone().unwrap_or_default();
    let ca = match &audit.ca {
        Some(path) => Some(read_input(Input::from_path(path))?),
        None => None,
    };
    let http = Http::over_network(&url, plan.timeout, ca.as_deref())?;
    plan.check_host(&url)?;
    if let Some(enroll_url) = &audit.enroll_url {
        http.check(enroll_url)?;
    }
    let other = match (&audit.other_appid, &audit.other_secret) {
        (Some(appid), Some(secret)) => Some(Credentials { appid: appid.clone(), secret: secret.clone() }),
        _ => None,
    };
    let servers = RemoteServers::new(http.clone(), audit.restart.clone());
    let target = WeChatTarget::new(http, plan.app.clone(), Arc::new(servers))
        .with_other_app(other)
        .with_enroll_url(audit.enroll_url.clone());
    let start = AuditStart::now(url.clone(), target.form());
    // Checks that there is such a verifier, before keys are uploaded to it.
    if let Err(error) = target.check_credentials().await {
        let failed =
            ControlFailed { control: ControlKind::Positive, what: error.text().clone(), exchange: None };
        return plan.report_failed_control(start, &failed, console);
    }
    plan.run(&target, url, console).await
}
