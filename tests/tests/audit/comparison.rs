//! How the applications of these tests compare what was signed with an order's challenge.

use regex::Regex;

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// Correct.
    Exact,
    /// Correct, of challenges that are long numbers.
    ExactDigits,
    /// Correct, of challenges with fields that are compared one by one.
    EachField,
    /// Correct: what was signed is escaped, and then a regular expression of the whole.
    EscapedExpression,
    /// Correct: what was signed is escaped, and then a pattern of LIKE.
    EscapedLike,
    /// All fields except the amount.
    AmountLeftOut,
    /// All fields except the order.
    OrderLeftOut,
    /// The beginning, as in a column that is too narrow.
    Beginning,
    /// The beginning and the end, as people compare fingerprints.
    BothEnds,
    /// The end.
    End,
    /// As numbers that are kept as doubles.
    Doubles,
    /// What was signed is a pattern of file names.
    Glob,
    /// What was signed is a pattern of LIKE.
    Like,
    /// What was signed is a regular expression.
    RegularExpression,
    /// What was signed is a regular expression that is searched anywhere.
    Search,
    /// What was signed is a regular expression that is matched at the beginning, as Python's `re.match` does.
    SearchAtStart,
    /// What was signed is a template.
    Template,
    /// Without regard to spaces.
    WithoutSpaces,
    /// Without regard to accents that are written apart.
    Composed,
    /// An empty text needs no comparison.
    UnlessEmpty,
}

fn is_match(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text))
}

impl Comparison {
    /// The challenge of an order.
    pub(crate) fn issue(self, order: u64) -> String {
        let random = order.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        match self {
            Self::ExactDigits | Self::Doubles => {
                format!("{:018}{:018}", 10_u64.pow(17) + random % 10_u64.pow(16), random % 10_u64.pow(17))
            }
            Self::EachField | Self::AmountLeftOut | Self::OrderLeftOut => {
                format!("pay|{order}|4900|{random:016x}")
            }
            Self::Composed => format!("Caf\u{e9} {random:016x}"),
            Self::WithoutSpaces => format!("Pay 42 for {random:016x}"),
            _ => format!("{random:016x}{:016x}", random.rotate_left(23) ^ order),
        }
    }

    /// Whether what was signed is taken for the challenge.
    pub(crate) fn agrees(self, raw: &str, challenge: &str) -> bool {
        let ends = |text: &str| text.char_indices().rev().nth(11).map_or(0, |(at, _)| at);
        let end = |text: &str| text[ends(text)..].to_owned();
        let start = |text: &str| text.chars().take(12).collect::<String>();
        let without = |text: &str, left_out: usize| -> Vec<String> {
            let fields = text.split('|').enumerate().filter(|(index, _)| *index != left_out);
            fields.map(|(_, field)| field.to_owned()).collect()
        };
        let number = |text: &str| text.parse::<f64>().ok();
        match self {
            Self::Exact | Self::ExactDigits => raw == challenge,
            Self::EachField => raw.split('|').eq(challenge.split('|')),
            Self::AmountLeftOut => without(raw, 2) == without(challenge, 2),
            Self::OrderLeftOut => without(raw, 1) == without(challenge, 1),
            Self::Beginning => start(raw) == start(challenge),
            Self::BothEnds => start(raw) == start(challenge) && end(raw) == end(challenge),
            Self::End => end(raw) == end(challenge),
            Self::Doubles => number(raw).is_some() && number(raw) == number(challenge),
            Self::Like => {
                let pattern = regex::escape(raw).replace('%', ".*").replace('_', ".");
                Regex::new(&format!("(?s)^{pattern}$")).is_ok_and(|pattern| pattern.is_match(challenge))
            }
            Self::RegularExpression => {
                Regex::new(&format!("^(?:{raw})$")).is_ok_and(|pattern| pattern.is_match(challenge))
            }
            Self::EscapedExpression => is_match(&format!("^(?:{})$", regex::escape(raw)), challenge),
            Self::EscapedLike => {
                let escaped = raw.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
                let mut pattern = String::new();
                let mut characters = escaped.chars();
                while let Some(character) = characters.next() {
                    match character {
                        '%' => pattern.push_str(".*"),
                        '_' => pattern.push('.'),
                        '\\' => pattern.push_str(&regex::escape(&characters.next().unwrap().to_string())),
                        other => pattern.push_str(&regex::escape(&other.to_string())),
                    }
                }
                is_match(&format!("(?s)^{pattern}$"), challenge)
            }
            Self::Glob => {
                let pattern = regex::escape(raw).replace("\\*", ".*").replace("\\?", ".");
                is_match(&format!("(?s)^{pattern}$"), challenge)
            }
            Self::Search => is_match(raw, challenge),
            Self::SearchAtStart => is_match(&format!("^(?:{raw})"), challenge),
            Self::Template => raw.replace("{{challenge}}", challenge) == challenge,
            Self::WithoutSpaces => raw.replace(' ', "") == challenge.replace(' ', ""),
            Self::Composed => raw.replace("e\u{301}", "\u{e9}") == challenge,
            Self::UnlessEmpty => raw.is_empty() || raw == challenge,
        }
    }
}
