//! The kinds of weaknesses that attacks abuse.

use soter_text::{Text, text};

/// The kind of weakness that an attack abuses, and its number in the Common Weakness Enumeration (<https://cwe.mitre.org>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A forged or changed result is accepted.
    AcceptsForgery,
    /// A result is accepted more than once.
    AcceptsReplay,
    /// What a request says about user, amount or verdict is believed.
    BelievesRequest,
    /// What was signed is compared with what was to be signed, but not exactly.
    ComparesCarelessly,
    /// Users, phones or mini programs are confused with others.
    ConfusesIdentities,
    /// Counters are kept or compared in a way that lets an old or copied phone through.
    CountsCarelessly,
    /// Answers contain what only the server may know.
    Discloses,
    /// What cannot be checked counts as good.
    FailsOpen,
    /// A key that was replaced, or one of a phone that was set back, is enrolled.
    KeepsKeysCarelessly,
    /// A challenge, a session or a login code lives too long.
    OutlivesLifetime,
    /// Texts are read in a way in which other parsers do not read them.
    ParsesLoosely,
    /// Challenges can be known in advance.
    PredictsChallenges,
    /// Two requests at the same moment do what one of them may do.
    RacesItself,
    /// Honest people are refused.
    RefusesHonest,
    /// An earlier acceptance stands for a later check.
    RemembersAcceptance,
    /// A key that is too weak is enrolled.
    TakesWeakKeys,
}

impl Kind {
    /// Its name in machine output.
    pub fn name(self) -> &'static str {
        match self {
            Self::AcceptsForgery => "accepts-forgery",
            Self::AcceptsReplay => "accepts-replay",
            Self::BelievesRequest => "believes-request",
            Self::ComparesCarelessly => "compares-carelessly",
            Self::ConfusesIdentities => "confuses-identities",
            Self::CountsCarelessly => "counts-carelessly",
            Self::Discloses => "discloses",
            Self::FailsOpen => "fails-open",
            Self::KeepsKeysCarelessly => "keeps-keys-carelessly",
            Self::OutlivesLifetime => "outlives-lifetime",
            Self::ParsesLoosely => "parses-loosely",
            Self::PredictsChallenges => "predictable-challenges",
            Self::RacesItself => "race-condition",
            Self::RefusesHonest => "refuses-honest",
            Self::RemembersAcceptance => "remembers-acceptance",
            Self::TakesWeakKeys => "takes-weak-keys",
        }
    }

    /// Its name for people.
    pub fn label(self) -> Text {
        match self {
            Self::AcceptsForgery => text!("accepts forgeries"),
            Self::AcceptsReplay => text!("accepts replays"),
            Self::BelievesRequest => text!("believes the request"),
            Self::ComparesCarelessly => text!("compares carelessly"),
            Self::ConfusesIdentities => text!("confuses identities"),
            Self::CountsCarelessly => text!("counts carelessly"),
            Self::Discloses => text!("discloses secrets"),
            Self::FailsOpen => text!("fails open"),
            Self::KeepsKeysCarelessly => text!("keeps keys carelessly"),
            Self::OutlivesLifetime => text!("outlives its lifetime"),
            Self::ParsesLoosely => text!("parses loosely"),
            Self::PredictsChallenges => text!("predictable challenges"),
            Self::RacesItself => text!("race condition"),
            Self::RefusesHonest => text!("refuses honest people"),
            Self::RemembersAcceptance => text!("remembers an earlier acceptance"),
            Self::TakesWeakKeys => text!("takes weak keys"),
        }
    }

    /// The number of the weakness in CWE. CWE has no number for refusing honest people.
    pub fn cwe(self) -> Option<u16> {
        match self {
            Self::AcceptsForgery => Some(347),
            Self::AcceptsReplay | Self::CountsCarelessly => Some(294),
            Self::BelievesRequest => Some(807),
            Self::ComparesCarelessly => Some(697),
            Self::ConfusesIdentities => Some(639),
            Self::Discloses => Some(200),
            Self::FailsOpen => Some(636),
            Self::KeepsKeysCarelessly => Some(672),
            Self::OutlivesLifetime => Some(613),
            Self::ParsesLoosely => Some(436),
            Self::PredictsChallenges => Some(340),
            Self::RacesItself => Some(362),
            Self::RefusesHonest => None,
            Self::RemembersAcceptance => Some(345),
            Self::TakesWeakKeys => Some(326),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::catalogue::catalogue;
    use crate::kind::Kind;

    #[test]
    fn what_must_be_accepted_is_about_honest_people_and_nothing_else_is() {
        for attack in catalogue() {
            let is_about_honest_people = attack.kind == Kind::RefusesHonest;
            assert_eq!(is_about_honest_people, attack.expected.is_acceptance(), "{}", attack.id);
        }
    }
}
