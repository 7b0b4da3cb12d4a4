//! Which requests of a recording are about the application, and how many are left out.

use std::collections::BTreeMap;

use soter_bridge::protocol::CommandError;
use soter_text::text;

use super::archive::Exchange;

/// The maximum number of the application's own requests.
const MAX_REQUESTS: usize = 300;
/// Files that belong to a page or a mini program.
const STATIC_ENDINGS: [&str; 18] = [
    ".css", ".eot", ".gif", ".htc", ".ico", ".jpeg", ".jpg", ".js", ".map", ".mjs", ".mp3", ".mp4", ".png",
    ".svg", ".ttf", ".wasm", ".webp", ".woff2",
];
const STATIC_TYPES: [&str; 7] =
    ["image/", "font/", "audio/", "video/", "text/css", "javascript", "application/wasm"];

/// Requests that were left out, by the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// They could not be read, or got no answer.
    pub unreadable: usize,
    /// They went to other servers, by host.
    pub other_hosts: BTreeMap<String, usize>,
    /// They asked for files that do not change.
    pub static_files: usize,
    /// They asked for permission to ask, as browsers do (`OPTIONS`).
    pub preflights: usize,
    /// They give nothing that the payment needs: method and path.
    pub unneeded: Vec<String>,
}

/// The application's own requests, in their order.
///
/// # Errors
/// `InvalidParams` if there are too many.
pub(super) fn own(
    exchanges: Vec<Exchange>,
    result: usize,
    left_out: &mut LeftOut,
) -> Result<(Vec<Exchange>, usize), CommandError> {
    let Some(origin) = exchanges.get(result).map(|exchange| exchange.url.origin()) else {
        return Ok((Vec::new(), 0));
    };
    let mut own = Vec::new();
    let mut own_result = 0;
    for (at, exchange) in exchanges.into_iter().enumerate() {
        if at == result {
            own_result = own.len();
            own.push(exchange);
        } else if exchange.url.origin() != origin {
            let host = exchange.url.host_str().unwrap_or_default().to_owned();
            *left_out.other_hosts.entry(host).or_default() += 1;
        } else if exchange.method == "OPTIONS" || exchange.status < 200 {
            left_out.preflights += 1;
        } else if is_static(&exchange) {
            left_out.static_files += 1;
        } else {
            own.push(exchange);
        }
    }
    if own.len() > MAX_REQUESTS {
        return Err(CommandError::invalid_params(
            text!(
                "the recording has {count} requests to the application; at most {most} are compared",
                count = own.len(),
                most = MAX_REQUESTS
            ),
            text!("record one payment alone, from the login to the answer to the result"),
        ));
    }
    Ok((own, own_result))
}

fn is_static(exchange: &Exchange) -> bool {
    let path = exchange.url.path().to_ascii_lowercase();
    exchange.method == "GET"
        && (STATIC_ENDINGS.iter().any(|ending| path.ends_with(ending))
            || STATIC_TYPES.iter().any(|kind| exchange.answer_type.contains(kind)))
}

impl LeftOut {
    /// One line for each reason.
    pub(super) fn lines(&self) -> Vec<String> {
        let hosts: Vec<_> =
            self.other_hosts.iter().map(|(host, count)| format!("{host} ({count})")).collect();
        let (unreadable, files, preflights) = (self.unreadable, self.static_files, self.preflights);
        let (others, unneeded) = (self.other_hosts.values().sum(), self.unneeded.len());
        let lines = [
            (unreadable, text!("Left out: {count} without an answer, or unreadable.", count = unreadable)),
            (files, text!("Left out: {count} for static files.", count = files)),
            (preflights, text!("Left out: {count} OPTIONS and changes of protocol.", count = preflights)),
            (
                others,
                text!("Left out: {count} to other hosts: {hosts}.", count = others, hosts = hosts.join(", ")),
            ),
            (
                unneeded,
                text!(
                    "Left out: {count} that give nothing which the payment needs: {requests}.",
                    count = unneeded,
                    requests = self.unneeded.join(", ")
                ),
            ),
        ];
        lines.into_iter().filter(|(count, _)| *count > 0).map(|(_, line)| line.localized().into()).collect()
    }
}
