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
pub(super) mod shapes;
mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use serde_json::Value;
use soter_bridge::protocol::wx::CHALLENGE_LIMIT;
use soter_wechat::{Clock, DeviceKeys, SetClock, SystemClock, WeChat};
use tokio::sync::OnceCell;

pub(crate) use self::answers::recorded_value;
use self::answers::{Answered, reply_summary};
use self::client::Client;
pub use self::description::Application;
pub(crate) use self::description::is_built_in_name;
use self::description::{OTHER_PREFIX, Section, Step, Success};
use self::observed::Observed;
pub(crate) use self::result_parts::MEMBERS as RESULT_MEMBERS;
use self::running::Ran;
use self::template::Values;
use crate::attacked_phone::Upload;
use crate::http::Http;
use crate::outage::OutageSwitch;
use crate::predictability::Issued;
use crate::restart;
use crate::steps::{AFTER_CODE_EXPIRY, Code, Envelope, GARBAGE_CODE, Observation, Place};
use crate::target::{
    self, Answer, Cookies, Exchange, Form, Input, Order, Target, TargetError, TimePassed, User, Visit,
};
use crate::wechat_traffic::WeChatTraffic;

/// The maximum length of an order's value that may be guessed before the order is there, in characters.
const MAX_GUESSABLE_CHARS: usize = 10;
/// Why a second payment of an order may go unnoticed.
const UNCOUNTED_EFFECT: &str = "the answer looks like a success, and the steps after it show only that the order is paid, not how often; say in \
[result.answer] how the answer to a refused repetition differs, or compare a number before and after, such as the balance";

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
    /// The time of WeChat's servers before both clocks were moved, in milliseconds since 1970.
    time_before: AtomicU64,
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
            time_before: AtomicU64::new(0),
            provoked: OnceCell::new(),
        }
    }

    fn appid(&self) -> &str {
        &self.client.wechat.accounts().first_app().appid
    }

    async fn code(&self, user: &User, appid: &str) -> Result<String, TargetError> {
        self.client
            .wechat
            .login(&user.name, appid)
            .await
            .map_err(|error| TargetError::broken(error.to_string()))
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

    /// The values of another user, who logs in for this.
    async fn other_values(&self) -> Result<Values, TargetError> {
        let user = self.user("")?;
        // Those who see this user's values in their own orders have named them.
        self.observed.remove_user(&user.openid);
        let mut values = Values::from([
            ("openid".to_owned(), user.openid.clone()),
            ("user".to_owned(), user.name.clone()),
        ]);
        if let Some(login) = &self.client.application.login {
            let code = self.code(&user, self.appid()).await?;
            let ran = self.run_login(login, &Visit::new(&user), code).await?;
            check_login(&ran)?;
            values.extend(named(login, ran.values));
        }
        Ok(values.into_iter().map(|(name, value)| (format!("{OTHER_PREFIX}{name}"), value)).collect())
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
        registered.map_err(|refused| TargetError::broken(refused.to_string()))?;
        let mut values = self.values(visit, section.uses("code")).await?;
        values.extend(phone_keys::values(upload));
        let usual = Success::default();
        let success = section.judged().unwrap_or(&usual);
        let sent = self.client.run(section, Some(success), values, visit, None);
        let ran = self.outages.outside(sent).await?;
        Ok(Answer {
            accepted: ran.refused.is_none(),
            status: ran.status,
            reason: ran.refused,
            doubt: None,
            harm: None,
            exchange: ran.exchange,
        })
    }

    async fn run_login(&self, login: &Section, visit: &Visit, code: String) -> Result<Ran, TargetError> {
        let mut values = visit.values.clone();
        values.insert("openid".to_owned(), visit.user.openid.clone());
        values.insert("user".to_owned(), visit.user.name.clone());
        values.insert("code".to_owned(), code);
        let usual = Success::default();
        let success = login.judged().unwrap_or(&usual);
        self.outages.outside(self.client.run(login, Some(success), values, visit, None)).await
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
            .ok_or_else(|| TargetError::broken("there are no users left for more attacks"))?;
        let openid = |appid: &str| {
            self.client.wechat.openid(name, appid).map_err(|error| TargetError::broken(error.to_string()))
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
            reason: refused.map(|refused| refused.to_string()),
            doubt: None,
            harm: None,
            exchange: Exchange::default(),
        })
    }

    async fn start_visit(&self, user: &User) -> Result<Visit, TargetError> {
        self.start_visit_with(user, Cookies::default()).await
    }

    async fn start_visit_with(&self, user: &User, cookies: Cookies) -> Result<Visit, TargetError> {
        let mut visit = Visit { cookies, ..Visit::new(user) };
        let Some(login) = &self.client.application.login else { return Ok(visit) };
        let code = self.code(user, self.appid()).await?;
        let ran = self.run_login(login, &visit, code).await?;
        check_login(&ran)?;
        visit.identity = ran.identity;
        visit.values.extend(named(login, ran.values));
        Ok(visit)
    }

    async fn cookies_before_login(&self) -> Result<Cookies, TargetError> {
        let Some(login) = &self.client.application.login else {
            return Err(TargetError::does_not_apply("the description has no [login]"));
        };
        let visit = Visit::new(&self.user("")?);
        self.run_login(login, &visit, GARBAGE_CODE.to_owned()).await?;
        Ok(visit.cookies)
    }

    async fn send_nothing(&self) -> Result<Answer, TargetError> {
        let visit = Visit::new(&self.user("")?);
        let result = &self.client.application.result;
        let ran = self.client.run(result, result.judged(), Values::new(), &visit, None).await?;
        Ok(Answer {
            accepted: ran.refused.is_none(),
            status: ran.status,
            reason: ran.refused,
            doubt: None,
            harm: None,
            exchange: ran.exchange,
        })
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
                let what = format!("an answer contains {}", what.name());
                target::Observed { what, exchange: Some(exchange) }
            }),
            Observation::Predictable(how) => {
                self.observed.judge(how).map(|what| target::Observed { what, exchange: None })
            }
        }
    }

    async fn end_visit(&self, visit: &mut Visit) -> Result<(), TargetError> {
        if let Some(logout) = &self.client.application.logout {
            let values = self.values(visit, logout.uses("code")).await?;
            let request = self.client.build_request(logout, &[], &values, visit)?;
            let reply = self.outages.outside(self.client.send_request(request, visit)).await?;
            return if (200..400).contains(&reply.status) {
                Ok(())
            } else {
                Err(TargetError::broken(format!("the logout is refused: {}", reply_summary(&reply))))
            };
        }
        let result = &self.client.application.result;
        if !self.sends_cookies(visit) && !visit.values.keys().any(|name| result.uses(name)) {
            return Err(TargetError::does_not_apply(
                "results are sent without anything of a login, and there is no [logout]",
            ));
        }
        visit.cookies.clear();
        visit.values.values_mut().for_each(String::clear);
        Ok(())
    }

    async fn order(&self, visit: &mut Visit, _: &str) -> Result<Order, TargetError> {
        let section = &self.client.application.challenge;
        let values = self.values(visit, section.uses("code")).await?;
        let sent = self.client.run(section, section.judged(), values, visit, None);
        let ran = self.outages.outside(sent).await?;
        if let Some(mismatch) = &ran.refused {
            return Err(TargetError::broken(format!("an order is refused: {mismatch}")));
        }
        let answered = Answered { reply: &ran.reply, cookies: &visit.cookies, values: &ran.values };
        let issued = answered.text(&section.challenge())?;
        let units = issued.encode_utf16().count();
        if !(1..CHALLENGE_LIMIT).contains(&units) {
            return Err(TargetError::broken(format!(
                "the challenge has {units} UTF-16 units; phones take fewer than {CHALLENGE_LIMIT}, and at least one"
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
        Ok(Order { challenge: issued, values: named(section, ran.values), is_paid: false, is_shared: false })
    }

    async fn send(&self, visit: &Visit, order: &Order, input: &Input) -> Result<Answer, TargetError> {
        let result = &self.client.application.result;
        if input.requested_openid != visit.user.openid && !result.uses("openid") {
            return Err(TargetError::does_not_apply("the application's request names no openid"));
        }
        let mut values = self.values(visit, result.uses("code")).await?;
        values.extend(order.values.clone());
        values.extend([
            ("challenge".to_owned(), order.challenge.clone()),
            ("openid".to_owned(), input.requested_openid.clone()),
        ]);
        values.extend(result_parts::values(&input.json, &input.signature));
        let changed = match input.envelope {
            Envelope::Usual
            | Envelope::AtOnce
            | Envelope::OneTouchAtOnce
            | Envelope::NewConnections
            | Envelope::During(_) => None,
            Envelope::ObjectForString => {
                let object = result.main.endpoint().and_then(|endpoint| endpoint.with_object(&input.json));
                Some(object.ok_or_else(|| {
                    TargetError::does_not_apply(
                        "the application's request does not carry resultJSON as a JSON string",
                    )
                })?)
            }
            Envelope::Added(_, place) => {
                let changed =
                    result.main.endpoint().and_then(|endpoint| endpoint.with_added(&input.added, place));
                Some(changed.ok_or_else(|| {
                    TargetError::does_not_apply(
                        "the application's request has no place for more names, or has them",
                    )
                })?)
            }
            Envelope::Get
            | Envelope::ExpiredToken
            | Envelope::OtherAppsToken
            | Envelope::NoToken
            | Envelope::Member(..)
            | Envelope::Token(_) => {
                return Err(TargetError::does_not_apply("it is about requests to verify_signature itself"));
            }
        };
        let with_more_cookies = match input.envelope {
            Envelope::Added(_, Place::Cookies) => Some(self.with_added_cookies(visit, &input.added)?),
            _ => None,
        };
        let visit = with_more_cookies.as_ref().unwrap_or(visit);
        if matches!(input.envelope, Envelope::AtOnce | Envelope::OneTouchAtOnce) {
            self.client.http.stop_taking_turns();
        }
        let before = *self.client.wechat.journal().head().borrow();
        let over_new_connection =
            (input.envelope == Envelope::NewConnections).then(|| self.client.without_reuse());
        let client = over_new_connection.as_ref().unwrap_or(&self.client);
        let sent = client.run(result, result.judged(), values, visit, changed.as_ref());
        let ran = match input.envelope {
            Envelope::During(outage) => self.outages.during(outage, sent).await?,
            _ => self.outages.outside(sent).await?,
        };
        // Of a second payment of one order, the steps afterwards show nothing, unless they compare. And what they compare may
        // come from another payment at the same moment.
        let is_at_once = matches!(input.envelope, Envelope::AtOnce | Envelope::OneTouchAtOnce);
        let is_uncounted = (order.is_paid && !result.shows_changes())
            || (is_at_once && !result.after.is_empty() && (order.is_shared || result.shows_changes()));
        let looks_like_success = ran.refused.is_none() && ran.answer_mismatch.is_none();
        let mismatch = match ran.refused {
            None if is_uncounted => {
                let unchanged = "the order is paid, as it was before";
                ran.answer_mismatch.or_else(|| order.is_paid.then(|| unchanged.to_owned()))
            }
            refused => refused,
        };
        let reason = mismatch.map(|mismatch| match input.envelope {
            Envelope::During(outage) => format!("during an outage of WeChat ({outage}): {mismatch}"),
            _ => refusal_reason::since(
                self.client.wechat.journal(),
                before,
                &visit.user.openid,
                input,
                &mismatch,
            ),
        });
        Ok(Answer {
            accepted: reason.is_none(),
            status: ran.status,
            reason,
            doubt: (is_uncounted && looks_like_success).then_some(UNCOUNTED_EFFECT),
            harm: None,
            exchange: ran.exchange,
        })
    }

    async fn login(&self, user: &User, code: Code) -> Result<Answer, TargetError> {
        let Some(login) = &self.client.application.login else {
            return Err(TargetError::does_not_apply("the description has no [login]"));
        };
        if !login.uses("code") {
            return Err(TargetError::does_not_apply("the login takes no code of wx.login"));
        }
        let code = match code {
            Code::Fresh => self.code(user, self.appid()).await?,
            Code::Garbage => GARBAGE_CODE.to_owned(),
            Code::Twice => {
                let code = self.code(user, self.appid()).await?;
                check_login(&self.run_login(login, &Visit::new(user), code.clone()).await?)?;
                code
            }
            Code::Expired => {
                let code = self.code(user, self.appid()).await?;
                self.clock.advance(AFTER_CODE_EXPIRY);
                code
            }
            Code::OfAnotherApp => {
                let appid = self.other_appid();
                let appid =
                    appid.ok_or_else(|| TargetError::does_not_apply("there is no second mini program"))?;
                self.code(user, &appid).await?
            }
        };
        let visit = Visit::new(user);
        let ran = self.run_login(login, &visit, code).await?;
        // The session that this login may have opened is a secret, too.
        let secrets = self.client.secrets(None, &ran.values, &visit.cookies);
        let exchange = ran.exchange.masked(&secrets);
        Ok(Answer {
            accepted: ran.refused.is_none(),
            status: ran.status,
            reason: None,
            doubt: None,
            harm: None,
            exchange,
        })
    }

    async fn restart(&self) -> Result<(), TargetError> {
        let Some(restart_config) = &self.client.application.restart else {
            return Err(TargetError::does_not_apply("the description has no [restart]"));
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
    /// A visit with more cookies than the application has set.
    fn with_added_cookies(&self, visit: &Visit, added: &[(String, Value)]) -> Result<Visit, TargetError> {
        let url = self.client.http.address("/").map_err(TargetError::from)?;
        let cookies = visit.cookies.map(|_, value| value.to_owned());
        for (name, value) in added {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            cookies.set(&format!("{name}={value}; Path=/"), &url);
        }
        Ok(Visit { cookies, ..visit.clone() })
    }

    fn other_appid(&self) -> Option<String> {
        let first = self.appid();
        self.client.wechat.accounts().apps().map(|app| &app.appid).find(|appid| *appid != first).cloned()
    }
}

/// The values that a section's answers have given, without those that only it needs.
fn named(section: &Section, values: Values) -> Values {
    let names: Vec<&str> = section.value_names().collect();
    values.into_iter().filter(|(name, _)| names.contains(&name.as_str())).collect()
}

fn check_login(ran: &Ran) -> Result<(), TargetError> {
    ran.refused.as_ref().map_or(Ok(()), |mismatch| {
        Err(TargetError::broken(format!(
            "the login of an honest user is refused ({mismatch}): {}",
            reply_summary(&ran.reply)
        )))
    })
}
