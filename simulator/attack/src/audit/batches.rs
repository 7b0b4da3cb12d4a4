//! Which attacks may be played side by side, and whether what comes out may be due to the others.

use std::cmp::Reverse;

use super::finding::Finding;
use crate::entry::Attack;
use crate::stage::NO_ORDER_SENTENCES;
use crate::steps::{Before, Code, Envelope, Forgery, Misuse, Script};
use crate::verdict::Verdict;

/// Attacks by their indices.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Batch {
    /// They do not disturb each other.
    SideBySide(Vec<usize>),
    /// Each of them needs the target for itself.
    OneByOne(Vec<usize>),
}

/// What an attack must be kept apart from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Isolation {
    /// From nothing: it does not concern other attacks.
    None,
    /// WeChat fails during one request, for which this attack and those like it take turns. Afterwards the application may
    /// be cautious with others.
    Outages,
    /// It changes what all have in common, or shows something only if nothing else goes on.
    Alone,
    /// It judges all answers of the audit.
    Last,
}

/// The batches of an audit, with one attack for each lane: the fewer, the easier it is to find the one that breaks a target
/// for good. Attacks of about the same length are together, so that none waits for a long one.
pub(super) fn batches(attacks: &[&'static Attack], lanes: usize) -> Vec<Batch> {
    let of = |isolation| {
        let mut indices: Vec<usize> =
            (0..attacks.len()).filter(|index| isolation_of(&attacks[*index].script) == isolation).collect();
        indices.sort_by_key(|index| Reverse(length(attacks[*index])));
        indices
    };
    let mut batches = Vec::new();
    for isolation in [Isolation::None, Isolation::Outages] {
        let chunks = of(isolation).chunks(lanes).map(<[usize]>::to_vec).collect::<Vec<_>>();
        batches.extend(chunks.into_iter().map(Batch::SideBySide));
    }
    let alone = of(Isolation::Alone);
    if !alone.is_empty() {
        batches.push(Batch::OneByOne(alone));
    }
    let last = of(Isolation::Last);
    if !last.is_empty() {
        batches.push(Batch::SideBySide(last));
    }
    batches
}

/// About how many requests an attack takes, one after the other.
fn length(attack: &Attack) -> usize {
    attack.script.rounds() * (3 + 2 * attack.script.before().len())
}

fn isolation_of(script: &Script) -> Isolation {
    if script.before().iter().any(disturbs_others) {
        return Isolation::Alone;
    }
    match script {
        Script::Send(_, forgery) => isolation_of_envelope(forgery),
        Script::SendEach(_, variants) => {
            let each = variants.iter().map(|variant| isolation_of_envelope(&variant.forgery));
            each.fold(Isolation::None, |all, one| match (all, one) {
                (Isolation::None, other) | (other, Isolation::None) => other,
                (all, one) if all == one => all,
                _ => Isolation::Alone,
            })
        }
        Script::Login(Code::Expired) | Script::Session(Misuse::Kept(_)) => Isolation::Alone,
        Script::Observe(_) => Isolation::Last,
        Script::Login(Code::Fresh | Code::Garbage | Code::Twice | Code::OfAnotherApp)
        | Script::Enroll(_)
        | Script::Upload(..)
        | Script::Session(_) => Isolation::None,
    }
}

fn isolation_of_envelope(forgery: &Forgery) -> Isolation {
    match forgery.envelope {
        Envelope::AtOnce
        | Envelope::OneTouchAtOnce
        // The access token that ends may be the one that others use.
        | Envelope::ExpiredToken => Isolation::Alone,
        Envelope::During(_) => Isolation::Outages,
        Envelope::Usual
        | Envelope::ObjectForString
        | Envelope::Get
        | Envelope::OtherAppsToken
        | Envelope::NoToken
        | Envelope::Token(_)
        | Envelope::Member(..)
        | Envelope::NewConnections
        | Envelope::Added(..) => Isolation::None,
    }
}

fn disturbs_others(step: &Before) -> bool {
    match step {
        Before::OthersPay(_) | Before::PassTime(_) | Before::Restart => true,
        Before::Pay
        | Before::PayAt(_)
        | Before::Record
        | Before::CopyPhone
        | Before::RestoreCopy
        | Before::Duplicate
        | Before::SecondPhone
        | Before::Logout
        | Before::EnrollFinger
        | Before::LogInAgain
        | Before::RenewAsk
        | Before::RenewKey
        | Before::Try(_) => false,
    }
}

/// Whether a result certainly does not depend on other attacks that were played at the same time. Neither does an accepted
/// forgery, if the target had seen no result of this phone before. Refusals of honest results, errors and warnings may
/// depend on the others.
pub(super) fn is_independent_of_others(finding: &Finding) -> bool {
    match finding.verdict {
        Verdict::Pass => true,
        // Where something was refused before the attack, or an order, the reason may be the others.
        Verdict::Skip => {
            finding.exchange.is_none()
                && !NO_ORDER_SENTENCES.iter().any(|sentence| finding.reason.english().starts_with(sentence))
        }
        Verdict::Fail => {
            let Finding { attack, .. } = finding;
            !attack.expected.is_acceptance() && attack.script.before().is_empty()
        }
        Verdict::Warn | Verdict::Error => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::catalogue;

    fn ids(batch: &Batch, attacks: &[&'static Attack]) -> Vec<&'static str> {
        let (Batch::SideBySide(indices) | Batch::OneByOne(indices)) = batch;
        indices.iter().map(|index| attacks[*index].id).collect()
    }

    #[test]
    fn every_attack_is_in_one_batch() {
        let attacks: Vec<_> = catalogue().collect();
        let batches = batches(&attacks, 12);
        let mut all: Vec<_> = batches.iter().flat_map(|batch| ids(batch, &attacks)).collect();
        let mut expected: Vec<_> = attacks.iter().map(|attack| attack.id).collect();
        all.sort_unstable();
        expected.sort_unstable();
        assert_eq!(all, expected);
    }

    #[test]
    fn attacks_that_change_what_all_have_in_common_are_played_alone() {
        let attacks: Vec<_> = catalogue().collect();
        let batches = batches(&attacks, 12);
        let last = ids(batches.last().unwrap(), &attacks);
        assert!(last.iter().all(|id| id.contains("DISCLOSURE") || id.contains("CHALLENGE")), "{last:?}");
        let alone = batches.iter().find(|batch| matches!(batch, Batch::OneByOne(_))).unwrap();
        let alone = ids(alone, &attacks);
        for id in [
            "SOTER-REPLAY-02",
            "SOTER-COUNTER-05",
            "SOTER-COUNTER-31",
            "SOTER-COUNTER-33",
            "SOTER-PROTOCOL-02",
        ] {
            assert!(alone.contains(&id), "{id}");
        }
        assert!(alone.len() < attacks.len() / 10, "{alone:?}");
        for batch in &batches {
            let ids = ids(batch, &attacks);
            let outages = ids.iter().filter(|id| id.starts_with("SOTER-OUTAGE")).count();
            assert!(outages == 0 || outages == ids.len(), "{ids:?}");
        }
    }
}
