//! Results read strictly, or as careless programs do.

use serde_json::{Value, json};
use soter_wire::{PublicKey, ResultJson, SignatureScheme};

use super::Weakness;

/// What a verifier uses of a result.
pub(super) struct Read {
    pub(super) counter: Option<u64>,
    pub(super) cpu_id: String,
    pub(super) uid: String,
    pub(super) scheme: SignatureScheme,
    pub(super) key: Option<PublicKey>,
}

/// Reads a text strictly, or as a careless program does.
pub(super) fn read(weakness: Weakness, text: &str) -> Option<Read> {
    let is_lenient = weakness == Weakness::CounterLenient;
    let careless = |value: &Value| -> Option<Read> {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let counter = match &value["counter"] {
            Value::String(text) if is_lenient => text.parse().ok()?,
            Value::Number(number) => whole(number, is_lenient)?,
            _ => return None,
        };
        Some(Read {
            counter: Some(counter),
            cpu_id: text("cpu_id")?,
            uid: text("uid")?,
            scheme: serde_json::from_value(value["rsa_pss_saltlen"].clone()).unwrap_or_default(),
            key: text("pub_key").and_then(|pem| PublicKey::from_pem(&pem).ok()),
        })
    };
    let counter_is = |literal: &str, counter: Option<u64>| {
        let plain = ResultJson::decode(text.replacen(literal, "0", 1).as_bytes()).ok()?;
        Some(Read { counter, scheme: plain.scheme(), key: None, cpu_id: plain.cpu_id, uid: plain.uid })
    };
    let literal = text.split_once("\"counter\":").map_or("", |(_, rest)| rest.split(',').next().unwrap());
    let is_long = literal.len() > 18 && literal.bytes().all(|byte| byte.is_ascii_digit());
    match weakness {
        // Every comparison with NaN is false, and nothing is greater than infinity.
        Weakness::CounterNotANumber if ["NaN", "Infinity", "1e400"].contains(&literal) => {
            counter_is(literal, None)
        }
        Weakness::CounterSaturates if is_long => {
            counter_is(literal, Some(literal.parse().unwrap_or(u64::MAX)))
        }
        Weakness::CounterWraps if is_long => {
            let low = literal.parse::<u128>().ok()? % (1 << 64);
            counter_is(literal, u64::try_from(low).ok())
        }
        // serde_json keeps the last of repeated names.
        Weakness::LastKeyWins => careless(&serde_json::from_str(text).ok()?),
        Weakness::NamesInAnyCase => {
            ResultJson::decode(text.as_bytes()).ok()?;
            careless(&serde_json::from_str(&text.replace("\"Counter\"", "\"counter\"")).ok()?)
        }
        Weakness::FirstKeyWins => careless(&serde_json::from_str(&first_wins(text)).ok()?),
        Weakness::CounterLenient => {
            // Strict except for the counter.
            let value: Value = serde_json::from_str(text).ok()?;
            let plain =
                json!({"raw": value["raw"], "counter": 0, "cpu_id": value["cpu_id"], "uid": value["uid"]});
            ResultJson::decode(plain.to_string().as_bytes()).ok()?;
            (text.matches("\"counter\"").count() == 1).then(|| careless(&value)).flatten()
        }
        Weakness::CounterMayBeMissing if !text.contains("\"counter\"") => {
            let value: Value = serde_json::from_str(text).ok()?;
            let name = |name: &str| value[name].as_str().map(str::to_owned);
            Some(Read {
                counter: None,
                cpu_id: name("cpu_id")?,
                uid: name("uid")?,
                scheme: SignatureScheme::default(),
                key: None,
            })
        }
        _ => {
            let result = ResultJson::decode(text.as_bytes()).ok()?;
            let key = result.other.iter().find(|(name, _)| name == "pub_key");
            Some(Read {
                counter: Some(result.counter),
                scheme: result.scheme(),
                key: key.and_then(|(_, pem)| PublicKey::from_pem(pem.as_str()?).ok()),
                cpu_id: result.cpu_id,
                uid: result.uid,
            })
        }
    }
}

fn whole(number: &serde_json::Number, lenient: bool) -> Option<u64> {
    let fits = |counter: &u64| lenient || i64::try_from(*counter).is_ok();
    number.as_u64().filter(fits).or_else(|| {
        let whole = number.as_f64().filter(|_| lenient)?.abs().trunc();
        format!("{whole:.0}").parse().ok()
    })
}

/// The text with only the first of repeated counters.
fn first_wins(text: &str) -> String {
    let mut parts = text.split("\"counter\":");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (index, part) in parts.enumerate() {
        if index == 0 {
            out.push_str("\"counter\":");
            out.push_str(part);
        } else {
            out.push_str("\"ignored\":");
            out.push_str(part);
        }
    }
    out
}
