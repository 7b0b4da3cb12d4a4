//! A mini program's own server, as a target: it issues challenges, receives results, and asks WeChat's servers about
//! them.
//!
//! The audit runs these WeChat servers itself. They check signatures as always, but accept replays, so that only the
//! application can refuse one.

mod answers;
mod cloud_run;
mod description;
mod pointer;
mod refusal_reason;
mod template;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Url;
use soter_bridge::protocol::wx::CHALLENGE_LIMIT;
use soter_wechat::{DeviceKeys, Secret, SetClock, WeChat};

use self::answers::{captured_values, reply_summary, value_at};
pub use self::description::{Application, INITIAL};
use self::description::{Endpoint, Success};
use self::template::{Values, fill_template};
use crate::attacked_phone::Upload;
use crate::http::{Http, Reply, Request, Secrets};
use crate::outage::OutageSwitch;
use crate::restart;
use crate::steps::{AFTER_CODE_EXPIRY, Code, Envelope};
use crate::target::{Answer, Cookies, Exchange, Form, Input, Order, Target, TargetError, User, Visit};

/// Bytes of the shortest text that is masked in reports. A shorter one is not a secret, and may occur anywhere.
const MIN_SECRET_BYTES: usize = 8;

/// The WeChat servers that an application asks.
#[derive(Debug)]
pub struct Emulated {
    /// The servers.
    pub wechat: Arc<WeChat>,
    /// Their clock.
    pub clock: SetClock,
    /// The switch that makes their routes fail.
    pub outages: OutageSwitch,
}

/// The application, and the WeChat servers that it asks.
#[derive(Debug)]
pub struct ApplicationTarget {
    http: Http,
    application: Application,
    wechat: Arc<WeChat>,
    clock: SetClock,
    outages: OutageSwitch,
    users: Vec<String>,
    next_user: AtomicUsize,
}

impl ApplicationTarget {
    /// A target for this application. It asks these servers, which know these users; each attack uses one or two users.
    pub fn new(
        http: Http,
        application: Application,
        Emulated { wechat, clock, outages }: Emulated,
        users: Vec<String>,
    ) -> Self {
        Self { http, application, wechat, clock, outages, users, next_user: AtomicUsize::new(0) }
    }

    /// Whether even a request without login, order and result counts as a success. If so, the description cannot
    /// distinguish answers, or the application accepts everything. Returns that answer in one line.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if the request cannot be built or is not answered.
    pub async fn accepts_empty_request(&self) -> Result<Option<String>, TargetError> {
        let result = &self.application.result;
        let reply = self.call_endpoint(&result.request, &Values::new(), &Cookies::default(), None).await?;
        Ok(result.success.check(&reply).is_ok().then(|| reply_summary(&reply)))
    }

    fn appid(&self) -> &str {
        &self.wechat.accounts().first_app().appid
    }

    async fn code(&self, user: &User, appid: &str) -> Result<String, TargetError> {
        self.wechat.login(&user.name, appid).await.map_err(|error| TargetError::broken(error.to_string()))
    }

    /// The values for a request that does not send a result. A fresh code is made only if the request uses one.
    async fn values(&self, visit: &Visit, endpoint: &Endpoint) -> Result<Values, TargetError> {
        let mut values = visit.values.clone();
        values.insert("openid".to_owned(), visit.user.openid.clone());
        if endpoint.uses("code") {
            values.insert("code".to_owned(), self.code(&visit.user, self.appid()).await?);
        }
        Ok(values)
    }

    async fn call_endpoint(
        &self,
        endpoint: &Endpoint,
        values: &Values,
        cookies: &Cookies,
        user: Option<&User>,
    ) -> Result<Reply, TargetError> {
        self.send_request(self.build_request(endpoint, values, cookies, user)?, cookies).await
    }

    async fn send_request(&self, request: Request, cookies: &Cookies) -> Result<Reply, TargetError> {
        let url = request.url.clone();
        let reply = self.http.send(request).await?;
        for (_, header) in reply.headers.iter().filter(|(name, _)| name == "set-cookie") {
            cookies.set(header, &url);
        }
        Ok(reply)
    }

    fn address(&self, endpoint: &Endpoint, values: &Values) -> Result<Url, TargetError> {
        let url = self.http.address(&fill_template(&endpoint.url, values, template::Encoding::Address));
        url.map_err(|error| TargetError::broken(error.what))
    }

    /// Whether a result is sent with a cookie of this visit.
    fn sends_cookies(&self, visit: &Visit) -> bool {
        let url = self.address(&self.application.result.request, &visit.values);
        url.is_ok_and(|url| visit.cookies.header(&url).is_some())
    }

    fn build_request(
        &self,
        endpoint: &Endpoint,
        values: &Values,
        cookies: &Cookies,
        user: Option<&User>,
    ) -> Result<Request, TargetError> {
        let url = self.address(endpoint, values)?;
        let mut headers: Vec<(String, String)> = endpoint
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), fill_template(value, values, template::Encoding::Header)))
            .collect();
        if let Some(user) = user.filter(|_| self.application.cloudrun) {
            headers.retain(|(name, _)| !cloud_run::is_platforms(name));
            let platforms = cloud_run::headers(&self.wechat, &user.name);
            headers.extend(platforms.map_err(|error| TargetError::broken(error.to_string()))?);
        }
        if let Some(cookie) = cookies.header(&url) {
            headers.push(("Cookie".to_owned(), cookie));
        }
        let encoding = endpoint.body_encoding();
        if let Some(content_type) = endpoint.guessed_content_type() {
            headers.push(("Content-Type".to_owned(), content_type.to_owned()));
        }
        let body = endpoint.body.as_ref().map(|body| fill_template(body, values, encoding));
        let secrets = self.secrets(endpoint, values, cookies);
        Ok(Request { method: endpoint.method(), url, headers, body, secrets })
    }

    /// The values of a login, the session's cookies, and fixed credentials in the description's headers.
    fn secrets(&self, endpoint: &Endpoint, values: &Values, cookies: &Cookies) -> Secrets {
        let is_long = |secret: &String| secret.len() >= MIN_SECRET_BYTES;
        let login_names = self.application.login.iter().flat_map(|login| login.values.keys());
        let named = login_names
            .filter_map(|name| values.get(name).map(|value| (value.clone(), format!("{{{{{name}}}}}"))));
        let fixed = endpoint.headers.iter().filter(|(name, value)| {
            !["accept", "content-type", "user-agent"].contains(&name.to_ascii_lowercase().as_str())
                && template::names(value).next().is_none()
        });
        let unnamed = fixed.map(|(_, value)| value.clone()).chain(cookies.values());
        let unnamed = unnamed.map(|value| (value, "…".to_owned()));
        let secrets = named.chain(unnamed).filter(|(secret, _)| is_long(secret));
        secrets.map(|(secret, instead)| (Secret::from(secret), instead)).collect()
    }

    async fn send_login(
        &self,
        endpoint: &Endpoint,
        visit: &Visit,
        code: String,
    ) -> Result<Reply, TargetError> {
        let mut values = visit.values.clone();
        values.insert("openid".to_owned(), visit.user.openid.clone());
        values.insert("code".to_owned(), code);
        self.call_endpoint(endpoint, &values, &visit.cookies, Some(&visit.user)).await
    }
}

impl Target for ApplicationTarget {
    fn form(&self) -> Form {
        Form::Application
    }

    fn identifies_orders(&self) -> bool {
        let result = &self.application.result.request;
        result.uses("challenge") || self.application.challenge.values.keys().any(|name| result.uses(name))
    }

    fn sends_challenges(&self) -> bool {
        self.application.result.request.uses("challenge")
    }

    fn identifies_senders(&self, visit: &Visit) -> bool {
        let result = &self.application.result.request;
        let login_names = visit.values.keys().map(String::as_str);
        let is_named = self.application.cloudrun || self.sends_cookies(visit);
        is_named || login_names.chain(["code", "openid"]).any(|name| result.uses(name))
    }

    fn user(&self, _: &str) -> Result<User, TargetError> {
        let next = self.next_user.fetch_add(1, Ordering::Relaxed);
        let name = self
            .users
            .get(next)
            .ok_or_else(|| TargetError::broken("there are no users left for more attacks"))?;
        let openid = |appid: &str| {
            self.wechat.openid(name, appid).map_err(|error| TargetError::broken(error.to_string()))
        };
        let other_app_openid =
            self.other_appid().map_or_else(|| Ok(String::new()), |appid| openid(&appid))?;
        Ok(User { name: name.clone(), openid: openid(self.appid())?, other_app_openid })
    }

    async fn enroll(&self, upload: &Upload) -> Result<Answer, TargetError> {
        let keys = DeviceKeys {
            cpu_id: &upload.cpu_id,
            attk: &upload.attk,
            ask: &upload.ask,
            auth_key: &upload.auth_key,
            appid: self.appid(),
            openid: &upload.openid,
        };
        let refused = self.wechat.upload_device(keys).await.err();
        Ok(Answer {
            accepted: refused.is_none(),
            status: 200,
            reason: refused.map(|refused| refused.to_string()),
            exchange: Exchange::default(),
        })
    }

    async fn start_visit(&self, user: &User) -> Result<Visit, TargetError> {
        let mut visit = Visit::new(user);
        let Some(login) = &self.application.login else { return Ok(visit) };
        let code = self.code(user, self.appid()).await?;
        let reply = self.send_login(&login.request, &visit, code).await?;
        check_login(&login.success, &reply)?;
        visit.values.extend(captured_values(&login.values, &reply)?);
        Ok(visit)
    }

    async fn end_visit(&self, visit: &mut Visit) -> Result<(), TargetError> {
        if let Some(logout) = &self.application.logout {
            let values = self.values(visit, logout).await?;
            let reply = self.call_endpoint(logout, &values, &visit.cookies, Some(&visit.user)).await?;
            return if (200..400).contains(&reply.status) {
                Ok(())
            } else {
                Err(TargetError::broken(format!("the logout is refused: {}", reply_summary(&reply))))
            };
        }
        let result = &self.application.result.request;
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
        let challenge = &self.application.challenge;
        let values = self.values(visit, &challenge.request).await?;
        let reply =
            self.call_endpoint(&challenge.request, &values, &visit.cookies, Some(&visit.user)).await?;
        let issued = match (&challenge.challenge, &challenge.challenge_regex) {
            (Some(pointer), _) => value_at(pointer, &reply)?,
            (None, Some(regex)) => regex
                .captures(&reply.body)
                .and_then(|found| found.get(1))
                .map(|group| group.as_str().to_owned())
                .ok_or_else(|| {
                    TargetError::broken(format!("the answer has no challenge: {}", reply_summary(&reply)))
                })?,
            (None, None) => reply.body.trim().to_owned(),
        };
        let units = issued.encode_utf16().count();
        if !(1..CHALLENGE_LIMIT).contains(&units) {
            return Err(TargetError::broken(format!(
                "the challenge has {units} UTF-16 units; phones take fewer than {CHALLENGE_LIMIT}, and at least one"
            )));
        }
        Ok(Order { challenge: issued, values: captured_values(&challenge.values, &reply)? })
    }

    async fn send(&self, visit: &Visit, order: &Order, input: &Input) -> Result<Answer, TargetError> {
        let result = &self.application.result;
        let sends_openid = result.request.uses("openid");
        if input.requested_openid != visit.user.openid && !sends_openid {
            return Err(TargetError::does_not_apply("the application's request names no openid"));
        }
        let mut values = self.values(visit, &result.request).await?;
        values.extend(order.values.clone());
        values.extend([
            ("challenge".to_owned(), order.challenge.clone()),
            ("openid".to_owned(), input.requested_openid.clone()),
            ("resultJSON".to_owned(), input.json.clone()),
            ("resultJSONSignature".to_owned(), input.signature.clone()),
        ]);
        let request = match input.envelope {
            Envelope::Usual | Envelope::AtOnce | Envelope::During(_) => {
                self.build_request(&result.request, &values, &visit.cookies, Some(&visit.user))?
            }
            Envelope::ObjectForString => {
                let object = result.request.with_object(&input.json).ok_or_else(|| {
                    TargetError::does_not_apply(
                        "the application's request does not carry resultJSON as a JSON string",
                    )
                })?;
                self.build_request(&object, &values, &visit.cookies, Some(&visit.user))?
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
        let _outage = match input.envelope {
            Envelope::During(outage) => Some(self.outages.begin(outage)),
            _ => None,
        };
        let before = *self.wechat.journal().head().borrow();
        let reply = self.send_request(request, &visit.cookies).await?;
        let reason = result.success.check(&reply).err().map(|mismatch| match input.envelope {
            Envelope::During(outage) => format!("WeChat answered with {outage}"),
            _ => refusal_reason::since(self.wechat.journal(), before, &mismatch),
        });
        let accepted = reason.is_none();
        Ok(Answer { accepted, status: reply.status, reason, exchange: reply.exchange })
    }

    async fn login(&self, user: &User, code: Code) -> Result<Answer, TargetError> {
        let Some(login) = &self.application.login else {
            return Err(TargetError::does_not_apply("the description has no [login]"));
        };
        let code = match code {
            Code::Twice => {
                let code = self.code(user, self.appid()).await?;
                let reply = self.send_login(&login.request, &Visit::new(user), code.clone()).await?;
                check_login(&login.success, &reply)?;
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
        let reply = self.send_login(&login.request, &visit, code).await?;
        let captured = captured_values(&login.values, &reply).ok();
        let accepted = login.success.check(&reply).is_ok() && captured.is_some();
        // The session that this login may have opened is a secret, too.
        let secrets = self.secrets(&login.request, &captured.unwrap_or_default(), &visit.cookies);
        let exchange = reply.exchange.masked(&secrets);
        Ok(Answer { accepted, status: reply.status, reason: None, exchange })
    }

    async fn restart(&self) -> Result<(), TargetError> {
        let Some(restart_config) = &self.application.restart else {
            return Err(TargetError::does_not_apply("the description has no [restart]"));
        };
        restart::restart(&restart_config.command, &self.http, restart_config.ready.as_deref().unwrap_or("/"))
            .await
    }
}

impl ApplicationTarget {
    fn other_appid(&self) -> Option<String> {
        let first = self.appid();
        self.wechat.accounts().apps().map(|app| &app.appid).find(|appid| *appid != first).cloned()
    }
}

fn check_login(success: &Success, reply: &Reply) -> Result<(), TargetError> {
    success.check(reply).map_err(|mismatch| {
        TargetError::broken(format!(
            "the login of an honest user is refused ({mismatch}): {}",
            reply_summary(reply)
        ))
    })
}
