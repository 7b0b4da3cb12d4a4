//! The cookies of recorded requests.

use super::answer::Answer;
use super::archive::Exchange;
use crate::target::Cookies;

/// The cookies of each request that a client by RFC 6265 would not have sent, and who has set them.
pub(super) fn unusual_cookies(
    exchanges: &[Exchange],
    answers: &[Answer],
) -> Vec<Vec<(String, String, Option<usize>)>> {
    let jar = Cookies::default();
    let mut not_sent = Vec::new();
    for (at, exchange) in exchanges.iter().enumerate() {
        let usual = jar.header(&exchange.url).unwrap_or_default();
        let usual: Vec<&str> = usual.split("; ").collect();
        let mut of_this = Vec::new();
        for (name, value) in cookie_pairs(exchange) {
            if usual.contains(&format!("{name}={value}").as_str()) {
                continue;
            }
            let setter = (0..at)
                .rev()
                .find(|before| answers[*before].cookies.contains(&(name.clone(), value.clone())));
            of_this.push((name, value, setter));
        }
        not_sent.push(of_this);
        for (_, line) in exchange.answer_headers.iter().filter(|(name, _)| name == "set-cookie") {
            jar.set(line, &exchange.url);
        }
    }
    not_sent
}

/// The cookies of a request.
pub(super) fn cookie_pairs(exchange: &Exchange) -> Vec<(String, String)> {
    let headers = exchange.headers.iter().filter(|(name, _)| name == "cookie");
    let pairs =
        headers.flat_map(|(_, value)| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
