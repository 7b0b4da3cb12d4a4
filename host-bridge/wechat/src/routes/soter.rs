//! Results, and what Android apps ask about phones and their ASKs.

use serde_json::{Value, json};
use soter_text::text;
use soter_wire::base64;

use super::answer_types::{AskVerdict, PhoneSupport};
use super::parameters::{DeviceModel, SignedAsk, SignedResult};
use super::{Call, Failed};
use crate::answer::{Answer, AnswerBody, Errcode};
use crate::device_info::{self, BadDeviceInfo};
use crate::json::Json;
use crate::pipeline::{BACKEND_NAMES, CLOUD_NAMES, Claim};
use crate::reasons::Reason;
use crate::servers::ReplyStyle;
use crate::upload::UploadRefused;
use crate::verdict::Verdict;

impl Call<'_> {
    pub(super) async fn verify_signature(&self) -> Result<Answer, Failed> {
        let verdict = self.judge(self.parameters()?).await?;
        let is_ok = verdict.is_ok();
        let body = match (self.wechat.options.reply_style, is_ok) {
            (ReplyStyle::Plain, true) => r#"{"is_ok":true}"#,
            (ReplyStyle::Plain, false) => r#"{"is_ok":false}"#,
            (ReplyStyle::Errcode, true) => r#"{"errcode":0,"errmsg":"ok","is_ok":true}"#,
            (ReplyStyle::Errcode, false) => r#"{"errcode":0,"errmsg":"ok","is_ok":false}"#,
        };
        Ok(Answer::with_verdict(AnswerBody::Text(body), verdict))
    }

    async fn judge(&self, result: SignedResult<'_>) -> Result<Verdict, Failed> {
        let SignedResult { app: appid, openid, json_string, json_signature } = result;
        if !self.wechat.accounts().app(appid).is_some_and(|app| app.soter) {
            return Err(Errcode::UNAUTHORIZED.into());
        }
        let missing = Json::Value(&Value::Null);
        let (json, signature) = (json_string.unwrap_or(missing), json_signature.unwrap_or(missing));
        let claim = Claim { appid, openid: openid?, json, signature };
        let mut verdict = self.wechat.verify(claim).await?.ok_or(Errcode::INVALID_OPENID)?;
        let body = self.body_object()?;
        for (name, other) in BACKEND_NAMES.into_iter().zip(CLOUD_NAMES) {
            if body.get(name).is_none() && body.get(other).is_some() {
                verdict.detail = text!(
                    "{detail}; the body has {other}, and this path wants {name}",
                    detail = verdict.detail,
                    other = other,
                    name = name
                );
            }
        }
        Ok(verdict)
    }

    /// Modelled: every phone that can be described is supported, with fingers and faces.
    pub(super) fn is_support(&self) -> Result<Answer, Failed> {
        let DeviceModel { app: _, model_key } = self.parameters()?;
        let model = device_info::model(model_key?).map_err(|bad| match bad {
            BadDeviceInfo::NotXml => Errcode::NOT_XML,
            BadDeviceInfo::IllegalNode => Errcode::ILLEGAL_NODE,
        })?;
        let is_support = !model.trim().is_empty();
        Ok(Answer::new(json!(PhoneSupport { is_support, support_type: if is_support { 3 } else { 0 } })))
    }

    /// Spends no counter: the app's own server keeps the ASK and its counter. Modelled.
    pub(super) async fn verify_ask(&self) -> Result<Answer, Failed> {
        let SignedAsk { app: _, ask_json, ask_json_signature } = self.parameters()?;
        let json = ask_json?;
        let signature = ask_json_signature.and_then(Json::as_text).unwrap_or_default();
        let verdict = match base64::decode(signature) {
            Err(error) => Verdict::new(
                Reason::BadSignatureEncoding,
                text!("ask_json_signature is {error}", error = error.text()),
            ),
            Ok(signature) => match self.wechat.check_ask(json.as_bytes(), &signature).await {
                Ok(()) => Verdict::new(Reason::Valid, text!("signed by the ATTK of a registered device")),
                Err(UploadRefused::Ledger(error)) => return Err(error.into()),
                Err(error) => Verdict::new(error.reason(), error.text()),
            },
        };
        Ok(Answer::with_verdict(json!(AskVerdict { is_verified: verdict.is_ok() }), verdict))
    }
}
