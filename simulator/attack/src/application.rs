//! A mini program's own server, as a target: it issues challenges, receives results, and asks WeChat's servers about
//! them.
//!
//! The audit runs these WeChat servers itself. They check signatures as always, but accept replays, so that only the
//! application can refuse one.

mod additions;
mod answers;
pub(super) mod checking;
mod client;
mod clock;
mod cloud_run;
mod command_step;
mod computing;
mod description;
mod effects;
mod identity;
mod logging_in;
mod observed;
mod page;
mod phone_keys;
pub(super) mod played_steps;
mod pointer;
mod provoking;
mod refusal_reason;
mod result_parts;
mod running;
pub(super) mod schema;
mod sending;
pub(super) mod shapes;
mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use soter_bridge::protocol::wx::CHALLENGE_LIMIT;
use soter_text::{Text, text};
use soter_wechat::{Clock, DeviceKeys, SetClock, SystemClock, WeChat};
use tokio::sync::OnceCell;

use self::answers::Answered;
pub(crate) use self::answers::recorded_value;
use self::client::Client;
pub use self::description::Application;
pub(crate) use self::description::is_built_in_name;
use self::description::{Section, Step, Success};
use self::observed::Observed;
pub(crate) use self::result_parts::MEMBERS as RESULT_MEMBERS;
use self::template::Values;
use crate::attacked_phone::Upload;
use crate::http::Http;
use crate::outage::OutageSwitch;
use crate::predictability::Issued;
use crate::restart;
use crate::steps::{Code, Observation};
use crate::target::{
    self, Answer, Cookies, Exchange, Form, Input, Order, Target, TargetError, TimePassed, User, Visit,
};
use crate::wechat_traffic::WeChatTraffic;

/// The maximum length of an order's value that may be guessed before the order is there, in characters.
const MAX_GUESSABLE_CHARS: usize = 10;

/// The WeChat servers that an application asks.
#[derive(Debug)]
pub struct Emulated {
    /// The servers.
    pub wechat: Arc<WeChat>,
    /// Their clock.
    pub clock: SetClock,
    /// The switch that makes their routes fail.
    pub outages: OutageSwitch,
    /// What was asked and answered.
    pub traffic: WeChatTraffic,
}

impl Emulated {
    /// The servers' routes as the application sees them: they fail when an attack says so, and what goes over them is noted.
    pub fn wrap(&self, routes: Router) -> Router {
        self.outages.wrap(self.traffic.wrap(routes))
    }
}

/// The application, and the WeChat servers that it asks.
#[derive(Debug)]
pub struct ApplicationTarget {
    client: Client,
    clock: SetClock,
    outages: OutageSwitch,
    users: Vec<String>,
    next_user: AtomicUsize,
    /// The values of another user's login, for orders that need somebody else, such as a receiver.
    other: OnceCell<Values>,
    observed: Arc<Observed>,
    /// The time of WeChat's servers before both clocks were moved, in milliseconds since 1970; `None`: they are not moved.
    time_before: Mutex<Option<u64>>,
    /// Whether careless applications were made to tell too much.
    provoked: OnceCell<()>,
}

impl ApplicationTarget {
    /// A target for this application. It asks these servers, which know these users; each attack uses one or two users.
    pub fn new(
        http: Http,
        application: Application,
        Emulated { wechat, clock, outages, traffic }: Emulated,
        users: Vec<String>,
    ) -> Self {
        let observed = Arc::new(Observed::default());
        let client = Client {
            http,
            application,
            wechat,
            recorder: Arc::default(),
            traffic,
            observed: Arc::clone(&observed),
            ahead_ms: Arc::default(),
        };
        Self {
            client,
            clock,
            outages,
            users,
            next_user: AtomicUsize::new(0),
            other: OnceCell::new(),
            observed,
            time_before: Mutex::default(),
            provoked: OnceCell::new(),
        }
    }

    fn appid(&self) -> &str {
        &self.client.wechat.accounts().first_app().appid
    }

    async fn code(&self, user: &User, appid: &str) -> Result<String, TargetError> {
        self.client.wechat.login(&user.name, appid).await.map_err(|error| TargetError::broken(error.text()))
    }

    /// The values for a section that sends no result. A fresh code is made only if it is used.
    async fn values(&self, visit: &Visit, uses_code: bool) -> Result<Values, TargetError> {
        let mut values = visit.values.clone();
        values.insert("openid".to_owned(), visit.user.openid.clone());
        values.insert("user".to_owned(), visit.user.name.clone());
        if uses_code {
            values.insert("code".to_owned(), self.code(&visit.user, self.appid()).await?);
        }
        if self.client.application.needs_other_user() {
            let other = Box::pin(self.other.get_or_try_init(|| self.other_values())).await?;
            values.extend(other.clone());
        }
        Ok(values)
    }

    /// Whether a result is sent with a cookie of this visit.
    fn sends_cookies(&self, visit: &Visit) -> bool {
        self.client.application.result.steps().filter_map(Step::endpoint).any(|endpoint| {
            self.client.address(endpoint, &visit.values).is_ok_and(|url| visit.cookies.header(&url).is_some())
        })
    }

    /// Brings a phone's keys to an application that checks signatures itself. WeChat's servers know the device, as a factory
    /// has told them, and answer `verify_ask` about its ASK.
    async fn enroll_at_application(
        &self,
        section: &Section,
        visit: &Visit,
        upload: &Upload,
    ) -> Result<Answer, TargetError> {
        let registered = self.client.wechat.register_device(&upload.cpu_id, &upload.attk).await;
        registered.map_err(|refused| TargetError::broken(refused.text()))?;
        let mut values = self.values(visit, section.uses("code")).await?;
        values.extend(phone_keys::values(upload));
        let usual = Success::default();
        let success = section.judged().unwrap_or(&usual);
        let sent = self.client.run(section, Some(success), values, visit, None);
        Ok(self.outages.outside(sent).await?.into_answer())
    }
}

impl Target for ApplicationTarget {
    fn form(&self) -> Form {
        Form::Application
    }

    fn identifies_orders(&self) -> bool {
        let Application { challenge, result, .. } = &self.client.application;
        result.uses("challenge") || challenge.value_names().any(|name| result.uses(name))
    }

    fn sends_challenges(&self) -> bool {
        self.client.application.result.uses("challenge")
    }

    fn identifies_senders(&self, visit: &Visit) -> bool {
        let result = &self.client.application.result;
        let login_names = visit.values.keys().map(String::as_str);
        let is_named = self.client.application.cloudrun || self.sends_cookies(visit);
        is_named || login_names.chain(["code", "openid"]).any(|name| result.uses(name))
    }

    fn user(&self, _: &str) -> Result<User, TargetError> {
        let next = self.next_user.fetch_add(1, Ordering::Relaxed);
        let name = self
            .users
            .get(next)
            .ok_or_else(|| TargetError::broken(text!("there are no users left for more attacks")))?;
        let openid = |appid: &str| {
            self.client.wechat.openid(name, appid).map_err(|error| TargetError::broken(error.text()))
        };
        let other_app_openid =
            self.other_appid().map_or_else(|| Ok(String::new()), |appid| openid(&appid))?;
        let user = User { name: name.clone(), openid: openid(self.appid())?, other_app_openid };
        self.observed.add_user(&user.openid);
        Ok(user)
    }

    fn checks_keys(&self) -> bool {
        self.client.application.enroll.is_some()
    }

    async fn enroll(&self, visit: &Visit, upload: &Upload) -> Result<Answer, TargetError> {
        if let Some(section) = &self.client.application.enroll {
            return self.enroll_at_application(section, visit, upload).await;
        }
        let keys = DeviceKeys {
            cpu_id: &upload.cpu_id,
            attk: &upload.attk,
            ask: &upload.ask,
            auth_key: &upload.auth_key,
            appid: self.appid(),
            openid: &upload.openid,
        };
        let refused = self.client.wechat.upload_device(keys).await.err();
        Ok(Answer {
            accepted: refused.is_none(),
            status: 200,
            reason: refused.map(|refused| refused.text()),
            doubt: None,
            harm: None,
            exchange: Exchange::default(),
        })
    }

    async fn start_visit(&self, user: &User) -> Result<Visit, TargetError> {
        self.start_visit_with(user, Cookies::default()).await
    }

    async fn start_visit_with(&self, user: &User, cookies: Cookies) -> Result<Visit, TargetError> {
        self.log_in(user, cookies).await
    }

    async fn cookies_before_login(&self) -> Result<Cookies, TargetError> {
        self.cookies_of_refused_login().await
    }

    async fn send_nothing(&self) -> Result<Answer, TargetError> {
        self.send_empty_request().await
    }

    fn openids_asked(&self, json: &str) -> BTreeSet<String> {
        self.client.traffic.openids_asked(json)
    }

    async fn effects(&self, visit: &Visit) -> Result<BTreeMap<String, String>, TargetError> {
        self.read_effects(visit).await
    }

    async fn pass_time(&self, by: Duration) -> Result<TimePassed, TargetError> {
        self.move_clocks(by).await
    }

    async fn end_passed_time(&self) -> Result<(), TargetError> {
        self.put_clock_back().await
    }

    async fn provoke(&self) -> Result<(), TargetError> {
        self.provoked.get_or_try_init(|| self.provoke_answers()).await.copied()
    }

    fn observed(&self, what: Observation) -> Option<target::Observed> {
        match what {
            Observation::Disclosed(what) => self.observed.disclosed(what).map(|exchange| {
                let what = text!("an answer contains {what}", what = Text::whole(what.name()));
                target::Observed { what, exchange: Some(exchange) }
            }),
            Observation::Predictable(how) => {
                self.observed.judge(how).map(|what| target::Observed { what, exchange: None })
            }
        }
    }

    async fn end_visit(&self, visit: &mut Visit) -> Result<(), TargetError> {
        self.log_out(visit).await
    }

    async fn order(&self, visit: &mut Visit, _: &str) -> Result<Order, TargetError> {
        let section = &self.client.application.challenge;
        let values = self.values(visit, section.uses("code")).await?;
        let sent = self.client.run(section, section.judged(), values, visit, None);
        let ran = self.outages.outside(sent).await?;
        if let Some(mismatch) = &ran.refused {
            return Err(TargetError::broken(text!("an order is refused: {mismatch}", mismatch = mismatch)));
        }
        let answered = Answered { reply: &ran.reply, cookies: &visit.cookies, values: &ran.values };
        let issued = answered.text(&section.challenge())?;
        let units = issued.encode_utf16().count();
        if !(1..CHALLENGE_LIMIT).contains(&units) {
            return Err(TargetError::broken(text!(
                "the challenge has {units} UTF-16 units; phones take fewer than {limit}, and at least one",
                units = units,
                limit = CHALLENGE_LIMIT
            )));
        }
        // A long value is random, and not known before the order is there.
        let is_guessable = |value: &String| value.len() <= MAX_GUESSABLE_CHARS;
        let of_order =
            section.value_names().filter_map(|name| ran.values.get(name).cloned()).filter(is_guessable);
        self.observed.add_challenge(Issued {
            challenge: issued.clone(),
            user: visit.user.name.clone(),
            at: SystemClock.unix_millis(),
            known: of_order.chain([visit.user.openid.clone()]).collect(),
        });
        Ok(Order { challenge: issued, values: ran.named(section), is_paid: false, is_shared: false })
    }

    async fn send(&self, visit: &Visit, order: &Order, input: &Input) -> Result<Answer, TargetError> {
        self.send_result(visit, order, input).await
    }

    async fn login(&self, user: &User, code: Code) -> Result<Answer, TargetError> {
        self.log_in_with(user, code).await
    }

    async fn restart(&self) -> Result<(), TargetError> {
        let Some(restart_config) = &self.client.application.restart else {
            return Err(TargetError::does_not_apply(text!("the description has no [restart]")));
        };
        restart::restart(
            &restart_config.command,
            &self.client.http,
            restart_config.ready.as_deref().unwrap_or("/"),
        )
        .await
    }
}

impl ApplicationTarget {
    fn other_appid(&self) -> Option<String> {
        let first = self.appid();
        self.client.wechat.accounts().apps().map(|app| &app.appid).find(|appid| *appid != first).cloned()
    }
}
