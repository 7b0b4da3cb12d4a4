//! Changes a result's text, as an attacker or a careless program between phone and server does.

use serde_json::Value;
use soter_bridge::protocol::CommandError;
use soter_wire::json::encode_string;

use crate::steps::{CounterIs, Edit};

/// The values that edits use.
#[derive(Clone, Copy, Debug)]
pub(super) struct EditContext<'a> {
    /// The highest counter of this phone that the target has accepted.
    pub(super) accepted_counter: u64,
    /// The challenge of the order for which it is sent.
    pub(super) challenge: &'a str,
    /// The `cpu_id` of the owner's phone.
    pub(super) owner_cpu_id: &'a str,
    /// The `cpu_id` of the other user's phone.
    pub(super) other_cpu_id: &'a str,
    /// The attacker's public key, PEM.
    pub(super) attackers_key: &'a str,
}

/// `counter` with an escape, as it is written between quotation marks.
const ESCAPED_COUNTER: &str = "c\\u006funter";
/// A challenge that was never issued.
const OTHER_CHALLENGE: &str = "transfer everything";

/// Applies edits, one after the other.
///
/// # Errors
/// `Internal` if the text is not a JSON object, or if an edit needs a counter and the text has no counter: a defect.
pub(super) fn apply_edits(
    text: &str,
    edits: &[Edit],
    context: EditContext<'_>,
) -> Result<String, CommandError> {
    edits.iter().try_fold(text.to_owned(), |text, edit| apply_edit(&text, *edit, context))
}

fn apply_edit(text: &str, edit: Edit, context: EditContext<'_>) -> Result<String, CommandError> {
    let mut members = Members::read(text)?;
    match edit {
        Edit::Counter(counter) => {
            let own = members.counter()?;
            members.set("counter", counter_literal(counter, own, context.accepted_counter));
        }
        Edit::CounterTwice { low_first } => {
            let (own, low) = (members.counter()?.to_string(), context.accepted_counter.to_string());
            let (first, second) = if low_first { (low, own) } else { (own, low) };
            members.set("counter", first);
            members.insert_after("counter", "counter", second);
        }
        Edit::CounterInCapitals | Edit::CounterEscaped => {
            let own = members.counter()?.to_string();
            members.set("counter", context.accepted_counter.to_string());
            let name = if matches!(edit, Edit::CounterEscaped) { ESCAPED_COUNTER } else { "Counter" };
            members.insert_after("counter", name, own);
        }
        Edit::CpuIdInCapitals => {
            let capitals = members.literal("cpu_id").to_uppercase();
            members.set("cpu_id", capitals);
        }
        Edit::CpuIdTwice => {
            let own = members.literal("cpu_id").to_owned();
            members.set("cpu_id", quoted(context.other_cpu_id));
            members.insert_after("cpu_id", "cpu_id", own);
        }
        Edit::RawTwice => {
            let own = members.literal("raw").to_owned();
            members.set("raw", quoted(OTHER_CHALLENGE));
            members.insert_after("raw", "raw", own);
        }
        Edit::Around(name, before, after) => {
            let value: String = serde_json::from_str(members.literal(name)).unwrap_or_default();
            members.set(name, quoted(&format!("{before}{value}{after}")));
        }
        Edit::First(name, literal) => members.0.insert(0, (name.to_owned(), literal.to_owned())),
        Edit::Text(name, value) => members.set(name, quoted(value)),
        Edit::OrdersRaw => members.set("raw", quoted(context.challenge)),
        Edit::OwnersCpuId => members.set("cpu_id", quoted(context.owner_cpu_id)),
        Edit::OthersCpuId => members.set("cpu_id", quoted(context.other_cpu_id)),
        Edit::Without(name) => members.0.retain(|(member, _)| member != name),
        Edit::With(name, literal) => members.0.push((name.to_owned(), literal.to_owned())),
        Edit::WithAttackersKey => members.0.push(("pub_key".to_owned(), quoted(context.attackers_key))),
        Edit::Injected => {
            let higher = members.counter()?.saturating_add(1000).to_string();
            members.insert_after("raw", "counter", higher);
            members.insert_after("counter", "x", quoted(""));
        }
        Edit::LoneSurrogate => {
            let raw = members.literal("raw").trim_end_matches('"').to_owned();
            members.set("raw", format!("{raw}\\ud800\""));
        }
        Edit::Reordered => members.0.reverse(),
        Edit::Spaced => return Ok(members.write(", ", ": ")),
        Edit::Escaped => {
            let raw = members.literal("raw").to_owned();
            members.set("raw", escape_first_character(&raw));
        }
        Edit::ByteOrderMark => return Ok(format!("\u{feff}{text}")),
        Edit::LineEnd => return Ok(format!("{text}\r\n")),
        Edit::Utf16 => return Ok(text.encode_utf16().flat_map(utf16_as_characters).collect()),
        Edit::Nul => return Ok(format!("{text}\0")),
    }
    Ok(members.write(",", ":"))
}

fn counter_literal(counter: CounterIs, own: u64, accepted_counter: u64) -> String {
    match counter {
        CounterIs::Equal => accepted_counter.to_string(),
        CounterIs::Below(distance) => accepted_counter.saturating_sub(distance).to_string(),
        CounterIs::Next => accepted_counter.saturating_add(1).to_string(),
        CounterIs::Above(distance) => own.saturating_add(distance).to_string(),
        CounterIs::Exactly(number) => number.to_string(),
        CounterIs::Literal(text) => text.to_owned(),
        CounterIs::Negative => format!("-{own}"),
        CounterIs::Fraction => format!("{own}.5"),
        CounterIs::Exponent => format!("{own}e0"),
        CounterIs::Quoted => quoted(&own.to_string()),
        CounterIs::LeadingZeros => format!("00{own}"),
        CounterIs::Null => "null".to_owned(),
    }
}

/// The members of an object as they are written, in their order. A name may occur twice.
struct Members(Vec<(String, String)>);

impl Members {
    fn read(text: &str) -> Result<Self, CommandError> {
        match serde_json::from_str(text.trim_matches(['\u{feff}', '\0', '\r', '\n'])) {
            Ok(Value::Object(members)) => {
                Ok(Self(members.into_iter().map(|(name, value)| (name, value.to_string())).collect()))
            }
            _ => Err(CommandError::defect("a phone's result is not a JSON object")),
        }
    }

    fn counter(&self) -> Result<u64, CommandError> {
        self.literal("counter").parse().map_err(|_| CommandError::defect("a phone's result has no counter"))
    }

    fn literal(&self, name: &str) -> &str {
        self.0.iter().find(|(member, _)| member == name).map_or("", |(_, literal)| literal)
    }

    fn set(&mut self, name: &str, literal: String) {
        if let Some((_, old)) = self.0.iter_mut().find(|(member, _)| member == name) {
            *old = literal;
        }
    }

    fn insert_after(&mut self, before: &str, name: &str, literal: String) {
        let at = self.0.iter().position(|(member, _)| member == before).map_or(0, |at| at + 1);
        self.0.insert(at, (name.to_owned(), literal));
    }

    fn write(&self, comma: &str, colon: &str) -> String {
        let name = |name: &str| if name == ESCAPED_COUNTER { format!("\"{name}\"") } else { quoted(name) };
        let member = |(member, literal): &(String, String)| format!("{}{colon}{literal}", name(member));
        format!("{{{}}}", self.0.iter().map(member).collect::<Vec<_>>().join(comma))
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    encode_string(text, &mut out, false);
    out
}

/// The string literal with its first character written as `\uXXXX`.
fn escape_first_character(literal: &str) -> String {
    let mut rest = literal.strip_prefix('"').unwrap_or(literal).chars();
    match rest.next() {
        Some(first) if first != '\\' && first != '"' => {
            let units: Vec<String> =
                first.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect();
            format!("\"{}{}", units.concat(), rest.as_str())
        }
        _ => literal.to_owned(),
    }
}

/// A text with lower and upper case swapped, for ASCII letters.
pub(super) fn swap_case(text: &str) -> String {
    let other = |letter: char| {
        if letter.is_ascii_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
    };
    text.chars().map(other).collect()
}

/// The two bytes of a UTF-16 unit, the low one first, each as a character.
fn utf16_as_characters(unit: u16) -> [char; 2] {
    unit.to_le_bytes().map(char::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"raw":"order","fid":"1","counter":12,"cpu_id":"c","uid":"10102"}"#;
    const AROUND: EditContext<'_> = EditContext {
        accepted_counter: 11,
        challenge: "other",
        owner_cpu_id: "o",
        other_cpu_id: "d",
        attackers_key: "k",
    };

    fn after(edit: Edit) -> String {
        apply_edits(TEXT, &[edit], AROUND).unwrap()
    }

    #[test]
    fn a_text_without_edits_is_unchanged() {
        assert_eq!(apply_edits(TEXT, &[], AROUND).unwrap(), TEXT);
        assert_eq!(Members::read(TEXT).unwrap().write(",", ":"), TEXT);
    }

    #[test]
    fn every_edit_of_a_member_changes_only_that_member() {
        for (edit, expected) in [
            (Edit::Counter(CounterIs::Equal), TEXT.replace("12,", "11,")),
            (Edit::Counter(CounterIs::Below(3)), TEXT.replace("12,", "8,")),
            (Edit::Counter(CounterIs::Above(1000)), TEXT.replace("12,", "1012,")),
            (Edit::Counter(CounterIs::Negative), TEXT.replace("12,", "-12,")),
            (Edit::Counter(CounterIs::Fraction), TEXT.replace("12,", "12.5,")),
            (Edit::Counter(CounterIs::Exponent), TEXT.replace("12,", "12e0,")),
            (Edit::Counter(CounterIs::Quoted), TEXT.replace("12,", "\"12\",")),
            (Edit::CounterTwice { low_first: true }, TEXT.replace("12,", "11,\"counter\":12,")),
            (Edit::CounterTwice { low_first: false }, TEXT.replace("12,", "12,\"counter\":11,")),
            (Edit::Without("counter"), TEXT.replace("\"counter\":12,", "")),
            (Edit::OrdersRaw, TEXT.replace("order", "other")),
            (Edit::OwnersCpuId, TEXT.replace("\"c\"", "\"o\"")),
            (Edit::Counter(CounterIs::Literal("NaN")), TEXT.replace("12,", "NaN,")),
            (Edit::Counter(CounterIs::Null), TEXT.replace("12,", "null,")),
            (Edit::OthersCpuId, TEXT.replace("\"c\"", "\"d\"")),
            (Edit::LoneSurrogate, TEXT.replace("order", "order\\ud800")),
            (Edit::Escaped, TEXT.replace("order", "\\u006frder")),
            (Edit::With("rsa_pss_saltlen", "32"), TEXT.replace('}', ",\"rsa_pss_saltlen\":32}")),
            (Edit::CounterInCapitals, TEXT.replace("12,", "11,\"Counter\":12,")),
            (Edit::CounterEscaped, TEXT.replace("12,", "11,\"c\\u006funter\":12,")),
            (Edit::Around("uid", "0", " "), TEXT.replace("10102", "010102 ")),
            (Edit::First("x", "1"), TEXT.replace('{', "{\"x\":1,")),
            (Edit::CpuIdInCapitals, TEXT.replace("\"c\"", "\"C\"")),
            (Edit::CpuIdTwice, TEXT.replace("\"cpu_id\":\"c\"", "\"cpu_id\":\"d\",\"cpu_id\":\"c\"")),
            (Edit::RawTwice, TEXT.replace("\"raw\"", "\"raw\":\"transfer everything\",\"raw\"")),
            (Edit::Counter(CounterIs::LeadingZeros), TEXT.replace("12,", "0012,")),
            (Edit::Injected, TEXT.replace("\"order\"", "\"order\",\"counter\":1012,\"x\":\"\"")),
        ] {
            assert_eq!(after(edit), expected, "{edit:?}");
        }
    }

    #[test]
    fn edits_of_the_whole_text_keep_its_members() {
        assert_eq!(after(Edit::Spaced), TEXT.replace(',', ", ").replace(':', ": "));
        assert!(after(Edit::Reordered).starts_with(r#"{"uid":"10102","cpu_id""#));
        assert_eq!(after(Edit::LineEnd), format!("{TEXT}\r\n"));
        assert_eq!(after(Edit::Utf16).chars().count(), 2 * TEXT.len());
        assert_eq!(after(Edit::Nul).trim_end_matches('\0'), TEXT);
        assert_eq!(after(Edit::ByteOrderMark).trim_start_matches('\u{feff}'), TEXT);
    }
}
