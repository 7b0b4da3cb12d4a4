//! Any bytes are read or refused, and what an SDK writes is read back.

use axum::body::Body as HttpBody;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::*;
use crate::cloud::messages::OpenApiData;

const BOUNDARY: &str = "--------------------------012345678901234567890123";

fn read(content_type: &str, body: Vec<u8>) -> Result<CloudRequest, CloudRefusal> {
    let request = Request::post("/admin").header("content-type", content_type).body(HttpBody::from(body));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(CloudRequest::read(request.unwrap()))
}

fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, bytes) in parts {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend([head.as_bytes(), bytes, b"\r\n"].concat());
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    body
}

fn form_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

proptest! {
    #[test]
    fn any_body_is_read_or_refused(body in vec(any::<u8>(), 0..2000), is_form: bool) {
        let content_type = if is_form { form_type() } else { "application/json".to_owned() };
        prop_assert!(read(&content_type, body).is_err(), "random bytes name no action");
    }

    #[test]
    fn any_parts_are_read_or_refused(
        parts in vec((select(vec!["action", "apiName", "requestData", "wxCloudApiToken", "x"]), vec(any::<u8>(), 0..200)), 0..70),
        cut: proptest::sample::Index,
    ) {
        let parts: Vec<_> = parts.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
        let mut body = form(&parts);
        body.truncate(cut.index(body.len() + 1));
        prop_assert!(read(&form_type(), body).is_err());
    }

    #[test]
    fn any_arguments_are_read_or_refused(data in vec(any::<u8>(), 0..500)) {
        let body = form(&[("action", b"wx.openApi"), ("requestData", &data)]);
        match read(&form_type(), body) {
            Ok(request) => prop_assert_eq!(request.encoding, Encoding::Protobuf),
            Err(refusal) => {
                let is_malformed = matches!(refusal, CloudRefusal::Tcb { code: "INVALID_PARAM", .. });
                prop_assert!(is_malformed);
            }
        }
    }

    #[test]
    fn what_an_sdk_writes_is_read_back(
        arguments in btree_map("[a-z_]{1,12}", "\\PC{0,40}", 0..8),
        api in "[a-zA-Z.]{0,30}",
        token in "[a-zA-Z0-9_-]{0,60}",
        appid in "(wx[0-9a-f]{16})?",
    ) {
        let pairs = arguments.iter().map(|(key, text)| Pair { key: key.clone(), value: json!(text).to_string().into() });
        let data = CommApiData { openapi_data: Some(OpenApiData { pairs: pairs.collect() }), appid: appid.clone() };
        let body = form(&[
            ("action", b"wx.openApi"),
            ("apiName", api.as_bytes()),
            ("requestData", &data.encode_to_vec()),
            ("wxCloudApiToken", token.as_bytes()),
        ]);
        let expected = CloudRequest { encoding: Encoding::Protobuf, api, token, arguments: Some(json!(arguments)), appid };
        prop_assert_eq!(read(&form_type(), body), Ok(expected));
    }
}
