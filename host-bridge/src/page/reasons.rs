//! `reasons.js`: what reasons and codes mean, made from the tables of WeChat's servers, so that the page has no copy of them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Value, json};
use soter_text::{Language, Text};
use soter_wechat::codes::{CODES, CodeSource};
use soter_wechat::reasons::Reason;

/// The module's text: `REASONS`, by their stable names, `CALL_CODES`, the `errCode`s of wx calls, and `RESULT_CODES`, the
/// `resultCode`s of the trusted app; each by language as the page names it.
pub(super) static REASONS: LazyLock<String> = LazyLock::new(|| {
    let of_servers = CODES.iter().filter(|code| code.source.is_of_servers() && code.code != 0);
    let errcodes = of_servers.map(|code| Reason::Errcode(code.code));
    let reasons: Vec<_> = Reason::ALL.iter().copied().chain(errcodes).collect();
    let explained = |meaning: Text, advice: Text, language| json!({"meaning": meaning.in_language(language), "advice": advice.in_language(language)});
    let in_both = |table: &dyn Fn(Language) -> Value| json!({"en": table(Language::English), "zh": table(Language::Chinese)});
    let reasons = in_both(&|language| {
        let entry = |reason: &Reason| {
            (reason.name(), explained(reason.meaning_text(), reason.advice_text(), language))
        };
        json!(reasons.iter().map(entry).collect::<BTreeMap<_, _>>())
    });
    let codes_of = |is_meant: fn(CodeSource) -> bool| {
        in_both(&|language| {
            let entries = CODES.iter().filter(|code| is_meant(code.source)).map(|code| {
                let mut entry = explained(code.meaning_text(), code.advice_text(), language);
                entry["code"] = json!(code.code);
                entry["name"] = json!(code.name);
                entry
            });
            entries.collect()
        })
    };
    let call_codes = codes_of(|source| source == CodeSource::WxCall);
    let result_codes = codes_of(CodeSource::is_of_trusted_app);
    format!(
        "export const REASONS = {reasons};\nexport const CALL_CODES = {call_codes};\nexport const RESULT_CODES = {result_codes};\n"
    )
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_explains_every_reason_and_every_errcode() {
        let (reasons, _) = REASONS
            .strip_prefix("export const REASONS = ")
            .and_then(|text| text.split_once(";\nexport const CALL_CODES = "))
            .unwrap();
        let reasons: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(reasons).unwrap();
        let is_told = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        for language in ["en", "zh"] {
            let reasons = &reasons[language];
            for name in Reason::ALL.iter().map(|reason| reason.name()) {
                assert!(reasons.contains_key(&*name), "{language} {name}");
            }
            for name in ["errcode-1", "errcode-40001", "errcode-90001", "errcode-604101"] {
                assert!(reasons.contains_key(name), "{language} {name}");
            }
            assert!(reasons.values().all(|reason| is_told(&reason["meaning"]) && is_told(&reason["advice"])));
        }
    }
}
