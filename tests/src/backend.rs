//! What a mini program's backend does: it gets an access token, and has results verified. The server may end at any moment.

use serde_json::{Value, json};

use crate::server::{try_http, try_json};

/// A backend of the built-in mini program, with its access token.
#[derive(Clone, Debug)]
pub struct Backend {
    url: String,
    token: String,
}

impl Backend {
    /// The mini program.
    pub const APPID: &str = "wxemulated00000001";
    /// Its secret.
    pub const SECRET: &str = "emulated0000secret0000emulated00";
    /// The openid of the built-in user.
    pub const OPENID: &str = "oEmulatedUser000000000000001";

    /// Gets an access token from the server at this address. `None` if the server is gone.
    pub fn open(url: &str) -> Option<Self> {
        let (appid, secret) = (Self::APPID, Self::SECRET);
        let path = format!("/cgi-bin/token?grant_type=client_credential&appid={appid}&secret={secret}");
        let token = try_json(url, "GET", &path, "")?["access_token"].as_str()?.to_owned();
        Some(Self { url: url.to_owned(), token })
    }

    /// The same backend with its token, at another server.
    #[must_use]
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), token: self.token.clone() }
    }

    /// Lets the server verify a result. Returns the answer's body, and the reason in its head; `None` if the server is
    /// gone.
    pub fn verify(&self, json: &str, signature: &str) -> Option<(String, String)> {
        self.verify_of(Self::OPENID, json, signature)
    }

    fn verify_of(&self, openid: &str, json: &str, signature: &str) -> Option<(String, String)> {
        let body = json!({"openid": openid, "json_string": json, "json_signature": signature});
        let path = format!("/cgi-bin/soter/verify_signature?access_token={}", self.token);
        let (head, body) = try_http(&self.url, "POST", &path, &body.to_string())?;
        let reason = head.lines().find_map(|line| line.strip_prefix("x-soter-sim-reason: "));
        Some((body, reason.unwrap_or_default().to_owned()))
    }

    /// Whether the server accepts the result in a callback. `None` if it does not say, or is gone.
    pub fn accepts(&self, callback: &Value) -> Option<bool> {
        self.accepts_of(Self::OPENID, callback)
    }

    /// Whether the server accepts the result in a callback as that of the user with this openid. `None` if it does not say, or
    /// is gone.
    pub fn accepts_of(&self, openid: &str, callback: &Value) -> Option<bool> {
        let [json, signature] = ["resultJSON", "resultJSONSignature"].map(|name| callback[name].as_str());
        let (body, _) = self.verify_of(openid, json?, signature?)?;
        serde_json::from_str::<Value>(&body).ok()?["is_ok"].as_bool()
    }
}
