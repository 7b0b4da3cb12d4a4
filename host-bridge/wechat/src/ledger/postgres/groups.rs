//! Requests that come while a statement runs share the next one.
//!
//! One statement for many rows costs the database little more than one for a single row, and one commit less for each of the
//! others.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use soter_text::text;
use sqlx::PgConnection;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::availability::Availability;
use super::database::{Database, TIMEOUT};
use super::postgres_error::{Failure, too_slow};
use crate::ledger::error::LedgerError;

/// How long a request waits for its answer: while the group before its own is answered, and then its own.
const MAX_WAIT: Duration = Duration::from_secs(2 * TIMEOUT.as_secs());
/// Maximum number of requests that share a statement.
const MAX_GROUP_REQUESTS: usize = 256;

/// What is done with a group of requests.
#[async_trait]
pub(super) trait Answer: Send + 'static {
    type Request: Send + Sync + 'static;
    type Answer: Clone + Send + 'static;

    /// Whether a group can be sent again without knowing what became of it.
    const IS_READ: bool;

    /// Answers all requests, in their order. The connection is used again after a success only.
    async fn answer(
        &mut self,
        database: &Database,
        connection: &mut PgConnection,
        requests: &[Self::Request],
    ) -> Result<Vec<Self::Answer>, Failure>;
}

/// The way to a task that answers requests in groups, over one connection. The task ends with this.
pub(super) struct Groups<A: Answer> {
    queue: mpsc::Sender<Queued<A>>,
    database: Arc<Database>,
    availability: Arc<Availability>,
    task: JoinHandle<()>,
}

type Queued<A> = (<A as Answer>::Request, oneshot::Sender<Result<<A as Answer>::Answer, LedgerError>>);

impl<A: Answer> Groups<A> {
    pub(super) fn start(answer: A, database: Arc<Database>, availability: Arc<Availability>) -> Self {
        let (queue, queued) = mpsc::channel(MAX_GROUP_REQUESTS);
        let (of_worker, for_worker) = (Arc::clone(&database), Arc::clone(&availability));
        let worker =
            Worker { answer, database: of_worker, availability: for_worker, queued, connection: None };
        Self { queue, database, availability, task: tokio::spawn(worker.run()) }
    }

    /// The answer to a request. The request may be carried out although its answer does not come in time.
    pub(super) async fn ask(&self, request: A::Request) -> Result<A::Answer, LedgerError> {
        self.availability.check()?;
        let ended = || LedgerError {
            what: text!("the connection to the ledger's database has ended"),
            next: text!("start the server again, and repeat the request"),
            may_pass: false,
        };
        let (sender, answer) = oneshot::channel();
        let answered = async {
            self.queue.send((request, sender)).await.map_err(|_| ended())?;
            answer.await.unwrap_or_else(|_| Err(ended()))
        };
        match tokio::time::timeout(MAX_WAIT, answered).await {
            Ok(answered) => answered,
            Err(_) => Err(too_slow(self.database.address(), MAX_WAIT.as_secs())),
        }
    }
}

impl<A: Answer> Drop for Groups<A> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Worker<A: Answer> {
    answer: A,
    database: Arc<Database>,
    availability: Arc<Availability>,
    queued: mpsc::Receiver<Queued<A>>,
    connection: Option<PgConnection>,
}

impl<A: Answer> Worker<A> {
    async fn run(mut self) {
        let mut group = Vec::new();
        loop {
            // Tasks that are about to send a request run first, so that their requests join this group.
            tokio::task::yield_now().await;
            if self.queued.recv_many(&mut group, MAX_GROUP_REQUESTS).await == 0 {
                return;
            }
            let (requests, waiting): (Vec<_>, Vec<_>) = group.drain(..).unzip();
            for (answer, waiting) in self.answer_all(&requests).await.into_iter().zip(waiting) {
                // A request that was cancelled needs no answer.
                let _ = waiting.send(answer);
            }
        }
    }

    async fn answer_all(&mut self, requests: &[A::Request]) -> Vec<Result<A::Answer, LedgerError>> {
        match self.answer_group(requests).await {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            // A request that cannot be answered must not stop the others of its group.
            Err(Failure { is_of_database: false, .. }) if A::IS_READ && requests.len() > 1 => {
                let mut answers = Vec::new();
                for request in requests.chunks(1) {
                    let answered = self.answer_group(request).await;
                    answers.extend(match answered {
                        Ok(answered) => answered.into_iter().map(Ok).next(),
                        Err(failure) => Some(Err(failure.error)),
                    });
                }
                answers
            }
            Err(failure) => vec![Err(failure.error); requests.len()],
        }
    }

    async fn answer_group(&mut self, requests: &[A::Request]) -> Result<Vec<A::Answer>, Failure> {
        let is_of_database = true;
        self.availability.check().map_err(|error| Failure { error, is_of_database })?;
        let answered = self.try_to_answer(requests).await;
        if let Err(failure) = &answered {
            self.availability.fail(failure);
        }
        answered
    }

    async fn try_to_answer(&mut self, requests: &[A::Request]) -> Result<Vec<A::Answer>, Failure> {
        if let Some(used) = self.connection.take() {
            match self.answer_over(used, requests).await {
                // The database may have been restarted since the connection was used.
                Err(Failure { is_of_database: true, .. }) if A::IS_READ => {}
                answered => return answered,
            }
        }
        let new = self.database.in_time(self.database.connect()).await?;
        self.answer_over(new, requests).await
    }

    async fn answer_over(
        &mut self,
        mut connection: PgConnection,
        requests: &[A::Request],
    ) -> Result<Vec<A::Answer>, Failure> {
        let answers = self.answer.answer(&self.database, &mut connection, requests).await?;
        self.connection = Some(connection);
        Ok(answers)
    }
}

impl<A: Answer> fmt::Debug for Groups<A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Groups").finish_non_exhaustive()
    }
}
