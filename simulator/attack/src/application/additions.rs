//! Adds to a request what the mini program does not send.

use serde_json::Value;

use super::description::Endpoint;
use super::template::Encoding;
use crate::json_values::as_text;
use crate::steps::Place;

impl Endpoint {
    /// The same request with more names and values; `None` if there is no such place, or the request has all these names
    /// already. Cookies are not the request's, but the client's.
    pub(super) fn with_added(&self, added: &[(String, Value)], place: Place) -> Option<Self> {
        // A description that names its cookies sends no others.
        if place == Place::Cookies && self.names_cookies() {
            return None;
        }
        let is_new = |name: &str| match place {
            Place::Body => !self.body.as_deref().unwrap_or_default().contains(name),
            Place::Query => !self.url.contains(&format!("{name}=")),
            Place::Headers | Place::Cookies => {
                !self.headers.keys().any(|header| header.eq_ignore_ascii_case(name))
            }
        };
        let added: Vec<&(String, Value)> = added.iter().filter(|(name, _)| is_new(name)).collect();
        if added.is_empty() {
            return None;
        }
        let changed = match place {
            Place::Body => Self { body: Some(self.body_with(&added)?), ..self.clone() },
            Place::Query => {
                let separator = if self.url.contains('?') { '&' } else { '?' };
                Self { url: format!("{}{separator}{}", self.url, as_form(&added)), ..self.clone() }
            }
            Place::Headers => {
                let mut headers = self.headers.clone();
                headers.extend(
                    added.iter().map(|(name, value)| (header_name(name), template_text(&as_text(value)))),
                );
                Self { headers, ..self.clone() }
            }
            Place::Cookies => self.clone(),
        };
        Some(changed)
    }

    fn body_with(&self, added: &[&(String, Value)]) -> Option<String> {
        let body = self.body.as_deref()?;
        match self.body_encoding() {
            Encoding::Json => {
                // What comes last counts for most parsers.
                let (before, after) = body.rsplit_once('}')?;
                let separator = if before.trim_end().ends_with('{') { "" } else { "," };
                let members: Vec<String> = added
                    .iter()
                    .map(|(name, value)| format!("\"{name}\":{}", template_text(&value.to_string())))
                    .collect();
                Some(format!("{before}{separator}{}}}{after}", members.join(",")))
            }
            Encoding::Form => Some(format!("{body}&{}", as_form(added))),
            Encoding::Address | Encoding::Header | Encoding::Plain => None,
        }
    }
}

fn as_form(added: &[&(String, Value)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in added {
        form.append_pair(name, &as_text(value));
    }
    form.finish()
}

/// A name as headers are written: `userId` is `X-User-Id`. Names of headers stay as they are.
fn header_name(name: &str) -> String {
    if name.contains('-') {
        return name.to_owned();
    }
    let mut header = "X-".to_owned();
    for (index, character) in name.chars().enumerate() {
        if character == '_' || (character.is_ascii_uppercase() && index > 0) {
            header.push('-');
        }
        if character != '_' {
            let is_first = header.ends_with('-');
            header.push(if is_first { character.to_ascii_uppercase() } else { character });
        }
    }
    header
}

/// A text with nothing in it that a template would fill.
fn template_text(text: &str) -> String {
    text.replace("{{", "{ {")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn endpoint(toml: &str) -> Endpoint {
        soter_bridge::toml_file::parse(toml).unwrap()
    }

    fn added() -> Vec<(String, Value)> {
        vec![("userId".to_owned(), json!(17)), ("verified".to_owned(), json!(true))]
    }

    #[test]
    fn names_are_added_where_they_are_not_yet() {
        let json = endpoint("url = '/pay?a=1'\nbody = '{\"order\":{\"id\":1}}'");
        let body = json.with_added(&added(), Place::Body).unwrap().body.unwrap();
        assert_eq!(body, r#"{"order":{"id":1},"userId":17,"verified":true}"#);
        assert_eq!(json.with_added(&added(), Place::Query).unwrap().url, "/pay?a=1&userId=17&verified=true");
        let headers = json.with_added(&added(), Place::Headers).unwrap().headers;
        assert_eq!(
            headers.into_iter().collect::<Vec<_>>(),
            [("X-User-Id".to_owned(), "17".to_owned()), ("X-Verified".to_owned(), "true".to_owned())]
        );
        let form = endpoint("url = '/pay'\nbody = 'userId=1&result={{resultJSON}}'");
        let body = form.with_added(&added(), Place::Body).unwrap().body.unwrap();
        assert_eq!(body, "userId=1&result={{resultJSON}}&verified=true");
        let empty = endpoint("url = '/pay'\nbody = '{}'");
        assert_eq!(
            empty.with_added(&added()[1..], Place::Body).unwrap().body.unwrap(),
            r#"{"verified":true}"#
        );
    }

    #[test]
    fn nothing_is_added_to_a_request_that_has_no_place_for_it_or_has_it_already() {
        let get = endpoint("url = '/pay?userId=1&verified=0'\nmethod = 'GET'");
        assert!(get.with_added(&added(), Place::Body).is_none());
        assert!(get.with_added(&added(), Place::Query).is_none());
        let plain =
            endpoint("url = '/pay'\nbody = '{{resultJSON}}'\nheaders = { Content-Type = 'text/plain' }");
        assert!(plain.with_added(&added(), Place::Body).is_none());
    }
}
