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
    /// What was signed is a pattern of LIKE.
    Like,
    /// What was signed is a regular expression.
    RegularExpression,
    /// What was signed is a template.
    Template,
    /// Without regard to spaces.
    WithoutSpaces,
    /// Without regard to accents that are written apart.
    Composed,
    /// An empty text needs no comparison.
    UnlessEmpty,
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
            Self::Template => raw.replace("{{challenge}}", challenge) == challenge,
            Self::WithoutSpaces => raw.replace(' ', "") == challenge.replace(' ', ""),
            Self::Composed => raw.replace("e\u{301}", "\u{e9}") == challenge,
            Self::UnlessEmpty => raw.is_empty() || raw == challenge,
        }
    }
}
