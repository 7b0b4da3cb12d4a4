//! Attacks side by side: the same verdicts as one after the other, whatever a target makes of many requests at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use soter_attack::audit::{Finding, LANES, audit_in_lanes};
use soter_attack::{Attack, Target, Verdict, catalogue};
use tokio::sync::Mutex;

use super::Backend;
use super::application::{Shop, Weakness};
use super::verifier::{self, Verifier};

/// Some attacks of every kind, among them those on counters that a careless application accepts.
fn some() -> Vec<&'static Attack> {
    catalogue().step_by(7).collect()
}

async fn played(target: &impl Target, lanes: usize) -> Vec<Finding> {
    let mut reported = Vec::new();
    let found = Box::pin(audit_in_lanes(target, &verifier::keys(), &some(), lanes, |finding| {
        reported.push(finding.attack.id);
    }))
    .await
    .unwrap();
    reported.sort_unstable();
    let mut ids: Vec<_> = found.iter().map(|finding| finding.attack.id).collect();
    assert!(ids.iter().eq(some().iter().map(|attack| &attack.id)), "in the order of the catalogue");
    ids.sort_unstable();
    assert_eq!(reported, ids, "each finding is reported once");
    found
}

async fn verdicts(backend: impl Backend, lanes: usize) -> BTreeMap<&'static str, Verdict> {
    let found = played(backend.target(), lanes).await;
    found.iter().map(|finding| (finding.attack.id, finding.verdict)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_get_the_same_verdicts_side_by_side_and_one_after_the_other() {
    for weakness in [Weakness::None, Weakness::CounterNotChecked, Weakness::OneOpenOrder] {
        let [one, many] = [
            verdicts(Shop::start(weakness).await, 1).await,
            verdicts(Shop::start(weakness).await, LANES).await,
        ];
        assert_eq!(one, many, "{weakness:?}");
        let is_found = many.values().any(|verdict| *verdict == Verdict::Fail);
        assert_eq!(is_found, weakness == Weakness::CounterNotChecked, "{weakness:?}");
    }
    for weakness in [verifier::Weakness::EqualCounter, verifier::Weakness::Busy] {
        let [one, many] = [
            verdicts(Verifier::start(weakness).await, 1).await,
            verdicts(Verifier::start(weakness).await, LANES).await,
        ];
        assert_eq!(one, many, "{weakness:?}");
    }
}

/// Serves one request at a time. The others wait.
async fn queue(State(turn): State<Arc<Mutex<()>>>, request: Request, next: Next) -> Response {
    let _turn = turn.lock().await;
    next.run(request).await
}

/// Serves one request at a time. The others are told to go away.
async fn refuse_others(State(is_busy): State<Arc<AtomicBool>>, request: Request, next: Next) -> Response {
    if is_busy.swap(true, Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    // Long enough for two lanes to meet.
    tokio::time::sleep(Duration::from_millis(3)).await;
    let response = next.run(request).await;
    is_busy.store(false, Ordering::SeqCst);
    response
}

/// Serves a few requests in each tenth of a second, and answers 429 to the others.
async fn limit(State(windows): State<Arc<Mutex<(Instant, u32)>>>, request: Request, next: Next) -> Response {
    {
        let mut window = windows.lock().await;
        if window.0.elapsed() > Duration::from_millis(100) {
            *window = (Instant::now(), 0);
        }
        window.1 += 1;
        if window.1 > 8 {
            return StatusCode::TOO_MANY_REQUESTS.into_response();
        }
    }
    next.run(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_serves_one_request_at_a_time_gets_the_verdicts_of_its_application() {
    let weakness = Weakness::CounterNotChecked;
    let expected = verdicts(Shop::start(weakness).await, 1).await;
    let queueing = |routes: Router| routes.layer(from_fn_with_state(Arc::default(), queue));
    assert_eq!(verdicts(Shop::start_behind(weakness, queueing).await, LANES).await, expected);

    let refusing = |routes: Router| routes.layer(from_fn_with_state(Arc::default(), refuse_others));
    let alone = verdicts(Shop::start_behind(weakness, refusing).await, 1).await;
    assert_eq!(verdicts(Shop::start_behind(weakness, refusing).await, LANES).await, alone);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_limits_the_rate_of_requests_gets_the_verdicts_of_its_application() {
    let weakness = Weakness::CounterNotChecked;
    let expected = verdicts(Shop::start(weakness).await, 1).await;
    let limited = |routes: Router| {
        let window = Arc::new(Mutex::new((Instant::now(), 0)));
        routes.layer(from_fn_with_state(window, limit))
    };
    assert_eq!(verdicts(Shop::start_behind(weakness, limited).await, LANES).await, expected);
}

/// Answers nothing useful any more after many requests.
async fn die(State(left): State<Arc<AtomicU64>>, request: Request, next: Next) -> Response {
    let is_alive = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
    if is_alive { next.run(request).await } else { StatusCode::BAD_GATEWAY.into_response() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_dies_in_the_middle_ends_the_audit_with_errors() {
    let dying = |routes: Router| routes.layer(from_fn_with_state(Arc::new(AtomicU64::new(90)), die));
    let backend = Shop::start_behind(Weakness::None, dying).await;
    let found = played(backend.target(), LANES).await;
    let count = |verdict| found.iter().filter(|finding| finding.verdict == verdict).count();
    assert!(count(Verdict::Pass) > 0 && count(Verdict::Error) > 0, "{found:?}");
    assert_eq!(count(Verdict::Fail), 0, "{found:?}");
    let not_played =
        |finding: &&Finding| finding.reason.english().starts_with("not played: since one of SOTER-");
    assert!(found.iter().any(|finding| not_played(&finding)), "{found:?}");
}

/// Locks for a moment after each refusal, with 423.
async fn lock(State(locked): State<Arc<Mutex<Option<Instant>>>>, request: Request, next: Next) -> Response {
    let is_locked = locked.lock().await.is_some_and(|since| since.elapsed() < Duration::from_millis(150));
    if is_locked {
        return StatusCode::LOCKED.into_response();
    }
    let response = next.run(request).await;
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    if bytes.windows(12).any(|part| part == b"\"paid\":false") {
        *locked.lock().await = Some(Instant::now());
    }
    Response::from_parts(parts, bytes.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_locked_for_a_moment_is_asked_again() {
    let locking = |routes: Router| routes.layer(from_fn_with_state(Arc::default(), lock));
    let backend = Shop::start_behind(Weakness::CounterNotChecked, locking).await;
    let attacks = ["SOTER-COUNTER-02", "SOTER-COUNTER-33", "SOTER-REPLAY-01", "SOTER-JSON-20"]
        .map(|id| soter_attack::find(id).unwrap());
    let found = audit_in_lanes(backend.target(), &verifier::keys(), &attacks, LANES, |_| {}).await.unwrap();
    let found: Vec<_> = found.iter().map(|finding| finding.verdict).collect();
    assert_eq!(found, [Verdict::Fail, Verdict::Fail, Verdict::Pass, Verdict::Pass]);
}
