//! The command protocol for agents: a server of the Model Context Protocol on standard input and output.
//!
//! ```text
//!   agent's client ── lines ──> Stdio ── rmcp ──> Agent ── Action ──> Calls, for what opens a dialog ──┐
//!                                                   │                                                  v
//!                                                   └── any other method ──────────────────────────> Remote
//!                                                                              a WebSocket to a server ┘
//! ```
//!
//! It is a client of a server like any other, also of one in the same process. So the journal, the limits and the cancellation are
//! those of the server, and the mini program, the backend under test and the agent see the same phones.

mod agent;
mod answers;
mod calls;
mod explanations;
mod failure;
mod lines;
mod message;
mod remote;
mod stdio;
mod tools;

use rmcp::service::{ServerInitializeError, ServiceExt};
use soter_bridge::protocol::CommandError;
use tokio::sync::watch;
use tracing::debug;

use self::agent::Agent;
pub(crate) use self::remote::Remote;
use self::stdio::Stdio;
use self::tools::Tools;

/// Serves an agent until its client is gone. Dropping the future ends the session.
///
/// `servers` are sentences about the servers of WeChat, for the agent.
///
/// # Errors
/// Those of the connection to the server. `Internal` if the library breaks off.
pub(crate) async fn serve(remote: Remote, device: Option<String>, servers: &str) -> Result<(), CommandError> {
    let tools = Tools::new(&remote.methods().await?);
    let (client_left, has_left) = watch::channel(false);
    let stdio = Stdio::new(tokio::io::stdin(), tokio::io::stdout(), client_left);
    let agent = Agent::new(remote, tools, device, instructions(servers), has_left);
    match agent.serve(stdio).await {
        Ok(session) => match session.waiting().await {
            Ok(reason) => debug!(?reason, "the session is over"),
            Err(error) => return Err(CommandError::defect(format!("the session broke off: {error}"))),
        },
        Err(ServerInitializeError::ConnectionClosed(_)) => debug!("the client left before the session began"),
        Err(error) => return Err(CommandError::defect(format!("the session did not begin: {error}"))),
    }
    Ok(())
}

/// What an agent is told first.
fn instructions(servers: &str) -> String {
    format!(
        "soter-sim: a phone with SOTER, a fingerprint sensor and WeChat, and WeChat's servers for the backend under test. All of it is emulated: nothing that is signed here verifies on a real server, nothing is paid, and no account is real.\n\
         {servers}\n\
         The usual loop: take the selected phone, or make one with `device_create` (each tool takes `device`); a new phone has finger 1 enrolled, and `biometric_enroll` adds others. \
         Start `wx_startSoterAuthentication` with {{\"requestAuthModes\":[\"fingerPrint\"],\"challenge\":\"order-42\"}}, or let the mini program do it. It answers with the number of the call as soon as the dialog is open. \
         Then `sensor_touch` with {{\"touch\":1}} (`wrong` is an unknown finger) or `sensor_cancel`, and `call_result` with the number. `sensor_setMode` with {{\"mode\":\"auto\"}} touches without you.\n\
         If something is refused: `desk_journal` has the calls of mini programs and backends, with the reason for `is_ok: false` in `judgement`; `explain` says what a reason or a code means, and what to do. \
         Failures on purpose: `device_set` for the phone, `servers_set` and `servers_expire` for WeChat's servers."
    )
}
