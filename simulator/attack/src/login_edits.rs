//! Changes what a client sends to show that it is logged in, such as a token, so that it speaks of another user.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use soter_text::{Text, text};
use soter_wire::base64;

use crate::json_values::as_text;
use crate::target::Visit;

/// The maximum number of changed logins that are tried.
const MAX_EDITS: usize = 8;
/// The maximum length of what identifies a user within a token, in characters. Longer parts may be secrets.
const MAX_IDENTITY_CHARS: usize = 32;
/// The minimum length of a text that is replaced wherever it stands.
const MIN_TEXT_CHARS: usize = 6;
/// By how much the token of the next user may be higher: others may log in at the same time.
const NEXT_TOKENS: u128 = 64;

/// Logins of one user that say another one: each with one changed token. `unsigned` makes JSON Web Tokens that say that they
/// are not signed.
pub(crate) fn altered(own: &Visit, other: &Visit, unsigned: bool) -> Vec<Visit> {
    let edit = |own_token: &str, others_token: &str| {
        let tokens = Tokens { own: own_token, other: others_token };
        let edited = if unsigned { tokens.unsigned() } else { tokens.with_others_identity(own, other) };
        edited.into_iter().filter(|edited| edited != own_token).collect::<Vec<_>>()
    };
    let mut visits = Vec::new();
    for (name, own_token) in &own.values {
        for edited in edit(own_token, other.values.get(name).map_or("", String::as_str)) {
            let mut visit = own.clone();
            visit.values.insert(name.clone(), edited);
            visits.push(visit);
        }
    }
    let others_cookies: BTreeMap<_, _> = other.cookies.pairs().into_iter().collect();
    for (name, own_token) in own.cookies.pairs() {
        for edited in edit(&own_token, others_cookies.get(&name).map_or("", String::as_str)) {
            let cookies = own.cookies.map(
                |cookie, value| {
                    if cookie == name { edited.clone() } else { value.to_owned() }
                },
            );
            visits.push(Visit { cookies, ..own.clone() });
        }
    }
    visits.truncate(MAX_EDITS);
    visits
}

/// Why the second login's token can be computed from the first one's, in one line: everything that differs between what the
/// two clients send is a number that is a little higher. What only identifies the user is not a token.
pub(crate) fn next_token(own: &Visit, other: &Visit) -> Option<Text> {
    let others_cookies: BTreeMap<_, _> = other.cookies.pairs().into_iter().collect();
    let own_cookies = own.cookies.pairs();
    let cookies =
        own_cookies.iter().filter_map(|(name, value)| Some((name, value, others_cookies.get(name)?)));
    let values = own.values.iter().filter_map(|(name, value)| Some((name, value, other.values.get(name)?)));
    let is_identity = |value: &str| own.identity.values().any(|known| as_text(known) == value);
    let mut different =
        values.chain(cookies).filter(|(_, value, others)| value != others && !is_identity(value)).peekable();
    let name = different.peek()?.0.clone();
    let steps: Option<Vec<u128>> = different.map(|(_, value, others)| distance(value, others)).collect();
    let step = steps?.into_iter().max()?;
    Some(text!(
        "`{name}` of the user who logged in next is the same with a number in it that is higher by {step}",
        name = name,
        step = step
    ))
}

/// By how much the only number that differs is higher in the second text.
fn distance(first: &str, second: &str) -> Option<u128> {
    let numbers = |text: &str| -> Option<(String, u128, String)> {
        // The first character that differs lies in the number.
        let common = first.chars().zip(second.chars()).take_while(|(one, other)| one == other).count();
        let characters: Vec<char> = text.chars().collect();
        let is_digit = |position: &usize| characters.get(*position).is_some_and(char::is_ascii_digit);
        let begin = (0..common).rev().take_while(is_digit).last().unwrap_or(common);
        let end = (begin..characters.len()).take_while(is_digit).last()? + 1;
        let digits: String = characters.get(begin..end)?.iter().collect();
        let before: String = characters.get(..begin)?.iter().collect();
        let after: String = characters.get(end..)?.iter().collect();
        Some((before, digits.parse().ok()?, after))
    };
    let ((before, low, after), (others_before, high, others_after)) = (numbers(first)?, numbers(second)?);
    let step = high.abs_diff(low);
    (before == others_before && after == others_after && (1..=NEXT_TOKENS).contains(&step)).then_some(step)
}

/// The same token of two users.
#[derive(Clone, Copy, Debug)]
struct Tokens<'a> {
    own: &'a str,
    other: &'a str,
}

impl Tokens<'_> {
    /// The own token with what identifies the other user.
    fn with_others_identity(self, own: &Visit, other: &Visit) -> Vec<String> {
        let mut edited = Vec::new();
        let identities = identities(own, other);
        let replaced = replace_identities(self.own, &identities);
        edited.extend(replaced.filter(|replaced| replaced != self.own));
        edited.extend(self.with_changed_segment(|own, _| change_text(own, None, &identities)));
        let with_others_values = self.with_changed_segment(|own, other| change_text(own, other, &identities));
        // The other user's own token is not forged, if its values are used.
        let forged = with_others_values.into_iter().chain(self.with_others_part());
        edited.extend(forged.filter(|edited| edited != self.other));
        edited.dedup();
        edited
    }

    /// Each part between dots that is the Base64 of a text, with that text changed.
    fn with_changed_segment(self, change: impl Fn(&str, Option<&str>) -> Option<String>) -> Vec<String> {
        let segments: Vec<&str> = self.own.split('.').collect();
        let others: Vec<&str> = self.other.split('.').collect();
        let edited = segments.iter().enumerate().filter_map(|(index, segment)| {
            let form = Base64Form::of(segment);
            let other = others.get(index).and_then(|other| decode(other));
            let changed = change(&decode(segment)?, other.as_deref())?;
            let mut segments: Vec<String> = segments.iter().map(|&segment| segment.to_owned()).collect();
            *segments.get_mut(index)? = form.encode(&changed);
            Some(segments.join("."))
        });
        edited.collect()
    }

    /// One short part of the other user's token, such as a number, in the own one.
    fn with_others_part(self) -> Vec<String> {
        let is_separator = |character: char| ":.|~!,".contains(character);
        let (own, other): (Vec<&str>, Vec<&str>) =
            (self.own.split(is_separator).collect(), self.other.split(is_separator).collect());
        let different: Vec<usize> = own
            .iter()
            .zip(&other)
            .enumerate()
            .filter(|(_, (one, other))| one != other)
            .map(|(index, _)| index)
            .collect();
        if own.len() != other.len() || different.len() < 2 {
            return Vec::new();
        }
        let short = different.into_iter().filter_map(|index| other.get(index).map(|part| (index, *part)));
        let short = short.filter(|(_, part)| part.chars().count() <= MAX_IDENTITY_CHARS);
        let edited = short.map(|(changed, part)| {
            let mut begin = 0;
            let parts = own.iter().enumerate().map(|(index, own)| {
                let separator = self.own.get(begin + own.len()..).and_then(|rest| rest.chars().next());
                begin += own.len() + separator.map_or(0, char::len_utf8);
                format!(
                    "{}{}",
                    if index == changed { part } else { own },
                    separator.map_or(String::new(), String::from)
                )
            });
            parts.collect::<String>()
        });
        edited.collect()
    }

    /// The own JSON Web Token with the other user's payload, which says that it is not signed.
    fn unsigned(self) -> Vec<String> {
        let [header, payload, _] = self.own.split('.').collect::<Vec<_>>()[..] else { return Vec::new() };
        let others_payload = self.other.split('.').nth(1).and_then(decode);
        let object = |text: &str| serde_json::from_str::<Map<String, Value>>(text).ok();
        let header =
            decode(header).and_then(|text| object(&text)).filter(|header| header.contains_key("alg"));
        let (Some(header), Some(payload)) = (header, decode(payload)) else { return Vec::new() };
        let changed = change_text(&payload, others_payload.as_deref(), &[]).unwrap_or(payload);
        let unsigned = ["none", "None"].map(|algorithm| {
            let mut header = header.clone();
            header.insert("alg".to_owned(), algorithm.into());
            let form = Base64Form { is_url_safe: true, is_padded: false };
            format!("{}.{}.", form.encode(&Value::Object(header).to_string()), form.encode(&changed))
        });
        unsigned.into()
    }
}

/// What identifies the users, in pairs: the openids, and what the answers to the logins say, unless it is itself the token.
fn identities(own: &Visit, other: &Visit) -> Vec<(String, String)> {
    let cookies = own.cookies.values();
    let is_token = |text: &String| cookies.contains(text) || own.values.values().any(|token| token == text);
    let of_logins = own.identity.iter().filter_map(|(name, value)| {
        let (own, other) = (as_text(value), as_text(other.identity.get(name)?));
        (!is_token(&own)).then_some((own, other))
    });
    let openids = (own.user.openid.clone(), other.user.openid.clone());
    [openids].into_iter().chain(of_logins).filter(|(own, other)| own != other).collect()
}

/// A text in which all identities are the other user's; nothing if there are none. Short ones are replaced where they are
/// whole words.
fn replace_identities<'a>(
    text: &'a str,
    identities: &'a [(String, String)],
) -> impl Iterator<Item = String> + 'a {
    identities.iter().filter_map(move |(own, other)| {
        if own.chars().count() >= MIN_TEXT_CHARS {
            return text.contains(own.as_str()).then(|| text.replace(own.as_str(), other));
        }
        (text == own).then(|| other.clone())
    })
}

/// The decoded part of a token, with the other user's identity.
fn change_text(own: &str, other: Option<&str>, identities: &[(String, String)]) -> Option<String> {
    let object = |text: &str| serde_json::from_str::<Map<String, Value>>(text).ok();
    let Some(mut members) = object(own) else { return replace_identities(own, identities).next() };
    let before = members.clone();
    let others = other.and_then(object).unwrap_or_default();
    for (name, value) in &mut members {
        let is_secret = ["jti", "sid", "session", "nonce", "key", "token", "csrf"]
            .iter()
            .any(|secret| name.to_ascii_lowercase().contains(secret));
        let is_short = |value: &Value| as_text(value).chars().count() <= MAX_IDENTITY_CHARS;
        if let Some(others) =
            others.get(name).filter(|others| !is_secret && is_short(others) && *others != value)
        {
            *value = others.clone();
        } else if let Some(replaced) = replace_identities(&as_text(value), identities).next() {
            *value = replaced.into();
        }
    }
    // Times differ between any two tokens.
    let is_of_user = |name: &String| !["iat", "exp", "nbf"].contains(&name.as_str());
    let has_changed = members.iter().any(|(name, value)| is_of_user(name) && before.get(name) != Some(value));
    has_changed.then(|| Value::Object(members).to_string())
}

/// How Base64 is written.
#[derive(Clone, Copy, Debug)]
struct Base64Form {
    is_url_safe: bool,
    is_padded: bool,
}

impl Base64Form {
    fn of(text: &str) -> Self {
        Self { is_url_safe: !text.contains(['+', '/']), is_padded: text.ends_with('=') }
    }

    fn encode(self, text: &str) -> String {
        let encoded = base64::encode(text.as_bytes());
        let encoded = if self.is_url_safe { encoded.replace('+', "-").replace('/', "_") } else { encoded };
        if self.is_padded { encoded } else { encoded.trim_end_matches('=').to_owned() }
    }
}

/// The text whose Base64 this is, in any usual form.
fn decode(text: &str) -> Option<String> {
    /// Shorter words are Base64 by chance.
    const MIN_ENCODED_CHARS: usize = 8;
    let standard = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    if standard.len() < MIN_ENCODED_CHARS {
        return None;
    }
    let padding = "=".repeat((4 - standard.len() % 4) % 4);
    let bytes = base64::decode(&format!("{standard}{padding}")).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    (!text.chars().any(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::target::User;

    fn visit(name: &str, token: &str, identity: &Value) -> Visit {
        let user = User {
            name: name.to_owned(),
            openid: format!("oOpenidOf{name}"),
            other_app_openid: String::new(),
        };
        let mut visit = Visit::new(&user);
        visit.values.insert("token".to_owned(), token.to_owned());
        visit.identity = identity.as_object().unwrap().clone().into_iter().collect();
        visit
    }

    fn tokens(own: &str, other: &str, unsigned: bool) -> Vec<String> {
        let own = visit("Owner", own, &json!({"userId": 17}));
        let other = visit("Other", other, &json!({"userId": 18}));
        altered(&own, &other, unsigned).into_iter().map(|visit| visit.values["token"].clone()).collect()
    }

    fn encoded(text: &str) -> String {
        Base64Form { is_url_safe: true, is_padded: false }.encode(text)
    }

    fn jwt(payload: &Value, signature: &str) -> String {
        format!("{}.{}.{signature}", encoded(r#"{"alg":"HS256"}"#), encoded(&payload.to_string()))
    }

    #[test]
    fn a_token_that_names_its_user_is_changed_to_the_other_user() {
        for (own, other, expected) in [
            ("oOpenidOfOwner".to_owned(), "oOpenidOfOther".to_owned(), "oOpenidOfOther".to_owned()),
            (
                "s-oOpenidOfOwner-1".to_owned(),
                "s-oOpenidOfOther-2".to_owned(),
                "s-oOpenidOfOther-1".to_owned(),
            ),
            (
                encoded("user=oOpenidOfOwner;n=1"),
                encoded("user=oOpenidOfOther;n=2"),
                encoded("user=oOpenidOfOther;n=1"),
            ),
            ("17:secret-of-one".to_owned(), "18:secret-of-two".to_owned(), "18:secret-of-one".to_owned()),
            (
                jwt(&json!({"exp": 5, "sub": "oOpenidOfOwner"}), "mine"),
                jwt(&json!({"exp": 6, "sub": "oOpenidOfOther"}), "theirs"),
                jwt(&json!({"exp": 6, "sub": "oOpenidOfOther"}), "mine"),
            ),
            (
                jwt(&json!({"jti": "a1", "uid": 17}), "mine"),
                jwt(&json!({"jti": "b2", "uid": 18}), "theirs"),
                jwt(&json!({"jti": "a1", "uid": 18}), "mine"),
            ),
        ] {
            let edited = tokens(&own, &other, false);
            assert!(edited.contains(&expected), "{own}: {edited:?}");
        }
    }

    #[test]
    fn a_random_token_is_not_changed() {
        for (own, other) in [
            ("d41d8cd98f00b204e9800998ecf8427e", "900150983cd24fb0d6963f7d28e17f72"),
            ("a17-4b2c.18", "a18-4b2c.19"),
            ("", ""),
        ] {
            let edited = tokens(own, other, false);
            assert!(edited.iter().all(|edited| own.contains('.') && edited != other), "{own}: {edited:?}");
            assert!(tokens(own, other, true).is_empty());
        }
    }

    #[test]
    fn a_json_web_token_is_sent_without_a_signature() {
        let own = jwt(&json!({"sub": "oOpenidOfOwner"}), "mine");
        let other = jwt(&json!({"sub": "oOpenidOfOther"}), "theirs");
        let edited = tokens(&own, &other, true);
        assert_eq!(edited.len(), 2);
        for token in edited {
            let [header, payload, ""] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
            assert!(decode(header).unwrap().to_ascii_lowercase().contains(r#""alg":"none""#), "{token}");
            assert_eq!(decode(payload).unwrap(), r#"{"sub":"oOpenidOfOther"}"#);
        }
    }

    #[test]
    fn the_next_token_is_known_if_it_counts_up() {
        let next = |own: &str, other: &str| {
            let [own, other] =
                [("Owner", own), ("Other", other)].map(|(name, token)| visit(name, token, &json!({})));
            next_token(&own, &other)
        };
        for (own, other) in [("session-41", "session-42"), ("9", "10"), ("s099x", "s103x"), ("7", "5")] {
            assert!(next(own, other).is_some(), "{own} {other}");
        }
        for (own, other) in [
            ("d41d8cd98f00b204e9800998ecf8427e", "900150983cd24fb0d6963f7d28e17f72"),
            ("session-41", "session-41"),
            ("session-41", "session-442"),
            ("41-a", "42-b"),
            ("same", "same"),
        ] {
            assert_eq!(next(own, other), None, "{own} {other}");
        }
    }
}
