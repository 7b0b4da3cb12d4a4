//! The catalogue of attacks, grouped by what they abuse.

mod cache;
mod comparison;
mod counter;
mod counting;
mod enrolment;
mod identity;
mod json;
mod observation;
mod outage;
mod protocol;
mod replay;
mod request;
mod session;
mod signature;

use crate::entry::Attack;

/// Every attack, in the order in which lists show them.
pub fn catalogue() -> impl Iterator<Item = &'static Attack> {
    [
        replay::ATTACKS,
        counter::ATTACKS,
        counting::ATTACKS,
        signature::ATTACKS,
        json::ATTACKS,
        comparison::ATTACKS,
        identity::ATTACKS,
        enrolment::ATTACKS,
        protocol::ATTACKS,
        outage::ATTACKS,
        cache::ATTACKS,
        request::ATTACKS,
        session::ATTACKS,
        observation::ATTACKS,
    ]
    .into_iter()
    .flatten()
}

/// The attack with this id. Case does not matter, and `SOTER-` may be left out.
pub fn find(id: &str) -> Option<&'static Attack> {
    let id = full_id(id);
    catalogue().find(|attack| attack.id == id)
}

/// An id, or the beginning of one, as it is written in the catalogue.
pub(crate) fn full_id(id: &str) -> String {
    let id = id.trim().to_ascii_uppercase();
    if id == "SOTER" || id.starts_with("SOTER-") { id } else { format!("SOTER-{id}") }
}

#[cfg(test)]
mod translation_tests;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use soter_wire::Profile;

    use super::*;

    #[test]
    fn ids_are_unique_and_have_the_same_format() {
        let ids: BTreeSet<_> = catalogue().map(|attack| attack.id).collect();
        assert_eq!(ids.len(), catalogue().count());
        for id in ids {
            let mut parts = id.split('-');
            assert_eq!(parts.next(), Some("SOTER"), "{id}");
            assert!(
                parts.next().is_some_and(|noun| noun.bytes().all(|byte| byte.is_ascii_uppercase())),
                "{id}"
            );
            assert!(
                parts.next().is_some_and(|number| number.len() == 2 && number.parse::<u8>().is_ok()),
                "{id}"
            );
            assert_eq!(parts.next(), None, "{id}");
        }
        assert!(catalogue().count() >= 45);
    }

    #[test]
    fn an_attack_is_found_by_the_spellings_of_its_id_that_people_use() {
        for id in ["SOTER-REPLAY-01", "soter-replay-01", "REPLAY-01", " replay-01 "] {
            assert_eq!(find(id).unwrap().id, "SOTER-REPLAY-01", "{id}");
        }
        assert!(find("REPLAY").is_none() && find("").is_none() && find("SOTER-REPLAY-00").is_none());
    }

    #[test]
    fn every_expected_reason_is_explained() {
        for attack in catalogue() {
            assert!(Profile::named(attack.profile).is_some(), "{}", attack.id);
            for reason in attack.expected.reasons() {
                assert!(!reason.meaning().is_empty(), "{}: {reason}", attack.id);
            }
        }
    }

    #[test]
    fn every_text_is_a_sentence() {
        for attack in catalogue() {
            for text in [attack.making, attack.meaning, attack.fix] {
                assert!(text.ends_with('.') && text.len() > 20, "{}: {text}", attack.id);
            }
            assert!(!attack.title.ends_with('.') && attack.title.len() > 8, "{}", attack.id);
        }
    }
}
