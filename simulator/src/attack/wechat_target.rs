//! A verifier with WeChat's contract: this project's own servers, or whatever else answers `verify_signature`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::Method;
use serde_json::{Value, json};
use soter_bridge::Secret;
use soter_bridge::protocol::CommandError;
use soter_wire::base64;
use tokio::sync::Mutex;

use super::handset::Upload;
use super::http::{Http, Reply, Request, Secrets};
use super::steps::{Code, Envelope, PAST_A_CODE};
use super::target::{Answer, Form, Input, Order, Target, Trouble, User, Visit};

/// A mini program's appid and secret.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The appid.
    pub appid: String,
    /// The secret.
    pub secret: Secret,
}

/// What can be done to a verifier beside its contract.
pub trait Backstage: Send + Sync + fmt::Debug {
    /// A login code of `wx.login` for a mini program; `None` if there are none to be had.
    fn login_code(&self, appid: String) -> BoxFuture<'_, Option<String>>;

    /// Sets the verifier's clock on. `false`: it has none that can be set.
    fn advance_clock(&self, by: Duration) -> bool;

    /// Restarts the verifier, and waits until it is there again.
    fn restart(&self) -> BoxFuture<'_, Result<(), Trouble>>;
}

/// The verifier.
#[derive(Debug)]
pub struct WeChatTarget {
    http: Http,
    app: Credentials,
    other_app: Option<Credentials>,
    enroll_at: String,
    backstage: Arc<dyn Backstage>,
    /// The app's access token, once it was asked for.
    token: Mutex<Option<String>>,
}

impl WeChatTarget {
    /// A verifier, and a mini program that it knows.
    pub fn new(http: Http, app: Credentials, backstage: Arc<dyn Backstage>) -> Self {
        Self {
            http,
            app,
            other_app: None,
            enroll_at: "/sim/devices".to_owned(),
            backstage,
            token: Mutex::new(None),
        }
    }

    /// A second mini program that it knows, for attacks that mix two.
    #[must_use]
    pub fn with_other_app(self, other_app: Option<Credentials>) -> Self {
        Self { other_app, ..self }
    }

    /// Where phones' keys are brought to: a path, or an address of the same server.
    #[must_use]
    pub fn enrolling_at(self, enroll_at: Option<String>) -> Self {
        Self { enroll_at: enroll_at.unwrap_or(self.enroll_at), ..self }
    }

    /// Asks for an access token, to see whether there is such a verifier, and whether it knows the mini program.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn knock(&self) -> Result<(), Trouble> {
        self.token().await.map(|_| ())
    }

    async fn token(&self) -> Result<String, Trouble> {
        let mut kept = self.token.lock().await;
        if let Some(token) = &*kept {
            return Ok(token.clone());
        }
        let token = self.granted(&self.app).await?;
        *kept = Some(token.clone());
        Ok(token)
    }

    async fn granted(&self, app: &Credentials) -> Result<String, Trouble> {
        let mut url = self.address("/cgi-bin/token")?;
        url.query_pairs_mut()
            .append_pair("grant_type", "client_credential")
            .append_pair("appid", &app.appid)
            .append_pair("secret", app.secret.expose());
        let reply = self.http.send(Request { secrets: app.secrets(), ..Request::get(url) }).await?;
        access_token(&reply, "/cgi-bin/token")
    }

    /// A stable token that another one has ended.
    async fn expired_token(&self) -> Result<String, Trouble> {
        let granted = async |force_refresh: bool| {
            let body = json!({
                "grant_type": "client_credential", "appid": self.app.appid, "secret": self.app.secret.expose(),
                "force_refresh": force_refresh,
            });
            let url = self.address("/cgi-bin/stable_token")?;
            let request = Request { secrets: self.app.secrets(), ..Request::post(url, body.to_string()) };
            let reply = self.http.send(request).await?;
            access_token(&reply, "/cgi-bin/stable_token").map_err(|_| {
                Trouble::does_not_apply("the target gives no stable access tokens, which can be ended")
            })
        };
        let ended = granted(false).await?;
        granted(true).await?;
        Ok(ended)
    }

    fn address(&self, text: &str) -> Result<reqwest::Url, Trouble> {
        self.http.address(text).map_err(|error| Trouble::broken(error.what))
    }

    fn other_app(&self) -> Result<&Credentials, Trouble> {
        self.other_app.as_ref().ok_or_else(|| {
            Trouble::does_not_apply("it takes a second mini program: --other-appid and --other-secret")
        })
    }

    async fn exchanged(&self, code: &str) -> Result<Answer, Trouble> {
        let mut url = self.address("/sns/jscode2session")?;
        url.query_pairs_mut()
            .append_pair("appid", &self.app.appid)
            .append_pair("secret", self.app.secret.expose())
            .append_pair("js_code", code)
            .append_pair("grant_type", "authorization_code");
        let reply = self.http.send(Request { secrets: self.app.secrets(), ..Request::get(url) }).await?;
        let accepted = reply.json("/sns/jscode2session")?.get("openid").is_some_and(Value::is_string);
        Ok(answer(reply, accepted))
    }

    async fn login_code(&self, appid: &str) -> Result<String, Trouble> {
        self.backstage.login_code(appid.to_owned()).await.ok_or_else(|| {
            Trouble::does_not_apply(
                "the target gives no login codes: wx.login answers on this project's own servers alone",
            )
        })
    }
}

impl Target for WeChatTarget {
    fn form(&self) -> Form {
        Form::Verifier
    }

    fn user(&self, name: &str) -> Result<User, Trouble> {
        Ok(User::made_up(name))
    }

    async fn enroll(&self, upload: &Upload) -> Result<Answer, Trouble> {
        let url = self.address(&self.enroll_at)?;
        // A token may stand behind the path.
        let secrets = url.query().into_iter().map(|query| (query.to_owned(), "…".to_owned())).collect();
        let body = device(upload, &self.app.appid).to_string();
        let reply = self.http.send(Request { secrets, ..Request::post(url, body) }).await?;
        let told: Option<Value> = serde_json::from_str(&reply.body).ok();
        let denied = told.as_ref().is_some_and(|told| {
            told.get("enrolled") == Some(&Value::Bool(false))
                || told.get("errcode").and_then(Value::as_i64).is_some_and(|code| code != 0)
        });
        if matches!(reply.status, 401 | 404 | 405 | 501) {
            return Err(Trouble::broken(format!(
                "the target does not know these keys: POST {} answered {}",
                self.enroll_at.split('?').next().unwrap_or_default(),
                reply.status
            )));
        }
        let accepted = (200..300).contains(&reply.status) && !denied;
        Ok(answer(reply, accepted))
    }

    async fn visit(&self, user: &User) -> Result<Visit, Trouble> {
        Ok(Visit::of(user))
    }

    async fn leave(&self, _: &mut Visit) -> Result<(), Trouble> {
        Err(Trouble::does_not_apply("a verifier knows no logins"))
    }

    async fn order(&self, _: &mut Visit, proposed: &str) -> Result<Order, Trouble> {
        Ok(Order::over(proposed))
    }

    async fn send(&self, _: &Visit, _: &Order, input: &Input) -> Result<Answer, Trouble> {
        let token = match input.envelope {
            Envelope::NoToken => None,
            Envelope::MadeUpToken => Some("emulated_made_up".to_owned()),
            Envelope::ExpiredToken => Some(self.expired_token().await?),
            Envelope::OtherAppsToken => Some(self.granted(self.other_app()?).await?),
            Envelope::Usual
            | Envelope::ObjectForString
            | Envelope::Get
            | Envelope::NoOpenid
            | Envelope::AtOnce => Some(self.token().await?),
        };
        let mut url = self.address("/cgi-bin/soter/verify_signature")?;
        if let Some(token) = &token {
            url.query_pairs_mut().append_pair("access_token", token);
        }
        let [openid, signature] = [&input.openid, &input.signature].map(|text| Value::from(text.as_str()));
        let openid = match input.envelope {
            Envelope::NoOpenid => String::new(),
            _ => format!("\"openid\":{openid},"),
        };
        let body =
            format!("{{{openid}\"json_string\":{},\"json_signature\":{signature}}}", input.json_member());
        let method = if input.envelope == Envelope::Get { Method::GET } else { Method::POST };
        let secrets = token.into_iter().map(|token| (token, "ACCESS_TOKEN".to_owned())).collect();
        let reply = self.http.send(Request { method, secrets, ..Request::post(url, body) }).await?;
        let accepted = match serde_json::from_str::<Value>(&reply.body) {
            Ok(told) => told.get("is_ok") == Some(&Value::Bool(true)),
            Err(_) if reply.status >= 400 => false,
            Err(_) => {
                reply.json("/cgi-bin/soter/verify_signature")?;
                false
            }
        };
        Ok(answer(reply, accepted))
    }

    async fn login(&self, _: &User, code: Code) -> Result<Answer, Trouble> {
        match code {
            Code::Twice => {
                let code = self.login_code(&self.app.appid).await?;
                if !self.exchanged(&code).await?.accepted {
                    return Err(Trouble::broken("jscode2session does not take a fresh login code"));
                }
                self.exchanged(&code).await
            }
            Code::Expired => {
                let code = self.login_code(&self.app.appid).await?;
                if !self.backstage.advance_clock(PAST_A_CODE) {
                    return Err(Trouble::does_not_apply("it takes five minutes, or a clock that can be set"));
                }
                self.exchanged(&code).await
            }
            Code::OfAnotherApp => {
                let code = self.login_code(&self.other_app()?.appid).await?;
                self.exchanged(&code).await
            }
        }
    }

    async fn restart(&self) -> Result<(), Trouble> {
        self.backstage.restart().await?;
        // Access tokens may have been forgotten.
        *self.token.lock().await = None;
        Ok(())
    }
}

impl Credentials {
    fn secrets(&self) -> Secrets {
        vec![(self.secret.expose().to_owned(), "SECRET".to_owned())]
    }
}

/// The body of `POST /sim/devices`: the exports, and beside them what a verifier needs of them.
fn device(upload: &Upload, appid: &str) -> Value {
    let export = |export: &soter_wire::ExportBlob| json!({"json": String::from_utf8_lossy(&export.json), "signature": base64::encode(&export.signature)});
    json!({
        "cpu_id": upload.cpu_id,
        "uid": upload.uid,
        "attk": upload.attk.to_pem(),
        "ask": export(&upload.ask),
        "auth_key": export(&upload.auth_key),
        "public_key": upload.public_key.to_pem(),
        "salt_length": upload.salt_length,
        "appid": appid,
        "openid": upload.openid,
    })
}

fn access_token(reply: &Reply, place: &str) -> Result<String, Trouble> {
    let told = reply.json(place)?;
    told.get("access_token").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
        let code = told.get("errcode").and_then(Value::as_i64);
        let code = code.map_or_else(|| format!("status {}", reply.status), |code| format!("errcode {code}"));
        Trouble::broken(format!("{place} gives no access token: {code}"))
    })
}

fn answer(reply: Reply, accepted: bool) -> Answer {
    let reason = reply.reason();
    Answer { accepted, status: reply.status, reason, exchange: reply.exchange }
}

impl From<CommandError> for Trouble {
    fn from(error: CommandError) -> Self {
        Self::broken(error.what)
    }
}
