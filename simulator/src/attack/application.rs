//! A mini program's own server, as a target: it issues challenges, takes results, and asks WeChat's servers about them.
//!
//! WeChat's servers are the audit's own. They check signatures as always, but accept replays, so that only the application
//! can refuse one.

mod description;
mod template;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use soter_bridge::wechat::{SetClock, UploadRefused, WeChat};

use super::handset::Upload;
use super::http::{Http, Reply, Request};
use super::restart;
use super::steps::{Code, Envelope};
use super::target::{Answer, Exchange, Form, Input, Order, Target, Trouble, User, Visit};

pub use self::description::{Application, INITIAL};
use self::description::{Endpoint, Success};
use self::template::{Values, filled};

/// How far the clock is set on, so that a login code expires: a code lasts five minutes.
const PAST_A_CODE: Duration = Duration::from_secs(301);

/// The application, and WeChat's servers that it asks.
#[derive(Debug)]
pub struct ApplicationTarget {
    http: Http,
    application: Application,
    wechat: Arc<WeChat>,
    clock: SetClock,
    users: Vec<String>,
    next_user: AtomicUsize,
}

impl ApplicationTarget {
    /// An application that asks these servers, on which these users are; each attack takes one or two.
    pub fn new(
        http: Http,
        application: Application,
        wechat: Arc<WeChat>,
        clock: SetClock,
        users: Vec<String>,
    ) -> Self {
        Self { http, application, wechat, clock, users, next_user: AtomicUsize::new(0) }
    }

    fn appid(&self) -> &str {
        &self.wechat.accounts().first_app().appid
    }

    fn code(&self, user: &User, appid: &str) -> Result<String, Trouble> {
        self.wechat.login(&user.name, appid).map_err(|error| Trouble::broken(error.what))
    }

    /// Values for a request that is none about a result: a fresh code is made only where one is wanted.
    fn values(&self, visit: &Visit, endpoint: &Endpoint) -> Result<Values, Trouble> {
        let mut values = visit.values.clone();
        values.insert("openid".to_owned(), visit.user.openid.clone());
        if endpoint.uses("code") {
            values.insert("code".to_owned(), self.code(&visit.user, self.appid())?);
        }
        Ok(values)
    }

    async fn request(
        &self,
        endpoint: &Endpoint,
        values: &Values,
        cookies: &BTreeMap<String, String>,
    ) -> Result<Reply, Trouble> {
        self.http.send(self.prepared(endpoint, values, cookies)?).await
    }

    fn prepared(
        &self,
        endpoint: &Endpoint,
        values: &Values,
        cookies: &BTreeMap<String, String>,
    ) -> Result<Request, Trouble> {
        let url = self.http.address(&filled(&endpoint.url, values, template::Place::Address));
        let url = url.map_err(|error| Trouble::broken(error.what))?;
        let method = Method::from_bytes(endpoint.method.as_bytes())
            .map_err(|_| Trouble::broken(format!("`{}` is no HTTP method", endpoint.method)))?;
        let mut headers: Vec<(String, String)> = endpoint
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), filled(value, values, template::Place::Header)))
            .collect();
        if !cookies.is_empty() {
            let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            headers.push(("Cookie".to_owned(), pairs.join("; ")));
        }
        let place = endpoint.body_place();
        if place == template::Place::Json && !endpoint.names_content_type() {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        let body = endpoint.body.as_ref().map(|body| filled(body, values, place));
        Ok(Request { method, url, headers, body, secrets: Vec::new() })
    }

    async fn logged_in(
        &self,
        endpoint: &Endpoint,
        visit: &mut Visit,
        code: String,
    ) -> Result<Reply, Trouble> {
        let mut values = visit.values.clone();
        values.insert("openid".to_owned(), visit.user.openid.clone());
        values.insert("code".to_owned(), code);
        let reply = self.request(endpoint, &values, &visit.cookies).await?;
        keep_cookies(&mut visit.cookies, &reply);
        Ok(reply)
    }
}

impl Target for ApplicationTarget {
    fn form(&self) -> Form {
        Form::Application
    }

    fn names_orders(&self) -> bool {
        let result = &self.application.result.request;
        result.uses("challenge") || self.application.challenge.values.keys().any(|name| result.uses(name))
    }

    fn user(&self, _: &str) -> Result<User, Trouble> {
        let next = self.next_user.fetch_add(1, Ordering::Relaxed);
        let name = self
            .users
            .get(next)
            .ok_or_else(|| Trouble::broken("there are no users left for more attacks"))?;
        let openid =
            |appid: &str| self.wechat.openid(name, appid).map_err(|error| Trouble::broken(error.what));
        let elsewhere = self.other_appid().map_or_else(|| Ok(String::new()), |appid| openid(&appid))?;
        Ok(User { name: name.clone(), openid: openid(self.appid())?, openid_elsewhere: elsewhere })
    }

    async fn enroll(&self, upload: &Upload) -> Result<Answer, Trouble> {
        let accepted = async {
            self.wechat.register_device(&upload.cpu_id, &upload.attk).await?;
            self.wechat.upload_ask(&upload.ask.json, &upload.ask.signature).await?;
            let AuthKeyOf { json, signature } = AuthKeyOf::from(upload);
            self.wechat.upload_auth_key(json, signature, self.appid(), &upload.openid).await
        };
        let refused: Option<UploadRefused> = accepted.await.err();
        Ok(Answer {
            accepted: refused.is_none(),
            status: 200,
            reason: refused.map(|refused| refused.to_string()),
            exchange: Exchange::default(),
        })
    }

    async fn visit(&self, user: &User) -> Result<Visit, Trouble> {
        let mut visit = Visit::of(user);
        let Some(login) = &self.application.login else { return Ok(visit) };
        let code = self.code(user, self.appid())?;
        let reply = self.logged_in(&login.request, &mut visit, code).await?;
        if !is_success(&login.success, &reply) {
            return Err(Trouble::broken(format!("the login of an honest user is refused: {}", told(&reply))));
        }
        visit.values.extend(captured(&login.values, &reply)?);
        Ok(visit)
    }

    async fn leave(&self, visit: &mut Visit) -> Result<(), Trouble> {
        if let Some(logout) = &self.application.logout {
            let values = self.values(visit, logout)?;
            let reply = self.request(logout, &values, &visit.cookies).await?;
            return if (200..400).contains(&reply.status) {
                Ok(())
            } else {
                Err(Trouble::broken(format!("the logout is refused: {}", told(&reply))))
            };
        }
        let result = &self.application.result.request;
        if visit.cookies.is_empty() && !visit.values.keys().any(|name| result.uses(name)) {
            return Err(Trouble::does_not_apply(
                "results are sent without anything of a login, and there is no [logout]",
            ));
        }
        visit.cookies.clear();
        visit.values.values_mut().for_each(String::clear);
        Ok(())
    }

    async fn order(&self, visit: &mut Visit, _: &str) -> Result<Order, Trouble> {
        let challenge = &self.application.challenge;
        let values = self.values(visit, &challenge.request)?;
        let reply = self.request(&challenge.request, &values, &visit.cookies).await?;
        keep_cookies(&mut visit.cookies, &reply);
        let issued = match (&challenge.challenge, &challenge.challenge_regex) {
            (Some(pointer), _) => at(pointer, &reply)?,
            (None, Some(regex)) => regex
                .captures(&reply.body)
                .and_then(|found| found.get(1))
                .map(|group| group.as_str().to_owned())
                .ok_or_else(|| Trouble::broken(format!("the answer has no challenge: {}", told(&reply))))?,
            (None, None) => reply.body.trim().to_owned(),
        };
        if issued.is_empty() || issued.encode_utf16().count() > 511 {
            let units = issued.encode_utf16().count();
            return Err(Trouble::broken(format!(
                "the challenge has {units} UTF-16 units; phones take 1 to 511"
            )));
        }
        Ok(Order { challenge: issued, values: captured(&challenge.values, &reply)? })
    }

    async fn send(&self, visit: &Visit, order: &Order, input: &Input) -> Result<Answer, Trouble> {
        let result = &self.application.result;
        let names_openid = result.request.uses("openid");
        if input.requested_openid != visit.user.openid && !names_openid {
            return Err(Trouble::does_not_apply("the application's request names no openid"));
        }
        let mut values = self.values(visit, &result.request)?;
        values.extend(order.values.clone());
        values.extend([
            ("challenge".to_owned(), order.challenge.clone()),
            ("openid".to_owned(), input.requested_openid.clone()),
            ("resultJSON".to_owned(), input.json.clone()),
            ("resultJSONSignature".to_owned(), input.signature.clone()),
        ]);
        let request = match input.envelope {
            Envelope::Usual | Envelope::AtOnce => self.prepared(&result.request, &values, &visit.cookies)?,
            Envelope::ObjectForString => {
                let object = result.request.with_object(&input.json).ok_or_else(|| {
                    Trouble::does_not_apply(
                        "the application's request does not carry resultJSON as a JSON string",
                    )
                })?;
                self.prepared(&object, &values, &visit.cookies)?
            }
            Envelope::Get
            | Envelope::ExpiredToken
            | Envelope::OtherAppsToken
            | Envelope::NoToken
            | Envelope::MadeUpToken => {
                return Err(Trouble::does_not_apply("it is about requests to verify_signature itself"));
            }
        };
        let reply = self.http.send(request).await?;
        let accepted = is_success(&result.success, &reply);
        Ok(Answer { accepted, status: reply.status, reason: None, exchange: reply.exchange })
    }

    async fn login(&self, user: &User, code: Code) -> Result<Answer, Trouble> {
        let Some(login) = &self.application.login else {
            return Err(Trouble::does_not_apply("the description has no [login]"));
        };
        let mut visit = Visit::of(user);
        let own = |appid: &str| self.code(user, appid);
        let code = match code {
            Code::Twice => {
                let code = own(self.appid())?;
                let reply = self.logged_in(&login.request, &mut visit, code.clone()).await?;
                if !is_success(&login.success, &reply) {
                    let told = told(&reply);
                    return Err(Trouble::broken(format!("the login of an honest user is refused: {told}")));
                }
                code
            }
            Code::Expired => {
                let code = own(self.appid())?;
                self.clock.advance(u64::try_from(PAST_A_CODE.as_millis()).unwrap_or(u64::MAX));
                code
            }
            Code::OfAnotherApp => {
                let appid = self.other_appid();
                own(&appid.ok_or_else(|| Trouble::does_not_apply("there is no second mini program"))?)?
            }
        };
        let mut visit = Visit::of(user);
        let reply = self.logged_in(&login.request, &mut visit, code).await?;
        let accepted = is_success(&login.success, &reply) && captured(&login.values, &reply).is_ok();
        Ok(Answer { accepted, status: reply.status, reason: None, exchange: reply.exchange })
    }

    async fn restart(&self) -> Result<(), Trouble> {
        let Some(again) = &self.application.restart else {
            return Err(Trouble::does_not_apply("the description has no [restart]"));
        };
        restart::restart(&again.command, &self.http, again.ready.as_deref().unwrap_or("/")).await
    }
}

impl ApplicationTarget {
    fn other_appid(&self) -> Option<String> {
        let first = self.appid();
        self.wechat.accounts().apps().map(|app| &app.appid).find(|appid| *appid != first).cloned()
    }
}

/// The parts of an upload that an AuthKey's export has.
struct AuthKeyOf<'a> {
    json: &'a [u8],
    signature: &'a [u8],
}

impl<'a> From<&'a Upload> for AuthKeyOf<'a> {
    fn from(upload: &'a Upload) -> Self {
        Self { json: &upload.auth_key.json, signature: &upload.auth_key.signature }
    }
}

fn is_success(success: &Success, reply: &Reply) -> bool {
    let status = match success.status {
        Some(status) => reply.status == status,
        None => (200..300).contains(&reply.status),
    };
    let pointed = success.pointer.as_ref().is_none_or(|pointer| {
        let told: Option<Value> = serde_json::from_str(&reply.body).ok();
        let found = told.as_ref().and_then(|told| told.pointer(pointer));
        match &success.value {
            Some(value) => found == Some(value),
            None => found.is_some_and(|found| !found.is_null() && *found != Value::Bool(false)),
        }
    });
    let matched = success.regex.as_ref().is_none_or(|regex| regex.is_match(&reply.body));
    status && pointed && matched
}

/// The values that an answer brings, by JSON pointers.
fn captured(pointers: &BTreeMap<String, String>, reply: &Reply) -> Result<Values, Trouble> {
    pointers.iter().map(|(name, pointer)| Ok((name.clone(), at(pointer, reply)?))).collect()
}

fn at(pointer: &str, reply: &Reply) -> Result<String, Trouble> {
    let told: Option<Value> = serde_json::from_str(&reply.body).ok();
    match told.as_ref().and_then(|told| told.pointer(pointer)) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Null) | None => Err(Trouble::broken(format!(
            "there is nothing at `{pointer}` in the answer: {}",
            self::told(reply)
        ))),
        Some(other) => Ok(other.to_string()),
    }
}

/// An answer in one line.
fn told(reply: &Reply) -> String {
    let start: String = reply.body.chars().take(160).collect();
    format!("status {}, {}", reply.status, start.escape_debug())
}

fn keep_cookies(cookies: &mut BTreeMap<String, String>, reply: &Reply) {
    for (name, value) in &reply.headers {
        if name == "set-cookie"
            && let Some((name, value)) = value.split(';').next().and_then(|pair| pair.split_once('='))
        {
            cookies.insert(name.trim().to_owned(), value.trim().to_owned());
        }
    }
}
