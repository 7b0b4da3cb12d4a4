//! Inputs that arrive at the same time, or one after the other over new connections.

use std::collections::BTreeMap;

use soter_bridge::protocol::CommandError;
use soter_text::text;

use super::Stage;
use super::additions::changes;
use crate::play_end::PlayEnd;
use crate::steps::{Before, Envelope, Forgery, Who};
use crate::target::{Answer, Input, Order, Target, TargetError};
use crate::verdict::Verdict;

/// The number of connections on which an input is sent at once.
const CONNECTIONS: usize = 8;
/// The number of rounds, each with a new result.
const ROUNDS: usize = 10;
/// The same for one touch that is sent for several orders.
const ROUNDS_OF_ONE_TOUCH: usize = 3;

/// An input, in whose login it is sent, and for which order.
type Forged = (Who, Order, Input);

impl<T: Target> Stage<'_, T> {
    /// Makes the inputs that arrive together.
    async fn forge_several(&mut self, forgery: Forgery) -> Result<Vec<Forged>, PlayEnd> {
        let mut forged = Vec::new();
        if forgery.envelope != Envelope::OneTouchAtOnce {
            for order in self.open_orders(&forgery, CONNECTIONS).await? {
                forged.push(self.make_input(forgery, order)?);
            }
            return Ok(forged);
        }
        if !self.target.identifies_orders() {
            let why = text!("the application's request does not say for which order it is");
            return Err(TargetError::does_not_apply(why).into());
        }
        // The others are opened first, because a target may keep only the newest order open.
        let others = self.open_orders(&forgery, CONNECTIONS - 1).await?;
        self.has_open_order = true;
        let (login, own, input) = self.forge(forgery).await?;
        let orders = std::iter::once(own).chain(others);
        Ok(orders.map(|order| (login, order, input.clone())).collect())
    }

    /// Sends inputs one after the other, each over a new connection, until one is accepted. The answer is that of the last one.
    pub(crate) async fn send_over_new_connections(&mut self, forgery: Forgery) -> Result<Answer, PlayEnd> {
        let mut refusal = None;
        for _ in 0..CONNECTIONS {
            let (login, order, input) = match (self.forge(forgery).await, refusal.take()) {
                (Ok(forged), _) => forged,
                // The target may lock the user out after a refusal.
                (Err(PlayEnd::TargetError(_)), Some(earlier)) => return Ok(earlier),
                (Err(end), _) => return Err(end),
            };
            self.has_open_order = true;
            let answer = self.target.send(self.visit(login), &order, &input).await?;
            if answer.accepted {
                return Ok(answer);
            }
            refusal = Some(answer);
        }
        refusal.ok_or_else(|| CommandError::defect("nothing was sent").into())
    }

    /// Sends inputs for one order on several connections at once, in several rounds. More than one acceptance in a
    /// round is a failure, with the answer of one of them. Otherwise the answer is that of a refusal.
    pub(crate) async fn send_simultaneously(
        &mut self,
        before: &[Before],
        forgery: Forgery,
    ) -> Result<Answer, PlayEnd> {
        let mut refusal = None;
        let rounds = if forgery.envelope == Envelope::OneTouchAtOnce { ROUNDS_OF_ONE_TOUCH } else { ROUNDS };
        for round in 0..rounds {
            for step in before {
                match (self.step(*step).await, refusal.take()) {
                    (Ok(()), earlier) => refusal = earlier,
                    // As below: the earlier rounds were handled well.
                    (
                        Err(PlayEnd::Played(_) | PlayEnd::TargetError(TargetError::DoesNotApply(_))),
                        Some(earlier),
                    ) if round > 0 => return Ok(earlier),
                    (Err(end), _) => return Err(end),
                }
            }
            let forged = match (self.forge_several(forgery).await, refusal.take()) {
                (Ok(forged), earlier) => {
                    refusal = earlier;
                    forged
                }
                // As above: after a refusal, the target may open no more orders.
                (Err(PlayEnd::TargetError(_)), Some(earlier)) if round > 0 => return Ok(earlier),
                (Err(end), _) => return Err(end),
            };
            let before_all = self.effects(Who::Owner).await?;
            let sent =
                forged.iter().map(|(login, order, input)| self.target.send(self.visit(*login), order, input));
            let (mut accepted, mut error) = (Vec::new(), None);
            for answer in futures_util::future::join_all(sent).await {
                match answer {
                    Ok(answer) if answer.accepted => accepted.push(answer),
                    Ok(answer) => {
                        self.was_refused = true;
                        refusal = Some(answer);
                    }
                    Err(broken) => error = Some(broken),
                }
            }
            // Two acceptances are a failure, even if other connections broke.
            if let (0 | 1, Some(error)) = (accepted.len(), error) {
                return Err(error.into());
            }
            match (accepted.len(), accepted.pop()) {
                // The target may lock the user out after the refusals of an earlier round. That round had one
                // acceptance, so the attack is over.
                (0, _) if round > 0 => break,
                // The refusals for the other orders may have come first, and have ended the login or the order.
                (0, _) if forgery.envelope == Envelope::OneTouchAtOnce => break,
                (0, _) => {
                    let reason = text!(
                        "an honest result was refused on all of {connections} connections",
                        connections = CONNECTIONS
                    );
                    return Err(PlayEnd::played(Verdict::Error, reason, refusal));
                }
                (1, _) => {}
                (times, answer) => {
                    let reason = text!("accepted {times} times, and must be accepted once", times = times);
                    let Some(doubt) = answer.as_ref().and_then(|answer| answer.doubt.clone()) else {
                        return Err(PlayEnd::played(Verdict::Fail, reason, answer));
                    };
                    match self.payments_since(&before_all).await? {
                        Some(1) => refusal = refusal.or(answer),
                        Some(count) => {
                            let reason = text!(
                                "the effect is that of {count} payments, and must be that of one",
                                count = count
                            );
                            return Err(PlayEnd::played(Verdict::Fail, reason, answer));
                        }
                        None => {
                            let reason = text!(
                                "perhaps accepted {times} times, and must be accepted once: {doubt}",
                                times = times,
                                doubt = doubt
                            );
                            return Err(PlayEnd::played(Verdict::Warn, reason, answer));
                        }
                    }
                }
            }
        }
        refusal.ok_or_else(|| CommandError::defect("nothing was sent").into())
    }

    /// How many payments have changed a number since it had these values, judged by what one honest payment changes; `None`:
    /// no number shows it.
    async fn payments_since(&mut self, before: &BTreeMap<String, String>) -> Result<Option<usize>, PlayEnd> {
        let after = self.effects(Who::Owner).await?;
        let by_all = changes(before, &after);
        if by_all.values().all(|change| *change == 0.0) {
            return Ok(None);
        }
        self.step(Before::Pay).await?;
        let by_one = changes(&after, &self.effects(Who::Owner).await?);
        let counts = by_all.iter().filter_map(|(name, all)| {
            let one = by_one.get(name).filter(|one| **one != 0.0)?;
            (1..=CONNECTIONS).find(|count| (all / one - as_f64(*count)).abs() < 0.5)
        });
        Ok(counts.max())
    }
}

fn as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
