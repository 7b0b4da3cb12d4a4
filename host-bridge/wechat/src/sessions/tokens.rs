//! Access tokens, which a backend sends with each request.
//!
//! A token is valid for 7,200 seconds. After a new plain token, the one before it is valid for 5 more minutes. The
//! stable interface returns the same token until it is about to expire, and a new one at once if a refresh is forced.

use std::collections::BTreeMap;

use super::{BadToken, GRACE_PERIOD_MS, Grant, MAX_TOKENS_PER_APP, TOKEN_LIFETIME_MS, hash, new_token};
use crate::secret::Secret;

/// The tokens of all apps. A token is looked up by its hash, so that the lookup's duration reveals nothing about it.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    by_app: BTreeMap<String, Vec<Token>>,
}

#[derive(Debug)]
struct Token {
    hash: [u8; 32],
    expires_at: u64,
    /// Whether it ends because of a newer token, and not after its lifetime.
    is_replaced: bool,
    /// The text of a stable token, which is returned again.
    stable: Option<Secret>,
    /// Whether it is the app's newest plain token.
    newest_plain: bool,
}

impl Tokens {
    /// A new plain token. The one before it expires in 5 minutes at the latest.
    pub(super) fn plain(&mut self, appid: &str, now: u64) -> Grant {
        let tokens = self.tokens_of(appid);
        for token in tokens.iter_mut().filter(|token| token.newest_plain) {
            token.newest_plain = false;
            token.replace(now.saturating_add(GRACE_PERIOD_MS));
        }
        issue(tokens, now, false)
    }

    /// The app's stable token. A new token is made if the app has no stable token, if the token is about to expire, or
    /// with `force_refresh`, which also ends the old token.
    pub(super) fn stable(&mut self, appid: &str, force_refresh: bool, now: u64) -> Grant {
        let tokens = self.tokens_of(appid);
        let current = tokens.iter_mut().find(|token| token.stable.is_some());
        if let Some(current) = current {
            let left = current.expires_at.saturating_sub(now);
            if let Some(text) = current.stable.as_ref().filter(|_| left > GRACE_PERIOD_MS && !force_refresh) {
                return Grant { token: text.clone(), expires_in: left / 1000 };
            }
            current.stable = None;
            if force_refresh {
                current.replace(now);
            }
        }
        issue(tokens, now, true)
    }

    /// Ends an app's tokens that are valid now, and returns how many there were.
    pub(super) fn expire(&mut self, appid: &str, is_replaced: bool, now: u64) -> u64 {
        let mut expired = 0;
        for token in self.tokens_of(appid).iter_mut().filter(|token| now < token.expires_at) {
            token.expires_at = now;
            token.is_replaced = is_replaced;
            token.stable = None;
            expired += 1;
        }
        expired
    }

    /// The app to which a token was issued.
    pub(super) fn check(&self, token: &str, now: u64) -> Result<&str, BadToken> {
        let hash = hash(token);
        let found = self
            .by_app
            .iter()
            .find_map(|(appid, tokens)| Some((appid, tokens.iter().find(|token| token.hash == hash)?)));
        match found {
            Some((appid, token)) if now < token.expires_at => Ok(appid),
            Some((_, Token { is_replaced: true, .. })) => Err(BadToken::Replaced),
            Some(_) => Err(BadToken::Expired),
            None => Err(BadToken::Unknown),
        }
    }

    fn tokens_of(&mut self, appid: &str) -> &mut Vec<Token> {
        self.by_app.entry(appid.to_owned()).or_default()
    }
}

impl Token {
    /// Ends it at this time, if it does not expire before.
    fn replace(&mut self, at: u64) {
        if at < self.expires_at {
            self.expires_at = at;
            self.is_replaced = true;
        }
    }
}

fn issue(tokens: &mut Vec<Token>, now: u64, stable: bool) -> Grant {
    if tokens.len() >= MAX_TOKENS_PER_APP {
        tokens.remove(0);
    }
    let token = new_token();
    tokens.push(Token {
        hash: hash(token.expose()),
        expires_at: now.saturating_add(TOKEN_LIFETIME_MS),
        is_replaced: false,
        stable: stable.then(|| token.clone()),
        newest_plain: !stable,
    });
    Grant { token, expires_in: TOKEN_LIFETIME_MS / 1000 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_plain_token_keeps_the_old_one_valid_for_five_minutes() {
        let mut tokens = Tokens::default();
        let old = tokens.plain("a", 0);
        let new = tokens.plain("a", 1000);
        assert_eq!((old.expires_in, new.expires_in), (7200, 7200));
        assert_eq!(tokens.check(old.token.expose(), 300_999), Ok("a"));
        assert_eq!(tokens.check(old.token.expose(), 301_000), Err(BadToken::Replaced));
        let much_later = 10 * 365 * 86_400_000;
        tokens.plain("a", much_later);
        assert_eq!(tokens.check(old.token.expose(), much_later), Err(BadToken::Replaced));
        assert_eq!(tokens.check(new.token.expose(), 301_000), Ok("a"));
        assert_eq!(tokens.check(new.token.expose(), 7_201_000), Err(BadToken::Expired));
        tokens.plain("a", 7_100_000);
        assert_eq!(tokens.check(new.token.expose(), 7_201_000), Err(BadToken::Expired), "it expired before");
        assert_eq!(tokens.check("another", 0), Err(BadToken::Unknown));
    }

    #[test]
    fn a_stable_token_stays_the_same_until_it_is_about_to_expire_or_a_new_one_is_forced() {
        let mut tokens = Tokens::default();
        let first = tokens.stable("a", false, 0);
        let again = tokens.stable("a", false, 60_000);
        assert_eq!((again.token, again.expires_in), (first.token.clone(), 7140));
        tokens.plain("a", 61_000);
        assert_eq!(
            tokens.check(first.token.expose(), 700_000),
            Ok("a"),
            "a plain token replaces only plain ones"
        );
        let forced = tokens.stable("a", true, 700_000);
        assert_ne!(forced.token, first.token);
        assert_eq!(tokens.check(first.token.expose(), 700_000), Err(BadToken::Replaced));
        let late = tokens.stable("a", false, 700_000 + 7_000_000);
        assert_ne!(late.token, forced.token);
        assert_eq!(
            tokens.check(forced.token.expose(), 700_000 + 7_000_000),
            Ok("a"),
            "it is valid until it expires"
        );
    }

    #[test]
    fn tokens_of_an_app_are_limited_and_the_oldest_are_dropped() {
        let mut tokens = Tokens::default();
        let first = tokens.plain("a", 0);
        for _ in 0..MAX_TOKENS_PER_APP {
            tokens.plain("a", 0);
        }
        assert_eq!(tokens.check(first.token.expose(), 0), Err(BadToken::Unknown));
        assert!(tokens.by_app["a"].len() <= MAX_TOKENS_PER_APP);
    }

    #[test]
    fn a_token_is_not_printed() {
        let mut tokens = Tokens::default();
        let grant = tokens.stable("a", false, 0);
        assert!(!format!("{tokens:?}").contains(grant.token.expose()));
    }
}
