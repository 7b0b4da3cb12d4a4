//! WeChat's servers as one value: the calls of WeChat's client on the phone, and the verdicts for backends.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use soter_text::text;
use soter_wire::{PublicKey, shortened};
use tokio::sync::Semaphore;

use crate::accounts::{self, Accounts, App, User};
use crate::answer::Errcode;
use crate::clock::Clock;
use crate::cloud::method::CloudPermissions;
use crate::error::WeChatError;
use crate::event::{Event, Observer};
use crate::journal::Journal;
use crate::ledger::Ledger;
use crate::ledger::embedded::EmbeddedLedger;
use crate::ledger::error::LedgerError;
use crate::ledger::postgres::PostgresLedger;
use crate::paths::WeChatPath;
use crate::payment::{self, PaymentRequest};
use crate::pipeline::{self, Claim};
use crate::reasons::Reason;
use crate::sessions::memory::MemorySessions;
use crate::sessions::switches::{
    ClockChange, Failure, MAX_CLOCK_OFFSET_MS, MAX_DELAY_MS, SwitchChanges, SwitchStep, Switches,
};
use crate::sessions::{Expiry, Sessions};
use crate::user_info::{self, Credentials, UserData};
use crate::verdict::Verdict;

/// Maximum number of calls that wait because users want that. A client without a timeout must not take all connections.
pub(crate) const MAX_WAITING: usize = 64;

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
    /// Whether requests without an access token are those of a service in WeChat Cloud Run, and are for the first mini program.
    pub cloud_run: bool,
    /// What cloud functions may call.
    pub cloud_permissions: CloudPermissions,
    /// Trusted roots of phones' certificate chains.
    pub trusted_roots: Vec<PublicKey>,
    /// How far the servers' clock is ahead of the computer's after [`WeChat::begin`] and after a reset, in milliseconds; `None`: as
    /// the ledger has it, and after a reset not at all.
    pub clock_ahead: Option<u64>,
}

/// The ledger of WeChat's servers.
#[derive(Debug)]
pub enum ServerLedger {
    /// Of this process. Codes, sessions and access tokens are in memory.
    Embedded(EmbeddedLedger),
    /// In a database that servers share, with codes, sessions and access tokens.
    Postgres(PostgresLedger),
}

impl From<EmbeddedLedger> for ServerLedger {
    fn from(ledger: EmbeddedLedger) -> Self {
        Self::Embedded(ledger)
    }
}

impl From<PostgresLedger> for ServerLedger {
    fn from(ledger: PostgresLedger) -> Self {
        Self::Postgres(ledger)
    }
}

/// WeChat's servers.
pub struct WeChat {
    pub(crate) options: WeChatOptions,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) sessions: Arc<dyn Sessions>,
    clock: Arc<dyn Clock>,
    journal: Arc<Journal>,
    observer: Observer,
    /// Places for calls that wait because users want that.
    pub(crate) waiting: Semaphore,
    /// Whether a verdict has already explained that the real service may accept replays.
    replays_explained: AtomicBool,
}

impl WeChat {
    /// Servers over a ledger.
    pub fn new(
        options: WeChatOptions,
        ledger: impl Into<ServerLedger>,
        clock: Arc<dyn Clock>,
        journal: Arc<Journal>,
        observer: Observer,
    ) -> Self {
        let (ledger, sessions): (Arc<dyn Ledger>, Arc<dyn Sessions>) = match ledger.into() {
            ServerLedger::Embedded(ledger) => {
                (Arc::new(ledger), Arc::new(MemorySessions::new(Arc::clone(&clock))))
            }
            ServerLedger::Postgres(ledger) => (Arc::new(ledger.clone()), Arc::new(ledger)),
        };
        let of_ledger = Arc::clone(&observer);
        ledger.observe(Arc::new(move |failure| {
            of_ledger(failure.map_or(Event::LedgerRecovered, |error| Event::LedgerFailed { error }));
        }));
        Self {
            options,
            ledger,
            sessions,
            clock,
            journal,
            observer,
            waiting: Semaphore::new(MAX_WAITING),
            replays_explained: AtomicBool::new(false),
        }
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
    /// [`WeChatError::UnknownUser`] or [`WeChatError::UnknownApp`] if there is no such user or mini program,
    /// [`WeChatError::Ledger`] if the ledger, which may keep codes and sessions, cannot be used.
    pub async fn login(&self, user: &str, appid: &str) -> Result<String, WeChatError> {
        let (user, app) = (self.user(user)?, self.app(appid)?);
        Ok(self.sessions.login(&app.appid, &user.name).await?)
    }

    /// `wx.checkSession`: whether the user's session is alive.
    ///
    /// # Errors
    /// [`WeChatError::UnknownUser`] or [`WeChatError::UnknownApp`] if there is no such user or mini program,
    /// [`WeChatError::Ledger`] if the ledger, which may keep codes and sessions, cannot be used.
    pub async fn check_session(&self, user: &str, appid: &str) -> Result<bool, WeChatError> {
        let (user, app) = (self.user(user)?, self.app(appid)?);
        Ok(self.sessions.session_key(&app.appid, &user.name).await?.is_some())
    }

    /// `wx.getPhoneNumber`: a code for the user's phone number, which the mini program's backend can ask for. It is valid for 5
    /// minutes, once.
    ///
    /// # Errors
    /// Those of [`login`](Self::login).
    pub async fn phone_code(&self, user: &str, appid: &str) -> Result<String, WeChatError> {
        let (user, app) = (self.user(user)?, self.app(appid)?);
        Ok(self.sessions.phone_code(&app.appid, &user.name).await?)
    }

    /// The switches of these servers.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger, which may keep them, cannot be used.
    pub async fn switches(&self) -> Result<Arc<Switches>, LedgerError> {
        self.sessions.switches().await
    }

    /// Changes the switches, and returns all of them.
    ///
    /// # Errors
    /// [`WeChatError::UnknownErrcode`] if there is no such errcode, [`WeChatError::NoFailures`] if the path is not the real servers',
    /// [`WeChatError::ClockTooFar`], [`WeChatError::DelayTooLong`];
    /// [`WeChatError::Ledger`] if the ledger, which may keep them, cannot be used. Nothing has changed.
    pub async fn change_switches(&self, changes: SwitchChanges) -> Result<Arc<Switches>, WeChatError> {
        if let Some(Some(failure)) = changes.failure
            && Errcode::of(failure.errcode).is_none()
        {
            return Err(WeChatError::UnknownErrcode { errcode: failure.errcode });
        }
        if let Some(Some(Failure {
            path: Some(path @ (WeChatPath::CloudCalls | WeChatPath::Devices)), ..
        })) = changes.failure
        {
            return Err(WeChatError::NoFailures { path });
        }
        if changes.delay.is_some_and(|delay| delay > MAX_DELAY_MS) {
            return Err(WeChatError::DelayTooLong);
        }
        let (switches, is_taken) = self.sessions.step_switches(SwitchStep::Change(changes)).await?;
        if is_taken { Ok(switches) } else { Err(WeChatError::ClockTooFar) }
    }

    /// Ends something before its time, and returns how many there were.
    ///
    /// # Errors
    /// [`WeChatError::UnknownUser`] or [`WeChatError::UnknownApp`] if there is no such user or mini program,
    /// [`WeChatError::Ledger`] if the ledger, which may keep codes, sessions and tokens, cannot be used.
    pub async fn expire(&self, expiry: &Expiry) -> Result<u64, WeChatError> {
        match expiry {
            Expiry::Session { appid, user } | Expiry::Codes { appid, user } => {
                self.app(appid).and_then(|_| self.user(user)).map(drop)
            }
            Expiry::Tokens { appid } | Expiry::ReplacedTokens { appid } => self.app(appid).map(drop),
        }?;
        Ok(self.sessions.expire(expiry).await?)
    }

    /// The servers' time, in milliseconds since 1970. Users can move it.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger, which may keep the switches, cannot be used.
    pub async fn time(&self) -> Result<u64, LedgerError> {
        Ok(self.now().saturating_add(self.sessions.switches().await?.clock_offset))
    }

    /// What a user says about themselves.
    ///
    /// # Errors
    /// [`WeChatError::UnknownUser`] if there is no such user.
    pub fn user_data(&self, user: &str) -> Result<UserData, WeChatError> {
        Ok(self.user(user)?.data())
    }

    /// `wx.getUserInfo` and `wx.getUserProfile`: the user's data, signed and encrypted with the key of the user's session.
    /// `None` if no session is alive: none is begun. Only `wx.getUserInfo` gives the user's `openid` and `unionid`.
    ///
    /// # Errors
    /// [`WeChatError::UnknownUser`] or [`WeChatError::UnknownApp`] if there is no such user or mini program,
    /// [`WeChatError::Ledger`] if the ledger, which may keep sessions, cannot be used, [`WeChatError::Encryption`] if the data
    /// cannot be encrypted.
    pub async fn credentials(
        &self,
        user: &str,
        appid: &str,
        data: &UserData,
        with_identity: bool,
    ) -> Result<Option<Credentials>, WeChatError> {
        let (user, app) = (self.user(user)?, self.app(appid)?);
        let Some(key) = self.sessions.session_key(&app.appid, &user.name).await? else { return Ok(None) };
        let (openid, unionid) = (accounts::openid(&user, appid), accounts::unionid(&user));
        let identity = user_info::Identity { openid: &openid, unionid: app.unionid.then_some(&unionid) };
        let seconds = self.time().await? / 1000;
        user_info::credentials(data, with_identity.then_some(&identity), appid, key.expose(), seconds)
            .map(Some)
    }

    /// `wx.requestPayment`: judges the parameters, and why, before anybody confirms the payment. The diagnosis of a wrong
    /// `paySign` takes the processor for up to a tenth of a second.
    ///
    /// # Errors
    /// [`WeChatError::UnknownApp`] if there is no such mini program.
    pub fn judge_payment(&self, appid: &str, request: &PaymentRequest<'_>) -> Result<Verdict, WeChatError> {
        payment::judge(&self.options.accounts, self.app(appid)?, request)
    }

    /// The user's openid in a mini program.
    ///
    /// # Errors
    /// [`WeChatError::UnknownUser`] or [`WeChatError::UnknownApp`] if there is no such user or mini program.
    pub fn openid(&self, user: &str, appid: &str) -> Result<String, WeChatError> {
        Ok(accounts::openid(&*self.user(user)?, &self.app(appid)?.appid))
    }

    /// The user's unionid, if the mini program gets one.
    ///
    /// # Errors
    /// Those of [`openid`](Self::openid).
    pub fn unionid(&self, user: &str, appid: &str) -> Result<Option<String>, WeChatError> {
        let user = self.user(user)?;
        Ok(self.app(appid)?.unionid.then(|| accounts::unionid(&user)))
    }

    /// Sets the clock as the options say. Servers that share a ledger have one clock, which this moves.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger, which may keep the clock, cannot be used.
    pub async fn begin(&self) -> Result<(), LedgerError> {
        if let Some(ahead) = self.options.clock_ahead {
            let clock = Some(ClockChange::Ahead(ahead.min(MAX_CLOCK_OFFSET_MS)));
            let changes = SwitchChanges { clock, ..SwitchChanges::default() };
            self.sessions.step_switches(SwitchStep::Change(changes)).await?;
        }
        Ok(())
    }

    /// Forgets devices, keys, counters, codes, sessions and tokens, and sets the switches back. Accounts stay. The ledger then has at least this
    /// generation, and one that has it already stays as it is: a caller that stores the number can repeat a reset that was not
    /// complete.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger fails. An embedded ledger forgets its contents when it has recovered; codes, sessions and
    /// tokens are forgotten at once. Of a shared ledger, each of the two may be forgotten or not.
    pub async fn reset(&self, generation: u32) -> Result<(), LedgerError> {
        let forgotten = self.sessions.forget_all().await;
        self.ledger.clear(generation).await.and(forgotten)?;
        self.begin().await
    }

    /// How often the ledger was emptied, or more: the generation for the next [`reset`](Self::reset) is greater.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot be used.
    pub async fn generation(&self) -> Result<u32, LedgerError> {
        self.ledger.generation().await
    }

    /// The number of phones that the servers know.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot be used.
    pub async fn device_count(&self) -> Result<usize, LedgerError> {
        self.ledger.device_count().await
    }

    /// Why the servers accept neither results nor keys at present: the ledger's store has failed.
    pub fn failure(&self) -> Option<LedgerError> {
        self.ledger.failure()
    }

    /// Whether an openid is known in the mini program: from an account, or from a phone enrolled from outside.
    pub(crate) async fn has_openid(&self, appid: &str, openid: &str) -> Result<bool, LedgerError> {
        // The ledger first: it knows every user with an AuthKey, and a search through many accounts is slow.
        Ok(self.ledger.has_owner(appid, openid).await?
            || self.options.accounts.user_of_openid(appid, openid).is_some())
    }

    /// Judges a result for a backend, and reports the verdict to the observer. `None` if the openid is not known.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot be used.
    pub(crate) async fn verify(&self, claim: Claim<'_>) -> Result<Option<Verdict>, LedgerError> {
        let Claim { appid, openid, .. } = claim;
        let accept_replays = self.options.replays == Replays::Accept;
        let mut verdict = pipeline::judge(&*self.ledger, claim, accept_replays).await?;
        // Only a known user has an AuthKey, so a good result needs no look.
        if !verdict.is_ok() && !self.has_openid(appid, openid).await? {
            return Ok(None);
        }
        let is_replay = matches!(verdict.reason, Reason::CounterReplayed | Reason::CounterRolledBack);
        if is_replay && !self.replays_explained.swap(true, Ordering::Relaxed) {
            verdict.detail = text!(
                "{detail}; whether WeChat's own service refuses this is not documented, so your server must check the challenge and the counter itself",
                detail = verdict.detail
            );
        }
        self.report(Event::SignatureJudged { appid, openid, verdict: &verdict });
        Ok(Some(verdict))
    }

    /// Tells the observer what happened.
    pub(crate) fn report(&self, event: Event<'_>) {
        (self.observer)(event);
    }

    fn user(&self, name: &str) -> Result<Cow<'_, User>, WeChatError> {
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

    /// The computer's time, for what people read.
    pub fn now(&self) -> u64 {
        self.clock.unix_millis()
    }
}

impl fmt::Debug for WeChat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WeChat").field("options", &self.options).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
