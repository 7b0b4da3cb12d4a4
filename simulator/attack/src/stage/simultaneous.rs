//! Inputs that arrive at the same time.

use soter_bridge::protocol::CommandError;

use super::Stage;
use crate::play_end::PlayEnd;
use crate::steps::{Before, Forgery};
use crate::target::{Answer, Target, TargetError};
use crate::verdict::Verdict;

/// The number of connections on which an input is sent at once.
const CONNECTIONS: usize = 8;
/// The number of rounds, each with a new result.
const ROUNDS: usize = 10;

impl<T: Target> Stage<'_, T> {
    /// Sends inputs for one order on several connections at once, in several rounds. More than one acceptance in a
    /// round is a failure, with the answer of one of them. Otherwise the answer is that of a refusal.
    pub(crate) async fn send_simultaneously(
        &mut self,
        before: &[Before],
        forgery: Forgery,
    ) -> Result<Answer, PlayEnd> {
        let mut refusal = None;
        for round in 0..ROUNDS {
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
            let mut forged = Vec::new();
            for order in self.open_orders(&forgery, CONNECTIONS).await? {
                forged.push(self.make_input(forgery, order)?);
            }
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
                (0, _) => {
                    let reason = format!("an honest result was refused on all of {CONNECTIONS} connections");
                    return Err(PlayEnd::played(Verdict::Error, reason, refusal));
                }
                (1, _) => {}
                (times, answer) => {
                    let reason = format!("accepted {times} times, and must be accepted once");
                    let doubt = answer.as_ref().and_then(|answer| answer.doubt);
                    return Err(match doubt {
                        None => PlayEnd::played(Verdict::Fail, reason, answer),
                        Some(doubt) => {
                            PlayEnd::played(Verdict::Warn, format!("perhaps {reason}: {doubt}"), answer)
                        }
                    });
                }
            }
        }
        refusal.ok_or_else(|| CommandError::internal("nothing was sent").into())
    }
}
