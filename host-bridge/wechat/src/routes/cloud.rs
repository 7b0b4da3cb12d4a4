//! Calls of cloud functions: the same answers as those of WeChat's paths, for the mini program that the platform vouches for.

use std::sync::Arc;

use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use soter_text::{Text, text};

use super::{Call, Failed, NoBody};
use crate::answer::{Answer, Errcode};
use crate::body::Body;
use crate::cloud::method::CloudMethod;
use crate::cloud::request::{CloudRequest, shown};
use crate::cloud::response::{CloudRefusal, Encoding};
use crate::event::Event;
use crate::paths::WeChatPath;
use crate::reasons::Reason;
use crate::servers::WeChat;

impl<'a> Call<'a> {
    /// Answers a call of a cloud function's SDK.
    pub(super) async fn answer_cloud(State(wechat): State<Arc<WeChat>>, request: Request) -> Response {
        let (method, query) = (request.method().clone(), RawQuery(None));
        let path = WeChatPath::CloudCalls.path();
        let request = match CloudRequest::read(request).await {
            Ok(request) => request,
            Err(refusal) => {
                return Call::new(&wechat, path, method, &query, Err(NoBody::Empty))
                    .refuse_cloud(&refusal, Encoding::Json);
            }
        };
        let CloudRequest { encoding, api, token, arguments, appid } = request;
        let body = arguments.map(Body::Value).ok_or(NoBody::NotJson);
        let mut call = Call::new(&wechat, format!("{path} {}", shown(&api)), method, &query, body);
        match call.admit_function(&token, &appid, &api) {
            Ok((app, method)) => {
                call.platform_app = Some(app);
                let answer = call.answer_method(method).await;
                call.settle(answer, |answer| encoding.respond(answer))
            }
            Err(refusal) => call.refuse_cloud(&refusal, encoding),
        }
    }

    fn refuse_cloud(self, refusal: &CloudRefusal, encoding: Encoding) -> Response {
        let answer = refusal.answer(encoding);
        if let Some(verdict) = &answer.verdict {
            self.wechat.report(Event::CloudCallRefused { verdict });
        }
        self.settle(Ok(answer), |answer| refusal.respond(encoding, answer))
    }

    /// The mini program that calls, and the method, if the program may call it.
    fn admit_function(
        &self,
        token: &str,
        appid: &str,
        api: &str,
    ) -> Result<(&'a str, CloudMethod), CloudRefusal> {
        let refused = |what: Text| CloudRefusal::Tcb {
            code: "INVALID_REQUEST_SOURCE",
            what,
            reason: Reason::CloudTokenInvalid,
        };
        let app = self.wechat.app_of_cloud(token).ok_or_else(|| {
            refused(if token.is_empty() {
                text!("there is no wxCloudApiToken: the function runs without WX_API_TOKEN of soter-sim exec")
            } else {
                text!("wxCloudApiToken is not the WX_API_TOKEN of a mini program that these servers know")
            })
        })?;
        // A mini program can share its cloud with others. That is not emulated.
        if !appid.is_empty() && appid != app.appid {
            return Err(refused(text!(
                "the function is of {appid}, and calls for another appid",
                appid = app.appid
            )));
        }
        let method = CloudMethod::named(api).ok_or(CloudRefusal::Code(Errcode::CLOUD_CALL_UNKNOWN))?;
        if !self.wechat.options.cloud_permissions.permits(method) {
            return Err(CloudRefusal::Code(Errcode::CLOUD_CALL_FORBIDDEN));
        }
        Ok((&app.appid, method))
    }

    async fn answer_method(&mut self, method: CloudMethod) -> Result<Answer, Failed> {
        self.admit(Some(method.path())).await?;
        match method {
            CloudMethod::PhoneNumber => self.phone_number().await,
            CloudMethod::VerifySignature => self.verify_signature().await,
        }
    }
}
