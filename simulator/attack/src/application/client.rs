//! Sends the requests of a description.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use reqwest::Url;
use soter_wechat::{Secret, WeChat};

use super::cloud_run;
use super::computing::add_values_of_request;
use super::description::{Application, Computed, Endpoint, OTHER_PREFIX};
use super::observed::Observed;
use super::played_steps::Recorder;
use super::template::{self, Encoding, Values, fill_template};
use crate::http::{Http, Reply, Request, Secrets};
use crate::target::{Cookies, TargetError, Visit};
use crate::wechat_traffic::WeChatTraffic;

/// Bytes of the shortest text that is masked in reports. A shorter one is not a secret, and may occur anywhere.
pub(super) const MIN_SECRET_BYTES: usize = 8;

/// A client of an application.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) http: Http,
    pub(super) application: Application,
    /// The servers that know the users.
    pub(super) wechat: Arc<WeChat>,
    /// What went to and from these servers.
    pub(super) traffic: WeChatTraffic,
    /// What the application has told.
    pub(super) observed: Arc<Observed>,
    /// How far the application's clock is ahead of the real time, in milliseconds.
    pub(super) ahead_ms: Arc<AtomicU64>,
    pub(super) recorder: Arc<Recorder>,
}

impl Client {
    /// The same client, which sends each request over a new connection.
    pub(super) fn without_reuse(&self) -> Self {
        Self { http: self.http.without_reuse(), ..self.clone() }
    }

    /// Sends a request in a login, looks for secrets in its answer, and keeps the answer's cookies.
    ///
    /// # Errors
    /// Those of [`Http::send`].
    pub(super) async fn send_request(&self, request: Request, visit: &Visit) -> Result<Reply, TargetError> {
        let mut reply = self.http.send(request.clone()).await?;
        let app_secret = &self.wechat.accounts().first_app().secret;
        self.observed.read(&request, &mut reply, &visit.user.openid, app_secret, &self.traffic);
        for (_, header) in reply.headers.iter().filter(|(name, _)| name == "set-cookie") {
            visit.cookies.set(header, &request.url);
        }
        Ok(reply)
    }

    /// The address of a request.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if it is not an address of the application.
    pub(super) fn address(&self, endpoint: &Endpoint, values: &Values) -> Result<Url, TargetError> {
        let path = fill(&endpoint.url, values, Encoding::Address)?;
        self.http.address(&path).map_err(|error| TargetError::broken(error.what))
    }

    /// A request with its values, the visit's cookies and, in Cloud Run, the platform's headers.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if it is too large, or its address is not the application's.
    pub(super) fn build_request(
        &self,
        endpoint: &Endpoint,
        computed: &[Computed],
        values: &Values,
        visit: &Visit,
    ) -> Result<Request, TargetError> {
        let url = self.address(endpoint, values)?;
        let body = match &endpoint.body {
            Some(body) => Some(fill(body, values, endpoint.body_encoding())?),
            None => None,
        };
        let mut values = values.clone();
        let path =
            url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let parts = [endpoint.method().to_string(), path, body.clone().unwrap_or_default()];
        add_values_of_request(computed, parts, &mut values)?;
        let mut headers = Vec::new();
        for (name, value) in &endpoint.headers {
            headers.push((name.clone(), fill(value, &values, Encoding::Header)?));
        }
        if self.application.cloudrun {
            headers.retain(|(name, _)| !cloud_run::is_platforms(name));
            let platforms = cloud_run::headers(&self.wechat, &visit.user.name);
            headers.extend(platforms.map_err(|error| TargetError::broken(error.text()))?);
        }
        if let Some(cookie) = visit.cookies.header(&url).filter(|_| !endpoint.names_cookies()) {
            headers.push(("Cookie".to_owned(), cookie));
        }
        if let Some(content_type) = endpoint.guessed_content_type() {
            headers.push(("Content-Type".to_owned(), content_type.to_owned()));
        }
        let secrets = self.secrets(Some(endpoint), &values, &visit.cookies);
        Ok(Request { method: endpoint.method(), url, headers, body, secrets })
    }

    /// The values of a login, the session's cookies, and fixed credentials in the description's headers.
    pub(super) fn secrets(&self, endpoint: Option<&Endpoint>, values: &Values, cookies: &Cookies) -> Secrets {
        let is_long = |secret: &String| secret.len() >= MIN_SECRET_BYTES;
        let of_login = self.application.login_names();
        let named = of_login.flat_map(|name| [name.to_owned(), format!("{OTHER_PREFIX}{name}")]);
        let named = named.filter_map(|name| Some((values.get(&name)?.clone(), format!("{{{{{name}}}}}"))));
        let fixed = endpoint.into_iter().flat_map(|endpoint| &endpoint.headers).filter(|(name, value)| {
            !["accept", "content-type", "user-agent"].contains(&name.to_ascii_lowercase().as_str())
                && template::names(value).next().is_none()
        });
        let unnamed = fixed.map(|(_, value)| value.clone()).chain(cookies.values());
        let unnamed = unnamed.map(|value| (value, "…".to_owned()));
        let secrets = named.chain(unnamed).filter(|(secret, _)| is_long(secret));
        secrets.map(|(secret, instead)| (Secret::from(secret), instead)).collect()
    }
}

/// A filled template of the description.
fn fill(template: &str, values: &Values, encoding: Encoding) -> Result<String, TargetError> {
    Ok(fill_template(template, values, encoding)?)
}
