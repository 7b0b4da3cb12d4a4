//! Calls of cloud functions, as `wx-server-sdk` and `@cloudbase/node-sdk` send them.
//!
//! `cloud.openapi.soter.verifySignature(…)` is a POST to WeChat's cloud: a form of several parts, one of which holds the
//! arguments as Protocol Buffers. `callWxOpenApi` of `@cloudbase/node-sdk` sends JSON to the same path. Both name a method,
//! which is the same as a path of api.weixin.qq.com, and is answered by the same code. There is no access token: the
//! platform vouches for the mini program with a token of its own, which the function's environment has.
//!
//! The status is always 200: the oldest SDK fails with a text about `null` otherwise. All forms are read in the SDKs' source
//! and were seen on a socket.

mod api_token;
pub(crate) mod messages;
pub(crate) mod method;
pub(crate) mod request;
pub(crate) mod response;

/// The id of the emulated cloud's environment, in which cloud functions and services run.
pub const CLOUD_ENVIRONMENT: &str = "emulated-env";
/// Who has called a cloud function or a service: a mini program, as WeChat's documentation names it.
pub const CLOUD_SOURCE: &str = "wx_client";
