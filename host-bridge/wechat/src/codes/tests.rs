//! Properties of the tables of codes.

use std::collections::{BTreeSet, HashSet};

use soter_text::{CATALOGUES, Language, Text};

use super::*;
use crate::reasons::Reason;

fn numbers(place: CodeSource) -> Vec<i32> {
    CODES.iter().filter(|code| code.source == place).map(|code| code.code).collect()
}

/// Every number that phones, the SDK and WeChat's servers are known to give around SOTER, and who gives it.
fn known() -> Vec<(CodeSource, Vec<i32>)> {
    vec![
        (CodeSource::WxCall, [0, 10011].into_iter().chain(90001..=90011).collect()),
        (CodeSource::Sdk, (-1..=7).collect()),
        (CodeSource::SdkBefore2020, (7..=30).collect()),
        (CodeSource::SdkReport, (100..=105).chain([200, 300, 401]).collect()),
        (CodeSource::SdkWrapper, (1001..=1029).collect()),
        (CodeSource::Biometric, (10308..=10310).collect()),
        (
            CodeSource::Backend,
            vec![
                -1, 0, 40001, 40002, 40003, 40013, 40029, 40066, 40125, 40163, 40164, 41001, 41002, 41004,
                41008, 42001, 43001, 43002, 44002, 45002, 45009, 45011, 47001, 48001, 48006, 87008, 87009,
            ],
        ),
        (CodeSource::BackendDevice, vec![90001, 90002]),
        (CodeSource::CloudCall, (-604_104..=-604_100).collect()),
        (CodeSource::HarmonyKit, vec![401, 801, 1_014_500_001]),
    ]
}

#[test]
fn every_known_code_is_explained_where_it_occurs() {
    for (source, codes) in known() {
        for code in codes {
            assert!(explain(code).any(|known| known.source == source), "{code} of {source} is not explained");
        }
    }
}

#[test]
fn an_old_number_names_todays_and_has_its_name_and_advice() {
    for old in CODES.iter().filter(|code| code.source == CodeSource::SdkBefore2020) {
        assert_eq!(old.source.to_string(), "SDK before 2020-03");
        let todays: Vec<_> = CODES
            .iter()
            .filter(|code| code.source == CodeSource::SdkWrapper)
            .filter(|code| old.meaning.contains(&code.code.to_string()))
            .collect();
        let same = |today: &&&Code| (today.name, today.advice) == (old.name, old.advice);
        assert!(todays.iter().any(|today| same(&today)), "{old:?}");
        let is_alone = todays.iter().all(|today| today.code == todays[0].code);
        assert_eq!(old.meaning.contains("numbers are"), !is_alone, "{old:?}");
    }
}

#[test]
fn a_code_whose_meaning_is_undocumented_says_so() {
    for (code, place) in [(90006, "exists;"), (10011, "exists on iOS;")] {
        let known: Vec<_> = explain(code).collect();
        assert_eq!(known.len(), 1, "{code}");
        assert_eq!(known[0].meaning, format!("This code {place} its meaning is not documented."));
    }
}

#[test]
fn a_misspelled_name_is_spelled_as_in_the_sdk() {
    assert_eq!(explain(104).map(|code| code.name).collect::<Vec<_>>(), ["ERR_ANDROID_HAREWARE_NOT_SUPPORT"]);
}

#[test]
fn a_number_used_in_several_places_is_explained_for_each() {
    let places = |code| explain(code).map(|known| known.source).collect::<HashSet<_>>();
    assert_eq!(places(0), HashSet::from([CodeSource::WxCall, CodeSource::Sdk, CodeSource::Backend]));
    assert_eq!(places(-1), HashSet::from([CodeSource::Sdk, CodeSource::Backend]));
    assert_eq!(places(7), HashSet::from([CodeSource::Sdk, CodeSource::SdkBefore2020]));
    assert_eq!(places(401), HashSet::from([CodeSource::SdkReport, CodeSource::HarmonyKit]));
    assert_eq!(places(90001), HashSet::from([CodeSource::WxCall, CodeSource::BackendDevice]));
    assert_eq!(places(90002), HashSet::from([CodeSource::WxCall, CodeSource::BackendDevice]));
}

#[test]
fn a_number_that_nobody_uses_is_not_explained() {
    for code in [6_000, 90000, 90012, 31, 106, 1000, 1030, i32::MIN, i32::MAX] {
        assert_eq!(explain(code).count(), 0, "{code}");
    }
}

#[test]
fn each_text_of_an_internal_error_is_explained() {
    let texts: Vec<_> = explain(wx::INTERNAL_ERROR).map(|code| code.name).collect();
    assert_eq!(
        texts,
        [
            "auth key update error",
            "auth key generate failed",
            "auth key can not be retrieved",
            "start fingerprint authen failed",
            "authenticate error: add SOTER task to queue failed. check the logcat for further information",
            "authenticate error: <sdk text>",
        ]
    );
}

#[test]
fn no_entry_is_repeated() {
    let mut seen = HashSet::new();
    for code in CODES {
        assert!(seen.insert((code.source, code.code, code.name)), "{code:?}");
    }
}

#[test]
fn entries_are_sentences_on_one_line() {
    for code in CODES {
        assert!(!code.name.is_empty(), "{code:?}");
        for text in [code.meaning, code.advice] {
            assert!(!text.contains('\n') && text.trim() == text && text.ends_with('.'), "{code:?}");
        }
        let place = code.source.to_string();
        assert!(!place.is_empty() && !place.contains('\n'));
    }
}

#[test]
fn every_source_has_its_own_words() {
    let places: HashSet<_> = CODES.iter().map(|code| code.source).collect();
    let words: HashSet<_> = places.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), 10);
    assert_eq!(places.len(), 10);
}

#[test]
fn the_wrapper_numbers_run_without_a_gap() {
    let mut numbers = numbers(CodeSource::SdkWrapper);
    numbers.dedup();
    assert_eq!(numbers, (1001..=1029).collect::<Vec<_>>());
}

#[test]
fn messages_of_wx_calls_are_fail_and_the_name_of_an_entry() {
    use wx::message;
    let pairs = [
        (wx::NOT_SUPPORTED, message::NOT_SUPPORTED),
        (wx::NOT_GRANTED, message::NOT_GRANTED),
        (wx::MODE_NOT_SUPPORTED, message::NO_CORRESPONDING_MODE),
        (wx::MODE_NOT_SUPPORTED, message::MODE_IS_NULL),
        (wx::MODE_NOT_SUPPORTED, message::RESP_MODEL_ERROR),
        (wx::CHALLENGE_REFUSED, message::CHALLENGE_IS_NULL),
        (wx::CHALLENGE_REFUSED, message::CHALLENGE_TOO_LONG),
        (wx::INTERNAL_ERROR, message::KEY_UPDATE_ERROR),
        (wx::INTERNAL_ERROR, message::KEY_GENERATE_FAILED),
        (wx::INTERNAL_ERROR, message::KEY_NOT_RETRIEVED),
        (wx::INTERNAL_ERROR, message::START_FAILED),
        (wx::CANCELLED, message::CANCEL),
        (wx::FROZEN, message::FROZEN),
        (wx::NOT_ENROLLED, message::NOT_ENROLLED),
    ];
    for (code, message) in pairs {
        assert!(
            explain(code).any(|known| message.strip_prefix("fail ") == Some(known.name)),
            "{code} has no entry for `{message}`"
        );
    }
}

#[test]
fn every_meaning_and_advice_has_a_translation_and_every_translation_is_used() {
    let of_codes =
        CODES.iter().flat_map(|code| [code.meaning_text(), code.advice_text(), code.source.text()]);
    let of_reasons = Reason::ALL.iter().flat_map(|reason| [reason.meaning_text(), reason.advice_text()]);
    let texts: Vec<_> = of_codes.chain(of_reasons).collect();
    let missing: Vec<_> = texts.iter().filter(|text| text.chinese().is_none()).collect();
    assert!(missing.is_empty(), "{} have no translation: {missing:#?}", missing.len());
    let used: BTreeSet<_> = texts.iter().map(|text| text.english().to_owned()).collect();
    let file = CATALOGUES.iter().find(|file| file.name == "codes").unwrap();
    let translated: BTreeSet<_> = file.messages().unwrap().into_iter().map(|(english, _)| english).collect();
    assert_eq!(translated, used);
}

#[test]
fn a_meaning_in_chinese_keeps_names_and_braces() {
    let [meaning, advice] = [|code: &Code| code.meaning_text(), |code: &Code| code.advice_text()];
    let told = |code, text: fn(&Code) -> Text| {
        text(explain(code).next().unwrap()).in_language(Language::Chinese).into_owned()
    };
    assert_eq!(told(90008, meaning), "用户取消，或者对话框被关闭。");
    assert!(told(-604_101, advice).contains(r#"{"permissions":{"openapi":["soter.verifySignature"]}}"#));
    assert_eq!(Reason::Errcode(40029).meaning_text().english(), explain(40029).next().unwrap().meaning);
    assert_eq!(Reason::CounterReplayed.advice_text().english(), Reason::CounterReplayed.advice());
}
