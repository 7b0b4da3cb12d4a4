//! How the application asks WeChat about a result, and what it takes for an acceptance.

use serde_json::Value;
use soter_wire::ResultJson;

use super::super::wechat_api::Unanswered;
use super::{Shop, Weakness};

impl Shop {
    /// Whether the application takes a result for WeChat's to be good.
    pub(super) async fn takes_for_good(&self, openid: &str, text: &str, signature: &str) -> bool {
        let is_known = self.kept().accepted_users.contains(openid);
        if is_known && self.is(Weakness::AnswerRemembered) {
            return true;
        }
        let remembered_as = self.remembered_as(openid, text, signature);
        if remembered_as.as_ref().is_some_and(|key| self.kept().accepted.contains(key)) {
            return true;
        }
        let is_good = match self.ask(openid, text, signature).await {
            Ok(reply) => self.is_acceptance(&reply),
            Err(unanswered) => match self.weakness {
                Weakness::FailsOpen => true,
                Weakness::FailsOpenIfLate => unanswered == Unanswered::Late,
                Weakness::FailsOpenWithoutToken => unanswered == Unanswered::NoToken,
                Weakness::KnownUsersInOutages => is_known,
                _ => false,
            },
        };
        if is_good {
            let mut kept = self.kept();
            kept.accepted_users.insert(openid.to_owned());
            kept.accepted.extend(remembered_as);
        }
        is_good || self.is(Weakness::AnswerIgnored)
    }

    /// What the verdict on a result is remembered under, if the application remembers verdicts.
    fn remembered_as(&self, openid: &str, text: &str, signature: &str) -> Option<String> {
        let result = ResultJson::decode(text.as_bytes());
        let start = |text: &str| text.chars().take(40).collect::<String>();
        Some(match self.weakness {
            Weakness::RemembersAnybodysSignature => signature.to_owned(),
            Weakness::RemembersChallenge => format!("{openid} {}", result.ok()?.raw),
            Weakness::RemembersPhone => result.ok()?.cpu_id,
            Weakness::RemembersResult => format!("{openid} {text} {signature}"),
            Weakness::RemembersSignature => format!("{openid} {signature}"),
            Weakness::RemembersStartOfSignature => format!("{openid} {}", start(signature)),
            Weakness::RemembersStartOfText => format!("{openid} {}", start(text)),
            _ => return None,
        })
    }

    async fn ask(&self, openid: &str, text: &str, signature: &str) -> Result<Value, Unanswered> {
        let signature = if self.is(Weakness::Tolerant) {
            let bare: String = signature.split_ascii_whitespace().collect();
            let bare = bare.replace('-', "+").replace('_', "/");
            let bare = bare.trim_end_matches('=').to_owned();
            let padding = "=".repeat((4 - bare.len() % 4) % 4);
            format!("{bare}{padding}")
        } else {
            signature.to_owned()
        };
        let reply = self.ask_once(openid, text, &signature).await;
        let is_verdict = reply.as_ref().is_ok_and(|reply| reply["is_ok"].is_boolean());
        if self.is(Weakness::AsksAgain) && !is_verdict {
            return self.ask_once(openid, text, &signature).await;
        }
        reply
    }

    async fn ask_once(&self, openid: &str, text: &str, signature: &str) -> Result<Value, Unanswered> {
        let token = self.wechat.access_token().await.map_err(|_| Unanswered::NoToken)?;
        self.wechat.verdict_with(&token, openid, text, signature).await
    }

    fn is_acceptance(&self, reply: &Value) -> bool {
        match self.weakness {
            Weakness::LooksForRefusals => reply["is_ok"] != false,
            Weakness::QuotaIsGood => {
                reply["is_ok"] == true || reply["errcode"] == 45009 || reply["errcode"] == 45011
            }
            // As `if (reply.is_ok)` in JavaScript.
            Weakness::TextsAreTrue => {
                reply["is_ok"] == true || reply["is_ok"].as_str().is_some_and(|text| !text.is_empty())
            }
            _ => reply["is_ok"] == true,
        }
    }
}
