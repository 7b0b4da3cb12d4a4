//! What users can switch at WeChat's servers, to see once what they cannot wait for: later times, failures, slow answers.
//!
//! All servers that share a database have the same switches.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::paths::WeChatPath;

/// How far the servers' clock can be moved: ten years.
pub const MAX_CLOCK_OFFSET_MS: u64 = 3650 * 86_400_000;
/// Maximum delay of an answer: ten minutes.
pub const MAX_DELAY_MS: u64 = 600_000;
/// How often an app's quota can be cleared in a month.
const MAX_QUOTA_CLEARS: u32 = 10;

/// The switches of WeChat's servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Switches {
    /// How far the servers' clock is ahead, in milliseconds.
    pub clock_offset: u64,
    /// Whether each login gives the session another key. WeChat documents that it may; that is the stricter choice.
    pub login_renews_key: bool,
    /// What calls fail with.
    pub failure: Option<Failure>,
    /// How long each answer is delayed, in milliseconds.
    pub delay: u64,
    /// Whether calls get no answer at all.
    pub silent: bool,
    /// How often each app has cleared its quota in a month, counted since 1970.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    quota_clears: BTreeMap<String, (u64, u32)>,
}

/// An `errcode` with which calls fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The code.
    pub errcode: i32,
    /// How many more calls fail; `None`: all.
    pub times: Option<u32>,
    /// The path whose calls fail; `None`: every one of the real servers.
    pub path: Option<WeChatPath>,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            clock_offset: 0,
            login_renews_key: true,
            failure: None,
            delay: 0,
            silent: false,
            quota_clears: BTreeMap::new(),
        }
    }
}

/// A change of the switches. `None` keeps one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SwitchChanges {
    /// See [`Switches::clock_offset`]; at most [`MAX_CLOCK_OFFSET_MS`].
    pub clock: Option<ClockChange>,
    /// See [`Switches::login_renews_key`].
    pub login_renews_key: Option<bool>,
    /// See [`Switches::failure`].
    pub failure: Option<Option<Failure>>,
    /// See [`Switches::delay`]; at most [`MAX_DELAY_MS`].
    pub delay: Option<u64>,
    /// See [`Switches::silent`].
    pub silent: Option<bool>,
}

/// A change of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockChange {
    /// This many milliseconds further. Nothing happens if it would be more than [`MAX_CLOCK_OFFSET_MS`].
    Forward(u64),
    /// This many milliseconds ahead of the computer's clock.
    Ahead(u64),
}

/// What can be done with the switches in one atomic step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SwitchStep {
    /// A user's change.
    Change(SwitchChanges),
    /// A call is about to fail so, whatever number of times is left.
    CountFailure(Failure),
    /// An app clears its quota, in this month since 1970.
    ClearQuota { appid: String, month: u64 },
}

impl SwitchStep {
    /// Whether the step may move the clock.
    pub(crate) fn moves_clock(&self) -> bool {
        matches!(self, Self::Change(SwitchChanges { clock: Some(_), .. }))
    }

    /// Takes the step. Whether it was possible; if not, nothing has changed.
    pub(crate) fn take(&self, switches: &mut Switches) -> bool {
        match self {
            Self::Change(changes) => changes.apply(switches),
            Self::CountFailure(of_call) => match &mut switches.failure {
                Some(failure) if (failure.errcode, failure.path) == (of_call.errcode, of_call.path) => {
                    failure.times = failure.times.map(|times| times.saturating_sub(1));
                    if failure.times == Some(0) {
                        switches.failure = None;
                    }
                    true
                }
                _ => false,
            },
            Self::ClearQuota { appid, month } => {
                let (counted, clears) = switches.quota_clears.entry(appid.clone()).or_insert((*month, 0));
                if counted != month {
                    (*counted, *clears) = (*month, 0);
                }
                if *clears >= MAX_QUOTA_CLEARS {
                    return false;
                }
                *clears += 1;
                if switches.failure.is_some_and(Failure::is_quota) {
                    switches.failure = None;
                }
                true
            }
        }
    }
}

impl SwitchChanges {
    fn apply(&self, switches: &mut Switches) -> bool {
        let clock_offset = match self.clock {
            None => switches.clock_offset,
            Some(ClockChange::Ahead(offset)) => offset,
            Some(ClockChange::Forward(by)) => switches.clock_offset.saturating_add(by),
        };
        if clock_offset > MAX_CLOCK_OFFSET_MS {
            return false;
        }
        switches.clock_offset = clock_offset;
        switches.login_renews_key = self.login_renews_key.unwrap_or(switches.login_renews_key);
        switches.failure = self.failure.unwrap_or(switches.failure);
        switches.delay = self.delay.unwrap_or(switches.delay).min(MAX_DELAY_MS);
        switches.silent = self.silent.unwrap_or(switches.silent);
        true
    }
}

impl Failure {
    /// Whether it says that a quota is used up: 45009 a day's, 45011 a minute's.
    fn is_quota(self) -> bool {
        matches!(self.errcode, 45009 | 45011)
    }

    /// Whether calls of a path fail so; `None`: a path that is not emulated. The calls that clear a quota have none.
    pub(crate) fn strikes(self, path: Option<WeChatPath>) -> bool {
        let clears_quota = matches!(path, Some(WeChatPath::ClearQuota | WeChatPath::ClearQuotaBySecret));
        (self.path.is_none() || self.path == path) && !(clears_quota && self.is_quota())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Failure = Failure { errcode: 45009, times: None, path: None };

    fn clear(appid: &str, month: u64) -> SwitchStep {
        SwitchStep::ClearQuota { appid: appid.to_owned(), month }
    }

    #[test]
    fn a_failure_happens_as_often_as_it_was_told() {
        let mut switches =
            Switches { failure: Some(Failure { times: Some(2), ..QUOTA }), ..Switches::default() };
        let count = SwitchStep::CountFailure(QUOTA);
        let steps = [(); 3].map(|()| count.take(&mut switches));
        assert_eq!((steps, switches.failure), ([true, true, false], None));
        switches.failure = Some(QUOTA);
        assert!((0..9).all(|_| count.take(&mut switches)));
        assert_eq!(switches.failure, Some(QUOTA));
        let other = Some(Failure { errcode: -1, times: Some(1), path: None });
        switches.failure = other;
        assert!(
            !count.take(&mut switches) && switches.failure == other,
            "another one was switched on meanwhile"
        );
    }

    #[test]
    fn a_quota_is_cleared_ten_times_a_month_by_each_app() {
        let mut switches = Switches { failure: Some(QUOTA), ..Switches::default() };
        assert!((0..10).all(|_| clear("a", 7).take(&mut switches)));
        assert_eq!(switches.failure, None);
        switches.failure = Some(QUOTA);
        assert!(!clear("a", 7).take(&mut switches));
        assert_eq!(switches.failure, Some(QUOTA));
        assert!(clear("b", 7).take(&mut switches) && clear("a", 8).take(&mut switches));
        let busy = Failure { errcode: -1, ..QUOTA };
        switches.failure = Some(busy);
        assert!(clear("a", 8).take(&mut switches));
        assert_eq!(switches.failure, Some(busy), "it is not a quota");
    }

    #[test]
    fn a_clock_goes_forward_and_back_to_the_computers_and_never_too_far() {
        let mut switches = Switches::default();
        let mut set = |clock| {
            let taken = SwitchStep::Change(SwitchChanges { clock: Some(clock), ..SwitchChanges::default() })
                .take(&mut switches);
            (taken, switches.clock_offset)
        };
        assert_eq!(set(ClockChange::Forward(5)), (true, 5));
        assert_eq!(set(ClockChange::Forward(6)), (true, 11));
        assert_eq!(set(ClockChange::Forward(u64::MAX)), (false, 11));
        assert_eq!(set(ClockChange::Ahead(MAX_CLOCK_OFFSET_MS)), (true, MAX_CLOCK_OFFSET_MS));
        assert_eq!(set(ClockChange::Forward(1)), (false, MAX_CLOCK_OFFSET_MS));
        assert_eq!(set(ClockChange::Ahead(0)), (true, 0));
    }

    #[test]
    fn switches_are_stored_and_read_again_and_missing_ones_are_the_usual_ones() {
        let mut switches = Switches { failure: Some(QUOTA), delay: 5, ..Switches::default() };
        assert!(clear("a", 7).take(&mut switches));
        switches.failure = Some(Failure { path: Some(WeChatPath::Token), ..QUOTA });
        let text = serde_json::to_string(&switches).unwrap();
        assert_eq!(serde_json::from_str::<Switches>(&text).unwrap(), switches);
        assert_eq!(serde_json::from_str::<Switches>("{}").unwrap(), Switches::default());
    }
}
