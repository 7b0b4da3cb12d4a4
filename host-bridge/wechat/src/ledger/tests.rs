//! What every ledger promises, whether memory or a database decides.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use proptest::prelude::*;
use soter_wire::PublicKey;

use super::change::AuthKey;
use super::embedded::EmbeddedLedger;
use super::embedded::sqlite::SqliteStore;
use super::key_upload::{AskUpload, AuthKeyUpload, KeyUpload, NotAccepted};
use super::postgres::test_database::TestDatabase;
use super::*;
use crate::test_phone::{pss, public};

/// More keys than an app's retired ones that are kept.
static FRESH_KEYS: LazyLock<Vec<PublicKey>> = LazyLock::new(|| {
    let fresh = |_| {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        PublicKey::from_spki_der(spki.as_ref()).unwrap()
    };
    (0..18).map(fresh).collect()
});

/// An empty ledger, and what must live as long as it.
type Opened = (Arc<dyn Ledger>, Box<dyn Send>);

fn in_memory() -> Opened {
    (Arc::new(EmbeddedLedger::in_memory()), Box::new(()))
}

fn sqlite() -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("wechat.db")).unwrap();
    (Arc::new(EmbeddedLedger::open(store, 0).unwrap()), Box::new(folder))
}

async fn postgres() -> Option<Opened> {
    let database = TestDatabase::new()?;
    Some((Arc::new(database.ledger().await), Box::new(database)))
}

/// Runs the tests with each ledger. Without a database, those of PostgreSQL are skipped, and say so.
macro_rules! test_ledgers {
    ($($test:ident,)*) => {
        test_ledgers! { @ledger in_memory, Some(in_memory()); $($test,)* }
        test_ledgers! { @ledger sqlite, Some(sqlite()); $($test,)* }
        test_ledgers! { @ledger postgres, postgres().await; $($test,)* }
    };
    (@ledger $ledger:ident, $open:expr; $($test:ident,)*) => {
        mod $ledger {
            use super::*;
            $(#[tokio::test]
            async fn $test() {
                if let Some((ledger, _lives)) = $open {
                    super::$test(ledger).await;
                }
            })*
        }
    };
}

test_ledgers! {
    a_counter_is_spent_once_and_a_refusal_says_why,
    of_many_results_with_one_counter_exactly_one_is_accepted,
    counters_of_one_device_that_come_together_are_judged_one_after_the_other,
    a_counter_is_not_spent_if_the_keys_have_changed_since,
    an_upload_that_is_refused_changes_nothing,
    a_known_key_is_taken_for_its_own_user_alone,
    a_new_key_retires_the_old_one_and_old_ones_are_kept_in_a_limited_number,
    an_emptied_ledger_knows_nothing_and_is_emptied_once_for_each_generation,
    keys_for_a_diagnosis_begin_with_those_of_the_same_device,
}

fn register(cpu_id: &str, attk: usize) -> KeyUpload {
    KeyUpload { cpu_id: cpu_id.to_owned(), attk: Some(public(attk)), ask: None, auth_key: None }
}

fn ask(cpu_id: &str, counter: u64, key: usize) -> KeyUpload {
    let ask = AskUpload { uid: "1".to_owned(), counter, key: public(key), scheme: pss(32) };
    KeyUpload { cpu_id: cpu_id.to_owned(), attk: None, ask: Some(ask), auth_key: None }
}

fn auth_key(cpu_id: &str, counter: u64, under: usize, key: PublicKey, openid: &str) -> KeyUpload {
    let key =
        AuthKey { key, appid: "wx".to_owned(), openid: openid.to_owned(), scheme: pss(20), retired: false };
    let auth_key = AuthKeyUpload { uid: "1".to_owned(), counter, ask: public(under), key };
    KeyUpload { cpu_id: cpu_id.to_owned(), attk: None, ask: None, auth_key: Some(auth_key) }
}

async fn accept(ledger: &dyn Ledger, upload: KeyUpload) -> Result<(), NotAccepted> {
    ledger.accept(upload).await.unwrap()
}

/// A device `a` with an ASK, an AuthKey of the user `o`, and the counter 2.
async fn make_device(ledger: &dyn Ledger) {
    for upload in [register("a", 0), ask("a", 1, 1), auth_key("a", 2, 1, public(2), "o")] {
        accept(ledger, upload).await.unwrap();
    }
}

async fn keys(ledger: &dyn Ledger, cpu_id: &str) -> Option<AppKeys> {
    ledger.app_keys(cpu_id, "1").await.unwrap()
}

/// Spends a counter of a result that was judged with the device's present keys.
async fn spend(ledger: &dyn Ledger, cpu_id: &str, counter: u64) -> SpendOutcome {
    let version = keys(ledger, cpu_id).await.map(|keys| keys.version).unwrap_or_default();
    ledger.spend(Spending { cpu_id: cpu_id.to_owned(), counter, version }).await.unwrap()
}

fn not_greater(highest: u64, replayed: bool) -> SpendOutcome {
    SpendOutcome::NotGreater { highest, replayed }
}

async fn a_counter_is_spent_once_and_a_refusal_says_why(ledger: Arc<dyn Ledger>) {
    make_device(&*ledger).await;
    assert_eq!(spend(&*ledger, "a", 2).await, not_greater(2, false), "an upload had this counter");
    for counter in [5, 7, 900] {
        assert_eq!(spend(&*ledger, "a", counter).await, SpendOutcome::Spent);
    }
    for (counter, replayed) in [(900, true), (899, false), (7, true), (6, false), (5, true), (0, false)] {
        assert_eq!(spend(&*ledger, "a", counter).await, not_greater(900, replayed), "{counter}");
    }
    // An upload leaves a gap between results.
    accept(&*ledger, auth_key("a", 901, 1, public(3), "o")).await.unwrap();
    assert_eq!(spend(&*ledger, "a", 901).await, not_greater(901, false));
    assert_eq!(spend(&*ledger, "a", 900).await, not_greater(901, true));
    let last = i64::MAX.unsigned_abs();
    assert_eq!(spend(&*ledger, "a", last).await, SpendOutcome::Spent);
    assert_eq!(spend(&*ledger, "a", last).await, not_greater(last, true));
    assert_eq!(spend(&*ledger, "a", last - 1).await, not_greater(last, false));
    assert_eq!(spend(&*ledger, "unknown", 1).await, SpendOutcome::KeysChanged);
}

async fn of_many_results_with_one_counter_exactly_one_is_accepted(ledger: Arc<dyn Ledger>) {
    make_device(&*ledger).await;
    for counter in 3..6 {
        let mut requests = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let ledger = Arc::clone(&ledger);
            requests.spawn(async move { spend(&*ledger, "a", counter).await });
        }
        let outcomes = requests.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == SpendOutcome::Spent).count(), 1);
        let refused = outcomes.iter().filter(|outcome| **outcome == not_greater(counter, true)).count();
        assert_eq!(refused, 49, "{outcomes:?}");
    }
}

async fn counters_of_one_device_that_come_together_are_judged_one_after_the_other(ledger: Arc<dyn Ledger>) {
    make_device(&*ledger).await;
    accept(&*ledger, register("b", 3)).await.unwrap();
    let mut highest = 2;
    for round in 0..5_u64 {
        let counters = (0..20).map(|number| 3 + round * 20 + number * 7 % 20);
        let spending = counters.clone().map(|counter| spend(&*ledger, "a", counter));
        let others = (0..20).map(|number| spend(&*ledger, "b", 1 + round * 20 + number));
        let (outcomes, others) =
            tokio::join!(futures_util::future::join_all(spending), futures_util::future::join_all(others));
        let accepted: Vec<u64> = counters
            .zip(&outcomes)
            .filter(|(_, outcome)| **outcome == SpendOutcome::Spent)
            .map(|(counter, _)| counter)
            .collect();
        assert!(accepted.is_sorted() && accepted.first() > Some(&highest), "{accepted:?} after {highest}");
        highest = *accepted.last().unwrap();
        assert_eq!(highest, 3 + round * 20 + 19);
        assert!(others.contains(&SpendOutcome::Spent));
    }
}

async fn a_counter_is_not_spent_if_the_keys_have_changed_since(ledger: Arc<dyn Ledger>) {
    make_device(&*ledger).await;
    let mut counter = 2;
    let judged = async || keys(&*ledger, "a").await.unwrap().version;
    let spending = |counter, version| Spending { cpu_id: "a".to_owned(), counter, version };
    for change in 0..3 {
        let version = judged().await;
        counter += 10;
        match change {
            0 => accept(&*ledger, auth_key("a", counter, 1, public(3), "o")).await.unwrap(),
            1 => accept(&*ledger, ask("a", counter, 4)).await.unwrap(),
            _ => {
                ledger.clear(1).await.unwrap();
                make_device(&*ledger).await;
            }
        }
        let outcome = ledger.spend(spending(counter + 1, version)).await.unwrap();
        assert_eq!(outcome, SpendOutcome::KeysChanged, "{change}");
    }
    let version = judged().await;
    accept(&*ledger, register("b", 3)).await.unwrap();
    accept(&*ledger, ask("b", 1, 4)).await.unwrap();
    assert_eq!(
        ledger.spend(spending(counter, version)).await.unwrap(),
        SpendOutcome::Spent,
        "only b changed"
    );
}

async fn an_upload_that_is_refused_changes_nothing(ledger: Arc<dyn Ledger>) {
    let unknown = accept(&*ledger, ask("a", 1, 1)).await;
    assert_eq!(unknown, Err(NotAccepted::UnknownDevice));
    assert_eq!(ledger.device_count().await.unwrap(), 0);
    make_device(&*ledger).await;
    let before = keys(&*ledger, "a").await.unwrap();
    for (upload, refused) in [
        (register("a", 3), NotAccepted::OtherAttk),
        (ask("a", 2, 4), NotAccepted::Counter { counter: 2, highest: 2 }),
        (auth_key("a", 1, 1, public(3), "o"), NotAccepted::Counter { counter: 1, highest: 2 }),
        (auth_key("a", 3, 4, public(3), "o"), NotAccepted::OtherAsk),
        (auth_key("b", 3, 1, public(3), "o"), NotAccepted::UnknownDevice),
        (KeyUpload { attk: Some(public(3)), ..ask("a", 3, 4) }, NotAccepted::OtherAttk),
        (
            KeyUpload { auth_key: auth_key("a", 3, 4, public(3), "o").auth_key, ..ask("a", 3, 4) },
            NotAccepted::Counter { counter: 3, highest: 3 },
        ),
    ] {
        assert_eq!(accept(&*ledger, upload.clone()).await, Err(refused), "{upload:?}");
    }
    let after = keys(&*ledger, "a").await.unwrap();
    assert_eq!((after.ask, after.auth_keys, after.version), (before.ask, before.auth_keys, before.version));
    assert_eq!(spend(&*ledger, "a", 3).await, SpendOutcome::Spent, "no counter was spent");
    assert_eq!(accept(&*ledger, register("a", 0)).await, Ok(()), "it is registered already");
    let both = KeyUpload { auth_key: auth_key("a", 5, 4, public(3), "o").auth_key, ..ask("a", 4, 4) };
    assert_eq!(accept(&*ledger, both).await, Ok(()), "the ASK of the same upload signed the AuthKey");
}

async fn a_known_key_is_taken_for_its_own_user_alone(ledger: Arc<dyn Ledger>) {
    make_device(&*ledger).await;
    let owner_of = |keys: Option<AppKeys>| {
        let known = keys.unwrap().auth_keys.iter().find(|known| known.key == public(2)).unwrap().clone();
        (known.appid, known.openid, known.retired)
    };
    let of_other_app = |counter| {
        let mut upload = auth_key("a", counter, 1, public(2), "o");
        upload.auth_key.as_mut().unwrap().key.appid = "wy".to_owned();
        upload
    };
    for upload in [auth_key("a", 3, 1, public(2), "p"), of_other_app(3)] {
        assert_eq!(accept(&*ledger, upload).await, Err(NotAccepted::OtherOwner));
    }
    assert_eq!(owner_of(keys(&*ledger, "a").await), ("wx".to_owned(), "o".to_owned(), false));

    // A key that was retired still belongs to its user.
    accept(&*ledger, auth_key("a", 3, 1, public(3), "o")).await.unwrap();
    assert_eq!(accept(&*ledger, auth_key("a", 4, 1, public(2), "p")).await, Err(NotAccepted::OtherOwner));
    assert_eq!(owner_of(keys(&*ledger, "a").await), ("wx".to_owned(), "o".to_owned(), true));
    accept(&*ledger, auth_key("a", 4, 1, public(4), "p")).await.unwrap();
}

async fn a_new_key_retires_the_old_one_and_old_ones_are_kept_in_a_limited_number(ledger: Arc<dyn Ledger>) {
    make_device(&*ledger).await;
    accept(&*ledger, auth_key("a", 3, 1, public(3), "other")).await.unwrap();
    accept(&*ledger, auth_key("a", 4, 1, public(4), "o")).await.unwrap();
    let retired = |keys: &AppKeys| -> Vec<(PublicKey, bool)> {
        keys.auth_keys.iter().map(|key| (key.key.clone(), key.retired)).collect()
    };
    let found = keys(&*ledger, "a").await.unwrap();
    assert_eq!(retired(&found), [(public(2), true), (public(3), false), (public(4), false)]);
    assert_eq!(found.ask, Some((public(1), pss(32))));
    assert!(
        ledger.has_owner("wx", "other").await.unwrap() && !ledger.has_owner("wx", "nobody").await.unwrap()
    );
    accept(&*ledger, ask("a", 5, 0)).await.unwrap();
    let found = keys(&*ledger, "a").await.unwrap();
    assert!(found.auth_keys.iter().all(|key| key.retired), "they were signed by another ASK");
    // A key that comes again is in force again.
    accept(&*ledger, auth_key("a", 6, 0, public(2), "o")).await.unwrap();
    let found = keys(&*ledger, "a").await.unwrap();
    assert_eq!(retired(&found).last(), Some(&(public(2), false)));
    for (key, counter) in FRESH_KEYS.iter().zip(7..) {
        accept(&*ledger, auth_key("a", counter, 0, key.clone(), "o")).await.unwrap();
    }
    let kept = retired(&keys(&*ledger, "a").await.unwrap());
    let expected =
        FRESH_KEYS[FRESH_KEYS.len() - 17..].iter().map(|key| (key.clone(), *key != FRESH_KEYS[17]));
    assert_eq!(kept, expected.collect::<Vec<_>>(), "the newest key, and the 16 before it");
}

async fn an_emptied_ledger_knows_nothing_and_is_emptied_once_for_each_generation(ledger: Arc<dyn Ledger>) {
    make_device(&*ledger).await;
    assert_eq!(spend(&*ledger, "a", 9).await, SpendOutcome::Spent);
    assert_eq!(ledger.generation().await.unwrap(), 0);
    ledger.clear(3).await.unwrap();
    assert_eq!((ledger.generation().await.unwrap(), ledger.device_count().await.unwrap()), (3, 0));
    assert!(keys(&*ledger, "a").await.is_none() && !ledger.has_owner("wx", "o").await.unwrap());
    make_device(&*ledger).await;
    assert_eq!(spend(&*ledger, "a", 9).await, SpendOutcome::Spent, "it is another device of that name");
    for older in [3, 2, 0] {
        ledger.clear(older).await.unwrap();
        assert_eq!((ledger.generation().await.unwrap(), ledger.device_count().await.unwrap()), (3, 1));
    }
}

async fn keys_for_a_diagnosis_begin_with_those_of_the_same_device(ledger: Arc<dyn Ledger>) {
    for cpu_id in ["z", "y", "x"] {
        accept(&*ledger, register(cpu_id, 3)).await.unwrap();
    }
    make_device(&*ledger).await;
    let others = ledger.other_keys("a", 4).await.unwrap();
    let names: Vec<_> = others.iter().map(|known| known.description.english()).collect();
    assert_eq!(names[..2], ["the ATTK of a", "the ASK of uid 1 on a"]);
    assert!(names[2].contains("the AuthKey of wx and its user o") && names[3].starts_with("the ATTK of "));
    assert_eq!((others.len(), &others[2].key), (4, &public(2)));
    assert_eq!(ledger.other_keys("unknown", 64).await.unwrap().len(), 6);
}

/// An operation of a random history.
#[derive(Clone, Debug)]
enum Operation {
    Upload(KeyUpload),
    /// With the keys' present version, or with an earlier one.
    Spend {
        cpu_id: String,
        counter: u64,
        is_stale: bool,
    },
    Clear,
}

fn operation() -> impl Strategy<Value = Operation> {
    let cpu_id = || prop_oneof![Just("a".to_owned()), Just("b".to_owned())];
    let (key, counter) = (|| 0_usize..5, || 0_u64..12);
    let upload = (cpu_id(), counter(), key(), key(), "[op]", 0..4).prop_map(
        |(cpu_id, counter, under, key, openid, kind)| {
            Operation::Upload(match kind {
                0 => register(&cpu_id, under % 2),
                1 => ask(&cpu_id, counter, key),
                2 => auth_key(&cpu_id, counter, under, public(key), &openid),
                _ => KeyUpload {
                    attk: Some(public(0)),
                    auth_key: auth_key(&cpu_id, counter + 1, key, public(under), &openid).auth_key,
                    ..ask(&cpu_id, counter, key)
                },
            })
        },
    );
    let spend = (cpu_id(), counter(), prop::bool::weighted(0.2))
        .prop_map(|(cpu_id, counter, is_stale)| Operation::Spend { cpu_id, counter, is_stale });
    prop_oneof![10 => upload, 10 => spend, 1 => Just(Operation::Clear)]
}

/// What an operation answers, and what the ledger then shows. Versions differ from ledger to ledger.
async fn apply(ledger: &dyn Ledger, operation: &Operation, generation: &mut u32) -> String {
    let answer = match operation {
        Operation::Upload(upload) => format!("{:?}", ledger.accept(upload.clone()).await.unwrap()),
        Operation::Spend { cpu_id, counter, is_stale } => {
            let found = keys(ledger, cpu_id).await.map(|keys| keys.version).unwrap_or_default();
            let version = if *is_stale { found.wrapping_sub(1) } else { found };
            let spending = Spending { cpu_id: cpu_id.clone(), counter: *counter, version };
            format!("{:?}", ledger.spend(spending).await.unwrap())
        }
        Operation::Clear => {
            *generation += 1;
            format!("{:?}", ledger.clear(*generation).await)
        }
    };
    let mut shown = vec![answer];
    for cpu_id in ["a", "b"] {
        let found = keys(ledger, cpu_id).await;
        for key in found.iter().flat_map(|found| found.auth_keys.iter()) {
            assert_eq!(ledger.has_owner(&key.appid, &key.openid).await, Ok(true));
        }
        shown.push(format!("{:?}", found.map(|AppKeys { attk, ask, auth_keys, .. }| (attk, ask, auth_keys))));
        shown.push(format!("{:?}", ledger.other_keys(cpu_id, 64).await.unwrap().len()));
    }
    shown.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_database_decides_as_memory_does(operations in prop::collection::vec(operation(), 1..40)) {
        let Some(database) = TestDatabase::new() else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (memory, shared) = (EmbeddedLedger::in_memory(), database.ledger().await);
            let (mut first, mut second) = (0, 0);
            for operation in &operations {
                let expected = apply(&memory, operation, &mut first).await;
                assert_eq!(apply(&shared, operation, &mut second).await, expected, "{operation:?}");
            }
        });
    }
}
