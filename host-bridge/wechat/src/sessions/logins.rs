//! Login codes, which `wx.login` returns and `jscode2session` accepts, and sessions.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::{BadCode, CODE_LIFETIME_MS, SESSION_LIFETIME_MS, hash, new_code, new_session_key};
use crate::secret::Secret;

/// Maximum number of codes that are remembered; beyond that, the oldest are forgotten. These are a thousand logins per second
/// for the lifetime of a code.
const MAX_CODES: usize = 300_000;

/// A user in a mini program.
type SessionOwner = (String, String);

/// Codes and sessions of all apps and users.
#[derive(Debug, Default)]
pub(super) struct Logins {
    /// Codes by their hashes, so that the lookup's duration reveals nothing about them.
    codes: HashMap<[u8; 32], Code>,
    /// The hashes of the codes, the oldest first.
    by_age: VecDeque<[u8; 32]>,
    sessions: BTreeMap<SessionOwner, Session>,
}

#[derive(Debug)]
struct Code {
    appid: String,
    user: String,
    made_at: u64,
    used: bool,
}

#[derive(Debug)]
struct Session {
    key: Secret,
    renewed_at: u64,
}

impl Logins {
    /// Makes a new code, and begins or renews the session.
    pub(super) fn login(&mut self, appid: &str, user: &str, now: u64) -> String {
        self.session(appid, user, now);
        while let Some(oldest) = self.by_age.front() {
            if self.by_age.len() < MAX_CODES
                && self.codes.get(oldest).is_some_and(|code| code.is_valid_at(now))
            {
                break;
            }
            self.codes.remove(oldest);
            self.by_age.pop_front();
        }
        let text = new_code();
        let hash = hash(&text);
        let code = Code { appid: appid.to_owned(), user: user.to_owned(), made_at: now, used: false };
        self.codes.insert(hash, code);
        self.by_age.push_back(hash);
        text
    }

    /// Exchanges a code, once, for its user and the session's key.
    pub(super) fn exchange(
        &mut self,
        appid: &str,
        text: &str,
        now: u64,
    ) -> Result<(String, Secret), BadCode> {
        let code = self.codes.get_mut(&hash(text));
        let code =
            code.filter(|code| code.appid == appid && code.is_valid_at(now)).ok_or(BadCode::Invalid)?;
        if std::mem::replace(&mut code.used, true) {
            return Err(BadCode::Used);
        }
        let user = code.user.clone();
        let key = self.session(appid, &user, now);
        Ok((user, key))
    }

    /// Whether the user has a session that is alive.
    pub(super) fn has_session(&self, appid: &str, user: &str, now: u64) -> bool {
        let owner = (appid.to_owned(), user.to_owned());
        self.sessions.get(&owner).is_some_and(|session| session.is_alive_at(now))
    }

    /// Renews the user's session, or begins one if none is alive, and returns its key.
    pub(super) fn session(&mut self, appid: &str, user: &str, now: u64) -> Secret {
        let new = || Session { key: new_session_key(), renewed_at: now };
        let session = self.sessions.entry((appid.to_owned(), user.to_owned())).or_insert_with(new);
        if !session.is_alive_at(now) {
            *session = new();
        }
        session.renewed_at = now;
        session.key.clone()
    }
}

impl Code {
    fn is_valid_at(&self, now: u64) -> bool {
        now < self.made_at.saturating_add(CODE_LIFETIME_MS)
    }
}

impl Session {
    fn is_alive_at(&self, now: u64) -> bool {
        now < self.renewed_at.saturating_add(SESSION_LIFETIME_MS)
    }
}

#[cfg(test)]
mod tests {
    use soter_wire::base64;

    use super::*;

    #[test]
    fn a_code_works_once_for_five_minutes_and_for_its_own_app() {
        let mut logins = Logins::default();
        let code = logins.login("a", "u", 0);
        assert_eq!(logins.exchange("b", &code, 0).unwrap_err(), BadCode::Invalid);
        assert_eq!(logins.exchange("a", &code, 299_999).unwrap().0, "u");
        assert_eq!(logins.exchange("a", &code, 299_999).unwrap_err(), BadCode::Used);
        assert_eq!(logins.exchange("a", &code, 300_000).unwrap_err(), BadCode::Invalid);
        assert_eq!(logins.exchange("a", "guess", 0).unwrap_err(), BadCode::Invalid);
    }

    #[test]
    fn a_login_extends_the_session_and_an_expired_session_gets_another_key() {
        let mut logins = Logins::default();
        assert!(!logins.has_session("a", "u", 0));
        let code = logins.login("a", "u", 0);
        let first = logins.exchange("a", &code, 0).unwrap().1;
        assert_eq!(base64::decode(first.expose()).unwrap().len(), 16);
        let code = logins.login("a", "u", SESSION_LIFETIME_MS - 1);
        assert!(logins.exchange("a", &code, SESSION_LIFETIME_MS - 1).unwrap().1.is(first.expose()));
        assert!(!logins.has_session("a", "u", 2 * SESSION_LIFETIME_MS));
        let code = logins.login("a", "u", 2 * SESSION_LIFETIME_MS);
        assert!(!logins.exchange("a", &code, 2 * SESSION_LIFETIME_MS).unwrap().1.is(first.expose()));
    }

    #[test]
    fn codes_are_limited_and_the_oldest_are_dropped() {
        let mut logins = Logins::default();
        let first = logins.login("a", "u", 0);
        for _ in 1..MAX_CODES {
            logins.login("a", "u", 0);
        }
        assert!(logins.exchange("a", &first, 0).is_ok());
        let last = logins.login("a", "u", 0);
        assert_eq!(logins.exchange("a", &first, 0).unwrap_err(), BadCode::Invalid);
        assert!(logins.exchange("a", &last, 0).is_ok());
    }

    #[test]
    fn expired_codes_take_no_memory() {
        let mut logins = Logins::default();
        for second in 0..1000 {
            logins.login("a", "u", second * 1000);
        }
        assert_eq!((logins.codes.len(), logins.by_age.len()), (300, 300));
    }
}
