//! `wx.cloud.callFunction` on the phone: who calls, and what the mini program is told. The functions themselves are elsewhere.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use soter_sim::{CloudFunctionCall, CloudFunctionEnd, CloudFunctions, RunningFunction};

use super::*;

/// Functions that all end in this way.
#[derive(Debug)]
struct Functions {
    end: CloudFunctionEnd,
    calls: Mutex<Vec<CloudFunctionCall>>,
}

impl CloudFunctions for Functions {
    fn run(&self, call: CloudFunctionCall) -> RunningFunction<'_> {
        self.calls.lock().unwrap().push(call);
        let end = self.end.clone();
        Box::pin(async { Ok(end) })
    }
}

/// The answer of a phone whose cloud functions all end in this way, and what they got.
async fn called(end: CloudFunctionEnd, params: Value) -> (Value, Vec<CloudFunctionCall>) {
    let desk = phone("trustonic");
    let functions = Arc::new(Functions { end, calls: Mutex::default() });
    desk.set_cloud_functions(functions.clone());
    let answer = call(&desk, "wx.cloud.callFunction", params).await.unwrap();
    let calls = functions.calls.lock().unwrap().clone();
    (answer, calls)
}

#[tokio::test]
async fn a_function_gets_the_name_the_data_and_the_caller_and_its_result_comes_back() {
    let result = json!({"b": [1, null], "a": "支付"});
    let params = json!({"name": "verify", "data": {"order": 42}, "config": {"env": "other"}});
    let (mut answer, calls) = called(CloudFunctionEnd::Returned(result.clone()), params).await;
    let id = answer.as_object_mut().unwrap().remove("requestID").unwrap();
    assert_eq!(id.as_str().unwrap().len(), 32);
    assert_eq!(answer, json!({"result": result, "errMsg": "cloud.callFunction:ok"}));
    let [call] = &calls[..] else { panic!("{calls:?}") };
    assert_eq!((&*call.name, &*call.user, &*call.appid), ("verify", "user", soter_wechat::DEFAULT_APPID));
    assert_eq!(Value::Object(call.event.clone()), json!({"order": 42}));
}

#[tokio::test]
async fn each_failure_has_the_code_and_text_of_wechat() {
    let seconds = Duration::from_secs(3);
    for (end, code, text) in [
        (CloudFunctionEnd::NotFound, -501_000, " | errMsg: FunctionName parameter could not be found."),
        (
            CloudFunctionEnd::Failed("Error: out of stock".to_owned()),
            -504_002,
            "functions execute fail | errMsg: Error: out of stock",
        ),
        (CloudFunctionEnd::TimedOut(seconds), -504_003, " | errMsg: Invoking task timed out after 3 seconds"),
    ] {
        let (answer, _) = called(end, json!({"name": "verify"})).await;
        let err_msg = format!("cloud.callFunction:fail Error: errCode: {code} {text}");
        assert_eq!(answer, json!({"errCode": code, "errMsg": err_msg}));
    }
    let (answer, _) = called(CloudFunctionEnd::Failed("付".repeat(1 << 20)), json!({"name": "verify"})).await;
    assert!(answer["errMsg"].as_str().unwrap().chars().count() < 5000, "a long error is cut");
}

#[tokio::test]
async fn what_cannot_be_called_reaches_no_function() {
    let end = || CloudFunctionEnd::Returned(json!(1));
    let (answer, calls) = called(end(), json!({"name": 1, "data": []})).await;
    let mistakes =
        "parameter.name should be String instead of Number;parameter.data should be Object instead of Array;";
    assert_eq!(answer, json!({"errMsg": format!("cloud.callFunction:fail parameter error: {mistakes}")}));
    assert_eq!(calls, []);
    let desk = phone("trustonic");
    let params = json!({"name": "verify"});
    let error = call(&desk, "wx.cloud.callFunction", params.clone()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidParams);
    assert!(error.next.english().contains("exec --cloud-function"), "{error:?}");
    let functions = Arc::new(Functions { end: end(), calls: Mutex::default() });
    desk.set_cloud_functions(functions.clone());
    let params = json!({"name": "verify", "appid": "wxunknown"});
    assert_eq!(
        call(&desk, "wx.cloud.callFunction", params).await.unwrap_err().kind,
        ErrorKind::InvalidParams
    );
    assert!(functions.calls.lock().unwrap().is_empty());
}
