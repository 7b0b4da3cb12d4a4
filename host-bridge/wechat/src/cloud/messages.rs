//! The Protocol Buffers of a call with `cloud.openapi`, as the SDKs' own descriptions name and number them.

use axum::body::Bytes;
use prost::Message;

/// A request, without the fields of calls that are not emulated.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct CommApiData {
    /// The arguments.
    #[prost(message, optional, tag = "2")]
    pub(crate) openapi_data: Option<OpenApiData>,
    /// The mini program, if the function names another one than its own.
    #[prost(string, tag = "6")]
    pub(crate) appid: String,
}

/// The arguments of a call.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct OpenApiData {
    #[prost(message, repeated, tag = "1")]
    pub(crate) pairs: Vec<Pair>,
}

/// An argument.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Pair {
    /// Its name, in snake case.
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    /// Its value as JSON; of media, their bytes.
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) value: Bytes,
}

/// An answer.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct CommOpenApiResp {
    /// WeChat's JSON.
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) resp_data: Bytes,
    #[prost(string, tag = "2")]
    pub(crate) content_type: String,
    /// Why the cloud has not passed the call on; 0 if it has.
    #[prost(int32, tag = "3")]
    pub(crate) error_code: i32,
    #[prost(uint32, tag = "4")]
    pub(crate) http_code: u32,
}
