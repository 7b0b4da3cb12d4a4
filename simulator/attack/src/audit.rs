//! The audit: a positive and a negative control, every attack, honest requests in between, and the results.
//!
//! ```text
//!   control      honest results of the usual phone family ── refused ──> nothing is concluded
//!      │                        and of the one with the other salt ── refused ──> its attacks are skipped
//!      │       a garbage signature and a garbage login ── look like successes, and differ ──> nothing is concluded
//!      v
//!   a batch of attacks side by side, each on its own fresh phone; then the control's next honest result
//!      │
//!      ├── all as it should be ──> verdicts
//!      └── anything else, and what disturbs others from the beginning:
//!          attack by attack ──> verdict
//!             └── then the control's next honest result  ── refused ──> ERROR: the target broke
//! ```
//!
//! So no target is blamed for the number of requests, and no attack for what another one did.

mod batches;
mod control;
mod finding;
mod negative_control;
mod report;
mod selection;

use futures_util::stream::{self, StreamExt};
use soter_text::{Text, text};

use self::batches::{Batch, batches};
use self::control::Control;
use crate::entry::Attack;
use crate::keys::KeySource;
use crate::target::Target;
use crate::verdict::Verdict;

pub use self::finding::{ControlFailed, ControlKind, Finding, Summary};
pub use self::report::{Report, ReportKind};
pub use self::selection::{Baseline, Selection};

/// How many attacks are played side by side.
pub const LANES: usize = 12;

/// If the target accepts no honest result after this many attacks in a row, the remaining attacks are not played.
const MAX_BREAKS: usize = 2;

/// After this many batches in which attacks disturbed each other, the remaining attacks are played one by one.
const MAX_DISTURBED_BATCHES: usize = 2;

/// Plays attacks against a target, [`LANES`] of them side by side where they do not disturb each other, and reports each
/// finding to `progress` as soon as it is final. The findings are returned in the order of the attacks.
///
/// # Errors
/// [`ControlFailed`] if the target refuses honest results or cannot be asked, or if its refusals cannot be told from
/// acceptances. No attack was played.
pub async fn audit<T: Target>(
    target: &T,
    keys: &KeySource,
    attacks: &[&'static Attack],
    progress: impl FnMut(&Finding),
) -> Result<Vec<Finding>, ControlFailed> {
    audit_in_lanes(target, keys, attacks, LANES, progress).await
}

/// The same with another number of attacks side by side. With 1 they are played one after the other, in their order.
///
/// # Errors
/// Those of [`audit`].
pub async fn audit_in_lanes<T: Target>(
    target: &T,
    keys: &KeySource,
    attacks: &[&'static Attack],
    lanes: usize,
    progress: impl FnMut(&Finding),
) -> Result<Vec<Finding>, ControlFailed> {
    let control = Control::begin(target, keys).await?;
    let findings = attacks.iter().map(|_| None).collect();
    let mut audit = Audit {
        target,
        keys,
        attacks,
        control,
        progress,
        findings,
        broken_by: None,
        breaks: 0,
        disturbed: 0,
    };
    if lanes > 1 {
        for batch in batches(attacks, lanes) {
            match batch {
                Batch::SideBySide(indices) if audit.disturbed < MAX_DISTURBED_BATCHES => {
                    audit.play_side_by_side(indices, lanes).await;
                }
                Batch::SideBySide(indices) | Batch::OneByOne(indices) => audit.play_one_by_one(indices).await,
            }
        }
    } else {
        audit.play_one_by_one((0..attacks.len()).collect()).await;
    }
    Ok(audit.findings.into_iter().flatten().collect())
}

/// An audit in progress. Attacks are named by their indices.
struct Audit<'a, T, P> {
    target: &'a T,
    keys: &'a KeySource,
    attacks: &'a [&'static Attack],
    control: Control,
    progress: P,
    findings: Vec<Option<Finding>>,
    /// The attacks since which the target accepts no honest result.
    broken_by: Option<Text>,
    /// How often in a row the target accepted no honest result after an attack.
    breaks: usize,
    /// The number of batches in which attacks disturbed each other.
    disturbed: usize,
}

impl<T: Target, P: FnMut(&Finding)> Audit<'_, T, P> {
    /// Plays attacks side by side, and those once more alone whose result may come from the others.
    async fn play_side_by_side(&mut self, batch: Vec<usize>, lanes: usize) {
        if self.is_over() {
            return self.play_one_by_one(batch).await;
        }
        let (control, target, keys, attacks) = (&self.control, self.target, self.keys, self.attacks);
        let played: Vec<(usize, Finding)> = stream::iter(batch)
            .map(|index| async move { (index, control.play(attacks[index], target, keys).await) })
            .buffer_unordered(lanes)
            .collect()
            .await;
        let (settled, doubtful): (Vec<_>, Vec<_>) =
            played.into_iter().partition(|(_, finding)| batches::is_independent_of_others(finding));
        match self.control.check_honest_payment(target, keys).await {
            Ok(None) => {}
            Ok(Some(_)) => return self.play_again(settled.into_iter().chain(doubtful)).await,
            Err(_) if self.control.recovers(target, keys).await => {
                return self.play_again(settled.into_iter().chain(doubtful)).await;
            }
            Err(what) => return self.give_up(settled.into_iter().chain(doubtful).collect(), &what),
        }
        let mut is_disturbed = false;
        for (index, earlier) in doubtful {
            is_disturbed |= self.play_alone(index).await != earlier.verdict;
        }
        if is_disturbed {
            return self.play_again(settled.into_iter()).await;
        }
        for (index, finding) in settled {
            self.settle(index, finding);
        }
    }

    /// Plays attacks one by one whose results side by side say nothing.
    async fn play_again(&mut self, played: impl Iterator<Item = (usize, Finding)>) {
        self.disturbed += 1;
        self.play_one_by_one(played.map(|(index, _)| index).collect()).await;
    }

    /// Ends an audit whose target serves nobody any more since attacks that were played side by side.
    fn give_up(&mut self, mut played: Vec<(usize, Finding)>, what: &Text) {
        played.sort_by_key(|(index, _)| *index);
        let sent = played.iter().filter(|(_, finding)| finding.verdict != Verdict::Skip);
        let ids: Vec<_> = sent.map(|(index, _)| self.attacks[*index].id).collect();
        let one_of = match ids.as_slice() {
            [id] => Text::verbatim(*id),
            ids => text!("one of {ids}", ids = ids.join(", ")),
        };
        for (index, mut finding) in played {
            let problem = text!("{what}, since {cause}", what = what, cause = one_of);
            finding.add_problem(Verdict::Error, &problem);
            self.settle(index, finding);
        }
        (self.broken_by, self.breaks) = (Some(one_of), MAX_BREAKS);
    }

    /// Plays attacks one after the other, in their order.
    async fn play_one_by_one(&mut self, mut indices: Vec<usize>) {
        indices.sort_unstable();
        for index in indices {
            self.play_alone(index).await;
        }
    }

    /// Plays one attack, and then an honest payment, while nothing else goes on.
    async fn play_alone(&mut self, index: usize) -> Verdict {
        let attack = self.attacks[index];
        let finding = match &self.broken_by {
            Some(cause) if self.breaks >= MAX_BREAKS => Finding::not_played(
                attack,
                Verdict::Error,
                text!("not played: since {cause} the target accepts no honest result", cause = cause),
            ),
            _ => {
                let mut finding = self.control.play(attack, self.target, self.keys).await;
                match self.control.check_honest_payment(self.target, self.keys).await {
                    Ok(None) => (self.broken_by, self.breaks) = (None, 0),
                    Ok(Some(what)) => {
                        (self.broken_by, self.breaks) = (None, 0);
                        finding.add_problem(Verdict::Warn, &what);
                    }
                    Err(what) => {
                        self.broken_by.get_or_insert_with(|| Text::verbatim(attack.id));
                        self.breaks += 1;
                        finding.add_problem(Verdict::Error, &what);
                    }
                }
                finding
            }
        };
        let verdict = finding.verdict;
        self.settle(index, finding);
        verdict
    }

    fn is_over(&self) -> bool {
        self.broken_by.is_some() && self.breaks >= MAX_BREAKS
    }

    fn settle(&mut self, index: usize, finding: Finding) {
        (self.progress)(&finding);
        self.findings[index] = Some(finding);
    }
}
