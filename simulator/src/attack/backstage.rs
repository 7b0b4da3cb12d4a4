//! What can be done to this project's own servers beside WeChat's contract.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use soter_bridge::wechat::{SetClock, WeChat};

use super::target::Trouble;
use super::wechat_target::Backstage;

/// Servers in this process.
#[derive(Clone, Debug)]
pub struct OwnServers {
    wechat: Arc<WeChat>,
    clock: Option<SetClock>,
}

impl OwnServers {
    /// These servers, and their clock if it is one that can be set.
    pub fn new(wechat: Arc<WeChat>, clock: Option<SetClock>) -> Self {
        Self { wechat, clock }
    }
}

impl Backstage for OwnServers {
    fn login_code(&self, appid: String) -> BoxFuture<'_, Option<String>> {
        async move {
            let user = &self.wechat.accounts().first_user().name;
            self.wechat.login(user, &appid).ok()
        }
        .boxed()
    }

    fn advance_clock(&self, by: Duration) -> bool {
        let milliseconds = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.clock.as_ref().inspect(|clock| clock.advance(milliseconds)).is_some()
    }

    fn restart(&self) -> BoxFuture<'_, Result<(), Trouble>> {
        async { Err(Trouble::does_not_apply("servers in this process are not restarted")) }.boxed()
    }
}
