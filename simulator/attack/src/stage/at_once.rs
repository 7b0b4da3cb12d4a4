//! Inputs that arrive at the same instant.

use soter_bridge::protocol::CommandError;

use super::Stage;
use crate::steps::{Before, Forgery};
use crate::stopped::Stopped;
use crate::target::{Answer, Target};
use crate::verdict::Verdict;

/// How often an input is sent at once.
const CONNECTIONS: usize = 8;
/// How often that is repeated, each time with a new result.
const ROUNDS: usize = 10;

impl<T: Target> Stage<'_, T> {
    /// Sends inputs for one order on several connections at once, and more than once. More than one acceptance is one too
    /// many; the answer that is given is then that of an acceptance, otherwise that of a refusal.
    pub(crate) async fn send_at_once(
        &mut self,
        before: &[Before],
        forgery: Forgery,
    ) -> Result<Answer, Stopped> {
        let mut refusal = None;
        for round in 0..ROUNDS {
            for step in before {
                self.step(*step).await?;
            }
            let mut forged = Vec::new();
            for _ in 0..CONNECTIONS {
                forged.push(self.forge(forgery).await?);
            }
            let sent =
                forged.iter().map(|(login, order, input)| self.target.send(self.visit(*login), order, input));
            let (mut accepted, mut trouble) = (Vec::new(), None);
            for answer in futures_util::future::join_all(sent).await {
                match answer {
                    Ok(answer) if answer.accepted => accepted.push(answer),
                    Ok(answer) => refusal = Some(answer),
                    Err(broken) => trouble = Some(broken),
                }
            }
            // Two that were accepted are two too many, whatever became of the others.
            if let (0 | 1, Some(trouble)) = (accepted.len(), trouble) {
                return Err(trouble.into());
            }
            match (accepted.len(), accepted.pop()) {
                // A target that locks a user out for what it refused has accepted once all the same.
                (0, _) if round > 0 => break,
                (0, _) => {
                    let reason = format!("an honest result was refused on all of {CONNECTIONS} connections");
                    return Err(Stopped::played(Verdict::Error, reason, refusal));
                }
                (1, _) => {}
                (times, answer) => {
                    let reason = format!("accepted {times} times, and must be accepted once");
                    return Err(Stopped::played(Verdict::Fail, reason, answer));
                }
            }
        }
        refusal.ok_or_else(|| CommandError::internal("nothing was sent").into())
    }
}
