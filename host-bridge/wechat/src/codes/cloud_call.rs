//! The codes of wx-server-sdk for cloud calls that WeChat's cloud refuses. Names are the SDK's texts, where it has one.

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
        "Name it in the function's config.json, {\"permissions\":{\"openapi\":[\"soter.verifySignature\"]}}, upload the function again, and wait 10 minutes.",
    ),
    cloud(
        -604_100,
        "API not found",
        "There is no cloud call of this name.",
        "Check its spelling: cloud.openapi.soter.verifySignature.",
    ),
];

const fn cloud(code: i32, name: &'static str, meaning: &'static str, advice: &'static str) -> Code {
    Code { code, name, source: CodeSource::CloudCall, meaning, advice }
}
