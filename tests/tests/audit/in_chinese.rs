//! What is found, as a person reads it in Chinese.

use soter_attack::find;
use soter_tests::{english_sentences, has_chinese};
use soter_text::{Language, translated_into};

use crate::application::{Shop, Weakness};
use crate::comparison::Comparison;
use crate::market::{self, Market};
use crate::{Backend, findings_of};

/// The reason of the only finding.
async fn reason(backend: impl Backend, id: &str) -> String {
    let found = findings_of(backend, vec![find(id).unwrap()]).await;
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].reason.in_language(Language::Chinese).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_has_the_exact_name_of_the_variant_and_is_chinese() {
    let compares = |comparison| Shop::start(Weakness::Compares(comparison));
    for (comparison, id, variant) in [
        (Comparison::Template, "SOTER-JSON-32", "`{{challenge}}`"),
        (Comparison::Beginning, "SOTER-JSON-33", "the first half"),
    ] {
        let reason = reason(compares(comparison).await, id).await;
        let variant = format!("{}：", translated_into(Language::Chinese, variant));
        assert!(reason.starts_with(&variant), "{id}: {reason}");
        is_chinese(&reason);
    }
    let kept = Market::start(market::Weakness::LoginWithoutEnd).await;
    let reason = reason(kept, "SOTER-LIFETIME-02").await;
    assert!(reason.contains("[clock]"), "{reason}");
    is_chinese(&reason);
}

#[track_caller]
fn is_chinese(reason: &str) {
    assert!(has_chinese(reason), "{reason}");
    assert_eq!(english_sentences(reason, 2), [""; 0], "{reason}");
}
