//! The negative control: what must be refused is refused, and is told from what is accepted. A description that takes every
//! answer for a success would give a hundred false findings.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use soter_text::{Text, text};

use super::finding::{ControlFailed, ControlKind};
use crate::forge::reshape;
use crate::json_values::leaves;
use crate::person::Person;
use crate::steps::{Code, Shape};
use crate::target::{Answer, Exchange, Form, Target, TargetError, User};

/// What an answer has, by places.
type Parts = BTreeMap<Place, String>;

/// A place in one of several answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// The answer's index.
    answer: usize,
    part: Part,
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// A value of a JSON text that contains no others, by its name.
    Value(String),
    Status,
    /// Whether this word is in a text.
    Word(String),
}

impl Place {
    fn text(&self) -> Text {
        let part = match &self.part {
            // The body itself has no name.
            Part::Value(name) if name.is_empty() => text!("the body"),
            Part::Value(name) => Text::verbatim(name),
            Part::Status => text!("status"),
            Part::Word(word) => text!("the word {word}", word = word),
        };
        match self.answer {
            0 => part,
            index => text!("answer {number} {part}", number = index + 1, part = part),
        }
    }
}

/// Sends a request without login, order and result, a result whose signature is zeros, and a login with a code that nobody has
/// given out. A target may accept the latter two, which is a question for attacks. But then its answers must be those to honest
/// requests.
///
/// # Errors
/// [`ControlFailed`] if the empty request counts as a success, or if an answer does that differs from those to honest requests.
pub(super) async fn check<T: Target>(person: &mut Person, target: &T) -> Result<(), ControlFailed> {
    if target.form() != Form::Application {
        return Ok(());
    }
    check_empty_request(target).await?;
    check_result(person, target).await?;
    check_login(&person.user, target).await
}

async fn check_empty_request<T: Target>(target: &T) -> Result<(), ControlFailed> {
    match target.send_nothing().await {
        Ok(answer) if answer.accepted => Err(ControlFailed {
            control: ControlKind::Negative,
            what: text!(
                "[result.success] takes the answer to a request without login, order and result for a success: status {status}",
                status = answer.status
            ),
            exchange: Some(answer.exchange),
        }),
        // Refused, or not answered, which is as good.
        _ => Ok(()),
    }
}

async fn check_result<T: Target>(person: &mut Person, target: &T) -> Result<(), ControlFailed> {
    let honest = [
        person.pay(target).await.map_err(|error| broken(&error))?,
        person.pay(target).await.map_err(|error| broken(&error))?,
    ];
    let key = person.phone.auth_key(&person.user.openid).map_err(|error| broken(&error.into()))?;
    let zeros = |signature: &str| reshape(signature, Shape::Zeros, key.public());
    let garbage = match person.pay_with_signature(target, zeros).await {
        Err(TargetError::Broken(_) | TargetError::TimedOut(_) | TargetError::DoesNotApply(_)) => {
            return Ok(());
        }
        Ok(garbage) => garbage,
    };
    tell_apart(&honest, &garbage, &text!("a result whose signature is zeros"), "[result.success]")
}

async fn check_login<T: Target>(user: &User, target: &T) -> Result<(), ControlFailed> {
    let honest = match target.login(user, Code::Fresh).await {
        Ok(first) => match target.login(user, Code::Fresh).await {
            Ok(second) => [first, second],
            Err(_) => return Ok(()),
        },
        // There are no logins with codes.
        Err(_) => return Ok(()),
    };
    let Ok(garbage) = target.login(user, Code::Garbage).await else { return Ok(()) };
    let what = text!("a login with a code that WeChat has not given out");
    tell_apart(&honest, &garbage, &what, "[login.success]")
}

fn tell_apart(
    honest: &[Answer; 2],
    garbage: &Answer,
    what: &Text,
    section: &str,
) -> Result<(), ControlFailed> {
    if !garbage.accepted || honest.iter().any(|answer| !answer.accepted) {
        return Ok(());
    }
    let [first, second] = [&honest[0], &honest[1]].map(|answer| parts(&answer.exchange));
    let found = parts(&garbage.exchange);
    // What differs between two honest answers says nothing.
    let names: BTreeSet<&Place> = first.keys().chain(second.keys()).chain(found.keys()).collect();
    let different = names
        .into_iter()
        .find(|name| first.get(*name) == second.get(*name) && first.get(*name) != found.get(*name));
    let Some(name) = different else { return Ok(()) };
    let [usual, found] = [&first, &found].map(|parts| match (parts.get(name), &name.part) {
        (None, _) => text!("nothing"),
        (Some(_), Part::Word(_)) => text!("there"),
        (Some(value), _) => Text::verbatim(value),
    });
    Err(ControlFailed {
        control: ControlKind::Negative,
        what: text!(
            "{section} takes the answer to {what} for a success, although it differs from honest ones: {name} is {found} instead of {usual}",
            section = section,
            what = what,
            name = name.text(),
            found = found,
            usual = usual
        ),
        exchange: Some(garbage.exchange.clone()),
    })
}

/// The status and the parts of the answer: the values of a JSON text, or the words of another one.
fn parts(exchange: &Exchange) -> Parts {
    let mut found = Parts::new();
    for (index, response) in exchange.response.split("\n\nThen:\n").enumerate() {
        // After the first one there is the request, too.
        let response = response.rsplit_once("HTTP/1.1 ").map_or(response, |(_, response)| response);
        let (head, body) = response.split_once("\n\n").unwrap_or((response, ""));
        let place = |part| Place { answer: index, part };
        found.insert(place(Part::Status), head.lines().next().unwrap_or_default().trim().to_owned());
        if let Ok(value) = serde_json::from_str::<Value>(body) {
            // Names with digits are those of orders and users, and places in lists, which grow.
            let is_fixed = |name: &str| !name.contains(|character: char| character.is_ascii_digit());
            let fixed = leaves(&value).into_iter().filter(|(name, _)| is_fixed(name));
            found.extend(fixed.map(|(name, value)| (place(Part::Value(name)), value.to_string())));
        } else {
            // Random texts have digits in them, most of them.
            let words = body.split(|character: char| !character.is_alphanumeric());
            let words =
                words.filter(|word| word.chars().count() > 2 && word.chars().all(char::is_alphabetic));
            found.extend(words.map(|word| (place(Part::Word(word.to_owned())), String::new())));
        }
    }
    found
}

fn broken(error: &TargetError) -> ControlFailed {
    ControlFailed { control: ControlKind::Positive, what: error.text().clone(), exchange: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(response: &str) -> Answer {
        let exchange = Exchange { response: response.to_owned(), ..Exchange::default() };
        Answer { accepted: true, ..Answer::observed(exchange) }
    }

    fn difference(honest: [&str; 2], garbage: &str) -> Option<String> {
        let told = tell_apart(
            &honest.map(answer),
            &answer(garbage),
            &Text::verbatim("a garbage result"),
            "[result.success]",
        );
        told.err().map(|failed| failed.what.into())
    }

    #[test]
    fn an_answer_that_differs_from_honest_ones_is_not_a_success() {
        for (honest, garbage) in [
            (
                [
                    "HTTP/1.1 200\n\n{\"code\":0,\"order\":\"a\"}",
                    "HTTP/1.1 200\n\n{\"code\":0,\"order\":\"b\"}",
                ],
                "HTTP/1.1 200\n\n{\"code\":403,\"order\":\"c\"}",
            ),
            (
                ["HTTP/1.1 200\n\n{\"order\":\"a\"}", "HTTP/1.1 200\n\n{\"order\":\"b\"}"],
                "HTTP/1.1 200\n\n{\"order\":\"c\",\"error\":\"signature\"}",
            ),
            (
                ["HTTP/1.1 200\n\n<p>paid 1a</p>", "HTTP/1.1 200\n\n<p>paid 2b</p>"],
                "HTTP/1.1 200\n\n<p>refused 3c</p>",
            ),
            (["HTTP/1.1 201\n\n", "HTTP/1.1 201\n\n"], "HTTP/1.1 200\n\n"),
            (
                [
                    "HTTP/1.1 200\n\n{\"receipt\":{\"order\":\"a\"}}",
                    "HTTP/1.1 200\n\n{\"receipt\":{\"order\":\"b\"}}",
                ],
                "HTTP/1.1 200\n\n{\"receipt\":{}}",
            ),
            (
                ["HTTP/1.1 200\n\n{\"errors\":[]}", "HTTP/1.1 200\n\n{\"errors\":[]}"],
                "HTTP/1.1 200\n\n{\"errors\":[\"signature\"]}",
            ),
            (
                [
                    "HTTP/1.1 202\n\n\n\nThen:\n\nGET /a HTTP/1.1\n\n\nHTTP/1.1 200\n\n{\"paid\":true}",
                    "HTTP/1.1 202\n\n\n\nThen:\n\nGET /b HTTP/1.1\n\n\nHTTP/1.1 200\n\n{\"paid\":true}",
                ],
                "HTTP/1.1 202\n\n\n\nThen:\n\nGET /c HTTP/1.1\n\n\nHTTP/1.1 200\n\n{\"paid\":false}",
            ),
        ] {
            let difference = difference(honest, garbage);
            assert!(
                difference.as_ref().is_some_and(|what| what.contains("[result.success]")),
                "{garbage}: {difference:?}"
            );
        }
    }

    #[test]
    fn an_answer_that_is_one_value_is_called_the_body() {
        let difference = difference(["HTTP/1.1 200\n\ntrue"; 2], "HTTP/1.1 200\n\nfalse").unwrap();
        assert!(difference.ends_with("honest ones: the body is false instead of true"), "{difference}");
    }

    #[test]
    fn an_answer_like_an_honest_one_means_that_the_target_accepts() {
        let honest = [
            "HTTP/1.1 200\n\n{\"paid\":true,\"balance\":7,\"id\":\"a\"}",
            "HTTP/1.1 200\n\n{\"paid\":true,\"balance\":6,\"id\":\"b\"}",
        ];
        assert_eq!(difference(honest, "HTTP/1.1 200\n\n{\"paid\":true,\"balance\":5,\"id\":\"c\"}"), None);
        assert_eq!(difference(["HTTP/1.1 204\n\n"; 2], "HTTP/1.1 204\n\n"), None);
    }
}
