//! What descriptions say beyond the usual: keys for an application that checks signatures itself, values of another user,
//! and redirects.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use serde_json::{Value, json};
use soter_attack::audit::audit;
use soter_attack::{ApplicationTarget, Target, TimePassed, Verdict, find};
use soter_wechat::Clock;

use super::application::{emulated, target};
use super::verifier::{self, APPS, SECRET, Verifier, Weakness};
use super::{market, serve};

/// A verifier, described as an application with its own way of login and enrolment.
async fn verifier_as_application(weakness: Weakness) -> Box<ApplicationTarget> {
    let (_, address) = Verifier::listen(weakness).await;
    let url = format!("http://{address}");
    let description = r#"
url = "URL"

[login]
request = { method = "GET", url = "/cgi-bin/token?appid=APP&secret=SECRET" }
values.token = "/access_token"

[enroll]
request.url = "/sim/devices"
request.body = '''
{"cpu_id":"{{cpu_id}}","uid":"{{uid}}","attk":"{{attk}}","public_key":"{{publicKey}}","salt_length":{{saltLength}},
 "ask":{"json":"{{askJSON}}","signature":"{{askSignature}}"},
 "auth_key":{"json":"{{authKeyJSON}}","signature":"{{authKeySignature}}"},"appid":"APP","openid":"{{openid}}"}'''
success = { pointer = "/enrolled", value = true }

[challenge]
request = { method = "GET", url = "/" }
challenge = { template = "{{nonce}}" }

[result]
request.url = "/cgi-bin/soter/verify_signature?access_token={{token}}"
request.body = '{"openid":"{{openid}}","json_string":"{{resultJSON}}","json_signature":"{{resultJSONSignature}}"}'
success = { pointer = "/is_ok", value = true }
"#;
    let description = description.replace("SECRET", &SECRET.replace(' ', "%20"));
    target(&url, &description.replace("URL", &url).replace("APP", APPS[0]), emulated())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_checks_signatures_itself_gets_the_keys_and_the_forged_ones_too() {
    for (weakness, forged_ask, forged_auth_key) in [
        (Weakness::None, Verdict::Pass, Verdict::Pass),
        (Weakness::AskNotVerified, Verdict::Fail, Verdict::Pass),
        (Weakness::AuthKeyNotVerified, Verdict::Pass, Verdict::Fail),
    ] {
        let target = verifier_as_application(weakness).await;
        let attacks = ["SOTER-IDENTITY-11", "SOTER-IDENTITY-12", "SOTER-SIGNATURE-24"];
        let attacks = attacks.map(|id| find(id).unwrap());
        let found = Box::pin(audit(&*target, &verifier::keys(), &attacks, |_| {})).await.unwrap();
        let verdicts: Vec<_> = found.iter().map(|finding| finding.verdict).collect();
        assert_eq!(verdicts, [forged_ask, forged_auth_key, Verdict::Pass], "{weakness:?}");
    }
}

/// The verdicts on these attacks on an application that checks signatures itself.
async fn verdicts(weakness: Weakness, ids: &[&str]) -> Vec<Verdict> {
    let target = verifier_as_application(weakness).await;
    let attacks: Vec<_> = ids.iter().map(|id| find(&format!("SOTER-{id}")).unwrap()).collect();
    let found = Box::pin(audit(&*target, &verifier::keys(), &attacks, |_| {})).await.unwrap();
    found.iter().map(|finding| finding.verdict).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_reads_texts_of_no_tee_in_its_own_way_is_warned() {
    let ids = ["COUNTER-08", "COUNTER-09", "COUNTER-11", "COUNTER-18", "JSON-18", "JSON-24", "IDENTITY-16"];
    assert_eq!(verdicts(Weakness::None, &ids).await, [Verdict::Pass; 7]);
    for (weakness, read) in [
        (Weakness::CounterLenient, &["COUNTER-08", "COUNTER-09", "COUNTER-18", "JSON-24", "IDENTITY-16"][..]),
        (Weakness::FirstKeyWins, &["COUNTER-12", "COUNTER-18", "JSON-18", "JSON-24", "IDENTITY-16"]),
        (Weakness::LastKeyWins, &["COUNTER-11", "COUNTER-18", "JSON-18", "JSON-24", "IDENTITY-16"]),
        (Weakness::NamesInAnyCase, &["COUNTER-17"]),
    ] {
        assert_eq!(verdicts(weakness, read).await, vec![Verdict::Warn; read.len()], "{weakness:?}");
    }
    // What a parser reads wrongly does not excuse a number that no counter can be.
    assert_eq!(verdicts(Weakness::CounterLenient, &["COUNTER-06", "COUNTER-07"]).await, [Verdict::Fail; 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_checks_signatures_itself_is_found_if_it_enrolls_what_it_should_not() {
    let ids = ["ENROLL-01", "ENROLL-04", "ENROLL-07", "ENROLL-09", "ENROLL-10", "ENROLL-12"];
    assert_eq!(verdicts(Weakness::None, &ids).await, [Verdict::Pass; 6]);
    for (weakness, failed) in [
        (Weakness::AnyAuthKey, "ENROLL-01"),
        (Weakness::AnyAsk, "ENROLL-04"),
        (Weakness::UploadsInOrder, "ENROLL-07"),
        (Weakness::KeyOfSeveral, "ENROLL-09"),
        (Weakness::UploadsAmongThemselves, "ENROLL-10"),
        (Weakness::AuthKeyOfAnyPhone, "ENROLL-12"),
    ] {
        assert_eq!(verdicts(weakness, &[failed]).await, [Verdict::Fail], "{weakness:?}");
    }
    // Exports in another order give an attacker nothing.
    assert_eq!(verdicts(Weakness::UploadedAskAlone, &["ENROLL-11"]).await, [Verdict::Warn]);
}

/// An application with this description of its logins and orders.
async fn application(routes: Router, description: &str) -> Box<ApplicationTarget> {
    let url = format!("http://{}", serve(routes).await);
    let result = r#"
[result]
request.url = "/pay"
request.body = "{{resultJSON}} {{resultJSONSignature}}"
success.pointer = "/paid"
"#;
    target(&url, &format!("url = \"{url}\"\n{description}{result}"), emulated())
}

#[tokio::test(flavor = "multi_thread")]
async fn wechats_clock_is_put_back_with_the_applications_and_stays_if_nothing_was_moved() {
    let ahead = Arc::new(AtomicUsize::new(0));
    let (moved, shown) = (Arc::clone(&ahead), Arc::clone(&ahead));
    let clock = async move |body: axum::Json<Value>| {
        moved.store(body["ahead"].as_u64().unwrap().try_into().unwrap(), Ordering::Relaxed);
    };
    let url = format!("http://{}", serve(Router::new().route("/clock", post(clock))).await);
    let description = market::DESCRIPTION.replace("URL", &url);
    let emulated = emulated();
    let wechats = emulated.clock.clone();
    let target = target(&url, &description, emulated);
    let begun = wechats.unix_millis();

    target.end_passed_time().await.unwrap();
    assert_eq!(wechats.unix_millis(), begun);
    assert_eq!(target.pass_time(Duration::from_mins(1)).await, Ok(TimePassed::Moved));
    assert_eq!((wechats.unix_millis(), shown.load(Ordering::Relaxed)), (begun + 60_000, 60));
    target.end_passed_time().await.unwrap();
    assert_eq!((wechats.unix_millis(), ahead.load(Ordering::Relaxed)), (begun, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_may_need_a_value_of_another_users_login() {
    let logins = Arc::new(AtomicUsize::new(0));
    let login = async move || axum::Json(json!({"number": logins.fetch_add(1, Ordering::Relaxed)}));
    let send = async |body: axum::Json<Value>| format!("{} to {}", body["from"], body["to"]);
    let routes = Router::new().route("/login", post(login)).route("/send", post(send));
    let description = r#"
[login]
request = { url = "/login", body = "{{code}}" }
values.number = "/number"
[challenge]
request = { url = "/send", body = '{"from":{{number}},"to":{{other.number}}}' }
"#;
    let target = application(routes, description).await;
    // The other user logs in once, for the first order.
    for expected in ["0 to 1", "2 to 1", "3 to 1"] {
        let user = target.user("").unwrap();
        let mut visit = target.start_visit(&user).await.unwrap();
        assert_eq!(target.order(&mut visit, "").await.unwrap().challenge, expected);
    }
}

/// How a login ends whose redirects are followed.
async fn log_in(routes: Router) -> Result<(), String> {
    let description = r#"
[login]
request = { url = "/login", body = "{{code}}" }
follow = true
[challenge]
request.url = "/order"
"#;
    let target = application(routes, description).await;
    let user = target.user("").unwrap();
    target.start_visit(&user).await.map(|_| ()).map_err(|error| error.to_string())
}

/// A login that redirects.
fn redirecting(location: &str) -> Router {
    let location = location.to_owned();
    Router::new().route("/login", post(async move || Redirect::to(&location)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_followed_on_the_same_server_alone_and_not_without_end() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let elsewhere = async move || {
        counted.fetch_add(1, Ordering::Relaxed);
    };
    let elsewhere = format!("http://{}/", serve(Router::new().fallback(any(elsewhere))).await);
    let error = log_in(redirecting(&elsewhere)).await.unwrap_err();
    assert!(error.contains(&elsewhere), "{error}");
    assert_eq!(requests.load(Ordering::Relaxed), 0);

    let circle = redirecting("/a").route("/a", get(async || Redirect::to("/a")));
    assert_eq!(log_in(circle).await.unwrap_err(), "more than 10 redirects follow one another");
    let error = log_in(redirecting("http://[")).await.unwrap_err();
    assert!(error.contains("`http://[`, which is not an address"), "{error}");
    assert_eq!(log_in(redirecting("/a").route("/a", get(async || "welcome"))).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_the_description_names_stays_over_a_redirect() {
    let sent = |headers: &HeaderMap| {
        headers.get("cookie").map(|cookie| cookie.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    let order = async move |headers: HeaderMap| -> Response {
        if sent(&headers) == "sid=7" {
            Redirect::temporary("/orders/new").into_response()
        } else {
            "none".into_response()
        }
    };
    // The cookie has no path, so browsers would send it below /account alone.
    let login = async || ([("set-cookie", "sid=7")], "welcome");
    let routes = Router::new()
        .route("/account/login", post(login))
        .route("/orders", post(order))
        .route("/orders/new", post(async move |headers: HeaderMap| sent(&headers)));
    let description = r#"
[login]
request = { url = "/account/login", body = "{{code}}" }
values.sid = { cookie = "sid" }
[challenge]
request = { url = "/orders", headers = { Cookie = "sid={{sid}}" } }
follow = true
"#;
    let target = application(routes, description).await;
    let user = target.user("").unwrap();
    let mut visit = target.start_visit(&user).await.unwrap();
    assert_eq!(target.order(&mut visit, "").await.unwrap().challenge, "sid=7");
}
