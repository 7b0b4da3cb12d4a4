//! Codes, which `wx.login` and `wx.getPhoneNumber` return and backends exchange, and sessions.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::{BadCode, CODE_LIFETIME_MS, CodePurpose, SESSION_LIFETIME_MS, hash, new_code, new_session_key};
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
    purpose: CodePurpose,
    made_at: u64,
    used: bool,
    /// Whether it was ended before its time.
    ended: bool,
}

#[derive(Debug)]
struct Session {
    key: Secret,
    renewed_at: u64,
}

impl Logins {
    /// Makes a new code, and begins or renews the session, with another key if that is wanted.
    pub(super) fn login(&mut self, appid: &str, user: &str, renew_key: bool, now: u64) -> String {
        if renew_key {
            self.sessions.remove(&owner(appid, user));
        }
        self.session(appid, user, now);
        self.make_code(appid, user, CodePurpose::Login, now)
    }

    /// Makes a new code.
    pub(super) fn make_code(&mut self, appid: &str, user: &str, purpose: CodePurpose, now: u64) -> String {
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
        let (appid, user) = owner(appid, user);
        self.codes.insert(hash, Code { appid, user, purpose, made_at: now, used: false, ended: false });
        self.by_age.push_back(hash);
        text
    }

    /// Exchanges a login's code, once, for its user and the session's key.
    pub(super) fn exchange(
        &mut self,
        appid: &str,
        text: &str,
        now: u64,
    ) -> Result<(String, Secret), BadCode> {
        let user = self.use_code(appid, text, CodePurpose::Login, None, now)?;
        let key = self.session(appid, &user, now);
        Ok((user, key))
    }

    /// Uses a code, once, and returns its user, who must be this one if one is given.
    pub(super) fn use_code(
        &mut self,
        appid: &str,
        text: &str,
        purpose: CodePurpose,
        user: Option<&str>,
        now: u64,
    ) -> Result<String, BadCode> {
        let code = self.codes.get_mut(&hash(text));
        let code =
            code.filter(|code| code.appid == appid && code.is_valid_at(now)).ok_or(BadCode::Invalid)?;
        if code.purpose != purpose {
            return Err(BadCode::OtherPurpose);
        }
        if code.used {
            return Err(BadCode::Used);
        }
        if user.is_some_and(|user| user != code.user) {
            return Err(BadCode::OtherUser);
        }
        code.used = true;
        Ok(code.user.clone())
    }

    /// The key of the user's session, if it is alive.
    pub(super) fn session_key(&self, appid: &str, user: &str, now: u64) -> Option<&Secret> {
        let session = self.sessions.get(&owner(appid, user));
        session.filter(|session| session.is_alive_at(now)).map(|session| &session.key)
    }

    /// Gives the session another key, if it is alive and has this one.
    pub(super) fn replace_key(&mut self, appid: &str, user: &str, old: &Secret, now: u64) -> Option<Secret> {
        let session = self.sessions.get_mut(&owner(appid, user));
        let session = session.filter(|session| session.is_alive_at(now) && session.key == *old)?;
        session.key = new_session_key();
        Some(session.key.clone())
    }

    /// Renews the user's session, or begins one if none is alive, and returns its key.
    fn session(&mut self, appid: &str, user: &str, now: u64) -> Secret {
        let new = || Session { key: new_session_key(), renewed_at: now };
        let session = self.sessions.entry(owner(appid, user)).or_insert_with(new);
        if !session.is_alive_at(now) {
            *session = new();
        }
        session.renewed_at = now;
        session.key.clone()
    }

    /// Ends a session. Whether it was alive.
    pub(super) fn expire_session(&mut self, appid: &str, user: &str, now: u64) -> bool {
        self.sessions.remove(&owner(appid, user)).is_some_and(|session| session.is_alive_at(now))
    }

    /// Ends a user's codes that are valid and not used, and returns how many there were.
    pub(super) fn expire_codes(&mut self, appid: &str, user: &str, now: u64) -> u64 {
        let mut expired = 0;
        for code in self.codes.values_mut() {
            if !code.used
                && code.is_valid_at(now)
                && (code.appid.as_str(), code.user.as_str()) == (appid, user)
            {
                code.ended = true;
                expired += 1;
            }
        }
        expired
    }
}

fn owner(appid: &str, user: &str) -> SessionOwner {
    (appid.to_owned(), user.to_owned())
}

impl Code {
    fn is_valid_at(&self, now: u64) -> bool {
        !self.ended && now < self.made_at.saturating_add(CODE_LIFETIME_MS)
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
        let code = logins.login("a", "u", false, 0);
        assert_eq!(logins.exchange("b", &code, 0).unwrap_err(), BadCode::Invalid);
        assert_eq!(logins.exchange("a", &code, 299_999).unwrap().0, "u");
        assert_eq!(logins.exchange("a", &code, 299_999).unwrap_err(), BadCode::Used);
        assert_eq!(logins.exchange("a", &code, 300_000).unwrap_err(), BadCode::Invalid);
        assert_eq!(logins.exchange("a", "guess", 0).unwrap_err(), BadCode::Invalid);
    }

    #[test]
    fn a_login_extends_the_session_and_an_expired_session_gets_another_key() {
        let mut logins = Logins::default();
        assert_eq!(logins.session_key("a", "u", 0), None);
        let code = logins.login("a", "u", false, 0);
        let first = logins.exchange("a", &code, 0).unwrap().1;
        assert_eq!(base64::decode(first.expose()).unwrap().len(), 16);
        let code = logins.login("a", "u", false, SESSION_LIFETIME_MS - 1);
        assert!(logins.exchange("a", &code, SESSION_LIFETIME_MS - 1).unwrap().1.is(first.expose()));
        assert_eq!(logins.session_key("a", "u", 2 * SESSION_LIFETIME_MS), None);
        let code = logins.login("a", "u", false, 2 * SESSION_LIFETIME_MS);
        assert!(!logins.exchange("a", &code, 2 * SESSION_LIFETIME_MS).unwrap().1.is(first.expose()));
    }

    #[test]
    fn codes_are_limited_and_the_oldest_are_dropped() {
        let mut logins = Logins::default();
        let first = logins.login("a", "u", false, 0);
        for _ in 1..MAX_CODES {
            logins.login("a", "u", false, 0);
        }
        assert!(logins.exchange("a", &first, 0).is_ok());
        let last = logins.login("a", "u", false, 0);
        assert_eq!(logins.exchange("a", &first, 0).unwrap_err(), BadCode::Invalid);
        assert!(logins.exchange("a", &last, 0).is_ok());
    }

    #[test]
    fn expired_codes_take_no_memory() {
        let mut logins = Logins::default();
        for second in 0..1000 {
            logins.login("a", "u", false, second * 1000);
        }
        assert_eq!((logins.codes.len(), logins.by_age.len()), (300, 300));
    }

    #[test]
    fn a_login_can_give_the_session_another_key() {
        let mut logins = Logins::default();
        logins.login("a", "u", true, 0);
        let first = logins.session_key("a", "u", 0).unwrap().clone();
        let code = logins.login("a", "u", true, 0);
        assert_ne!(logins.session_key("a", "u", 0), Some(&first));
        assert_eq!(Some(&logins.exchange("a", &code, 0).unwrap().1), logins.session_key("a", "u", 0));
    }

    #[test]
    fn a_key_is_replaced_only_by_its_owner_and_the_session_ends_when_it_would_have_ended() {
        let mut logins = Logins::default();
        let first = logins.session("a", "u", 0);
        assert_eq!(logins.replace_key("a", "u", &"another".into(), 1), None);
        let second = logins.replace_key("a", "u", &first, SESSION_LIFETIME_MS - 1).unwrap();
        assert_ne!(second, first);
        assert_eq!(logins.replace_key("a", "u", &first, 1), None);
        assert_eq!(logins.session_key("a", "u", SESSION_LIFETIME_MS - 1), Some(&second));
        assert_eq!(logins.session_key("a", "u", SESSION_LIFETIME_MS), None);
        assert_eq!(logins.replace_key("a", "u", &second, SESSION_LIFETIME_MS), None);
    }

    #[test]
    fn a_code_is_taken_only_by_the_call_that_it_is_for() {
        let mut logins = Logins::default();
        let login = logins.login("a", "u", false, 0);
        let phone = logins.make_code("a", "u", CodePurpose::PhoneNumber, 0);
        assert_eq!(logins.exchange("a", &phone, 0).unwrap_err(), BadCode::OtherPurpose);
        let mut use_code = |code: &str, user| logins.use_code("a", code, CodePurpose::PhoneNumber, user, 0);
        assert_eq!(use_code(&login, None), Err(BadCode::OtherPurpose));
        assert_eq!(use_code(&phone, Some("v")), Err(BadCode::OtherUser));
        assert_eq!(use_code(&phone, Some("u")), Ok("u".to_owned()), "the wrong user has not used it");
        assert_eq!(use_code(&phone, Some("u")), Err(BadCode::Used));
        assert!(logins.exchange("a", &login, 0).is_ok(), "the wrong call has not used it");
    }

    #[test]
    fn sessions_and_codes_can_be_ended_before_their_time() {
        let mut logins = Logins::default();
        let (used, unused) = (logins.login("a", "u", false, 0), logins.login("a", "u", false, 0));
        let other = logins.login("a", "v", false, 0);
        logins.exchange("a", &used, 0).unwrap();
        assert_eq!((logins.expire_codes("a", "u", 0), logins.expire_codes("a", "u", 0)), (1, 0));
        assert_eq!(logins.exchange("a", &unused, 0).unwrap_err(), BadCode::Invalid);
        assert!(logins.exchange("a", &other, 0).is_ok());
        let key = logins.session_key("a", "u", 0).unwrap().clone();
        assert_eq!((logins.expire_session("a", "u", 0), logins.expire_session("a", "u", 0)), (true, false));
        assert_eq!(logins.session_key("a", "u", 0), None);
        assert_ne!(logins.session("a", "u", 0), key);
    }
}
