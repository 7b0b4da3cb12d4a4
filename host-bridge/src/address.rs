//! The address of a running server, as a person gives it.

use std::time::Duration;

use soter_text::{seconds, text};
use soter_wechat::Secret;
use soter_wire::shortened;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::uri::Authority;

use crate::protocol::CommandError;

/// A server's address.
#[derive(Debug)]
pub(crate) struct Address {
    /// Its name or number, with the port.
    pub(crate) authority: String,
    /// The address as it may be shown: without a token.
    pub(crate) display_url: String,
    pub(crate) token: Option<Secret>,
}

impl Address {
    pub(crate) fn parse(url: &str) -> Result<Self, CommandError> {
        let rest = ["http://", "ws://"].iter().find_map(|scheme| url.strip_prefix(scheme));
        let rest = rest.ok_or_else(|| invalid_url(url))?;
        let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
        let authority = authority.trim_end_matches('/').trim_end_matches("/ws");
        if authority.contains('@') || !has_valid_port(authority) {
            return Err(invalid_url(url));
        }
        let token = form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "token")
            .map(|(_, token)| Secret::from(token.into_owned()));
        Ok(Self { authority: authority.to_owned(), display_url: format!("http://{authority}"), token })
    }
}

/// Whether it is an authority whose port is a number that ports have. Clients take another one for the usual port, where
/// another program would get the token.
fn has_valid_port(authority: &str) -> bool {
    let name_end = authority.rfind(']').unwrap_or_default();
    let port = authority[name_end..].split_once(':').map(|(_, port)| port);
    let is_number = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    authority.parse::<Authority>().is_ok()
        && port.is_none_or(|port| is_number(port) && port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// The error for a server that does not answer in time.
pub(crate) fn no_answer(display_url: &str, limit: Duration) -> CommandError {
    CommandError::environment(
        text!("the server {url} does not answer within {limit}", url = display_url, limit = seconds(limit)),
        text!("check that this is the address of a soter-sim server"),
    )
}

/// The error for a server that answers 401: it has a token, and got none or another one.
pub(crate) fn unauthorized(display_url: &str, has_token: bool) -> CommandError {
    let (what, next) = if has_token {
        (
            text!("the server {url} wants another token", url = display_url),
            text!("put the server's own token behind the address: ?token=TOKEN"),
        )
    } else {
        (
            text!("the server {url} wants its token", url = display_url),
            text!("put ?token=TOKEN behind the address"),
        )
    };
    CommandError::environment(what, next)
}

pub(crate) fn invalid_url(url: &str) -> CommandError {
    let what = if url.contains('@') {
        // What stands before an `@` may be a password.
        text!("an address with `@` is not that of a soter-sim server, which has no users")
    } else {
        let shown = shortened(url.split('?').next().unwrap_or_default(), 80);
        text!("`{shown}` is not the address of a soter-sim server", shown = shown)
    };
    CommandError::invalid_params(
        what,
        text!("give it as the server's ready line has it, for example http://127.0.0.1:8777"),
    )
}

/// The value of `Authorization` for a token; `None` if a header cannot have it.
pub(crate) fn bearer(token: &Secret) -> Option<HeaderValue> {
    let bearer = Secret::from(format!("Bearer {}", token.expose()));
    let mut bearer = HeaderValue::from_str(bearer.expose()).ok()?;
    bearer.set_sensitive(true);
    Some(bearer)
}

#[cfg(test)]
mod tests {
    use soter_text::Language;

    use super::*;

    #[test]
    fn an_address_is_read_in_every_form_that_servers_print() {
        for (url, authority, token) in [
            ("http://127.0.0.1:8777", "127.0.0.1:8777", None),
            ("http://localhost:8777/", "localhost:8777", None),
            ("ws://[::1]:1/ws", "[::1]:1", None),
            ("http://127.0.0.1:8777?token=t", "127.0.0.1:8777", Some("t")),
            ("http://127.0.0.1:8777/?a=b&token=t%2Bt", "127.0.0.1:8777", Some("t+t")),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.authority, authority);
            assert_eq!(address.token.as_ref().map(Secret::expose), token);
        }
        for bad in ["", "127.0.0.1:8777", "https://a", "http://", "http://a/b", "http://user@a"] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_whose_port_is_wrong_does_not_mean_the_usual_port() {
        for port in ["99999", "65536", "8x", "-5", "0", "+80", " 80", ""] {
            for host in ["127.0.0.1", "localhost", "[::1]"] {
                let error = Address::parse(&format!("http://{host}:{port}/?token=secret")).unwrap_err();
                assert!(error.what.english().contains("is not the address"), "{port}: {error:?}");
                assert!(!format!("{error:?}").contains("secret"), "{error:?}");
            }
        }
        for address in ["http://localhost", "http://[::1]", "http://127.0.0.1:65535"] {
            assert!(Address::parse(address).is_ok(), "{address}");
        }
    }

    #[test]
    fn a_limit_is_shown_with_its_unit_in_the_language() {
        let what = no_answer("http://a:1", Duration::from_secs(10)).what;
        assert_eq!(what.english(), "the server http://a:1 does not answer within 10 s");
        assert_eq!(what.in_language(Language::Chinese), "服务器 http://a:1 在 10 秒内没有响应");
    }

    #[test]
    fn neither_token_nor_password_is_shown() {
        assert_eq!(Address::parse("http://a:1?token=secret").unwrap().display_url, "http://a:1");
        for url in ["nonsense?token=secret", "http://user:secret@a", "user:secret@a"] {
            let error = Address::parse(url).unwrap_err();
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
    }
}
