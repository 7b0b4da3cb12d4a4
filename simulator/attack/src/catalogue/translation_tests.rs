//! Every text of the catalogue, and what reports say about controls and kinds of weaknesses, is in Chinese as well.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use soter_text::{CATALOGUES, Text};

use super::catalogue;
use crate::audit::{ControlFailed, ControlKind, Finding, Report};
use crate::entry::{Attack, Expected};
use crate::steps::Script;
use crate::target::Form;
use crate::verdict::Verdict;

#[test]
fn the_texts_of_the_catalogue_are_those_that_are_translated() {
    let translations = CATALOGUES.iter().find(|translations| translations.name == "attacks").unwrap();
    let translated: BTreeSet<String> =
        translations.messages().unwrap().into_iter().map(|(english, _)| english).collect();
    let texts = texts();
    let missing: Vec<_> = texts.difference(&translated).collect();
    assert!(missing.is_empty(), "{} texts have no translation: {missing:#?}", missing.len());
    let unused: Vec<_> = translated.difference(&texts).collect();
    assert!(unused.is_empty(), "{} translations have no text: {unused:#?}", unused.len());
}

#[test]
fn a_text_of_the_catalogue_is_shown_as_it_is_translated() {
    let translations = CATALOGUES.iter().find(|translations| translations.name == "attacks").unwrap();
    for (english, chinese) in translations.messages().unwrap() {
        // As in the catalogue, whose texts are constants.
        let text = Text::whole(english.leak());
        assert_eq!(text.chinese().as_deref(), Some(chinese.as_str()), "{text:?}");
    }
}

fn texts() -> BTreeSet<String> {
    let controls = [ControlKind::Positive, ControlKind::Negative].map(control);
    let mut texts = texts_by_kind();
    for attack in catalogue().chain(controls) {
        texts.insert(attack.holds.text().into());
        let own = [attack.title, attack.making, attack.meaning, attack.fix].into_iter();
        let others =
            texts_of_expectation(attack.expected).into_iter().chain(names_of_variants(&attack.script));
        texts.extend(own.chain(others).map(ToOwned::to_owned));
    }
    texts
}

/// The attack that stands for a control in reports.
fn control(control: ControlKind) -> &'static Attack {
    Finding::for_control(&ControlFailed { what: Text::verbatim("refused"), control, exchange: None }).attack
}

fn texts_of_expectation(expected: Expected) -> Vec<&'static str> {
    match expected {
        Expected::MayRefuse(_) | Expected::MustAccept | Expected::MustRefuse(_) => Vec::new(),
        Expected::ShouldAccept(policy) => {
            [policy.sentence].into_iter().chain(policy.tells.iter().map(|tell| tell.otherwise)).collect()
        }
        Expected::ShouldRefuse(_, sentence) => vec![sentence],
    }
}

fn names_of_variants(script: &Script) -> Vec<&'static str> {
    match script {
        Script::SendEach(_, variants) => variants.iter().map(|variant| variant.name).collect(),
        _ => Vec::new(),
    }
}

/// What a report says about each kind of weakness: its background, and the title of the code to write instead.
fn texts_by_kind() -> BTreeSet<String> {
    let findings = catalogue().map(|attack| Finding {
        attack,
        verdict: Verdict::Fail,
        reason: Text::verbatim("accepted"),
        exchange: None,
        known: false,
    });
    let report = Report {
        target: "http://127.0.0.1:1".to_owned(),
        form: Form::Application,
        findings: findings.collect(),
        baseline: None,
        strict: false,
        began: SystemTime::UNIX_EPOCH,
        duration: Duration::ZERO,
    };
    let report = report.json();
    let backgrounds = report["results"].as_array().unwrap().iter().map(|result| &result["background"]);
    let remedies = report["remedies"].as_object().unwrap().values().map(|remedy| &remedy["title"]);
    backgrounds.chain(remedies).map(|text| text.as_str().unwrap().to_owned()).collect()
}
