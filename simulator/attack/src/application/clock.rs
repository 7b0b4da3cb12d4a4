//! The application's clock, which a request or a program of the user's moves.

use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use soter_text::{seconds, text};
use soter_wechat::Clock;
use tokio::time::sleep;

use super::ApplicationTarget;
use super::description::{CLOCK_NAMES, Section, Success};
use super::template::Values;
use crate::target::{TargetError, TimePassed, User, Visit};

/// How long is waited if the application's clock cannot be moved.
const WAIT: Duration = Duration::from_secs(3);

impl ApplicationTarget {
    /// Moves both clocks forward, or waits.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if the step that moves the application's clock fails.
    pub(super) async fn move_clocks(&self, by: Duration) -> Result<TimePassed, TargetError> {
        let Some(section) = &self.client.application.clock else {
            sleep(WAIT).await;
            return Ok(TimePassed::Waited(WAIT));
        };
        let now = self.clock.unix_millis();
        self.time_before().get_or_insert(now);
        self.clock.advance(by);
        self.set_ahead(section, by).await?;
        Ok(TimePassed::Moved)
    }

    /// Puts both clocks back: to the application, what it has got before is as old as it was.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if the step that moves it fails.
    pub(super) async fn put_clock_back(&self) -> Result<(), TargetError> {
        let Some(section) = &self.client.application.clock else { return Ok(()) };
        // An attack that has ended before time passed has moved nothing.
        let Some(time_before) = *self.time_before() else { return Ok(()) };
        self.clock.set(time_before);
        self.set_ahead(section, Duration::ZERO).await.map_err(|error| {
            let ahead = Duration::from_millis(self.client.ahead_ms.load(Ordering::Relaxed));
            TargetError::broken(if ahead.is_zero() {
                text!(
                    "the application's clock may be ahead, because it could not be put back: {error}",
                    error = error.text()
                )
            } else {
                text!(
                    "the application's clock is still {ahead} ahead, because it could not be put back: {error}",
                    ahead = seconds(ahead),
                    error = error.text()
                )
            })
        })?;
        // Until this has worked, it is tried again after the next attack.
        *self.time_before() = None;
        Ok(())
    }

    fn time_before(&self) -> MutexGuard<'_, Option<u64>> {
        self.time_before.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn set_ahead(&self, section: &Section, ahead: Duration) -> Result<(), TargetError> {
        let numbers = [ahead.as_secs().to_string(), ahead.as_millis().to_string()];
        let values: Values = CLOCK_NAMES.map(str::to_owned).into_iter().zip(numbers).collect();
        let nobody = User { name: String::new(), openid: String::new(), other_app_openid: String::new() };
        let usual = Success::default();
        let ran = self.client.run(section, Some(&usual), values, &Visit::new(&nobody), None).await?;
        if let Some(mismatch) = ran.refused {
            return Err(TargetError::broken(text!(
                "[clock] does not move the application's clock: {mismatch}",
                mismatch = mismatch
            )));
        }
        let ahead = u64::try_from(ahead.as_millis()).unwrap_or(u64::MAX);
        self.client.ahead_ms.store(ahead, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::post;
    use soter_wechat::{EmbeddedLedger, SetClock, WeChat, WeChatOptions};

    use super::*;
    use crate::application::{Application, Emulated};
    use crate::http::Http;
    use crate::outage::OutageSwitch;
    use crate::wechat_traffic::WeChatTraffic;

    const NOW: u64 = 1_700_000_000_000;
    const HOUR: Duration = Duration::from_hours(1);

    /// An application whose clock moves, unless this request of all is the one that breaks.
    fn target(breaking: usize, clock: &SetClock) -> ApplicationTarget {
        let requests = Arc::new(AtomicUsize::new(1));
        let answer = move || async move {
            let is_broken = requests.fetch_add(1, Ordering::Relaxed) == breaking;
            if is_broken { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
        };
        let http = Http::in_process(Router::new().route("/clock", post(answer)), HOUR).unwrap();
        let description = format!(
            "{}\n[clock]\nrequest = {{ url = \"/clock\", body = '{{\"ahead\":{{{{ahead}}}}}}' }}\n",
            include_str!("initial/session.toml")
        );
        let wechat = WeChat::new(
            WeChatOptions::default(),
            EmbeddedLedger::in_memory(),
            Arc::new(clock.clone()),
            Arc::default(),
            Arc::new(|_| {}),
        );
        let emulated = Emulated {
            wechat: Arc::new(wechat),
            clock: clock.clone(),
            outages: OutageSwitch::default(),
            traffic: WeChatTraffic::default(),
        };
        ApplicationTarget::new(http, Application::read(&description).unwrap(), emulated, Vec::new())
    }

    #[tokio::test]
    async fn a_clock_that_could_not_be_put_back_is_put_back_the_next_time() {
        let clock = SetClock::at(NOW);
        let target = target(2, &clock);
        assert_eq!(target.move_clocks(HOUR).await, Ok(TimePassed::Moved));
        assert_eq!(clock.unix_millis(), NOW + 3_600_000);
        let error = target.put_clock_back().await.unwrap_err();
        assert!(
            error.text().english().starts_with("the application's clock is still 3600 s ahead"),
            "{error}"
        );
        assert_eq!(target.client.ahead_ms.load(Ordering::Relaxed), 3_600_000);
        assert_eq!(target.put_clock_back().await, Ok(()));
        assert_eq!((clock.unix_millis(), target.client.ahead_ms.load(Ordering::Relaxed)), (NOW, 0));
    }

    #[tokio::test]
    async fn a_clock_that_was_not_moved_is_not_put_back() {
        let clock = SetClock::at(NOW);
        let target = target(1, &clock);
        clock.advance(HOUR);
        assert_eq!(target.put_clock_back().await, Ok(()));
        assert_eq!(clock.unix_millis(), NOW + 3_600_000);
    }
}
