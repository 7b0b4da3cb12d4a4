//! Operations on a verifier that are not part of WeChat's contract.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use serde_json::{Value, json};
use soter_bridge::protocol::Command;
use soter_bridge::protocol::wx::Login;
use soter_text::text;
use soter_wechat::{SetClock, WeChat};

use crate::http::{Http, Request};
use crate::restart;
use crate::target::TargetError;

/// Operations on a verifier that are not part of WeChat's contract.
pub trait VerifierControl: Send + Sync + fmt::Debug {
    /// A login code of `wx.login` for a mini program; `None` if the verifier gives none.
    fn login_code(&self, appid: String) -> BoxFuture<'_, Option<String>>;

    /// Moves the verifier's clock forward. Returns `false` if its clock cannot be set.
    fn advance_clock(&self, by: Duration) -> bool;

    /// Restarts the verifier, and waits until it answers again.
    fn restart(&self) -> BoxFuture<'_, Result<(), TargetError>>;
}

/// A remote verifier, which may be this project's own servers.
#[derive(Clone, Debug)]
pub struct RemoteServers {
    http: Http,
    restart: Option<String>,
}

impl RemoteServers {
    /// The servers at this address, and a command that restarts them, if any.
    pub fn new(http: Http, restart: Option<String>) -> Self {
        Self { http, restart }
    }

    /// Calls `wx.login` over JSON-RPC. This project's own servers answer it.
    async fn login(&self, appid: String) -> Option<String> {
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": Login::METHOD, "params": {"appid": appid}});
        let url = self.http.address("/rpc").ok()?;
        let reply = self.http.send(Request::post(url, call.to_string())).await.ok()?;
        let answer: Value = serde_json::from_str(&reply.body).ok()?;
        answer.pointer("/result/code").and_then(Value::as_str).map(str::to_owned)
    }
}

impl VerifierControl for RemoteServers {
    fn login_code(&self, appid: String) -> BoxFuture<'_, Option<String>> {
        self.login(appid).boxed()
    }

    fn advance_clock(&self, _: Duration) -> bool {
        false
    }

    fn restart(&self) -> BoxFuture<'_, Result<(), TargetError>> {
        async {
            match &self.restart {
                Some(command) => restart::restart(command, &self.http, "/").await,
                None => Err(TargetError::does_not_apply(text!(
                    "it takes a command that restarts the target: --restart"
                ))),
            }
        }
        .boxed()
    }
}

/// Servers in this process.
#[derive(Clone, Debug)]
pub struct OwnServers {
    wechat: Arc<WeChat>,
    clock: Option<SetClock>,
}

impl OwnServers {
    /// These servers, and their clock if it can be set.
    pub fn new(wechat: Arc<WeChat>, clock: Option<SetClock>) -> Self {
        Self { wechat, clock }
    }
}

impl VerifierControl for OwnServers {
    fn login_code(&self, appid: String) -> BoxFuture<'_, Option<String>> {
        async move {
            let user = &self.wechat.accounts().first_user().name;
            self.wechat.login(user, &appid).await.ok()
        }
        .boxed()
    }

    fn advance_clock(&self, by: Duration) -> bool {
        self.clock.as_ref().inspect(|clock| clock.advance(by)).is_some()
    }

    fn restart(&self) -> BoxFuture<'_, Result<(), TargetError>> {
        async { Err(TargetError::does_not_apply(text!("servers in this process are not restarted"))) }.boxed()
    }
}
