//! Spends counters, a group of them with one statement.
//!
//! ```text
//!   claim    what is to be spent                 locked   the devices' rows, locked in the order of their names, so that
//!     │                                            │      groups of two servers cannot block one another
//!     └──────────────────┬─────────────────────────┘
//!                      spent     rows whose counter is greater, and whose keys are still the same
//!                        │
//!                      noted     one row with the group's random id, which later shows that the group was committed
//! ```
//!
//! If the connection is lost before the answer comes, the group may be committed or not, or its commit may still be going on. Its
//! row is then looked up over a new connection, by inserting it. If that succeeds, the group was not committed and never will be,
//! because its own row is now a duplicate. It is then sent again with another id. If it does not succeed, the row says what was
//! committed.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgConnection;

use super::database::{Database, TIMEOUT};
use super::groups::Answer;
use super::postgres_error::{Failure, is_outcome_unknown, may_repeat};
use crate::ledger::spending::{SpendOutcome, Spending};
use crate::random::random_bytes;

/// How often a group is sent again because another transaction or a lost connection undid it.
const MAX_ATTEMPTS: usize = 5;
/// The pause before a look-up that failed is repeated.
const LOOK_UP_PAUSE: Duration = Duration::from_millis(100);

/// `$5` is the id of an earlier group, whose row is no longer needed.
const SPEND: &str = "
    WITH claim AS (
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS claim (cpu_id, counter, keys_version)
    ), locked AS (
        SELECT counter.* FROM claim JOIN counter USING (cpu_id) ORDER BY cpu_id FOR UPDATE OF counter
    ), spent AS (
        UPDATE counter
        SET highest = claim.counter,
            recent = (counter.recent << least(claim.counter - counter.highest, 1024)::int) | 1::bit(1024)
        FROM locked JOIN claim USING (cpu_id)
        WHERE counter.cpu_id = locked.cpu_id AND counter.highest < claim.counter
            AND counter.keys_version = claim.keys_version
        RETURNING counter.cpu_id
    ), noted AS (
        INSERT INTO spend_group (id, spent) SELECT $4, coalesce(array_agg(cpu_id), '{}') FROM spent
    ), forgotten AS (
        DELETE FROM spend_group WHERE id = $5
    )
    SELECT claim.cpu_id, spent.cpu_id IS NOT NULL, locked.keys_version IS NOT DISTINCT FROM claim.keys_version,
        coalesce(locked.highest, 0),
        CASE WHEN locked.highest - claim.counter BETWEEN 0 AND 1023
            THEN get_bit(locked.recent, 1023 - (locked.highest - claim.counter)::int) = 1 ELSE false END
    FROM claim LEFT JOIN locked USING (cpu_id) LEFT JOIN spent USING (cpu_id)";

/// Ends a group that is not committed: its own row would then be a duplicate. Waits for a group that is being committed.
const END: &str = "INSERT INTO spend_group (id, spent) VALUES ($1, '{}') ON CONFLICT (id) DO NOTHING";
/// What was committed of a group. It is a second statement, because a statement that has waited still sees the rows from before.
const READ: &str = "SELECT spent FROM spend_group WHERE id = $1";

type Row = (String, bool, bool, i64, bool);
type GroupId = [u8; 16];

/// Answers with what became of each counter.
#[derive(Debug, Default)]
pub(super) struct Spender {
    /// The last group whose outcome is known.
    last: GroupId,
}

#[async_trait]
impl Answer for Spender {
    type Request = Spending;
    type Answer = SpendOutcome;
    const IS_READ: bool = false;

    async fn answer(
        &mut self,
        database: &Database,
        connection: &mut PgConnection,
        requests: &[Spending],
    ) -> Result<Vec<SpendOutcome>, Failure> {
        let mut outcomes: HashMap<&Spending, SpendOutcome> = HashMap::new();
        let mut answers = Vec::new();
        let mut waiting: Vec<&Spending> = requests.iter().collect();
        // A statement changes a row once, so each turn has one counter of each device.
        while !waiting.is_empty() {
            let mut devices = HashSet::new();
            let (turn, later): (Vec<_>, Vec<_>) =
                waiting.into_iter().partition(|claim| devices.insert(claim.cpu_id.as_str()));
            let answered = self.spend(database, connection, &turn).await?;
            for claim in turn {
                let outcome = answered.get(&claim.cpu_id).copied().unwrap_or(SpendOutcome::KeysChanged);
                outcomes.insert(claim, outcome);
            }
            // The same result once more needs no statement.
            waiting = later.into_iter().filter(|claim| !outcomes.contains_key(claim)).collect();
        }
        let mut is_first = HashSet::new();
        for request in requests {
            let outcome = outcomes.get(request).copied().unwrap_or(SpendOutcome::KeysChanged);
            answers.push(match outcome {
                SpendOutcome::Spent if !is_first.insert(request) => {
                    SpendOutcome::NotGreater { highest: request.counter, replayed: true }
                }
                outcome => outcome,
            });
        }
        Ok(answers)
    }
}

impl Spender {
    /// Spends counters of different devices.
    async fn spend(
        &mut self,
        database: &Database,
        connection: &mut PgConnection,
        claims: &[&Spending],
    ) -> Result<HashMap<String, SpendOutcome>, Failure> {
        let address = database.address();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let id = random_bytes();
            let sent = tokio::time::timeout(TIMEOUT, send(connection, claims, id, self.last)).await;
            let is_last = attempts == MAX_ATTEMPTS || sent.is_err();
            let failure = match sent {
                Ok(Ok(rows)) => {
                    self.last = id;
                    return Ok(rows.into_iter().map(outcome).collect());
                }
                Ok(Err(error)) if may_repeat(&error) && !is_last => continue,
                Ok(Err(error)) if !is_outcome_unknown(&error) => return Err(Failure::new(address, &error)),
                Ok(Err(error)) => Failure::new(address, &error),
                Err(_) => Failure::too_slow(address, TIMEOUT.as_secs()),
            };
            match look_up(database, id).await {
                Ok((other, found)) => {
                    *connection = other;
                    if let Some(spent) = found {
                        self.last = id;
                        return self.explain(database, connection, claims, &spent).await;
                    }
                }
                Err(_) => return Err(failure),
            }
            if is_last {
                return Err(failure);
            }
        }
    }

    /// The outcomes of a group that was committed without an answer.
    async fn explain(
        &mut self,
        database: &Database,
        connection: &mut PgConnection,
        claims: &[&Spending],
        spent: &[String],
    ) -> Result<HashMap<String, SpendOutcome>, Failure> {
        // Sent once more, nothing of it can be spent again, and each row says why.
        let id = random_bytes();
        let rows = database.in_time(send(connection, claims, id, self.last)).await?;
        self.last = id;
        let explained = rows.into_iter().map(outcome).map(|(cpu_id, outcome)| {
            let is_spent = spent.contains(&cpu_id);
            (cpu_id, if is_spent { SpendOutcome::Spent } else { outcome })
        });
        Ok(explained.collect())
    }
}

/// Looks up what was committed of a group, over a new connection. `None` if it was not committed, and never will be. Waits for a
/// database that restarts.
async fn look_up(database: &Database, id: GroupId) -> Result<(PgConnection, Option<Vec<String>>), Failure> {
    let look_up = async || {
        let mut connection = database.connect().await?;
        let ended = sqlx::query(END).bind(id).execute(&mut connection).await?;
        let found = if ended.rows_affected() == 0 {
            sqlx::query_scalar(READ).bind(id).fetch_optional(&mut connection).await?
        } else {
            None
        };
        Ok::<_, sqlx::Error>((connection, found))
    };
    let repeated = async {
        loop {
            match look_up().await {
                Ok(found) => return Ok(found),
                Err(_) => tokio::time::sleep(LOOK_UP_PAUSE).await,
            }
        }
    };
    database.in_time(repeated).await
}

async fn send(
    connection: &mut PgConnection,
    claims: &[&Spending],
    id: GroupId,
    forget: GroupId,
) -> sqlx::Result<Vec<Row>> {
    let cpu_ids: Vec<&str> = claims.iter().map(|claim| claim.cpu_id.as_str()).collect();
    let counters: Vec<i64> = claims.iter().map(|claim| signed(claim.counter)).collect();
    let versions: Vec<i64> = claims.iter().map(|claim| signed(claim.version)).collect();
    sqlx::query_as(SPEND)
        .bind(cpu_ids)
        .bind(counters)
        .bind(versions)
        .bind(id)
        .bind(forget)
        .fetch_all(connection)
        .await
}

fn outcome((cpu_id, is_spent, has_same_keys, highest, replayed): Row) -> (String, SpendOutcome) {
    let outcome = match (is_spent, has_same_keys) {
        (true, _) => SpendOutcome::Spent,
        (false, false) => SpendOutcome::KeysChanged,
        (false, true) => SpendOutcome::NotGreater { highest: unsigned(highest), replayed },
    };
    (cpu_id, outcome)
}

// INVARIANT: counters are at most MAX_COUNTER, the greatest i64, and versions come from the database.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
