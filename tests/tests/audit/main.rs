//! Tests of the audit itself: a deliberately weak backend is found by exactly the attacks that abuse its weakness, and
//! a correct one causes no finding.
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

mod application;
mod careless_pss;
mod cloud_run;
mod comparison;
mod cookies;
mod description;
mod in_chinese;
mod lanes;
mod market;
mod steps;
mod verifier;
mod wechat_api;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use soter_attack::audit::{ControlKind, Finding, audit};
use soter_attack::{Attack, Target, Verdict, catalogue, find};
use tokio::net::TcpListener;

use application::Shop;
use comparison::Comparison;
use market::Market;
use verifier::Verifier;

/// The timeout for one answer of a backend.
const TIME: Duration = Duration::from_secs(20);

/// Serves on a free port until the test ends.
async fn serve(routes: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    address
}

/// A backend, which runs as long as this exists.
trait Backend {
    type Target: Target;

    fn target(&self) -> &Self::Target;
}

/// The findings of an audit, without attacks that passed or were skipped.
async fn findings(backend: impl Backend) -> Vec<Finding> {
    findings_of(backend, catalogue().collect()).await
}

/// The same with these attacks alone.
async fn findings_of(backend: impl Backend, attacks: Vec<&'static Attack>) -> Vec<Finding> {
    let (target, keys) = (backend.target(), verifier::keys());
    let mut findings = Box::pin(audit(target, &keys, &attacks, |_| {})).await.unwrap();
    findings.retain(|finding| !matches!(finding.verdict, Verdict::Pass | Verdict::Skip));
    findings
}

fn ids(findings: &[Finding], verdict: Verdict) -> BTreeSet<String> {
    let of_verdict = findings.iter().filter(|finding| finding.verdict == verdict);
    of_verdict.map(|finding| finding.attack.id.trim_start_matches("SOTER-").to_owned()).collect()
}

fn words(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn correct_verifiers_cause_no_finding() {
    use verifier::Weakness;
    for correct in [Weakness::None, Weakness::Tolerant, Weakness::Busy, Weakness::KeysInMemory] {
        let found = findings(Verifier::start(correct).await).await;
        assert!(found.is_empty(), "{correct:?}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn correct_applications_cause_no_finding() {
    use application::Weakness;
    for correct in [
        Weakness::None,
        Weakness::Tolerant,
        Weakness::CookiesRenewed,
        Weakness::LocksOut,
        Weakness::OneOpenOrder,
        Weakness::AsksAgain,
        Weakness::Compares(Comparison::Exact),
        Weakness::Compares(Comparison::ExactDigits),
        Weakness::Compares(Comparison::EachField),
        Weakness::Compares(Comparison::EscapedExpression),
        Weakness::Compares(Comparison::EscapedLike),
        Weakness::RemembersResult,
    ] {
        let found = findings(Shop::start(correct).await).await;
        assert!(found.is_empty(), "{correct:?}: {found:?}");
    }
}

/// Starts a backend with each weakness, and asserts exactly these findings.
macro_rules! each_is_found {
    ($start:expr, $($weakness:expr => $($verdict:ident $expected:literal)+;)+) => {
        each_is_found! { $start, catalogue().collect(), $($weakness => $($verdict $expected)+;)+ }
    };
    ($start:expr, $attacks:expr, $($weakness:expr => $($verdict:ident $expected:literal)+;)+) => {
        let mut wrong = Vec::new();
        $(
            let found = findings_of($start($weakness).await, $attacks).await;
            let others = found.iter().filter(|finding| ![$(Verdict::$verdict),+].contains(&finding.verdict));
            let mut is_as_expected = others.count() == 0;
            $(is_as_expected &= ids(&found, Verdict::$verdict) == words($expected);)+
            if !is_as_expected {
                let found: Vec<_> =
                    found.iter().map(|it| (it.verdict, it.attack.id, it.reason.english())).collect();
                wrong.push(format!("{:?}: {found:?}", $weakness));
            }
        )+
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_that_is_careless_about_counters_is_found_by_exactly_the_matching_attacks() {
    use verifier::Weakness;
    each_is_found! { Verifier::start,
        Weakness::AllInMemory => Fail "REPLAY-03 COUNTER-05";
        Weakness::CheckThenWrite => Fail "REPLAY-02 COUNTER-33";
        Weakness::CounterAsDouble => Fail "COUNTER-15";
        Weakness::CounterAsText => Fail "COUNTER-13 COUNTER-26 COUNTER-30 COUNTER-36" Warn "COUNTER-14";
        Weakness::CounterBeforeSignature => Fail "COUNTER-21 COUNTER-27";
        Weakness::CounterByDeviceAndApp => Fail "COUNTER-38";
        Weakness::CounterByDeviceAndUser => Fail "COUNTER-22 COUNTER-38";
        Weakness::CounterByKey => Fail "COUNTER-19 COUNTER-22 COUNTER-38";
        Weakness::CounterByUser => Fail "COUNTER-20 COUNTER-22 COUNTER-38";
        Weakness::CounterIn32Bits => Fail "COUNTER-14 COUNTER-15";
        Weakness::CounterInMemory => Fail "REPLAY-03 COUNTER-05";
        Weakness::CounterLenient => Fail "COUNTER-06 COUNTER-07 COUNTER-08 COUNTER-09 COUNTER-18 COUNTER-35 JSON-24 IDENTITY-16";
        Weakness::CounterLate => Fail "COUNTER-36";
        Weakness::CounterMayBeMissing => Fail "COUNTER-10";
        Weakness::CounterNotANumber => Fail "COUNTER-34";
        Weakness::CounterNotChecked =>
            Fail "REPLAY-01 REPLAY-02 REPLAY-03 REPLAY-04 REPLAY-05 REPLAY-14 REPLAY-15 COUNTER-01 COUNTER-02 COUNTER-03 COUNTER-04 COUNTER-05 COUNTER-17 COUNTER-19 COUNTER-22 COUNTER-24 COUNTER-28 COUNTER-30 COUNTER-31 COUNTER-32 COUNTER-33 COUNTER-36 COUNTER-37 COUNTER-38";
        Weakness::CounterPlusOne => Fail "COUNTER-13" Warn "COUNTER-14";
        Weakness::CounterSaturates => Fail "COUNTER-35";
        Weakness::CounterWindow => Fail "REPLAY-05 COUNTER-24 COUNTER-36";
        Weakness::CounterWraps => Fail "COUNTER-35";
        Weakness::CounterZeroIsNone => Fail "COUNTER-24";
        Weakness::EqualCounter => Fail "REPLAY-01 REPLAY-02 REPLAY-03 REPLAY-13 REPLAY-14 REPLAY-15 COUNTER-01 COUNTER-17 COUNTER-19 COUNTER-22 COUNTER-28 COUNTER-31 COUNTER-32 COUNTER-33 COUNTER-37 COUNTER-38";
        Weakness::FirstKeyWins => Fail "COUNTER-12 COUNTER-18 JSON-18 JSON-24 IDENTITY-16";
        Weakness::LastCounterEvenIfRefused => Fail "REPLAY-13";
        Weakness::LastCounterOnly => Fail "REPLAY-04 REPLAY-05 COUNTER-02 COUNTER-03 COUNTER-04 COUNTER-05 COUNTER-24 COUNTER-30 COUNTER-36";
        Weakness::LastKeyWins => Fail "COUNTER-11 COUNTER-18 JSON-18 JSON-24 IDENTITY-16";
        Weakness::NamesInAnyCase => Fail "COUNTER-17";
        Weakness::RaceBreaksOff => Fail "REPLAY-02 COUNTER-33";
        Weakness::SpentBeforeOpenid => Fail "COUNTER-27";
        Weakness::StoredAsDouble => Fail "REPLAY-15";
        Weakness::StoredIn32Bits => Fail "REPLAY-14 REPLAY-15";
        Weakness::SignatureRemembered =>
            Fail "REPLAY-10 REPLAY-05 COUNTER-27 COUNTER-01 COUNTER-02 COUNTER-03 COUNTER-04 COUNTER-05 COUNTER-17 COUNTER-19 COUNTER-22 COUNTER-24 COUNTER-28 COUNTER-30 COUNTER-31 COUNTER-32 COUNTER-33 COUNTER-36 COUNTER-37 COUNTER-38";
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_processes_count_for_themselves_is_found_over_new_connections() {
    use verifier::Weakness;
    let attack = find("SOTER-COUNTER-37").unwrap();
    for (weakness, verdict) in [(Weakness::CounterByProcess, Verdict::Fail), (Weakness::None, Verdict::Pass)]
    {
        let target = Verifier::start(weakness).await;
        let played = soter_attack::play(attack, &target, &verifier::keys()).await;
        assert_eq!(played.verdict, verdict, "{weakness:?}: {}", played.reason.english());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_without_a_second_mini_program_is_not_attacked_through_one() {
    use verifier::Weakness;
    let attack = find("SOTER-COUNTER-38").unwrap();
    let two = Verifier::start(Weakness::None).await;
    let played = soter_attack::play(attack, &two, &verifier::keys()).await;
    assert_eq!(played.verdict, Verdict::Pass, "{}", played.reason.english());
    let one = Verifier::start(Weakness::None).await.with_other_app(None);
    let played = soter_attack::play(attack, &one, &verifier::keys()).await;
    assert_eq!(played.verdict, Verdict::Skip, "{}", played.reason.english());
    assert!(played.reason.english().contains("--other-appid"), "{}", played.reason.english());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_that_is_careless_about_signatures_is_found_by_exactly_the_matching_attacks() {
    use verifier::Weakness;
    each_is_found! { Verifier::start,
        Weakness::AnySalt =>
            Fail "SIGNATURE-11 SIGNATURE-12 SIGNATURE-13 SIGNATURE-14 SIGNATURE-15 SIGNATURE-16 SIGNATURE-34 SIGNATURE-35";
        Weakness::AnyHash => Fail "SIGNATURE-32";
        Weakness::AnyHashes => Fail "SIGNATURE-32 SIGNATURE-33";
        Weakness::AnyMask => Fail "SIGNATURE-33";
        Weakness::Base64FailsOpen => Fail "SIGNATURE-27";
        Weakness::BreaksOnMalformedJson => Warn "COUNTER-23 COUNTER-34 JSON-12 JSON-13 JSON-15 JSON-16 JSON-17 JSON-29 PROTOCOL-09";
        Weakness::KeyFromMessage => Fail "SIGNATURE-20";
        Weakness::PaddingNotChecked => Fail "SIGNATURE-25 SIGNATURE-26";
        Weakness::Pkcs1Accepted => Fail "SIGNATURE-08";
        Weakness::Reserialises => Fail "JSON-10 JSON-11 JSON-12 JSON-14";
        Weakness::SaltAlways20 => Fail "SIGNATURE-24";
        Weakness::SaltAtLeast20 => Fail "SIGNATURE-13 SIGNATURE-14 SIGNATURE-15 SIGNATURE-16 SIGNATURE-34 SIGNATURE-35";
        Weakness::SaltFromMessage => Fail "SIGNATURE-12 SIGNATURE-14 SIGNATURE-16 SIGNATURE-35";
        Weakness::SignatureIgnored =>
            Fail "CACHE-01 CACHE-02 CACHE-03 CACHE-05 CACHE-06 SIGNATURE-27 SIGNATURE-30 SIGNATURE-01 SIGNATURE-02 SIGNATURE-03 SIGNATURE-04 SIGNATURE-05 SIGNATURE-06 SIGNATURE-07 SIGNATURE-08 SIGNATURE-09 SIGNATURE-10 SIGNATURE-11 SIGNATURE-12 SIGNATURE-13 SIGNATURE-14 SIGNATURE-15 SIGNATURE-16 SIGNATURE-17 SIGNATURE-18 SIGNATURE-19 SIGNATURE-20 SIGNATURE-25 SIGNATURE-26 SIGNATURE-32 SIGNATURE-33 SIGNATURE-34 SIGNATURE-35 JSON-01 JSON-02 JSON-03 JSON-04 JSON-05 JSON-06 JSON-07 JSON-08 JSON-09 JSON-10 JSON-11 JSON-14 IDENTITY-09 IDENTITY-10";
        Weakness::SignatureNotRequired => Fail "SIGNATURE-28 SIGNATURE-29 SIGNATURE-31";
        Weakness::SignatureOptional => Fail "SIGNATURE-02";
        Weakness::TrimsText => Fail "JSON-13 JSON-14 JSON-16";
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_that_is_careless_about_identities_is_found_by_exactly_the_matching_attacks() {
    use verifier::Weakness;
    each_is_found! { Verifier::start,
        Weakness::AnyKey =>
            Fail "COUNTER-29 SIGNATURE-17 SIGNATURE-19 IDENTITY-01 IDENTITY-03 IDENTITY-04 IDENTITY-06 IDENTITY-07 IDENTITY-09 IDENTITY-10 IDENTITY-15 IDENTITY-17 PROTOCOL-05 PROTOCOL-10 PROTOCOL-11 PROTOCOL-12 PROTOCOL-13 PROTOCOL-14";
        Weakness::AnyRoot => Fail "IDENTITY-13";
        Weakness::AppIgnored => Fail "PROTOCOL-05";
        Weakness::AskNotVerified => Fail "IDENTITY-11";
        Weakness::AuthKeyNotVerified => Fail "IDENTITY-12";
        Weakness::CodeNotSingleUse => Fail "PROTOCOL-01";
        Weakness::DeviceTrimmed => Fail "COUNTER-29";
        Weakness::DeviceInAnyCase => Fail "IDENTITY-15";
        Weakness::GetAccepted => Fail "PROTOCOL-08";
        Weakness::OpenidIgnored => Fail "SIGNATURE-17 IDENTITY-01 IDENTITY-03 IDENTITY-17 PROTOCOL-10 PROTOCOL-11 PROTOCOL-12 PROTOCOL-13 PROTOCOL-14";
        Weakness::OpenidInAnyCase => Fail "IDENTITY-17";
        Weakness::OpenidIsPattern => Fail "PROTOCOL-13";
        Weakness::OpenidOptional => Fail "PROTOCOL-10 PROTOCOL-11 PROTOCOL-12 PROTOCOL-14";
        Weakness::RetiredKeys => Fail "IDENTITY-09 IDENTITY-10";
        Weakness::TokenIgnored => Fail "PROTOCOL-04 PROTOCOL-06 PROTOCOL-07 PROTOCOL-15";
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_that_enrolls_weak_keys_is_found_by_exactly_the_matching_attacks() {
    use verifier::Weakness;
    each_is_found! { Verifier::start,
        Weakness::AnyAsk => Fail "ENROLL-02 ENROLL-04 ENROLL-06";
        Weakness::AnyAuthKey => Fail "ENROLL-01 ENROLL-03 ENROLL-05";
        Weakness::AnyExponent => Fail "ENROLL-03 ENROLL-04 ENROLL-05 ENROLL-06";
        Weakness::ExponentAbove1 => Fail "ENROLL-03 ENROLL-04";
        Weakness::ShortKeys => Fail "ENROLL-01 ENROLL-02";
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_that_enrolls_old_keys_is_found_by_exactly_the_matching_attacks() {
    use verifier::Weakness;
    each_is_found! { Verifier::start,
        Weakness::UploadCountersIgnored => Fail "ENROLL-07 ENROLL-08 ENROLL-10 ENROLL-11";
        Weakness::UploadedAskAlone => Fail "ENROLL-11";
        Weakness::UploadedAuthKeyAlone => Fail "ENROLL-11";
        Weakness::UploadsAmongThemselves => Fail "ENROLL-10";
        Weakness::UploadsInOrder => Fail "ENROLL-07 ENROLL-08 ENROLL-10";
        Weakness::UploadsOnce => Fail "ENROLL-10 ENROLL-11";
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_that_enrolls_keys_of_others_is_found_by_exactly_the_matching_attacks() {
    use verifier::Weakness;
    each_is_found! { Verifier::start,
        Weakness::AnyKnownAsk => Fail "ENROLL-12 ENROLL-13 ENROLL-14";
        Weakness::AskOfAuthKey => Fail "ENROLL-12 ENROLL-14";
        Weakness::AuthKeyOfAnyApp => Fail "ENROLL-13";
        Weakness::AuthKeyOfAnyPhone => Fail "ENROLL-12";
        Weakness::AuthKeyOfAnybody => Fail "ENROLL-12 ENROLL-13";
        Weakness::KeyMovesToOther => Fail "ENROLL-09";
        Weakness::KeyOfSeveral => Fail "ENROLL-09";
        Weakness::UsersOfPhone => Fail "ENROLL-09 SIGNATURE-17";
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_refuses_everyone_after_an_attack_is_an_error_and_ends_the_audit() {
    let found = findings(Verifier::start(verifier::Weakness::LocksUp).await).await;
    assert_eq!(ids(&found, Verdict::Error).len(), catalogue().count());
    let refused =
        found.iter().filter(|finding| finding.reason.english().contains("refuses the honest result"));
    assert!(matches!(refused.count(), 1..=12), "{found:?}");
    let last = &found.last().unwrap().reason.english();
    assert!(last.starts_with("not played: since one of SOTER-"), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_recovers_from_an_attack_is_an_error_there_and_the_audit_continues() {
    each_is_found! { Verifier::start,
        verifier::Weakness::RefusesTemporarily => Error "SIGNATURE-02 SIGNATURE-07 JSON-13 PROTOCOL-09";
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_careless_about_challenges_and_logins_is_found_by_exactly_the_matching_attacks()
 {
    use application::Weakness;
    each_is_found! { Shop::start,
        Weakness::AnybodysOrder => Fail "IDENTITY-18";
        Weakness::AnyOpenOrder => Fail "REPLAY-06 REPLAY-17";
        Weakness::ChallengeCutShort => Fail "JSON-23 JSON-40";
        Weakness::ChallengeInAnyCase => Fail "JSON-21";
        Weakness::ChallengeLookAlike => Fail "JSON-20";
        Weakness::ChallengeNotCompared => Fail "REPLAY-06 REPLAY-07 REPLAY-16 REPLAY-17 JSON-20 JSON-21 JSON-22 JSON-23 JSON-26 JSON-27 JSON-28 JSON-30 JSON-31 JSON-32 JSON-33 JSON-34 JSON-35 JSON-36 JSON-39 JSON-40 JSON-41";
        Weakness::ChallengeOfRequest => Fail "REPLAY-16";
        Weakness::ChallengeOfSession => Fail "REPLAY-17";
        Weakness::ChallengeReusable => Fail "REPLAY-12 REPLAY-18";
        Weakness::ChallengeSeenThenUsed => Fail "REPLAY-06 REPLAY-17 REPLAY-19 COUNTER-33";
        Weakness::ChallengeTrimmed => Fail "JSON-22";
        Weakness::ChallengeWithinText => Fail "JSON-22 JSON-26 JSON-27 JSON-28";
        Weakness::CodeRemembered => Fail "PROTOCOL-01";
        Weakness::LoginBelieved => Fail "PROTOCOL-01 PROTOCOL-02 PROTOCOL-03";
        Weakness::OpenidOfOrder => Fail "REPLAY-11";
        Weakness::OpenidOfRequest => Fail "IDENTITY-02";
        Weakness::OrderByChallenge => Fail "REPLAY-06 REPLAY-09 REPLAY-17";
        Weakness::SessionNotChecked => Fail "REPLAY-08";
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_compares_challenges_carelessly_is_found_by_exactly_the_matching_attacks() {
    let start = |comparison| Shop::start(application::Weakness::Compares(comparison));
    each_is_found! { start,
        Comparison::AmountLeftOut => Fail "JSON-39";
        Comparison::Beginning => Fail "JSON-22 JSON-23 JSON-27 JSON-28 JSON-31 JSON-33 JSON-35 JSON-36";
        Comparison::BothEnds => Fail "JSON-31 JSON-35 JSON-36";
        Comparison::Composed => Fail "JSON-37";
        Comparison::Doubles => Fail "JSON-33 JSON-35 JSON-38";
        Comparison::End => Fail "JSON-26 JSON-31 JSON-34 JSON-35 JSON-36";
        Comparison::Glob => Fail "JSON-30 JSON-31";
        Comparison::Like => Fail "JSON-30 JSON-31";
        Comparison::OrderLeftOut => Fail "JSON-39";
        Comparison::RegularExpression => Fail "JSON-30 JSON-31";
        Comparison::Search => Fail "JSON-23 JSON-30 JSON-31 JSON-40 JSON-41";
        Comparison::SearchAtStart => Fail "JSON-23 JSON-30 JSON-31 JSON-40 JSON-41";
        Comparison::Template => Fail "JSON-32";
        Comparison::UnlessEmpty => Fail "JSON-40";
        Comparison::WithoutSpaces => Fail "JSON-22 JSON-36";
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_that_takes_refusals_for_successes_concludes_nothing_and_names_the_difference() {
    let every_answer = |text: String| text.replace("pointer = \"/paid\"\nvalue = true", "status = 200");
    let backend = Shop::start_described(application::Weakness::None, every_answer).await;
    let attack = find("SOTER-REPLAY-01").unwrap();
    let failed = Box::pin(audit(backend.target(), &verifier::keys(), &[attack], |_| {})).await.unwrap_err();
    assert_eq!(failed.control, ControlKind::Negative);
    assert!(failed.what.english().starts_with("[result.success]"), "{}", failed.what.english());

    let careless = market::DESCRIPTION.replace("{ pointer = \"/paid\", value = true }", "{ status = 200 }");
    let backend = Market::start_described(market::Weakness::RefusesWith200, &careless).await;
    let failed = Box::pin(audit(backend.target(), &verifier::keys(), &[attack], |_| {})).await.unwrap_err();
    assert_eq!(failed.control, ControlKind::Negative);
    assert!(failed.what.english().contains("/paid is false instead of true"), "{}", failed.what.english());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_that_is_answered_as_before_is_a_failure_that_says_how_to_describe_its_effect() {
    let backend = Shop::start(application::Weakness::OrdersReusable).await;
    let attack = find("SOTER-REPLAY-01").unwrap();
    let found = audit(backend.target(), &verifier::keys(), &[attack], |_| {}).await.unwrap();
    assert_eq!(found[0].verdict, Verdict::Fail);
    assert!(found[0].reason.english().contains("[[result.after]]"), "{}", found[0].reason.english());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_touch_for_several_orders_is_no_error_where_refusals_end_a_login_or_one_order_is_open() {
    use application::Weakness;
    let attack = find("SOTER-REPLAY-19").unwrap();
    for (weakness, verdict) in [
        (Weakness::ChallengeSeenThenUsed, Verdict::Fail),
        (Weakness::LocksOut, Verdict::Pass),
        (Weakness::OneOpenOrder, Verdict::Skip),
        (Weakness::None, Verdict::Pass),
    ] {
        let backend = Shop::start(weakness).await;
        let played = soter_attack::play(attack, backend.target(), &verifier::keys()).await;
        assert_eq!(played.verdict, verdict, "{weakness:?}: {}", played.reason.english());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_shows_no_session_of_the_application() {
    use application::Weakness;
    for (weakness, id) in
        [(Weakness::LoginBelieved, "SOTER-PROTOCOL-01"), (Weakness::ChallengeTrimmed, "SOTER-JSON-22")]
    {
        let backend = Shop::start(weakness).await;
        let attack = find(id).unwrap();
        let found = audit(backend.target(), &verifier::keys(), &[attack], |_| {}).await.unwrap();
        assert_eq!(found[0].verdict, Verdict::Fail, "{id}");
        let shown = format!("{:?}", found[0].exchange.as_ref().unwrap());
        assert!(shown.contains("{{session}}") && !shown.contains("session-"), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_careless_about_results_and_counters_is_found_by_exactly_the_matching_attacks()
{
    use application::Weakness;
    each_is_found! { Shop::start,
        Weakness::AnswerIgnored =>
            Fail "COUNTER-29 SIGNATURE-01 SIGNATURE-02 SIGNATURE-03 SIGNATURE-04 SIGNATURE-05 SIGNATURE-06 SIGNATURE-07 SIGNATURE-08 SIGNATURE-09 SIGNATURE-10 SIGNATURE-11 SIGNATURE-12 SIGNATURE-13 SIGNATURE-14 SIGNATURE-15 SIGNATURE-16 SIGNATURE-17 SIGNATURE-18 SIGNATURE-19 SIGNATURE-20 SIGNATURE-25 SIGNATURE-26 SIGNATURE-27 SIGNATURE-30 SIGNATURE-32 SIGNATURE-33 SIGNATURE-34 SIGNATURE-35 OUTAGE-01 OUTAGE-02 OUTAGE-03 OUTAGE-04 OUTAGE-05 OUTAGE-06 OUTAGE-07 OUTAGE-08 OUTAGE-09 OUTAGE-10 OUTAGE-11 OUTAGE-12 OUTAGE-13 OUTAGE-14 OUTAGE-15 OUTAGE-16 OUTAGE-17 OUTAGE-18 OUTAGE-19 CACHE-01 CACHE-02 CACHE-03 CACHE-04 CACHE-05 CACHE-06 JSON-02 JSON-03 JSON-04 JSON-05 JSON-06 JSON-07 JSON-08 JSON-09 JSON-10 JSON-11 JSON-14 IDENTITY-01 IDENTITY-02 IDENTITY-04 IDENTITY-05 IDENTITY-06 IDENTITY-07 IDENTITY-08 IDENTITY-09 IDENTITY-10 IDENTITY-15 REQUEST-05";
        Weakness::AnswerRemembered => Fail "COUNTER-29 SIGNATURE-30 OUTAGE-18 OUTAGE-19 CACHE-01 CACHE-02 CACHE-05 CACHE-06 IDENTITY-09 IDENTITY-10 IDENTITY-15";
        Weakness::CheckThenWrite => Fail "REPLAY-02 REPLAY-18 COUNTER-33";
        Weakness::CounterAsDouble => Fail "COUNTER-15";
        Weakness::CounterBeforeAsking => Fail "COUNTER-21";
        Weakness::CounterByFinger => Fail "COUNTER-28";
        Weakness::CounterByPattern => Fail "COUNTER-32";
        Weakness::CounterFarBelow => Fail "COUNTER-30";
        Weakness::JumpLimit => Warn "COUNTER-14";
        Weakness::LastPhones => Fail "COUNTER-31";
        Weakness::OnePhone => Warn "COUNTER-20";
        Weakness::SafeIntegers => Warn "COUNTER-15";
        Weakness::CounterByUser => Fail "COUNTER-20 COUNTER-22";
        Weakness::CounterInMemory => Fail "COUNTER-05";
        Weakness::CounterNotChecked => Fail "REPLAY-05 COUNTER-01 COUNTER-02 COUNTER-03 COUNTER-04 COUNTER-05 COUNTER-19 COUNTER-22 COUNTER-24 COUNTER-28 COUNTER-30 COUNTER-31 COUNTER-32 COUNTER-33 COUNTER-36 COUNTER-37" Warn "COUNTER-17";
        Weakness::EmptyIsGood => Fail "PROTOCOL-09";
        Weakness::EqualCounter => Fail "COUNTER-01 COUNTER-19 COUNTER-22 COUNTER-28 COUNTER-31 COUNTER-32 COUNTER-33 COUNTER-37" Warn "COUNTER-17";
        Weakness::OrderSeenThenPaid => Fail "REPLAY-18";
        Weakness::OrdersReusable =>
            Fail "REPLAY-01 REPLAY-02 REPLAY-03 REPLAY-04 REPLAY-05 REPLAY-12 REPLAY-14 REPLAY-15 REPLAY-18 COUNTER-01 COUNTER-02 COUNTER-03 COUNTER-04 COUNTER-05 COUNTER-19 COUNTER-22 COUNTER-24 COUNTER-28 COUNTER-30 COUNTER-31 COUNTER-32 COUNTER-33 COUNTER-36 COUNTER-37" Warn "COUNTER-17";
        Weakness::StringsOrObjects => Fail "JSON-12";
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_takes_an_outage_for_an_acceptance_is_found_by_exactly_the_matching_attacks() {
    use application::Weakness;
    each_is_found! { Shop::start,
        Weakness::FailsOpen =>
            Fail "OUTAGE-01 OUTAGE-04 OUTAGE-05 OUTAGE-06 OUTAGE-07 OUTAGE-08 OUTAGE-15 OUTAGE-16 OUTAGE-17 OUTAGE-18 OUTAGE-19";
        Weakness::FailsOpenIfLate => Fail "OUTAGE-05";
        Weakness::FailsOpenWithoutToken => Fail "OUTAGE-15 OUTAGE-16 OUTAGE-17 OUTAGE-19";
        Weakness::KnownUsersInOutages => Fail "OUTAGE-18 OUTAGE-19";
        Weakness::LooksForRefusals =>
            Fail "OUTAGE-02 OUTAGE-03 OUTAGE-09 OUTAGE-10 OUTAGE-11 OUTAGE-12 OUTAGE-13 OUTAGE-14";
        Weakness::QuotaIsGood => Fail "OUTAGE-12 OUTAGE-13";
        Weakness::TextsAreTrue => Fail "OUTAGE-09";
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_remembers_a_good_verdict_is_found_by_exactly_the_matching_attacks() {
    use application::Weakness;
    each_is_found! { Shop::start,
        Weakness::RemembersAnybodysSignature => Fail "CACHE-01 CACHE-03 CACHE-05";
        Weakness::RemembersChallenge => Fail "CACHE-05 CACHE-06";
        Weakness::RemembersPhone =>
            Fail "CACHE-01 CACHE-02 CACHE-04 CACHE-05 CACHE-06 SIGNATURE-30 OUTAGE-18 OUTAGE-19 IDENTITY-09 IDENTITY-10";
        Weakness::RemembersSignature => Fail "CACHE-01 CACHE-05";
        Weakness::RemembersStartOfSignature => Fail "CACHE-01 CACHE-02 CACHE-05 CACHE-06";
        Weakness::RemembersStartOfText => Fail "CACHE-05 CACHE-06";
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn markets_with_unusual_logins_answers_and_challenges_cause_no_finding() {
    use market::Weakness;
    for correct in [
        Weakness::None,
        Weakness::Cookies,
        Weakness::Token,
        Weakness::RefusesOtherNames,
        Weakness::SameOpenOrder,
        Weakness::LongChallenges,
        Weakness::Talkative,
        Weakness::RefusesWith200,
    ] {
        let found = findings(Market::start(correct).await).await;
        let found: Vec<_> = found.iter().map(|it| (it.verdict, it.attack.id, it.reason.english())).collect();
        assert!(found.is_empty(), "{correct:?}: {found:?}");
    }
}

/// All attacks except those on texts, signatures and counters: markets are not careless about them in any way that differs
/// from one to the next.
fn apart_from_results() -> Vec<&'static Attack> {
    let about_results = ["SIGNATURE", "COUNTER", "JSON"];
    catalogue().filter(|attack| !about_results.iter().any(|word| attack.id.contains(word))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_that_believes_requests_is_found_by_exactly_the_matching_attacks() {
    use market::Weakness;
    each_is_found! { Market::start, apart_from_results(),
        Weakness::AccountOfBody => Fail "REQUEST-01";
        Weakness::AccountOfCookie => Fail "REQUEST-04";
        Weakness::AccountOfQuery => Fail "REQUEST-02";
        Weakness::AmountOfBody => Fail "REQUEST-06";
        Weakness::AmountOfQuery => Fail "REQUEST-07";
        Weakness::OpenidOfHeader => Fail "REQUEST-03";
        Weakness::VerifiedByBody => Fail "REQUEST-05";
        Weakness::VerifiedByHeader => Fail "REQUEST-05";
        Weakness::VerifiedByQuery => Fail "REQUEST-05";
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_whose_logins_can_be_forged_foreseen_or_planted_is_found_by_exactly_the_matching_attacks() {
    use market::Weakness;
    each_is_found! { Market::start, apart_from_results(),
        Weakness::AnonymousCookieKept => Fail "SESSION-04";
        Weakness::ChosenCookieKept => Fail "SESSION-05";
        Weakness::EncodedOpenidIsToken => Fail "SESSION-01 LIFETIME-02";
        Weakness::NumberInToken => Fail "SESSION-01 LIFETIME-02";
        Weakness::OpenidIsToken => Fail "SESSION-01 LIFETIME-02";
        Weakness::TokenCounts => Fail "SESSION-03";
        Weakness::TokenNotSigned => Fail "SESSION-02";
        Weakness::TokenNotVerified => Fail "SESSION-01";
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_whose_challenges_are_known_in_advance_is_found_by_exactly_the_matching_attacks() {
    use market::Weakness;
    each_is_found! { Market::start, apart_from_results(),
        Weakness::ChallengeCounts => Fail "CHALLENGE-03";
        Weakness::ChallengeIsHashOfOrder => Fail "CHALLENGE-05";
        Weakness::ChallengeIsHashOfTime => Fail "CHALLENGE-05";
        Weakness::ChallengeIsTime => Fail "CHALLENGE-04";
        Weakness::ChallengeIsTimeAndNumber => Fail "CHALLENGE-04";
        Weakness::ChallengeShort => Fail "CHALLENGE-02";
        Weakness::SameChallengeForAll => Fail "REPLAY-06 REPLAY-17 CHALLENGE-01";
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_that_tells_too_much_is_found_by_exactly_the_matching_attacks() {
    use market::Weakness;
    each_is_found! { Market::start, apart_from_results(),
        Weakness::TellsErrorsOfWeChat => Fail "DISCLOSURE-01";
        Weakness::TellsOthers => Fail "DISCLOSURE-04";
        Weakness::TellsSecretInHeader => Fail "DISCLOSURE-01";
        Weakness::TellsSessionKey => Fail "DISCLOSURE-03";
        Weakness::TellsStack => Warn "DISCLOSURE-05";
        Weakness::TellsToken => Fail "DISCLOSURE-02";
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_where_challenges_or_logins_do_not_end_is_found_by_exactly_the_matching_attacks() {
    use market::Weakness;
    each_is_found! { Market::start, apart_from_results(),
        Weakness::ChallengeWithoutEnd => Fail "LIFETIME-01";
        Weakness::ChallengeRenewedByLogin => Fail "LIFETIME-01";
        Weakness::LoginWithoutEnd => Fail "LIFETIME-02";
        Weakness::LoginLongerThanMonth => Fail "LIFETIME-02";
        Weakness::NothingEnds => Fail "LIFETIME-01 LIFETIME-02";
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_not_put_back_is_told_and_changes_no_failure() {
    use market::Weakness;
    let attack = find("SOTER-LIFETIME-02").unwrap();
    let stuck = Market::start(Weakness::ClockIsMovedOnce).await;
    let played = soter_attack::play(attack, stuck.target(), &verifier::keys()).await;
    let reason = played.reason.english();
    assert_eq!(played.verdict, Verdict::Fail, "{reason}");
    assert!(reason.starts_with("accepted, and must be refused"), "{reason}");
    assert!(reason.contains("; afterwards the application's clock is still"), "{reason}");
    assert!(played.answer.is_some());
    // Whatever comes next is not to be trusted.
    let next = soter_attack::play(find("SOTER-REPLAY-01").unwrap(), stuck.target(), &verifier::keys()).await;
    assert_eq!(next.verdict, Verdict::Error, "{}", next.reason.english());
    assert!(next.reason.english().contains("clock is still"), "{}", next.reason.english());

    let fixed = Market::start(Weakness::ClockIsNotMoved).await;
    let played = soter_attack::play(attack, fixed.target(), &verifier::keys()).await;
    let reason = played.reason.english();
    assert_eq!(played.verdict, Verdict::Error, "{reason}");
    assert!(reason.starts_with("[clock] does not move the application's clock"), "{reason}");
}
