//! `wx.cloud.callFunction`. The texts of failures were seen, without the id and the trace that follow them in WeChat.

use std::sync::{Arc, PoisonError};

use soter_bridge::protocol::CommandError;
use soter_bridge::protocol::wx::{CallFunction, FunctionCalled};
use soter_text::text;
use soter_wechat::random_text;
use soter_wire::shortened;

use super::Desk;
use super::cloud_functions::{CloudFunctionCall, CloudFunctionEnd, CloudFunctions};

/// The characters of a function's error that the mini program gets. It is a stack trace, and may quote anything.
const MAX_ERROR_CHARACTERS: usize = 4096;

impl Desk {
    /// Sets what runs cloud functions. Without it, `wx.cloud.callFunction` is refused.
    pub fn set_cloud_functions(&self, functions: Arc<dyn CloudFunctions>) {
        let mut place = self.inner.cloud_functions.lock().unwrap_or_else(PoisonError::into_inner);
        *place = Some(functions);
    }

    /// `wx.cloud.callFunction`. If the future is dropped, the function is ended.
    pub(super) async fn call_function(
        &self,
        device: Option<&str>,
        request: CallFunction,
    ) -> Result<FunctionCalled, CommandError> {
        let CallFunction { name, data, appid } = request;
        let functions = self.inner.cloud_functions.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let functions = functions.ok_or_else(|| {
            CommandError::invalid_params(
                text!("this server has no cloud function"),
                text!("start one that has: soter-sim exec --cloud-function DIR -- CMD"),
            )
        })?;
        let (user, appid) = self.phone(device)?.user_and_app(appid.as_deref())?;
        let call = CloudFunctionCall {
            name: name.unwrap_or_default(),
            event: data.unwrap_or_default(),
            user,
            appid,
        };
        Ok(match functions.run(call).await? {
            CloudFunctionEnd::Returned(result) => FunctionCalled::Returned {
                result,
                err_msg: "cloud.callFunction:ok".to_owned(),
                request_id: random_text(32),
            },
            CloudFunctionEnd::NotFound => failed(-501_000, "", "FunctionName parameter could not be found."),
            CloudFunctionEnd::Failed(text) => failed(-504_002, "functions execute fail", &text),
            CloudFunctionEnd::TimedOut(limit) => {
                let seconds = limit.as_secs();
                failed(-504_003, "", &format!("Invoking task timed out after {seconds} seconds"))
            }
        })
    }
}

fn failed(err_code: i32, meaning: &str, text: &str) -> FunctionCalled {
    let text = shortened(text, MAX_ERROR_CHARACTERS);
    let err_msg = format!("cloud.callFunction:fail Error: errCode: {err_code} {meaning} | errMsg: {text}");
    FunctionCalled::Failed { err_code, err_msg }
}
