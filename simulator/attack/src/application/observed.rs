//! What an application has told in all its answers: secrets, and challenges.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use soter_text::Text;
use soter_wechat::Secret;

use crate::disclosure::{Disclosed, find_stack_trace};
use crate::http::{Reply, Request, Secrets};
use crate::predictability::{self, Issued, Predictable};
use crate::target::Exchange;
use crate::wechat_traffic::WeChatTraffic;

/// The maximum number of challenges that are kept.
const MAX_CHALLENGES: usize = 5_000;

/// What an application has told so far.
#[derive(Default)]
pub(super) struct Observed(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    /// The openids of all users.
    openids: BTreeSet<String>,
    /// The first answer with each kind of secret.
    disclosed: BTreeMap<Disclosed, Exchange>,
    issued: Vec<Issued>,
}

impl fmt::Debug for Observed {
    /// Without what was told.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Observed").finish_non_exhaustive()
    }
}

impl Observed {
    /// A user of whom the application may know.
    pub(super) fn add_user(&self, openid: &str) {
        self.seen().openids.insert(openid.to_owned());
    }

    /// A user whom others name.
    pub(super) fn remove_user(&self, openid: &str) {
        self.seen().openids.remove(openid);
    }

    /// A challenge that was issued.
    pub(super) fn add_challenge(&self, issued: Issued) {
        let issued_so_far = &mut self.seen().issued;
        if issued_so_far.len() < MAX_CHALLENGES {
            issued_so_far.push(issued);
        }
    }

    /// How many challenges there are so far.
    pub(super) fn challenge_count(&self) -> usize {
        self.seen().issued.len()
    }

    /// Why the challenges so far are predictable in this way, in one line.
    pub(super) fn judge(&self, how: Predictable) -> Option<Text> {
        predictability::judge(&self.seen().issued, how)
    }

    /// The first answer that has disclosed this.
    pub(super) fn disclosed(&self, what: Disclosed) -> Option<Exchange> {
        self.seen().disclosed.get(&what).cloned()
    }

    /// Looks for secrets in an answer to a request in the login of the user with this openid, and masks them where it is shown.
    pub(super) fn read(
        &self,
        request: &Request,
        reply: &mut Reply,
        openid: &str,
        app_secret: &Secret,
        traffic: &WeChatTraffic,
    ) {
        let headers = reply.headers.iter().map(|(_, value)| value.as_str());
        let texts: Vec<_> = headers.chain([reply.body.as_str()]).map(decoded).collect();
        let found: Vec<_> = texts
            .iter()
            .flat_map(|text| self.secrets_in(text, request, openid, app_secret, traffic))
            .collect();
        if found.is_empty() {
            return;
        }
        let hide = |(what, secret): &(Disclosed, Option<String>)| {
            let (secret, instead) = (secret.clone()?, format!("({})", what.name()));
            // As PHP writes it, too.
            Some([
                (Secret::from(secret.replace('/', "\\/")), instead.clone()),
                (Secret::from(secret), instead),
            ])
        };
        let masked: Secrets = found.iter().filter_map(hide).flatten().collect();
        reply.exchange = std::mem::take(&mut reply.exchange).masked(&masked);
        let mut seen = self.seen();
        for (what, _) in found {
            // The answer may be that to a login, whose token is not known yet.
            seen.disclosed.entry(what).or_insert_with(|| reply.exchange.clone().without_tokens());
        }
    }

    /// The kinds of secrets in a text, each with the secret unless that may be shown.
    fn secrets_in(
        &self,
        text: &str,
        request: &Request,
        openid: &str,
        app_secret: &Secret,
        traffic: &WeChatTraffic,
    ) -> Vec<(Disclosed, Option<String>)> {
        let words: BTreeSet<&str> = words(text).collect();
        let is_others = |word: &&&str| **word != openid && self.seen().openids.contains(**word);
        let openids = words.iter().filter(is_others).filter(|word| !request.contains(word));
        let others = openids.map(|_| (Disclosed::OthersOpenid, None));
        let given = traffic.find_secrets(words.iter().copied());
        let given = given.into_iter().map(|(what, secret)| (what, Some(secret.to_owned())));
        let app = text.contains(app_secret.expose());
        let app = app.then(|| (Disclosed::AppSecret, Some(app_secret.expose().to_owned())));
        let trace = find_stack_trace(text).map(|_| (Disclosed::StackTrace, None));
        others.chain(given).chain(app).chain(trace).collect()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The words of a text that may be secrets: what is between characters that occur in none, with and without the slash of
/// Base64.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_of_word = |character: char| character.is_ascii_alphanumeric() || "_-+".contains(character);
    let with_slash = text.split(move |character| !is_of_word(character) && character != '/');
    with_slash.chain(text.split(move |character| !is_of_word(character))).filter(|word| !word.is_empty())
}

/// A text without the escapes of JSON and of addresses.
fn decoded(text: &str) -> Cow<'_, str> {
    let text = if text.contains("\\/") { Cow::Owned(text.replace("\\/", "/")) } else { Cow::Borrowed(text) };
    if !text.contains('%') {
        return text;
    }
    // The key of a form without `=` is the whole text. A plus sign stays one.
    let escaped = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    let decoded = form_urlencoded::parse(escaped.as_bytes()).next().map(|(key, _)| key.into_owned());
    Cow::Owned(format!("{text}\n{}", decoded.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::*;

    const APP_SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn disclosed(body: &str, request_body: &str) -> Vec<Disclosed> {
        let traffic = WeChatTraffic::default();
        traffic.note_answer(
            br#"{"session_key":"a/b+cdefghijklmnopqrst==","access_token":"80_token-of-the-app"}"#,
        );
        let observed = Observed::default();
        for openid in ["oOwner", "oOther"] {
            observed.add_user(openid);
        }
        let url = Url::parse("http://127.0.0.1/pay").unwrap();
        let request = Request::post(url, request_body.to_owned());
        let exchange = Exchange { response: body.to_owned(), ..Exchange::default() };
        let mut reply = Reply { status: 200, headers: Vec::new(), body: body.to_owned(), exchange };
        observed.read(&request, &mut reply, "oOwner", &APP_SECRET.into(), &traffic);
        let seen = observed.seen();
        for exchange in seen.disclosed.values() {
            for secret in [APP_SECRET, "80_token", "cdefghijk"] {
                assert!(!exchange.response.contains(secret), "{}", exchange.response);
            }
        }
        seen.disclosed.keys().copied().collect()
    }

    #[test]
    fn secrets_are_found_however_an_answer_writes_them() {
        for (body, expected) in [
            (r#"{"session_key":"a/b+cdefghijklmnopqrst=="}"#, Disclosed::SessionKey),
            (r#"{"session_key":"a\/b+cdefghijklmnopqrst=="}"#, Disclosed::SessionKey),
            ("key=a%2Fb%2Bcdefghijklmnopqrst%3D%3D", Disclosed::SessionKey),
            ("<a href='/x?access_token=80_token-of-the-app'>", Disclosed::AccessToken),
            ("secret=0123456789abcdef0123456789abcdef&js_code=a", Disclosed::AppSecret),
            (r#"{"friends":["oOther"]}"#, Disclosed::OthersOpenid),
            ("Traceback (most recent call last)", Disclosed::StackTrace),
        ] {
            assert_eq!(disclosed(body, ""), [expected], "{body}");
        }
    }

    #[test]
    fn an_answer_with_several_secrets_shows_none_of_them() {
        let body = r#"{"key":"a\/b+cdefghijklmnopqrst==","token":"80_token-of-the-app","secret":"0123456789abcdef0123456789abcdef"}"#;
        let expected = [Disclosed::AccessToken, Disclosed::AppSecret, Disclosed::SessionKey];
        assert_eq!(disclosed(body, ""), expected);
    }

    #[test]
    fn what_a_user_may_know_is_not_disclosed() {
        for body in [r#"{"openid":"oOwner","appid":"wxemulated00000001"}"#, "", "oOthers", "50% off"] {
            assert_eq!(disclosed(body, ""), [], "{body}");
        }
        assert_eq!(disclosed(r#"{"to":"oOther"}"#, r#"{"to":"oOther"}"#), []);
    }
}
