//! WeChat's servers, for people.

use soter_bridge::protocol::servers::{Clock, Failure, Switches};

use super::layout::labelled_lines;
use crate::front::paint::Paint;
use crate::grammar::{format_duration, format_timestamp};

/// The servers' time.
pub(super) fn clock(Clock { now, ahead }: Clock) -> String {
    let now = format_timestamp(now);
    match ahead {
        0 => format!("{now}, as the computer's clock"),
        ahead => format!("{now}, {} ahead of the computer's clock", format_duration(ahead)),
    }
}

/// What is switched on.
pub(super) fn switches(switches: &Switches, paint: Paint) -> String {
    let Switches { clock: time, login_renews_key, failure, delay, silent } = switches;
    let login = if *login_renews_key { "gives the session another key" } else { "keeps the session's key" };
    let calls = match (failure, silent) {
        (_, true) => "get no answer".to_owned(),
        (None, false) => "are answered".to_owned(),
        (Some(failure), false) => failing(failure),
    };
    labelled_lines(
        &[
            ("clock", clock(*time)),
            ("login", login.to_owned()),
            ("calls", calls),
            ("delay", format!("{delay} ms")),
        ],
        paint,
    )
}

fn failing(Failure { errcode, times, path }: &Failure) -> String {
    let path = path.map_or(String::new(), |path| format!(" of {}", path.path()));
    let times = times.map_or(String::new(), |times| match times {
        1 => ", 1 call is left".to_owned(),
        times => format!(", {times} calls are left"),
    });
    format!("{path} fail with {errcode}{times}").trim_start().to_owned()
}
