//! Properties of the tables of codes.

use std::collections::HashSet;

use super::*;

fn numbers(place: CodeSource) -> Vec<i32> {
    CODES.iter().filter(|code| code.source == place).map(|code| code.code).collect()
}

#[test]
fn every_known_code_is_explained() {
    let expected: Vec<i32> = (90001..=90005)
        .chain(90007..=90011)
        .chain(-1..=7)
        .chain(1001..=1029)
        .chain([10308, 10309])
        .chain([40001, 40003, 40029, 40163, 41001, 42001, 43002, 44002, 47001, 48001])
        .collect();
    for code in expected {
        assert!(explain(code).next().is_some(), "{code} is not explained");
    }
}

#[test]
fn a_number_used_in_several_places_is_explained_for_each() {
    let places = |code| explain(code).map(|known| known.source).collect::<HashSet<_>>();
    assert_eq!(places(0), HashSet::from([CodeSource::WxCall, CodeSource::Sdk, CodeSource::Backend]));
    assert_eq!(places(-1), HashSet::from([CodeSource::Sdk, CodeSource::Backend]));
    assert_eq!(places(90001), HashSet::from([CodeSource::WxCall, CodeSource::BackendDevice]));
    assert_eq!(places(90002), HashSet::from([CodeSource::WxCall, CodeSource::BackendDevice]));
}

#[test]
fn a_number_that_nobody_uses_is_not_explained() {
    for code in [8, 90000, 90006, 90012, 1000, 1030, i32::MIN, i32::MAX] {
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
    assert_eq!(words.len(), 6);
    assert_eq!(places.len(), 6);
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
