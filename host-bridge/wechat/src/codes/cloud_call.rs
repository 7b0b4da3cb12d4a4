//! The codes of wx-server-sdk for cloud calls that WeChat's or Tencent's cloud refuses. Names are the SDK's texts, or those of
//! its table.

use super::code::{Code, CodeSource};

pub(super) const TABLE: &[Code] = &[
    cloud(
        -604_104,
        "illegal source of invocation",
        "The call comes from where cloud calls are not permitted.",
        "Make the call in a cloud function that runs in the cloud. Local debugging has been seen to get this.",
    ),
    cloud(-604_103, "system error", "WeChat's cloud is busy or broken.", "Try again a few times."),
    cloud(-604_102, "timeout", "WeChat's cloud did not answer in time.", "Try again a few times."),
    cloud(
        -604_101,
        "function has no permission to call this API",
        "The cloud function lacks the right to call this interface.",
        "Name it in the function's config.json, {\"permissions\":{\"openapi\":[\"soter.verifySignature\"]}}, and call it with the folder of this file. For WeChat itself, upload the function again and wait 10 minutes.",
    ),
    cloud(
        -604_100,
        "API not found",
        "There is no cloud call of this name, or soter-sim does not emulate it.",
        "Emulated are soter.verifySignature and phonenumber.getPhoneNumber: check the spelling. Replace other calls in your tests.",
    ),
    cloud(
        -601_001,
        "WX_SYSTEM_ERROR",
        "The answer has no JSON of WeChat's servers.",
        "Try again. If it stays, see what answers at the address of the cloud: `TCB_CONTEXT_CNFG`.",
    ),
    cloud(
        -501_008,
        "INVALID_REQUEST_SOURCE",
        "The platform does not vouch for the function's mini program.",
        "Run the function below `soter-sim exec`, which sets WX_API_TOKEN.",
    ),
    cloud(
        -501_007,
        "invalid parameters",
        "Tencent's cloud does not take the request. soter-sim says this of everything but the cloud calls that it emulates.",
        "The text behind the code says what is wrong. Replace what is not emulated in your tests.",
    ),
    cloud(
        -501_001,
        "SYS_ERR",
        "The cloud was not reached, or did not answer with status 200.",
        "The text behind the code names the address. Run the function below `soter-sim exec`.",
    ),
];

const fn cloud(code: i32, name: &'static str, meaning: &'static str, advice: &'static str) -> Code {
    Code { code, name, source: CodeSource::CloudCall, meaning, advice }
}
