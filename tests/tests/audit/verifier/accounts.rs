//! A verifier's access tokens and logins.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::{APPS, SECRET, Verifier, Weakness};

impl Verifier {
    pub(super) fn token(&self, appid: &str, secret: &str) -> Value {
        let Some(appid) = APPS.iter().find(|known| **known == appid && secret == SECRET) else {
            return json!({"errcode": 40013, "errmsg": "invalid appid"});
        };
        let mut kept = self.kept();
        kept.issued += 1;
        let token = format!("token-{}", kept.issued);
        kept.tokens.insert(token.clone(), appid);
        json!({"access_token": token, "expires_in": 7200})
    }

    pub(super) fn stable_token(&self, body: &Value) -> Value {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        if body["force_refresh"] == true {
            let mut kept = self.kept();
            let stable: Vec<_> =
                kept.tokens.keys().filter(|token| token.starts_with("stable")).cloned().collect();
            kept.ended.extend(stable);
        }
        let granted = self.token(&text("appid"), &text("secret"));
        let mut kept = self.kept();
        let Some(token) = granted["access_token"].as_str() else { return granted };
        let appid = kept.tokens.remove(token).unwrap();
        let stable = format!("stable-{token}");
        kept.tokens.insert(stable.clone(), appid);
        json!({"access_token": stable, "expires_in": 7200})
    }

    pub(super) fn session(&self, query: &BTreeMap<String, String>) -> Value {
        let mut kept = self.kept();
        let code = query.get("js_code").cloned().unwrap_or_default();
        let now = kept.now;
        let fresh = kept.codes.get(&code).is_some_and(|made| {
            Some(&made.appid) == query.get("appid") && now < made.made_at + Duration::from_mins(5)
        });
        let reused = !kept.spent.insert(code) && !self.is(Weakness::CodeNotSingleUse);
        if !fresh || reused {
            return json!({"errcode": 40029, "errmsg": "invalid code"});
        }
        json!({"openid": "oWeak", "session_key": "AAAA"})
    }
}
