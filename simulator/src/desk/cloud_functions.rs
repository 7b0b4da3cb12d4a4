//! What runs cloud functions for the mini programs of the desk's phones.

use std::fmt::Debug;
use std::pin::Pin;
use std::time::Duration;

use serde_json::{Map, Value};
use soter_bridge::protocol::CommandError;

/// Runs cloud functions.
pub trait CloudFunctions: Debug + Send + Sync {
    /// Runs a function once. If the future is dropped, the function is ended.
    fn run(&self, call: CloudFunctionCall) -> RunningFunction<'_>;
}

/// A function that runs. Its error is one of this computer: the function could not be run.
pub type RunningFunction<'a> =
    Pin<Box<dyn Future<Output = Result<CloudFunctionEnd, CommandError>> + Send + 'a>>;

/// A call of a cloud function by a mini program.
#[derive(Clone, Debug, PartialEq)]
pub struct CloudFunctionCall {
    /// The function's name.
    pub name: String,
    /// Its event, without `userInfo`.
    pub event: Map<String, Value>,
    /// The name of the phone's user on WeChat's servers, which know it.
    pub user: String,
    /// The mini program, which they know as well.
    pub appid: String,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub enum CloudFunctionEnd {
    /// The function returned this.
    Returned(Value),
    /// The function threw, or ended in another way; with the text that says why.
    Failed(String),
    /// There is no function of this name.
    NotFound,
    /// The function was ended, because it took longer than this.
    TimedOut(Duration),
}
