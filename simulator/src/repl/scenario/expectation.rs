//! Parses and checks the lines of a scenario.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use soter_text::{Language, Text, text};

/// A line of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// A line of the REPL.
    Line(String),
    /// The expected result of the line before.
    Expect(Expectation),
    /// A value to remember.
    Keep { name: String, path: String },
}

/// An expected result.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expectation {
    /// The line is refused, and the message contains this text.
    Error(String),
    /// A member of an answer has this relation to a value.
    Member { path: String, operator: Operator, value: String },
}

/// How a member is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// It is a greater number.
    Above,
    /// A text or a list contains it.
    Contains,
    /// It is equal.
    Is,
    /// It is different.
    Not,
}

/// Remembered values, by their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept(BTreeMap<String, Value>);

impl Kept {
    pub(super) fn insert(&mut self, name: String, value: Value) {
        self.0.insert(name, value);
    }

    /// The value that a text stands for: a remembered one as `{name}`, JSON, or the text itself.
    fn value(&self, text: &str) -> Option<Value> {
        match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) if !name.contains(['"', ':']) && !name.is_empty() => self.0.get(name).cloned(),
            _ => Some(serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))),
        }
    }
}

impl Step {
    /// Parses a line that is not a comment.
    pub(super) fn read(line: &str) -> Result<Self, Text> {
        let (first, rest) = split_word(line);
        match first {
            "expect" => Expectation::read(rest).map(Self::Expect),
            "keep" => match rest.split_whitespace().collect::<Vec<_>>().as_slice() {
                [name, path] => Ok(Self::Keep { name: (*name).to_owned(), path: (*path).to_owned() }),
                _ => Err(text!("`keep` takes a name and a path")),
            },
            _ => Ok(Self::Line(line.to_owned())),
        }
    }
}

impl Expectation {
    fn read(words: &str) -> Result<Self, Text> {
        let (path, rest) = split_word(words);
        let (operator, value) = split_word(rest);
        if path == "error" {
            let error_text = rest;
            return if error_text.is_empty() {
                Err(text!("`expect error` takes a text"))
            } else {
                Ok(Self::Error(error_text.to_owned()))
            };
        }
        let operator = match operator {
            "above" => Operator::Above,
            "contains" => Operator::Contains,
            "is" => Operator::Is,
            "not" => Operator::Not,
            other => {
                return Err(text!("`{other}` is not an operator: is, not, contains, above", other = other));
            }
        };
        if value.is_empty() {
            return Err(text!("`expect` takes a path, an operator and a value"));
        }
        Ok(Self::Member { path: path.to_owned(), operator, value: value.to_owned() })
    }

    /// Checks whether the expectation holds for an answer of the line. The error says what was found.
    pub(super) fn check(&self, answers: &[Value], error: Option<&Text>, kept: &Kept) -> Result<(), Text> {
        match self {
            // A scenario gives the same result in every locale, so either language will do.
            Self::Error(expected) => match error {
                Some(error) if Language::ALL.iter().any(|one| error.in_language(*one).contains(expected)) => {
                    Ok(())
                }
                Some(error) => Err(text!("found {error}", error = error)),
                None => Err(text!("the line was carried out")),
            },
            Self::Member { path, operator, value } => {
                let expected =
                    kept.value(value).ok_or_else(|| text!("nothing was kept as {value}", value = value))?;
                let found: Vec<Value> = answers.iter().filter_map(|answer| value_at(answer, path)).collect();
                // `not` must hold for all answers: what differs in one answer may be equal in another.
                let holds = match operator {
                    Operator::Not => {
                        !found.is_empty() && found.iter().all(|found| operator.holds(found, &expected))
                    }
                    _ => found.iter().any(|found| operator.holds(found, &expected)),
                };
                if holds {
                    return Ok(());
                }
                match found.last() {
                    Some(found) => Err(text!("found {found}", found = found.to_string())),
                    None => Err(text!("found nothing there")),
                }
            }
        }
    }
}

/// The first word of a text, and the rest without the blanks around it.
fn split_word(text: &str) -> (&str, &str) {
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (first, rest.trim())
}

impl Operator {
    fn holds(self, found: &Value, expected: &Value) -> bool {
        match self {
            Self::Is => is_same(found, expected),
            Self::Not => !is_same(found, expected),
            Self::Contains => match found {
                Value::String(text) => text.contains(&plain(expected)),
                Value::Array(items) => items.iter().any(|item| is_same(item, expected)),
                _ => false,
            },
            Self::Above => match (found.as_u64(), expected.as_u64()) {
                (Some(found), Some(expected)) => found > expected,
                _ => false,
            },
        }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(text) => write!(formatter, "error {text}"),
            Self::Member { path, operator, value } => {
                let operator = match operator {
                    Operator::Above => "above",
                    Operator::Contains => "contains",
                    Operator::Is => "is",
                    Operator::Not => "not",
                };
                write!(formatter, "{path} {operator} {value}")
            }
        }
    }
}

/// The value at a path of names and numbers that are separated by dots. The path continues into JSON inside a string.
pub(super) fn value_at(value: &Value, path: &str) -> Option<Value> {
    path.split('.').try_fold(value.clone(), |value, name| {
        let value = match &value {
            Value::String(text) => serde_json::from_str(text).ok()?,
            _ => value,
        };
        match &value {
            Value::Object(members) => members.get(name).cloned(),
            Value::Array(items) => items.get(name.parse::<usize>().ok()?).cloned(),
            _ => None,
        }
    })
}

/// Whether two values are the same. A string that looks like a number also equals that number, because a value in
/// a scenario has no type.
fn is_same(found: &Value, expected: &Value) -> bool {
    found == expected || (found.is_string() && plain(found) == plain(expected))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn holds(line: &str) -> Result<(), Text> {
        let answers = [
            json!({"errCode": 0, "shared": 1, "resultJSON": "{\"raw\":\"7\",\"counter\":5}", "modes": ["fingerPrint"]}),
            json!([{"valid": false}]),
            json!({"shared": 2}),
        ];
        let mut kept = Kept::default();
        kept.insert("four".to_owned(), json!(4));
        let Step::Expect(expectation) = Step::read(line)? else {
            return Err(Text::verbatim("no expectation"));
        };
        expectation.check(&answers, None, &kept)
    }

    #[test]
    fn members_are_found_in_any_answer_and_inside_json_strings() {
        for line in [
            "expect errCode is 0",
            "expect errCode not 90010",
            "expect resultJSON.raw is 7",
            "expect resultJSON.counter above {four}",
            "expect resultJSON contains raw",
            "expect modes contains fingerPrint",
            "expect 0.valid is false",
            "expect  resultJSON.raw \t is  7",
        ] {
            assert_eq!(holds(line), Ok(()), "{line}");
        }
    }

    #[test]
    fn a_failed_expectation_says_what_was_found() {
        for (line, expected) in [
            ("expect errCode is 1", "found 0"),
            ("expect nothing is 1", "nothing there"),
            ("expect resultJSON.counter above 5", "found 5"),
            ("expect errCode is {unknown}", "nothing was kept"),
            ("expect error text", "was carried out"),
            ("expect shared not 1", "found 2"),
            ("expect nothing not 1", "nothing there"),
        ] {
            assert!(holds(line).unwrap_err().english().contains(expected), "{line}");
        }
    }

    #[test]
    fn an_error_is_expected_in_either_language() {
        let error = text!("`{other}` is not an operator: is, not, contains, above", other = "equals");
        for expected in ["is not an operator", "不是运算符", "`equals`"] {
            let expectation = Expectation::Error(expected.to_owned());
            assert_eq!(expectation.check(&[], Some(&error), &Kept::default()), Ok(()), "{expected}");
        }
        let another = Expectation::Error("another".to_owned());
        assert!(another.check(&[], Some(&error), &Kept::default()).is_err());
    }

    #[test]
    fn invalid_expectations_are_refused() {
        for line in
            ["expect", "expect errCode", "expect errCode equals 0", "expect error", "keep it", "expect a is"]
        {
            assert!(Step::read(line).is_err(), "{line}");
        }
        assert_eq!(Step::read("keys"), Ok(Step::Line("keys".to_owned())));
    }

    proptest! {
        #[test]
        fn any_line_is_read_or_refused_and_an_expectation_reads_as_it_is_shown(
            first in prop_oneof![Just("expect".to_owned()), Just("keep".to_owned()), any::<String>()],
            words in prop::collection::vec(
                prop_oneof![
                    Just("error"), Just("is"), Just("not"), Just("contains"), Just("above"), Just("{four}"),
                    Just("resultJSON.counter"), Just("modes"), Just("5"), Just("\u{3000}"), Just("\t"),
                ].prop_map(str::to_owned).boxed().prop_union(any::<String>().boxed()),
                0..6,
            ),
        ) {
            let line = [&[first][..], &words].concat().join(" ");
            // A scenario's lines are trimmed before they are read.
            if let Ok(Step::Expect(expectation)) = Step::read(line.trim()) {
                let shown = format!("expect {expectation}");
                prop_assert_eq!(Step::read(&shown), Ok(Step::Expect(expectation)));
                prop_assert_eq!(holds(&shown), holds(line.trim()));
            }
        }
    }
}
