//! HTTP archives (HAR 1.2, <http://www.softwareishard.com/blog/har-12-spec/>): the few members that a proposal needs.
//!
//! Own types instead of the crate `har`: that one refuses a whole file if a tool has left out a member of any request, such as
//! `timings`.

use chrono::{DateTime, Utc};
use reqwest::Url;
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;
use soter_bridge::protocol::CommandError;
use soter_text::{Text, text};
use soter_wire::base64;

/// The maximum number of recorded requests.
const MAX_ENTRIES: usize = 10_000;
/// The maximum size of a body that is looked at, in bytes. A longer one counts as empty.
const MAX_BODY_BYTES: usize = 1 << 20;
/// A recorded request and its answer.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) method: String,
    pub(super) url: Url,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
    /// When it was sent.
    pub(super) sent: Option<DateTime<Utc>>,
    pub(super) status: u16,
    /// Names in lower case; one `set-cookie` for each cookie.
    pub(super) answer_headers: Vec<(String, String)>,
    pub(super) answer_type: String,
    pub(super) answer: String,
}

/// A request's body.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    None,
    Form(Vec<(String, String)>),
    Json(serde_json::Value),
    Text(String),
}

impl Exchange {
    /// Whether a request has the same method, address and body as another one.
    pub(super) fn is_same_request(&self, other: &Self) -> bool {
        self.method == other.method && self.url == other.url && self.body == other.body
    }
}

/// The requests of a recording, in their order.
#[derive(Debug)]
pub(super) struct Archive {
    pub(super) exchanges: Vec<Exchange>,
    /// How many requests could not be read, or got no answer.
    pub(super) unreadable: usize,
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    log: Log<'a>,
}

#[derive(Deserialize)]
struct Log<'a> {
    #[serde(borrow)]
    entries: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    started_date_time: Option<String>,
    request: Request,
    response: Response,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(default)]
    post_data: Option<PostData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    #[serde(default)]
    mime_type: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    params: Vec<Pair>,
    #[serde(default)]
    encoding: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    status: i64,
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(default)]
    content: Option<Content>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    #[serde(default)]
    mime_type: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    encoding: Option<String>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    #[serde(default)]
    value: Option<String>,
}

/// What a person does about a file that is not a recording.
fn next() -> Text {
    text!(
        "save the requests of one payment as HAR with their contents: in the developer tools' network panel, or in a proxy such as mitmproxy, Charles or Fiddler"
    )
}

impl Archive {
    /// Reads a recording.
    ///
    /// # Errors
    /// `InvalidParams` if the text is not a HAR file, has no request that can be read, or has too many.
    pub(super) fn read(text: &str) -> Result<Self, CommandError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let file: File<'_> = serde_json::from_str(text).map_err(|error| {
            // The library's words quote no text of the file, which is full of secrets.
            let (line, column) = (error.line(), error.column());
            let what = if error.classify() == Category::Data {
                text!(
                    "the recording is not HAR: no log.entries (line {line} column {column})",
                    line = line,
                    column = column
                )
            } else {
                text!(
                    "the recording is not JSON, as HAR is: line {line} column {column}",
                    line = line,
                    column = column
                )
            };
            CommandError::invalid_params(what, next())
        })?;
        let count = file.log.entries.len();
        if count > MAX_ENTRIES {
            return Err(CommandError::invalid_params(
                text!(
                    "the recording has {count} requests; at most {most} are read",
                    count = count,
                    most = MAX_ENTRIES
                ),
                text!("record one payment alone, from the login to the answer to the result"),
            ));
        }
        let mut exchanges: Vec<Exchange> =
            file.log.entries.iter().filter_map(|entry| exchange(entry.get())).collect();
        if exchanges.is_empty() {
            return Err(CommandError::invalid_params(
                text!("the recording has {count} requests, and none of them can be read", count = count),
                next(),
            ));
        }
        let unreadable = count - exchanges.len();
        if exchanges.iter().all(|exchange| exchange.sent.is_some()) {
            exchanges.sort_by_key(|exchange| exchange.sent);
        }
        Ok(Self { exchanges, unreadable })
    }
}

/// The exchange of an entry; `None` if it is not one, or was not answered.
fn exchange(entry: &str) -> Option<Exchange> {
    let Entry { started_date_time, request, response } = serde_json::from_str(entry).ok()?;
    let url = Url::parse(&request.url).ok().filter(Url::has_host)?;
    // A request that was not answered has the status 0 or -1.
    let status = u16::try_from(response.status).ok().filter(|status| *status >= 100)?;
    let headers = pairs(request.headers);
    let content_type = header(&headers, "content-type").unwrap_or_default();
    let body = request.post_data.map_or(Body::None, |data| body(data, &content_type));
    let answer_headers = pairs(response.headers);
    let content = response.content.unwrap_or(Content { mime_type: None, text: None, encoding: None });
    let answer_type = content.mime_type.or_else(|| header(&answer_headers, "content-type"));
    Some(Exchange {
        method: request.method.to_ascii_uppercase(),
        url,
        headers,
        body,
        sent: started_date_time.and_then(|time| Some(DateTime::parse_from_rfc3339(&time).ok()?.to_utc())),
        status,
        answer_headers,
        answer_type: answer_type.unwrap_or_default().to_ascii_lowercase(),
        answer: decoded(content.text.unwrap_or_default(), content.encoding.as_deref()),
    })
}

/// Headers, without those of HTTP/2 that begin with a colon. Browsers write several cookies as lines of one header.
fn pairs(pairs: Vec<Pair>) -> Vec<(String, String)> {
    let named = pairs.into_iter().filter(|pair| !pair.name.is_empty() && !pair.name.starts_with(':'));
    let lines = named.flat_map(|Pair { name, value }| {
        let value = value.unwrap_or_default();
        let name = name.to_ascii_lowercase();
        let lines: Vec<_> = value.lines().map(|line| (name.clone(), line.trim().to_owned())).collect();
        if lines.is_empty() { vec![(name, String::new())] } else { lines }
    });
    lines.collect()
}

fn header(headers: &[(String, String)], name: &str) -> Option<String> {
    headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.clone())
}

fn body(data: PostData, content_type: &str) -> Body {
    let kind = data.mime_type.unwrap_or_default().to_ascii_lowercase();
    let kind = if kind.is_empty() { content_type.to_ascii_lowercase() } else { kind };
    let text = decoded(data.text.unwrap_or_default(), data.encoding.as_deref());
    if text.is_empty() {
        // Some tools decode a form, and leave the text out.
        let fields: Vec<_> =
            data.params.into_iter().map(|pair| (pair.name, pair.value.unwrap_or_default())).collect();
        return if fields.is_empty() { Body::None } else { Body::Form(fields) };
    }
    if let Ok(json) = serde_json::from_str::<serde_json::Value>(&text)
        && (json.is_object() || json.is_array())
    {
        return Body::Json(json);
    }
    if kind.contains("x-www-form-urlencoded") {
        let fields = form_urlencoded::parse(text.as_bytes());
        return Body::Form(fields.map(|(name, value)| (name.into_owned(), value.into_owned())).collect());
    }
    Body::Text(text)
}

/// A body's text. What is not text in UTF-8, or is too long, counts as empty.
fn decoded(text: String, encoding: Option<&str>) -> String {
    let is_base64 = encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case("base64"));
    // In Base64, a body is a third longer.
    let limit = if is_base64 { MAX_BODY_BYTES / 3 * 4 } else { MAX_BODY_BYTES };
    if text.len() > limit {
        return String::new();
    }
    if !is_base64 {
        return text;
    }
    let bytes = base64::decode(text.trim()).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(request: &serde_json::Value) -> serde_json::Value {
        let request = {
            let mut whole = json!({"method": "post", "url": "http://shop.test/pay?a=1", "headers": []});
            whole.as_object_mut().unwrap().extend(request.as_object().unwrap().clone());
            whole
        };
        json!({"startedDateTime": "2026-11-30T10:00:00.000+08:00", "request": request,
               "response": {"status": 200, "headers": [{"name": "Set-Cookie", "value": "a=1; Path=/\nb=2"}],
                            "content": {"mimeType": "application/json", "text": "eyJhIjoxfQ==", "encoding": "base64"}}})
    }

    fn read(entries: &[serde_json::Value]) -> Result<Archive, CommandError> {
        Archive::read(&json!({"log": {"version": "1.2", "entries": entries}}).to_string())
    }

    #[test]
    fn bodies_are_decoded_and_cookies_are_headers_of_their_own() {
        let archive =
            read(&[entry(&json!({"postData": {"mimeType": "text/plain", "text": "{\"b\":2}"}}))]).unwrap();
        let exchange = &archive.exchanges[0];
        assert_eq!((exchange.method.as_str(), exchange.answer.as_str()), ("POST", "{\"a\":1}"));
        assert!(matches!(&exchange.body, Body::Json(json) if json["b"] == 2));
        let cookies: Vec<_> = exchange.answer_headers.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(cookies, ["a=1; Path=/", "b=2"]);
    }

    #[test]
    fn a_form_is_read_from_its_text_or_from_its_fields() {
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        for data in [
            json!({"mimeType": form, "text": "a=1%202&b=%2B"}),
            json!({"mimeType": form, "params": [{"name": "a", "value": "1 2"}, {"name": "b", "value": "+"}]}),
        ] {
            let archive = read(&[entry(&json!({"postData": data}))]).unwrap();
            let Body::Form(fields) = &archive.exchanges[0].body else { panic!("{archive:?}") };
            assert_eq!(fields[0], ("a".to_owned(), "1 2".to_owned()));
            assert_eq!(fields[1].1, "+");
        }
    }

    #[test]
    fn entries_that_cannot_be_read_are_counted_and_requests_are_in_the_order_of_time() {
        let mut early = entry(&json!({"url": "http://shop.test/early"}));
        early["startedDateTime"] = "2026-11-30T01:59:59Z".into();
        let mut unanswered = entry(&json!({}));
        unanswered["response"]["status"] = 0.into();
        let archive =
            read(&[entry(&json!({})), early, unanswered, json!(7), json!({"request": {}})]).unwrap();
        let paths: Vec<_> = archive.exchanges.iter().map(|exchange| exchange.url.path()).collect();
        assert_eq!((paths, archive.unreadable), (vec!["/early", "/pay"], 3));
    }

    #[test]
    fn what_is_not_a_recording_gets_one_line_and_advice_and_is_not_quoted() {
        let many = format!("{{\"log\":{{\"entries\":[{}0]}}}}", "0,".repeat(MAX_ENTRIES));
        for (text, expected) in [
            ("", "not JSON, as HAR is: line 1"),
            ("secret-token", "not JSON"),
            ("[1]", "no log.entries"),
            ("{\"log\":{\"entries\":{}}}", "no log.entries"),
            ("{\"log\":{\"entries\":[]}}", "has 0 requests, and none"),
            ("{\"log\":{\"entries\":[{}, 3]}}", "has 2 requests, and none"),
            (&many, "has 10001 requests; at most 10000"),
        ] {
            let error = Archive::read(text).unwrap_err();
            assert!(error.what.english().contains(expected), "{text:.40}: {error:?}");
            assert!(
                !error.what.english().contains('\n')
                    && !error.what.english().contains("secret")
                    && !error.next.english().is_empty()
            );
        }
    }
}
