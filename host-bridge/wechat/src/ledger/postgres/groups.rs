//! Requests that come while a statement runs share the next one.
//!
//! One statement for many rows costs the database little more than one for a single row, and one commit less for each of the
//! others.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::PgConnection;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::availability::Availability;
use super::database::Database;
use crate::ledger::error::LedgerError;

/// Maximum number of requests that share a statement.
const MAX_GROUP_REQUESTS: usize = 256;

/// What is done with a group of requests.
#[async_trait]
pub(super) trait Answer: Send + 'static {
    type Request: Send + Sync + 'static;
    type Answer: Send + 'static;

    /// Whether a group can be sent again without knowing what became of it.
    const IS_READ: bool;

    /// Answers all requests, in their order. The connection is used again after a success only.
    async fn answer(
        &mut self,
        database: &Database,
        connection: &mut PgConnection,
        requests: &[Self::Request],
    ) -> Result<Vec<Self::Answer>, LedgerError>;
}

/// The way to a task that answers requests in groups, over one connection. The task ends with this.
#[derive(Debug)]
pub(super) struct Groups<A: Answer> {
    queue: mpsc::Sender<Queued<A>>,
    task: JoinHandle<()>,
}

type Queued<A> = (<A as Answer>::Request, oneshot::Sender<Result<<A as Answer>::Answer, LedgerError>>);

impl<A: Answer> Groups<A> {
    pub(super) fn start(answer: A, database: Arc<Database>, availability: Arc<Availability>) -> Self {
        let (queue, queued) = mpsc::channel(MAX_GROUP_REQUESTS);
        let worker = Worker { answer, database, availability, queued, connection: None };
        Self { queue, task: tokio::spawn(worker.run()) }
    }

    /// The answer to a request.
    pub(super) async fn ask(&self, request: A::Request) -> Result<A::Answer, LedgerError> {
        let ended = || LedgerError {
            what: "the connection to the ledger's database has ended".to_owned(),
            next: "start the server again, and repeat the request".to_owned(),
            may_pass: false,
        };
        let (sender, answer) = oneshot::channel();
        self.queue.send((request, sender)).await.map_err(|_| ended())?;
        answer.await.unwrap_or_else(|_| Err(ended()))
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
            // Requests that are about to come run first, and join this group.
            tokio::task::yield_now().await;
            if self.queued.recv_many(&mut group, MAX_GROUP_REQUESTS).await == 0 {
                return;
            }
            let (requests, waiting): (Vec<_>, Vec<_>) = group.drain(..).unzip();
            match self.answer_group(&requests).await {
                Ok(answers) => {
                    for (answer, waiting) in answers.into_iter().zip(waiting) {
                        // A request that was cancelled needs no answer.
                        let _ = waiting.send(Ok(answer));
                    }
                }
                Err(error) => {
                    for waiting in waiting {
                        // As above.
                        let _ = waiting.send(Err(error.clone()));
                    }
                }
            }
        }
    }

    async fn answer_group(&mut self, requests: &[A::Request]) -> Result<Vec<A::Answer>, LedgerError> {
        self.availability.check()?;
        let answered = self.try_to_answer(requests).await;
        if let Err(error) = &answered {
            self.availability.fail(error);
        }
        answered
    }

    async fn try_to_answer(&mut self, requests: &[A::Request]) -> Result<Vec<A::Answer>, LedgerError> {
        if let Some(used) = self.connection.take() {
            match self.answer_over(used, requests).await {
                // The database may have been restarted since the connection was used.
                Err(_) if A::IS_READ => {}
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
    ) -> Result<Vec<A::Answer>, LedgerError> {
        let answers = self.answer.answer(&self.database, &mut connection, requests).await?;
        self.connection = Some(connection);
        Ok(answers)
    }
}
