//! The switches of WeChat's servers, as the command protocol has them.

use soter_bridge::protocol::{CommandError, Patch, desk, servers};
use soter_text::text;
use soter_wechat::{ClockChange, Failure, SwitchChanges, Switches};

use super::Desk;

impl Desk {
    /// `servers.show`.
    pub(super) async fn switches(&self) -> Result<servers::Switches, CommandError> {
        let switches = self.wechat().switches().await?;
        Ok(self.shown(&switches))
    }

    /// `servers.set`.
    pub(super) async fn set_switches(&self, set: servers::Set) -> Result<servers::Switches, CommandError> {
        let servers::Set { login_renews_key, failure, delay, silent } = set;
        let usual = Switches::default();
        if matches!(&failure, Patch::Set(failure) if failure.times == Some(0)) {
            return Err(CommandError::invalid_params(
                text!("`times` is 0, so no call would fail"),
                text!("give 1 or more, leave `times` out for all calls, or switch the failure off with null"),
            ));
        }
        let failure = match failure {
            Patch::Keep => None,
            Patch::Reset => Some(None),
            Patch::Set(servers::Failure { errcode, times, path }) => {
                Some(Some(Failure { errcode, times, path }))
            }
        };
        let changes = SwitchChanges {
            clock: None,
            login_renews_key: changed(login_renews_key, usual.login_renews_key),
            failure,
            delay: changed(delay, usual.delay),
            silent: changed(silent, usual.silent),
        };
        let switches = self.wechat().change_switches(changes).await?;
        Ok(self.shown(&switches))
    }

    /// `desk.clock`.
    pub(super) async fn move_clock(&self, clock: desk::Clock) -> Result<servers::Clock, CommandError> {
        let change = match clock {
            desk::Clock { forward: None, ahead: None } => {
                return Ok(self.switches().await?.clock);
            }
            desk::Clock { forward: Some(by), ahead: None } => ClockChange::Forward(by),
            desk::Clock { forward: None, ahead: Some(by) } => ClockChange::Ahead(by),
            desk::Clock { forward: Some(_), ahead: Some(_) } => {
                return Err(CommandError::invalid_params(
                    text!("`forward` and `ahead` both say where the clock goes"),
                    text!("give one of them"),
                ));
            }
        };
        let changes = SwitchChanges { clock: Some(change), ..SwitchChanges::default() };
        let switches = self.wechat().change_switches(changes).await?;
        Ok(self.shown(&switches).clock)
    }

    fn shown(&self, switches: &Switches) -> servers::Switches {
        let Switches { clock_offset: ahead, login_renews_key, failure, delay, silent, .. } = *switches;
        let failure =
            failure.map(|Failure { errcode, times, path }| servers::Failure { errcode, times, path });
        let clock = servers::Clock { now: self.wechat().now().saturating_add(ahead), ahead };
        servers::Switches { clock, login_renews_key, failure, delay, silent }
    }
}

fn changed<T>(patch: Patch<T>, usual: T) -> Option<T> {
    match patch {
        Patch::Keep => None,
        Patch::Reset => Some(usual),
        Patch::Set(value) => Some(value),
    }
}
