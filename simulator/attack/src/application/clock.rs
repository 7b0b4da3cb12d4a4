//! The application's clock, which a request or a program of the user's moves.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use soter_text::text;
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
        self.time_before.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(now);
        self.clock.advance(by);
        self.set_ahead(section, by).await?;
        Ok(TimePassed::Moved)
    }

    /// Puts both clocks back: to the application, what it has got before is as old as it was.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if the step that moves it fails.
    pub(super) async fn put_clock_back(&self) -> Result<(), TargetError> {
        match &self.client.application.clock {
            Some(section) => {
                // An attack that has ended before time passed has moved nothing.
                let Some(time_before) =
                    self.time_before.lock().unwrap_or_else(PoisonError::into_inner).take()
                else {
                    return Ok(());
                };
                self.clock.set(time_before);
                self.set_ahead(section, Duration::ZERO).await.map_err(|error| {
                    let ahead = self.client.ahead_ms.load(Ordering::Relaxed) / 1000;
                    TargetError::broken(text!(
                        "the application's clock is still {ahead} s ahead, because it could not be put back: {error}",
                        ahead = ahead,
                        error = error.text()
                    ))
                })
            }
            None => Ok(()),
        }
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
