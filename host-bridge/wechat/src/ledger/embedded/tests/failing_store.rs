//! A store whose commits fail: nothing is accepted meanwhile, and nothing twice.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use soter_text::Text;

use super::*;

/// The outcome of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Stored,
    /// An error, and nothing is stored.
    Lost,
    /// An error, because only the last barrier failed.
    StoredWithError,
}

/// A store in memory whose commits end as planned. After the plan, all succeed. It recovers unless it is down.
struct Fragile {
    contents: Vec<Change>,
    commits: VecDeque<Outcome>,
    is_down: Arc<AtomicBool>,
    may_pass: bool,
}

impl Fragile {
    fn new(commits: impl IntoIterator<Item = Outcome>) -> Self {
        let commits = commits.into_iter().collect();
        Self { contents: vec![device("a")], commits, is_down: Arc::default(), may_pass: true }
    }

    fn error(&self) -> LedgerError {
        let may_pass = self.may_pass;
        LedgerError { what: Text::verbatim("the disk is full"), next: Text::verbatim("make room"), may_pass }
    }
}

impl LedgerStore for Fragile {
    fn load(&mut self) -> Result<Vec<Change>, LedgerError> {
        Ok(self.contents.clone())
    }

    fn commit(&mut self, group: &[Change]) -> Result<(), LedgerError> {
        let outcome = self.commits.pop_front().unwrap_or(Outcome::Stored);
        if outcome != Outcome::Lost {
            self.contents.extend_from_slice(group);
        }
        if outcome == Outcome::Stored { Ok(()) } else { Err(self.error()) }
    }

    fn recover(&mut self) -> Result<Vec<Change>, LedgerError> {
        if self.is_down.load(Ordering::SeqCst) { Err(self.error()) } else { self.load() }
    }
}

/// Waits until the ledger accepts changes again.
async fn recovered(ledger: &EmbeddedLedger) {
    while ledger.failure().is_some() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_ledger_whose_store_failed_accepts_nothing_until_it_has_recovered() {
    let store = Fragile::new([Outcome::Stored, Outcome::Lost]);
    let is_down = Arc::clone(&store.is_down);
    is_down.store(true, Ordering::SeqCst);
    let ledger = EmbeddedLedger::open(store, 0).unwrap();
    let observed = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&observed);
    ledger.observe(Arc::new(move |failure: Option<&LedgerError>| {
        seen.lock().unwrap().push(failure.map(|error| error.what.clone()));
    }));
    assert!(spend(&ledger, "a", 1).await);
    assert!(!spend(&ledger, "a", 2).await);
    assert_eq!(ledger.failure().unwrap().what.english(), "the disk is full");
    // A later write would depend on the one that failed.
    assert!(!spend(&ledger, "a", 3).await);
    is_down.store(false, Ordering::SeqCst);
    recovered(&ledger).await;
    assert!(!spend(&ledger, "a", 1).await, "it was accepted before");
    assert!(spend(&ledger, "a", 2).await, "nobody has accepted it");
    assert_eq!(*observed.lock().unwrap(), [Some(Text::verbatim("the disk is full")), None]);
}

#[tokio::test]
async fn a_ledger_that_was_to_be_emptied_while_its_store_failed_is_emptied_once_when_it_recovers() {
    use Outcome::{Lost, Stored, StoredWithError};
    for plan in [
        // The store fails before the ledger is to be emptied, and then once more.
        &[Lost, Stored, Stored, Stored, Lost][..],
        // It fails when the ledger is to be emptied, and then once more.
        &[Stored, Lost, Stored, Stored, Stored, Lost],
        // Only the last barrier fails, so it is empty already when it recovers.
        &[Stored, StoredWithError, Stored, Stored, Lost],
    ] {
        let store = Fragile::new(plan.iter().copied());
        let is_down = Arc::clone(&store.is_down);
        is_down.store(true, Ordering::SeqCst);
        let ledger = EmbeddedLedger::open(store, 0).unwrap();
        assert_eq!(spend(&ledger, "a", 5).await, plan[0] == Stored);
        ledger.clear(1).await.unwrap_err();
        is_down.store(false, Ordering::SeqCst);
        recovered(&ledger).await;
        assert!(keys(&ledger, "a").is_none());
        make(&ledger, vec![device("a")]).await;
        assert!(spend(&ledger, "a", 1).await);
        assert!(!spend(&ledger, "a", 2).await);
        recovered(&ledger).await;
        assert!(!spend(&ledger, "a", 1).await, "{plan:?}");
        assert!(spend(&ledger, "a", 2).await, "{plan:?}");
    }
}

#[tokio::test]
async fn a_ledger_whose_writer_has_ended_says_so() {
    struct Panics;
    impl LedgerStore for Panics {
        fn load(&mut self) -> Result<Vec<Change>, LedgerError> {
            Ok(vec![device("a")])
        }

        fn commit(&mut self, _: &[Change]) -> Result<(), LedgerError> {
            panic!("a defect of a store");
        }

        fn recover(&mut self) -> Result<Vec<Change>, LedgerError> {
            self.load()
        }
    }
    let ledger = EmbeddedLedger::open(Panics, 0).unwrap();
    assert!(!spend(&ledger, "a", 1).await);
    while ledger.failure().is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(!spend(&ledger, "a", 2).await);
}

#[tokio::test]
async fn a_ledger_whose_store_cannot_recover_stays_closed() {
    let store = Fragile { may_pass: false, ..Fragile::new([Outcome::Lost]) };
    let ledger = EmbeddedLedger::open(store, 0).unwrap();
    assert!(!spend(&ledger, "a", 1).await);
    tokio::time::sleep(4 * FIRST_RETRY_DELAY).await;
    assert!(ledger.failure().is_some());
    assert!(!spend(&ledger, "a", 2).await);
}

#[test]
fn a_ledger_that_waits_for_its_store_can_be_closed() {
    let store = Fragile { is_down: Arc::new(true.into()), ..Fragile::new([Outcome::Lost]) };
    let ledger = EmbeddedLedger::open(store, 0).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(!runtime.block_on(spend(&ledger, "a", 1)));
    drop(ledger);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]

    #[test]
    fn no_counter_is_accepted_twice_whichever_commits_fail(
        outcomes in proptest::collection::vec(
            proptest::prop_oneof![
                proptest::prelude::Just(Outcome::Stored),
                proptest::prelude::Just(Outcome::Lost),
                proptest::prelude::Just(Outcome::StoredWithError),
            ],
            0..8,
        ),
        counters in proptest::collection::vec(1_u64..6, 1..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let ledger = EmbeddedLedger::open(Fragile::new(outcomes), 0).unwrap();
        let mut highest_accepted = 0;
        for counter in counters {
            if runtime.block_on(spend(&ledger, "a", counter)) {
                assert!(counter > highest_accepted, "{counter} after {highest_accepted}");
                highest_accepted = counter;
            }
            runtime.block_on(recovered(&ledger));
        }
    }
}
