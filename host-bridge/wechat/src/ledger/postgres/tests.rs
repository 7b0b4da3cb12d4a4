//! What only a database can do: several servers, lost connections, rights, and tables of other versions.

use std::sync::{Arc, Mutex};

use soter_wire::PublicKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::test_database::TestDatabase;
use super::*;
use crate::sessions::Sessions;
use crate::test_phone::public;

mod sessions;

fn device(cpu_id: &str, attk: PublicKey) -> KeyUpload {
    KeyUpload { cpu_id: cpu_id.to_owned(), attk: Some(attk), ask: None, auth_key: None }
}

async fn spend(ledger: &PostgresLedger, counter: u64) -> Result<SpendOutcome, LedgerError> {
    let version = ledger.app_keys("a", "").await?.map(|keys| keys.version).unwrap_or_default();
    ledger.spend(Spending { cpu_id: "a".to_owned(), counter, version }).await
}

fn replayed(counter: u64) -> SpendOutcome {
    SpendOutcome::NotGreater { highest: counter, replayed: true }
}

/// What a proxy does with the bytes of its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Forward,
    /// Statements arrive, and their answers do not.
    LoseAnswers,
    /// Statements do not arrive.
    LoseStatements,
    /// Connections are closed, and new ones too.
    Closed,
}

/// A proxy before the database, which loses what a network can lose.
struct Proxy {
    port: u16,
    mode: Arc<Mutex<Mode>>,
}

impl Proxy {
    async fn start((host, port): (String, u16)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy =
            Self { port: listener.local_addr().unwrap().port(), mode: Arc::new(Mutex::new(Mode::Forward)) };
        let mode = Arc::clone(&proxy.mode);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *mode.lock().unwrap() == Mode::Closed {
                    continue;
                }
                let server = TcpStream::connect((host.as_str(), port)).await.unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pump(from_client, to_server, Arc::clone(&mode), Mode::LoseStatements));
                tokio::spawn(pump(from_server, to_client, Arc::clone(&mode), Mode::LoseAnswers));
            }
        });
        proxy
    }

    fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    /// Loses what is sent now, then closes all connections, then works again.
    async fn lose(&self, mode: Mode) {
        self.set(mode);
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.set(Mode::Closed);
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.set(Mode::Forward);
    }
}

/// Copies bytes until one side closes, or the proxy is closed. In one of the modes it swallows them.
async fn pump(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mode: Arc<Mutex<Mode>>,
    loses: Mode,
) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = tokio::time::timeout(Duration::from_millis(20), from.read(&mut buffer)).await;
        let mode = *mode.lock().unwrap();
        match read {
            Ok(Ok(0) | Err(_)) => return,
            _ if mode == Mode::Closed => return,
            Ok(Ok(_)) if mode == loses => {}
            Ok(Ok(length)) => {
                if to.write_all(&buffer[..length]).await.is_err() {
                    return;
                }
            }
            Err(_) => {}
        }
    }
}

/// A server that reaches the database through a proxy, and another one without. The device `a` is registered.
async fn two_servers(database: &TestDatabase) -> (Proxy, PostgresLedger, PostgresLedger) {
    let proxy = Proxy::start(database.host()).await;
    let (ledger, other) = (database.ledger_at(&database.url_at(proxy.port)).await, database.ledger().await);
    ledger.accept(device("a", public(0))).await.unwrap().unwrap();
    (proxy, ledger, other)
}

#[tokio::test]
async fn a_counter_whose_commit_is_in_doubt_is_looked_up_and_accepted_once() {
    let Some(database) = TestDatabase::new() else { return };
    let (proxy, ledger, other) = two_servers(&database).await;
    let version = ledger.app_keys("a", "").await.unwrap().unwrap().version;
    for (counter, mode) in [(1, Mode::LoseAnswers), (2, Mode::LoseStatements), (3, Mode::LoseAnswers)] {
        // The connection is open already, so nothing but the statement is lost.
        assert_eq!(spend(&ledger, counter * 10).await, Ok(SpendOutcome::Spent));
        let counter = counter * 10 + 1;
        let spending = Spending { cpu_id: "a".to_owned(), counter, version };
        let (outcome, ()) = tokio::join!(ledger.spend(spending), proxy.lose(mode));
        assert_eq!(outcome, Ok(SpendOutcome::Spent), "{mode:?}");
        assert_eq!(spend(&other, counter).await, Ok(replayed(counter)), "{mode:?}");
    }
}

#[tokio::test]
async fn a_commit_that_is_still_going_on_is_waited_for_by_the_look_up() {
    let Some(database) = TestDatabase::new() else { return };
    let (proxy, ledger, other) = two_servers(&database).await;
    assert_eq!(spend(&ledger, 1).await, Ok(SpendOutcome::Spent));
    database
        .execute(
            "CREATE FUNCTION delay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF NEW.spent <> '{}' THEN PERFORM pg_sleep(2); END IF;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER delay AFTER INSERT ON spend_group FOR EACH ROW EXECUTE FUNCTION delay();"
                .to_owned(),
        )
        .await;
    let version = ledger.app_keys("a", "").await.unwrap().unwrap().version;
    let spending = Spending { cpu_id: "a".to_owned(), counter: 2, version };
    let (outcome, ()) = tokio::join!(ledger.spend(spending), proxy.lose(Mode::LoseAnswers));
    assert_eq!(outcome, Ok(SpendOutcome::Spent));
    assert_eq!(spend(&other, 2).await, Ok(replayed(2)));
}

#[tokio::test]
async fn a_counter_that_another_server_spent_meanwhile_is_not_accepted_after_the_look_up() {
    let Some(database) = TestDatabase::new() else { return };
    let (proxy, ledger, other) = two_servers(&database).await;
    assert_eq!(spend(&ledger, 1).await, Ok(SpendOutcome::Spent));
    let version = ledger.app_keys("a", "").await.unwrap().unwrap().version;
    let spending = Spending { cpu_id: "a".to_owned(), counter: 2, version };
    let elsewhere = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        spend(&other, 2).await
    };
    let (outcome, (), elsewhere) =
        tokio::join!(ledger.spend(spending), proxy.lose(Mode::LoseStatements), elsewhere);
    assert_eq!((outcome, elsewhere), (Ok(replayed(2)), Ok(SpendOutcome::Spent)));
}

#[tokio::test]
async fn a_ledger_without_its_database_accepts_nothing_and_recovers_by_itself() {
    let Some(database) = TestDatabase::new() else { return };
    let proxy = Proxy::start(database.host()).await;
    let ledger = database.ledger_at(&database.url_at(proxy.port)).await;
    let observed = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&observed);
    ledger.observe(Arc::new(move |failure: Option<&LedgerError>| {
        seen.lock().unwrap().push(failure.is_some());
    }));
    ledger.accept(device("a", public(0))).await.unwrap().unwrap();
    assert_eq!(spend(&ledger, 1).await, Ok(SpendOutcome::Spent));
    proxy.set(Mode::Closed);
    let LedgerError { what, next, .. } = spend(&ledger, 2).await.unwrap_err();
    let (what, next) = (what.english(), next.english());
    assert!(what.contains("namespace test-") && next.contains("PostgreSQL"), "{what}; {next}");
    assert!(ledger.failure().is_some());
    // Everything is refused at once, on every connection.
    assert!(ledger.accept(device("b", public(0))).await.is_err());
    assert!(ledger.check_token("token").await.is_err() && ledger.login("wx", "user").await.is_err());
    proxy.set(Mode::Forward);
    while ledger.failure().is_some() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(spend(&ledger, 1).await, Ok(replayed(1)));
    assert_eq!(spend(&ledger, 2).await, Ok(SpendOutcome::Spent));
    let observed = observed.lock().unwrap();
    assert_eq!((observed.first(), observed.last()), (Some(&true), Some(&false)));
}

#[tokio::test]
async fn backends_that_are_ended_in_the_middle_lose_no_counter_and_accept_none_twice() {
    let Some(database) = TestDatabase::new() else { return };
    let ledgers = [database.ledger().await, database.ledger().await];
    ledgers[0].accept(device("a", public(0))).await.unwrap().unwrap();
    let ending = async {
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let name = database.namespace();
            database
                .execute(format!(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE pid <> pg_backend_pid() AND application_name = '{}'",
                    name.as_str()
                ))
                .await;
        }
    };
    let accepted = async {
        let mut accepted = Vec::new();
        for counter in 1..120 {
            let (first, second) = tokio::join!(spend(&ledgers[0], counter), spend(&ledgers[1], counter));
            let outcomes = [first, second];
            let spent = outcomes.iter().filter(|outcome| **outcome == Ok(SpendOutcome::Spent)).count();
            assert!(spent <= 1, "{counter}: {outcomes:?}");
            if spent == 1 {
                accepted.push(counter);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        accepted
    };
    let (accepted, ()) = tokio::join!(accepted, ending);
    assert!(accepted.len() > 20, "{accepted:?}");
    let fresh = database.ledger().await;
    for counter in accepted {
        let outcome = spend(&fresh, counter).await.unwrap();
        assert!(matches!(outcome, SpendOutcome::NotGreater { replayed: true, .. }), "{counter}: {outcome:?}");
    }
}

#[tokio::test]
async fn groups_of_two_servers_do_not_block_one_another() {
    let Some(database) = TestDatabase::new() else { return };
    let ledgers = [Arc::new(database.ledger().await), Arc::new(database.ledger().await)];
    let cpu_ids: Vec<String> = (0..40).map(|number| format!("device-{}", number * 7 % 40)).collect();
    for cpu_id in &cpu_ids {
        ledgers[0].accept(device(cpu_id, public(0))).await.unwrap().unwrap();
    }
    let mut requests = tokio::task::JoinSet::new();
    for (round, cpu_id) in (1..6).flat_map(|round| cpu_ids.iter().map(move |cpu_id| (round, cpu_id.clone())))
    {
        for ledger in &ledgers {
            let (ledger, cpu_id) = (Arc::clone(ledger), cpu_id.clone());
            requests.spawn(async move {
                let version = ledger.app_keys(&cpu_id, "").await.unwrap().unwrap().version;
                let outcome =
                    ledger.spend(Spending { cpu_id: cpu_id.clone(), counter: round, version }).await;
                (cpu_id, round, outcome.unwrap())
            });
        }
    }
    let mut spent = std::collections::HashMap::new();
    for (cpu_id, round, outcome) in requests.join_all().await {
        *spent.entry((cpu_id, round)).or_insert(0) += usize::from(outcome == SpendOutcome::Spent);
    }
    assert!(spent.values().all(|number| *number <= 1), "{spent:?}");
    for cpu_id in cpu_ids {
        assert_eq!(spent[&(cpu_id, 5)], 1, "no counter is greater");
    }
}

#[tokio::test]
async fn servers_that_start_together_make_the_tables_once() {
    let Some(database) = TestDatabase::new() else { return };
    let (url, namespace) = (database.url(), database.namespace());
    let starts = (0..12).map(|_| PostgresLedger::connect(&url, namespace.clone()));
    let ledgers = futures_util::future::join_all(starts).await;
    let ledgers: Vec<PostgresLedger> = ledgers.into_iter().map(Result::unwrap).collect();
    ledgers[0].accept(device("a", public(0))).await.unwrap().unwrap();
    for ledger in &ledgers {
        assert_eq!(ledger.device_count().await, Ok(1));
    }
}

#[tokio::test]
async fn a_reset_in_a_loop_changes_nothing_in_another_namespace() {
    let (Some(database), Some(other)) = (TestDatabase::new(), TestDatabase::new()) else { return };
    let (ledger, resetting) = (database.ledger().await, other.ledger().await);
    ledger.accept(device("a", public(0))).await.unwrap().unwrap();
    for round in 1..20 {
        resetting.accept(device("a", public(1))).await.unwrap().unwrap();
        resetting.clear(round).await.unwrap();
        resetting.forget_all().await.unwrap();
        let code = ledger.login("wx", "user").await.unwrap();
        assert_eq!(spend(&ledger, round.into()).await, Ok(SpendOutcome::Spent));
        assert!(ledger.exchange("wx", &code).await.unwrap().is_ok());
    }
    assert_eq!(ledger.generation().await, Ok(0));
}

#[tokio::test]
async fn a_reset_does_not_block_those_who_use_the_same_namespace() {
    let Some(database) = TestDatabase::new() else { return };
    let (ledger, resetting) = (database.ledger().await, database.ledger().await);
    let using = async {
        for counter in 1..60 {
            // The device may have been forgotten since.
            let _ = ledger.accept(device("a", public(0))).await.unwrap();
            spend(&ledger, counter).await.unwrap();
            let code = ledger.login("wx", "user").await.unwrap();
            ledger.plain_token("wx").await.unwrap();
            ledger.stable_token("wx", counter % 2 == 0).await.unwrap();
            // The code may have been forgotten, too.
            let _ = ledger.exchange("wx", &code).await.unwrap();
        }
    };
    let emptying = async {
        for generation in 1..30 {
            resetting.clear(generation).await.unwrap();
            resetting.forget_all().await.unwrap();
        }
    };
    tokio::join!(using, emptying);
    assert_eq!((ledger.failure(), resetting.failure()), (None, None));
}

#[tokio::test]
async fn a_request_that_a_database_cannot_take_fails_alone() {
    let Some(database) = TestDatabase::new() else { return };
    let ledger = database.ledger().await;
    ledger.accept(device("a", public(0))).await.unwrap().unwrap();
    assert!(ledger.app_keys("a\0", "b\0").await.unwrap().is_none());
    assert_eq!(ledger.has_owner("wx", "o\0").await, Ok(false));
    assert_eq!(ledger.accept(device("a\0", public(0))).await, Ok(Err(NotAccepted::UnknownDevice)));
    // A row that was damaged by somebody.
    ledger.accept(device("b", public(1))).await.unwrap().unwrap();
    database.execute("UPDATE device SET attk = '\\x00' WHERE cpu_id = 'b'".to_owned()).await;
    let (good, damaged) = tokio::join!(ledger.app_keys("a", ""), ledger.app_keys("b", ""));
    assert!(good.unwrap().is_some());
    assert!(damaged.unwrap_err().next.english().contains("put the row back"));
    assert_eq!(ledger.failure(), None);
    assert_eq!(spend(&ledger, 1).await, Ok(SpendOutcome::Spent));
}

#[tokio::test]
async fn a_database_that_cannot_be_used_as_it_is_is_refused_at_the_start() {
    let Some(database) = TestDatabase::new() else { return };
    drop(database.ledger().await);
    let refusal = async |change: &str, undo: &str| {
        database.execute(change.to_owned()).await;
        let error = PostgresLedger::connect(&database.url(), database.namespace()).await.unwrap_err();
        database.execute(undo.to_owned()).await;
        format!("{}; {}", error.what.english(), error.next.english())
    };
    let missing = refusal("ALTER TABLE token RENAME TO other", "ALTER TABLE other RENAME TO token").await;
    assert!(missing.contains("tables back"), "{missing}");
    let foreign = refusal(
        "ALTER TABLE ledger RENAME COLUMN format TO other",
        "ALTER TABLE ledger RENAME COLUMN other TO format",
    )
    .await;
    assert!(foreign.contains("tables back"), "{foreign}");
    for (options, expected) in [
        ("-c default_transaction_read_only=on", "may write"),
        ("-c role=pg_read_all_data", "give this user the rights"),
    ] {
        let mut url = url::Url::parse(database.url().expose()).unwrap();
        url.query_pairs_mut().append_pair("options", options);
        let url = Secret::from(String::from(url));
        let error = PostgresLedger::connect(&url, database.namespace()).await.unwrap_err();
        assert!(error.next.english().contains(expected), "{error}: {}", error.next.english());
    }
    drop(database.ledger().await);
}

#[tokio::test]
async fn tables_of_a_newer_version_are_refused_and_unchanged() {
    let Some(database) = TestDatabase::new() else { return };
    drop(database.ledger().await);
    database.execute("UPDATE ledger SET format = 3".to_owned()).await;
    let error = PostgresLedger::connect(&database.url(), database.namespace()).await.unwrap_err();
    assert!(
        error.what.english().contains("format 3") && error.next.english().contains("--ledger-namespace"),
        "{error}"
    );
    let format: i32 = sqlx::query_scalar("SELECT format FROM ledger")
        .fetch_one(&mut database.connect().await)
        .await
        .unwrap();
    assert_eq!(format, 3);
}

#[tokio::test]
async fn a_ledger_that_was_removed_is_not_begun_again_by_a_running_server() {
    let Some(database) = TestDatabase::new() else { return };
    let ledger = database.ledger().await;
    ledger.accept(device("a", public(0))).await.unwrap().unwrap();
    assert_eq!(spend(&ledger, 5).await, Ok(SpendOutcome::Spent));
    database.execute(format!("DROP SCHEMA {} CASCADE", database.namespace().quoted_schema())).await;
    assert!(spend(&ledger, 6).await.is_err());
    // Another server has made a new one. The old server must not use it without being told.
    drop(database.ledger().await);
    while !ledger.failure().is_some_and(|failure| failure.what.english().contains("removed or replaced")) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(spend(&ledger, 5).await.is_err());
}

#[tokio::test]
async fn a_user_without_rights_is_told_what_to_do() {
    let Some(database) = TestDatabase::new() else { return };
    let role = format!("{}_nobody", database.namespace().as_str().replace('-', "_"));
    let created = sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE ROLE {role}")))
        .execute(&mut database.connect().await)
        .await;
    if let Err(error) = created {
        println!("skipped: the database's user may not make roles: {error}");
        return;
    }
    let mut url = url::Url::parse(database.url().expose()).unwrap();
    url.query_pairs_mut().append_pair("options", &format!("-c role={role}"));
    let url = Secret::from(String::from(url));
    let refused = PostgresLedger::connect(&url, database.namespace()).await;
    database.execute(format!("DROP ROLE {role}")).await;
    let LedgerError { what, next, .. } = refused.unwrap_err();
    let (what, next) = (what.english(), next.english());
    assert!(what.contains("permission denied") && next.contains("CREATE SCHEMA"), "{what}; {next}");
}
