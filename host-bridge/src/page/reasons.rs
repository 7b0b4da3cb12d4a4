//! `reasons.js`: what reasons and codes mean, made from the tables of WeChat's servers, so that the page has no copy of them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Value, json};
use soter_text::{Language, Text};
use soter_wechat::codes::{CODES, CodeSource};
use soter_wechat::reasons::Reason;

/// The module's text: `REASONS`, by their stable names, and `CALL_CODES`, the `errCode`s of wx calls.
pub(super) static REASONS: LazyLock<String> = LazyLock::new(|| {
    let of_servers = CODES.iter().filter(|code| code.source.is_of_servers() && code.code != 0);
    let errcodes = of_servers.map(|code| Reason::Errcode(code.code));
    let reasons: BTreeMap<_, _> = Reason::ALL
        .iter()
        .copied()
        .chain(errcodes)
        .map(|reason| (reason.name(), in_both(&reason.meaning_text(), &reason.advice_text())))
        .collect();
    let call_codes: Vec<Value> = CODES
        .iter()
        .filter(|code| code.source == CodeSource::WxCall)
        .map(|code| {
            let mut entry = in_both(&code.meaning_text(), &code.advice_text());
            entry["code"] = json!(code.code);
            entry["name"] = json!(code.name);
            entry
        })
        .collect();
    format!("export const REASONS = {};\nexport const CALL_CODES = {};\n", json!(reasons), json!(call_codes))
});

/// `meaning` and `advice` in English, and in Chinese below `zh`.
fn in_both(meaning: &Text, advice: &Text) -> Value {
    let [mut english, chinese] = Language::ALL.map(
        |language| json!({"meaning": meaning.in_language(language), "advice": advice.in_language(language)}),
    );
    english["zh"] = chinese;
    english
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_explains_every_reason_and_every_errcode() {
        let (reasons, _) = REASONS
            .strip_prefix("export const REASONS = ")
            .and_then(|text| text.split_once(";\nexport const CALL_CODES = "))
            .unwrap();
        let reasons: BTreeMap<String, Value> = serde_json::from_str(reasons).unwrap();
        for name in Reason::ALL.iter().map(|reason| reason.name()) {
            assert!(reasons.contains_key(&*name), "{name}");
        }
        for name in ["errcode-1", "errcode-40001", "errcode-90001", "errcode-604101"] {
            assert!(reasons.contains_key(name), "{name}");
        }
        let is_told = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        assert!(reasons.values().all(|reason| is_told(&reason["meaning"]) && is_told(&reason["advice"])));
    }
}
