//! The text that is signed in place of an issued challenge.

use std::ops::Range;

use soter_bridge::protocol::wx::CHALLENGE_LIMIT;
use unicode_normalization::UnicodeNormalization;

use crate::steps::{Challenge, Kept, Number};
use crate::text::swap_case;

/// Digits that a double keeps exactly, and a few more: what follows them does not change the double.
const DOUBLE_DIGITS: usize = 18;
/// The largest number of digits of an amount. Longer ones are random or the time.
const AMOUNT_DIGITS: usize = 9;

/// What is signed in place of an issued challenge; `None` if it cannot be made from the issued one. `fresh` was never
/// issued.
pub(super) fn change_challenge(issued: &str, challenge: Challenge, fresh: &str) -> Option<String> {
    let changed = match challenge {
        Challenge::Issued | Challenge::BroughtAlong | Challenge::Quotes | Challenge::Unicode => {
            return Some(issued.to_owned());
        }
        Challenge::NeverIssued => fresh.to_owned(),
        Challenge::LookAlike => issued.chars().map(full_width).collect(),
        Challenge::OtherCase => swap_case(issued),
        Challenge::Padded => format!("{issued} "),
        Challenge::Prefixed => format!("x{issued}"),
        Challenge::SecondLine => format!("{issued}\n{fresh}"),
        Challenge::BehindNul => format!("{issued}\0{fresh}"),
        Challenge::CutShort => {
            let mut characters = issued.chars();
            characters.next_back();
            characters.as_str().to_owned()
        }
        Challenge::Text(text) => text.to_owned(),
        Challenge::MiddleChanged => {
            let (before, middle, after) = around_middle(issued)?;
            format!("{before}{}{after}", other_character(middle))
        }
        Challenge::MiddleIs(text) => {
            let (before, middle, after) = around_middle(issued)?;
            format!("{before}{}{after}", text.replace("{}", &middle.to_string()))
        }
        Challenge::MiddleHas(text) => {
            let (before, middle, after) = around_middle(issued)?;
            format!("{before}{text}{middle}{after}")
        }
        Challenge::WithoutSpaces => issued.replace(' ', ""),
        Challenge::OtherNormalForm => {
            let decomposed: String = issued.nfd().collect();
            if decomposed == issued { issued.nfc().collect() } else { decomposed }
        }
        Challenge::SameNumber(number) => same_number(issued, number)?,
        Challenge::OnlyKept(kept) => only_kept(issued, kept),
        Challenge::FieldChanged(index) => change_field(issued, index)?,
    };
    // Phones refuse longer challenges, so no phone signs them.
    let can_be_signed = (1..CHALLENGE_LIMIT).contains(&changed.encode_utf16().count());
    (can_be_signed && changed != issued).then_some(changed)
}

/// The full-width form of a letter or digit, which compatibility normalisation maps to the same character.
fn full_width(character: char) -> char {
    const FULL_WIDTH_OFFSET: u32 = 0xfee0;
    if !character.is_ascii_alphanumeric() {
        return character;
    }
    char::from_u32(u32::from(character) + FULL_WIDTH_OFFSET).unwrap_or(character)
}

/// The text before the middle character, that character, and the text after it. The middle is a letter or a digit, the first
/// from the middle on.
fn around_middle(text: &str) -> Option<(&str, char, &str)> {
    let half = text.chars().count() / 2;
    let (at, middle) =
        text.char_indices().skip(half).find(|(_, character)| character.is_ascii_alphanumeric())?;
    Some((text.get(..at)?, middle, text.get(at + middle.len_utf8()..)?))
}

/// Another letter in place of a letter, and another digit in place of a digit.
fn other_character(character: char) -> char {
    match character {
        '0'..='8' | 'a'..='e' | 'g'..='y' | 'A'..='E' | 'G'..='Y' => {
            char::from_u32(u32::from(character) + 1).unwrap_or(character)
        }
        '9' => '0',
        // Hexadecimal digits stay such.
        'f' | 'z' => 'a',
        'F' | 'Z' => 'A',
        other => other,
    }
}

fn same_number(issued: &str, number: Number) -> Option<String> {
    if issued.is_empty() || !issued.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(match number {
        Number::After(text) => format!("{text}{issued}"),
        Number::Before(text) => format!("{issued}{text}"),
        Number::Hexadecimal => format!("0x{:x}", issued.parse::<u128>().ok()?),
        Number::Scientific => match issued.split_at_checked(DOUBLE_DIGITS) {
            Some((digits, others)) if !others.is_empty() => format!("{digits}e{}", others.len()),
            _ => {
                let (first, others) = issued.split_at_checked(1)?;
                format!("{first}.{others}e{}", others.len())
            }
        },
    })
}

fn only_kept(issued: &str, kept: Kept) -> String {
    let count = issued.chars().count();
    let kept = match kept {
        Kept::First(length) => 0..length,
        Kept::FirstHalf => 0..count / 2,
        Kept::Last(length) => count.saturating_sub(length)..count,
        Kept::LastHalf => count.div_ceil(2)..count,
    };
    let characters = issued.chars().enumerate();
    characters
        .map(|(at, character)| if kept.contains(&at) { character } else { other_character(character) })
        .collect()
}

fn change_field(issued: &str, index: usize) -> Option<String> {
    let mut fields = fields(issued);
    let is_whole = |field: &Range<usize>| *field == (0..issued.len());
    if fields.iter().any(is_whole) {
        return None;
    }
    fields.sort_by_key(|field| !issued.get(field.clone()).is_some_and(is_amount));
    let field = fields.get(index)?.clone();
    let value = issued.get(field.clone())?;
    let other = if is_amount(value) {
        let decimals = value.find('.').and_then(|at| value.get(at..)).unwrap_or_default();
        let smaller = format!("1{decimals}");
        if smaller == value { format!("0{decimals}") } else { smaller }
    } else {
        let (before, middle, after) = around_middle(value)?;
        format!("{before}{}{after}", other_character(middle))
    };
    Some(format!("{}{other}{}", issued.get(..field.start)?, issued.get(field.end..)?))
}

fn is_amount(field: &str) -> bool {
    let is_number = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    field.starts_with(|first: char| first.is_ascii_digit())
        && field.bytes().all(is_number)
        && field.len() <= AMOUNT_DIGITS
}

/// Where the fields of a structured text are: what is between separators, without the names of members in JSON and in forms.
fn fields(text: &str) -> Vec<Range<usize>> {
    let belongs = |character: char| character.is_ascii_alphanumeric() || character == '.';
    let mut fields = Vec::new();
    let mut begin = None;
    for (at, character) in text.char_indices().chain([(text.len(), ' ')]) {
        match (begin, belongs(character)) {
            (None, true) => begin = Some(at),
            (Some(start), false) => {
                begin = None;
                let rest = text.get(at..).unwrap_or_default();
                let is_name = rest.starts_with('=') || (text.starts_with('{') && rest.starts_with("\":"));
                if !is_name {
                    fields.push(start..at);
                }
            }
            _ => {}
        }
    }
    fields.retain(|field| {
        text.get(field.clone()).is_some_and(|value| value.contains(|c: char| c.is_ascii_alphanumeric()))
    });
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(issued: &str, challenge: Challenge) -> Option<String> {
        change_challenge(issued, challenge, "fresh")
    }

    #[test]
    fn a_challenge_is_changed_or_there_is_nothing_to_change() {
        let made = |kind| changed("Order-7", kind).unwrap();
        assert_eq!(made(Challenge::LookAlike), "Ｏｒｄｅｒ-７");
        assert_eq!(made(Challenge::OtherCase), "oRDER-7");
        assert_eq!(made(Challenge::CutShort), "Order-");
        assert_eq!(made(Challenge::Padded), "Order-7 ");
        assert_eq!(made(Challenge::NeverIssued), "fresh");
        assert_eq!(made(Challenge::MiddleChanged), "Ordfr-7");
        assert_eq!(made(Challenge::MiddleIs("[{}]")), "Ord[e]r-7");
        assert_eq!(made(Challenge::MiddleHas(" ")), "Ord er-7");
        assert_eq!(changed("42", Challenge::OtherCase), None);
        assert_eq!(changed(&"x".repeat(511), Challenge::Padded), None);
        assert_eq!(changed("x", Challenge::CutShort), None);
        assert_eq!(changed("Order-7", Challenge::WithoutSpaces), None);
        assert_eq!(changed("Order-7", Challenge::OtherNormalForm), None);
        assert_eq!(changed("Caf\u{e9}", Challenge::OtherNormalForm).unwrap(), "Cafe\u{301}");
        assert_eq!(changed("Cafe\u{301}", Challenge::OtherNormalForm).unwrap(), "Caf\u{e9}");
        assert_eq!(changed("支付", Challenge::MiddleChanged), None);
    }

    #[test]
    fn a_number_is_written_in_another_way_and_keeps_its_value() {
        let long = "123456789012345678901234567890123456";
        for (issued, number, expected) in [
            ("42", Number::After("0"), "042"),
            ("42", Number::Before(".0"), "42.0"),
            ("42", Number::Hexadecimal, "0x2a"),
            ("42", Number::Scientific, "4.2e1"),
            (long, Number::Scientific, "123456789012345678e18"),
        ] {
            assert_eq!(changed(issued, Challenge::SameNumber(number)).unwrap(), expected);
        }
        let scientific: f64 = "123456789012345678e18".parse().unwrap();
        assert_eq!(scientific.to_bits(), long.parse::<f64>().unwrap().to_bits());
        assert_eq!(changed("42a", Challenge::SameNumber(Number::After("0"))), None);
    }

    #[test]
    fn only_a_part_of_a_challenge_is_kept() {
        for (kept, expected) in [
            (Kept::FirstHalf, "abcd1a0b"),
            (Kept::LastHalf, "bcde0f9a"),
            (Kept::First(2), "abde1a0b"),
            (Kept::Last(2), "bcde1a9a"),
        ] {
            assert_eq!(changed("abcd0f9a", Challenge::OnlyKept(kept)).unwrap(), expected, "{kept:?}");
        }
        assert_eq!(changed("abcd", Challenge::OnlyKept(Kept::First(8))), None);
    }

    #[test]
    fn each_field_of_a_structured_challenge_is_changed_once_and_amounts_become_smaller() {
        let each = |issued: &str| -> Vec<String> {
            (0..9).map_while(|index| changed(issued, Challenge::FieldChanged(index))).collect()
        };
        assert_eq!(each("pay|4900|ab3"), ["pay|1|ab3", "pby|4900|ab3", "pay|4900|ac3"]);
        assert_eq!(each("fen=1&id=x7"), ["fen=0&id=x7", "fen=1&id=x8"]);
        assert_eq!(
            each(r#"{"fen":42.50,"order":"a-b"}"#),
            [
                r#"{"fen":1.50,"order":"a-b"}"#,
                r#"{"fen":42.50,"order":"b-b"}"#,
                r#"{"fen":42.50,"order":"a-c"}"#
            ]
        );
        assert_eq!(each("0123456789abcdef"), Vec::<String>::new());
        assert_eq!(each("支付 42 元"), ["支付 1 元"]);
    }
}
