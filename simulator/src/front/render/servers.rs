//! WeChat's servers, for people.

use soter_bridge::protocol::servers::{Clock, Failure, Switches};

use soter_text::{Text, text, tr};

use super::layout::labelled_lines;
use crate::front::paint::Paint;
use crate::grammar::{format_duration, format_timestamp};

/// The servers' time.
pub(super) fn clock(Clock { now, ahead }: Clock) -> String {
    let now = format_timestamp(now);
    match ahead {
        0 => tr!("{now}, as the computer's clock", now = now),
        ahead => {
            tr!("{now}, {ahead} ahead of the computer's clock", now = now, ahead = format_duration(ahead))
        }
    }
}

/// What is switched on.
pub(super) fn switches(switches: &Switches, paint: Paint) -> String {
    let Switches { clock: time, login_renews_key, failure, delay, silent } = switches;
    let login =
        if *login_renews_key { tr!("gives the session another key") } else { tr!("keeps the session's key") };
    let calls = match (failure, silent) {
        (_, true) => tr!("get no answer"),
        (None, false) => tr!("are answered"),
        (Some(failure), false) => failing(failure).localized().into_owned(),
    };
    labelled_lines(
        &[
            (tr!("clock"), clock(*time)),
            (tr!("login"), login),
            (tr!("calls"), calls),
            (tr!("delay"), format!("{delay} ms")),
        ],
        paint,
    )
}

/// Which calls fail, and how: what is said of `calls`.
pub(crate) fn failing(Failure { errcode, times, path }: &Failure) -> Text {
    let fail = if let Some(path) = path {
        text!("of {path} fail with {errcode}", path = path.path(), errcode = errcode)
    } else {
        text!("fail with {errcode}", errcode = errcode)
    };
    match times {
        None => fail,
        Some(1) => text!("{fail}, 1 call is left", fail = fail),
        Some(times) => text!("{fail}, {times} calls are left", fail = fail, times = times),
    }
}
