//! WeChat's servers as one value: the calls of WeChat's client on the phone, and the verdicts for backends.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use soter_wire::{PublicKey, shortened};

use crate::accounts::{self, Accounts, App, User};
use crate::clock::Clock;
use crate::error::WeChatError;
use crate::event::{Event, Observer};
use crate::journal::Journal;
use crate::ledger::Ledger;
use crate::ledger::store::LedgerError;
use crate::logins::Logins;
use crate::pipeline::{self, Claim};
use crate::reasons::Reason;
use crate::tokens::Tokens;
use crate::user_info::{self, UserInfo};
use crate::verdict::Verdict;

/// Whether a result is refused if its counter is not new. What WeChat's servers do is not documented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replays {
    /// Refuse it: the stricter choice.
    #[default]
    Refuse,
    /// Accept it: the caller must detect replays.
    Accept,
}

/// The form of `verify_signature`'s answers. Both forms are seen live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplyStyle {
    /// `{"is_ok":true}`.
    #[default]
    Plain,
    /// `{"errcode":0,"errmsg":"ok","is_ok":true}`.
    Errcode,
}

/// How the servers behave.
#[derive(Clone, Debug, Default)]
pub struct WeChatOptions {
    /// Mini programs and users.
    pub accounts: Accounts,
    /// What happens to replays.
    pub replays: Replays,
    /// How `verify_signature` answers.
    pub reply_style: ReplyStyle,
    /// Trusted roots of phones' certificate chains.
    pub trusted_roots: Vec<PublicKey>,
}

/// WeChat's servers.
pub struct WeChat {
    pub(crate) options: WeChatOptions,
    pub(crate) ledger: Ledger,
    clock: Arc<dyn Clock>,
    journal: Arc<Journal>,
    observer: Observer,
    memory: Mutex<Memory>,
    /// Whether a verdict has already explained that the real service may accept replays.
    replays_explained: AtomicBool,
}

/// What does not survive a restart.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) tokens: Tokens,
    pub(crate) logins: Logins,
}

impl WeChat {
    /// Servers over a ledger.
    pub fn new(
        options: WeChatOptions,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
        journal: Arc<Journal>,
        observer: Observer,
    ) -> Self {
        let of_ledger = Arc::clone(&observer);
        ledger.observe(Arc::new(move |failure| {
            of_ledger(failure.map_or(Event::LedgerRecovered, |error| Event::LedgerFailed { error }));
        }));
        let memory = Mutex::default();
        Self { options, ledger, clock, journal, observer, memory, replays_explained: AtomicBool::new(false) }
    }

    /// The journal of calls.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Mini programs and users.
    pub fn accounts(&self) -> &Accounts {
        &self.options.accounts
    }

    /// `wx.login`: a code for the mini program's backend. It is valid for 5 minutes, once.
    ///
    /// # Errors
    /// [`WeChatError::UnknownUser`] or [`WeChatError::UnknownApp`] if there is no such user or mini program.
    pub fn login(&self, user: &str, appid: &str) -> Result<String, WeChatError> {
        let (user, app) = (self.user(user)?, self.app(appid)?);
        Ok(self.memory().logins.login(&app.appid, &user.name, self.steady_now()))
    }

    /// `wx.checkSession`: whether the user's session is alive.
    ///
    /// # Errors
    /// [`WeChatError::UnknownUser`] or [`WeChatError::UnknownApp`] if there is no such user or mini program.
    pub fn check_session(&self, user: &str, appid: &str) -> Result<bool, WeChatError> {
        let (user, app) = (self.user(user)?, self.app(appid)?);
        Ok(self.memory().logins.has_session(&app.appid, &user.name, self.steady_now()))
    }

    /// `wx.getUserInfo`: the user's data, signed and encrypted with the session's key.
    ///
    /// # Errors
    /// [`WeChatError::UnknownUser`] or [`WeChatError::UnknownApp`] if there is no such user or mini program,
    /// [`WeChatError::Encryption`] if the data cannot be encrypted. A session that was not alive has begun even then.
    pub fn user_info(&self, user: &str, appid: &str) -> Result<UserInfo, WeChatError> {
        let (user, app) = (self.user(user)?, self.app(appid)?);
        let now = self.now();
        let key = self.memory().logins.session(&app.appid, &user.name, self.steady_now());
        let (openid, unionid) = (accounts::openid(user, appid), accounts::unionid(user));
        let identity =
            user_info::Identity { openid: &openid, unionid: app.unionid.then_some(&unionid), appid };
        let nickname = user.nickname.as_deref().unwrap_or(&user.name);
        user_info::user_info(nickname, &identity, key.expose(), now / 1000)
    }

    /// The user's openid in a mini program.
    ///
    /// # Errors
    /// [`WeChatError::UnknownUser`] or [`WeChatError::UnknownApp`] if there is no such user or mini program.
    pub fn openid(&self, user: &str, appid: &str) -> Result<String, WeChatError> {
        Ok(accounts::openid(self.user(user)?, &self.app(appid)?.appid))
    }

    /// Forgets devices, keys, counters, codes, sessions and tokens. Accounts stay. The ledger then has at least this
    /// generation, and one that has it already stays as it is: a caller that stores the number can repeat a reset that was not
    /// complete.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger's store fails. Codes, sessions and tokens are forgotten even then, and the ledger's contents
    /// when it has recovered.
    pub async fn reset(&self, generation: u32) -> Result<(), LedgerError> {
        *self.memory() = Memory::default();
        self.ledger.clear(generation).await
    }

    /// How often the ledger was emptied, or more: the generation for the next [`reset`](Self::reset) is greater.
    pub fn generation(&self) -> u32 {
        self.ledger.generation()
    }

    /// Why the servers accept neither results nor keys at present: the ledger's store has failed.
    pub fn failure(&self) -> Option<LedgerError> {
        self.ledger.failure()
    }

    /// Whether an openid is known in the mini program: from an account, or from a phone enrolled from outside.
    pub(crate) fn has_openid(&self, appid: &str, openid: &str) -> bool {
        // The ledger first: it knows every user with an AuthKey, and a search through many accounts is slow.
        self.ledger.read(|state| state.has_owner(appid, openid))
            || self.options.accounts.has_openid(appid, openid)
    }

    /// Judges a result for a backend, and reports the verdict to the observer.
    pub(crate) async fn verify(&self, claim: Claim<'_>) -> Result<Verdict, LedgerError> {
        let accept_replays = self.options.replays == Replays::Accept;
        let mut verdict = pipeline::judge(&self.ledger, claim, accept_replays).await?;
        let is_replay = matches!(verdict.reason, Reason::CounterReplayed | Reason::CounterRolledBack);
        if is_replay && !self.replays_explained.swap(true, Ordering::Relaxed) {
            verdict.detail.push_str(
                "; whether WeChat's own service refuses this is not documented, so your server must check the challenge and the counter itself",
            );
        }
        let Claim { appid, openid, .. } = claim;
        (self.observer)(Event::SignatureJudged { appid, openid, verdict: &verdict });
        Ok(verdict)
    }

    fn user(&self, name: &str) -> Result<&User, WeChatError> {
        self.options.accounts.user(name).ok_or_else(|| WeChatError::UnknownUser {
            name: shortened(name, 64).to_owned(),
            known: self.options.accounts.users().take(10).map(|user| user.name.clone()).collect(),
        })
    }

    fn app(&self, appid: &str) -> Result<&App, WeChatError> {
        self.options.accounts.app(appid).ok_or_else(|| WeChatError::UnknownApp {
            appid: shortened(appid, 64).to_owned(),
            known: self.options.accounts.apps().take(10).map(|app| app.appid.clone()).collect(),
        })
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The calendar's time, for what is shown.
    pub(crate) fn now(&self) -> u64 {
        self.clock.unix_millis()
    }

    /// The time by which codes, sessions and tokens expire.
    pub(crate) fn steady_now(&self) -> u64 {
        self.clock.steady_millis()
    }
}

impl fmt::Debug for WeChat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WeChat").field("options", &self.options).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
