//! WeChat's servers, emulated: what a mini program's own backend asks, and what WeChat's client on the phone tells.
//!
//! ```text
//!   mini program's backend                                       WeChat on the phone
//!      │ /cgi-bin/token, /sns/jscode2session,                      │ login, check_session, user_info
//!      │ /cgi-bin/soter/verify_signature, …                        │ register_device, upload_ask, upload_auth_key
//!      │                                                           │ or, from an audit, POST /sim/devices
//!      v                                                           v
//!   routes ──> WeChat ──────────────────────────────────────────────────┐
//!                │ accounts   mini programs and users                   │
//!                │ tokens     access tokens             in memory       │
//!                │ logins     codes and session keys    in memory       │
//!                │ pipeline   is this result good? ──> ledger           │
//!                └──────────────────────────────────────── keys and counters, durable in groups
//! ```
//!
//! Answers look like WeChat's. Why a result was refused stands elsewhere: in the journal, in the events and in the header
//! `x-soter-sim-reason`. Everything here is an emulation that says so in its names; it trusts emulated phones alone.

mod accounts;
mod clock;
mod device_info;
mod enrolment;
mod ledger;
mod logins;
mod pipeline;
mod routes;
mod tokens;
mod upload;
mod user_info;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::rand;
use soter_wire::{PublicKey, base64, shortened};
use tokio::sync::broadcast;

use crate::journal::Journal;
use crate::protocol::{CommandError, Event};
use crate::reasons;

use self::logins::Logins;
use self::pipeline::{Claim, Finding};
use self::tokens::Tokens;

pub use self::accounts::{AccountList, Accounts, App, DEFAULT_APPID, DEFAULT_USER, User};
pub use self::clock::{Clock, SetClock, SystemClock};
pub use self::ledger::{AuthKey, Change, Ledger, LedgerError, LedgerStore, Receipt, SqliteStore};
pub use self::routes::routes;
pub use self::upload::{DeviceKeys, KeyOwner, Lacks, UploadRefused};
pub use self::user_info::UserInfo;

/// Whether a counter that is not new is a reason to refuse. Whether WeChat's servers refuse is not documented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replays {
    /// It is: the stricter way.
    #[default]
    Refuse,
    /// It is not: the caller has to notice replays.
    Accept,
}

/// How `verify_signature` answers. Both are seen live.
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
    /// Roots of certificate chains that phones may show.
    pub trusted_roots: Vec<PublicKey>,
}

/// WeChat's servers.
#[derive(Debug)]
pub struct WeChat {
    options: WeChatOptions,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    journal: Arc<Journal>,
    events: broadcast::Sender<Event>,
    memory: Mutex<Memory>,
    /// Whether it was said that the real service may accept replays.
    replays_explained: AtomicBool,
}

/// What does not survive a restart.
#[derive(Debug, Default)]
struct Memory {
    tokens: Tokens,
    logins: Logins,
}

impl WeChat {
    /// Servers over a ledger.
    pub fn new(
        options: WeChatOptions,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
        journal: Arc<Journal>,
        events: broadcast::Sender<Event>,
    ) -> Self {
        let memory = Mutex::default();
        Self { options, ledger, clock, journal, events, memory, replays_explained: AtomicBool::new(false) }
    }

    /// Where calls are written down.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Mini programs and users.
    pub fn accounts(&self) -> &Accounts {
        &self.options.accounts
    }

    /// `wx.login`: a code for the mini program's backend. It lasts five minutes and works once.
    ///
    /// # Errors
    /// The caller's: no such user or app.
    pub fn login(&self, user: &str, appid: &str) -> Result<String, CommandError> {
        let (user, app) = (self.user(user)?, self.app(appid)?);
        Ok(self.memory().logins.login(&app.appid, &user.name, self.now()))
    }

    /// `wx.checkSession`: whether the user's session is alive.
    ///
    /// # Errors
    /// The caller's: no such user or app.
    pub fn check_session(&self, user: &str, appid: &str) -> Result<bool, CommandError> {
        let (user, app) = (self.user(user)?, self.app(appid)?);
        Ok(self.memory().logins.is_alive(&app.appid, &user.name, self.now()))
    }

    /// `wx.getUserInfo`: the user's data, signed and encrypted with the session's key.
    ///
    /// # Errors
    /// The caller's: no such user or app.
    pub fn user_info(&self, user: &str, appid: &str) -> Result<UserInfo, CommandError> {
        let (user, app) = (self.user(user)?, self.app(appid)?);
        let now = self.now();
        let key = self.memory().logins.session(&app.appid, &user.name, now);
        let (openid, unionid) = (accounts::openid(user, appid), accounts::unionid(user));
        let identity =
            user_info::Identity { openid: &openid, unionid: app.unionid.then_some(&unionid), appid };
        let nickname = user.nickname.as_deref().unwrap_or(&user.name);
        user_info::user_info(nickname, &identity, key.expose(), now / 1000)
    }

    /// The user's openid in a mini program.
    ///
    /// # Errors
    /// The caller's: no such user or app.
    pub fn openid(&self, user: &str, appid: &str) -> Result<String, CommandError> {
        Ok(accounts::openid(self.user(user)?, &self.app(appid)?.appid))
    }

    /// Forgets devices, keys, counters, codes, sessions and tokens. Accounts stay.
    ///
    /// # Errors
    /// The ledger's: see [`LedgerError`].
    pub async fn reset(&self) -> Result<(), LedgerError> {
        let cleared = self.ledger.change(|_| Ok::<_, LedgerError>(vec![Change::Clear]))??;
        *self.memory() = Memory::default();
        cleared.durable().await
    }

    /// Whether someone has this openid in the mini program: one of its users, or one whose phone was enrolled from outside.
    fn knows_openid(&self, appid: &str, openid: &str) -> bool {
        // The ledger knows whoever has authenticated; looking through the accounts takes longer the more there are.
        self.ledger.read(|book| book.knows_owner(appid, openid))
            || self.options.accounts.has_openid(appid, openid)
    }

    /// Judges a result for a backend, tells everyone who watches, and gives the answer.
    async fn verify(&self, claim: Claim<'_>) -> Result<Finding, LedgerError> {
        let accepts = self.options.replays == Replays::Accept;
        let mut finding = match pipeline::judge(&self.ledger, claim, accepts).await {
            Ok(finding) => finding,
            Err(error) => {
                self.ledger.stop(&error);
                return Err(error);
            }
        };
        let is_replay = [reasons::COUNTER_REPLAYED, reasons::COUNTER_ROLLED_BACK].contains(&finding.reason);
        if is_replay && !self.replays_explained.swap(true, Ordering::Relaxed) {
            finding.detail.push_str(
                "; whether WeChat's own service refuses this is not documented, so your server must check the challenge and the counter itself",
            );
        }
        // Nobody listening is no error, and costs nothing.
        if self.events.receiver_count() == 0 {
            return Ok(finding);
        }
        let _ = self.events.send(Event::SignatureJudged {
            appid: claim.appid.to_owned(),
            openid: claim.openid.to_owned(),
            is_ok: finding.is_ok,
            reason: finding.reason.to_owned(),
            detail: finding.detail.clone(),
        });
        Ok(finding)
    }

    fn user(&self, name: &str) -> Result<&User, CommandError> {
        self.options.accounts.user(name).ok_or_else(|| {
            let known: Vec<_> =
                self.options.accounts.users().take(10).map(|user| user.name.as_str()).collect();
            let shown = shortened(name, 64);
            CommandError::invalid_params(
                format!("there is no WeChat user `{shown}`"),
                format!("users: {}", known.join(", ")),
            )
        })
    }

    fn app(&self, appid: &str) -> Result<&App, CommandError> {
        self.options.accounts.app(appid).ok_or_else(|| {
            let known: Vec<_> = self.options.accounts.apps().take(10).map(|app| app.appid.as_str()).collect();
            let shown = shortened(appid, 64);
            CommandError::invalid_params(
                format!("there is no mini program `{shown}`"),
                format!("apps: {}; add yours to the file that --config names", known.join(", ")),
            )
        })
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        self.clock.unix_millis()
    }
}

/// Random bytes. Where the operating system has none, there is nothing secret to be had, and no way on.
fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(
        clippy::expect_used,
        reason = "INVARIANT: aws-lc's generator is seeded when the process starts"
    )]
    rand::fill(&mut bytes).expect("random bytes are to be had");
    bytes
}

/// A random text of these many characters that need no escaping anywhere, 6 bits each.
pub fn random_text(characters: usize) -> String {
    let mut text = String::with_capacity(characters + 64);
    while text.len() < characters {
        text.push_str(&base64::encode(&random_bytes::<48>()).replace('+', "-").replace('/', "_"));
    }
    text.truncate(characters);
    text
}

#[cfg(test)]
mod test_phone;
#[cfg(test)]
mod tests;
