//! The cookies that an audit keeps for an application.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, Uri};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::any;
use serde_json::json;
use soter_attack::{ApplicationTarget, Envelope, Input, Target, Visit};

use super::application::{emulated, target};
use super::serve;

/// An application that sets cookies and writes down which ones requests bring.
struct Application {
    /// `Set-Cookie` headers of the logins' answers. `#` stands for the number of the login.
    login: Vec<String>,
    /// `Set-Cookie` headers of the orders' answers.
    orders: Vec<String>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    logins: usize,
    /// The path and the `Cookie` header of each request.
    requests: Vec<(String, String)>,
}

impl Application {
    async fn start(login: &[&str], orders: &[&str]) -> (Arc<Self>, Box<ApplicationTarget>) {
        let owned = |headers: &[&str]| headers.iter().map(|header| (*header).to_owned()).collect();
        let application =
            Arc::new(Self { login: owned(login), orders: owned(orders), kept: Mutex::default() });
        let routes = Router::new().fallback(any(answer)).with_state(Arc::clone(&application));
        let url = format!("http://{}", serve(routes).await);
        (application, target(&url, &description(&url), emulated()))
    }

    /// The cookies of the requests to this path, one text per request.
    fn cookies(&self, path: &str) -> Vec<String> {
        let kept = self.kept.lock().unwrap();
        let requests = kept.requests.iter().filter(|(requested, _)| requested == path);
        requests.map(|(_, cookies)| cookies.clone()).collect()
    }
}

async fn answer(State(application): State<Arc<Application>>, uri: Uri, headers: HeaderMap) -> Response {
    let mut kept = application.kept.lock().unwrap();
    let cookies = headers.get(COOKIE).map(|value| value.to_str().unwrap().to_owned());
    // The body shows the cookies, as pages for developers do.
    let body = json!({"challenge": "a challenge", "paid": false, "cookies": cookies});
    kept.requests.push((uri.path().to_owned(), cookies.unwrap_or_default()));
    let set = match uri.path() {
        "/account/login" => {
            kept.logins += 1;
            application.login.as_slice()
        }
        "/orders/new" => application.orders.as_slice(),
        _ => &[],
    };
    let number = kept.logins.to_string();
    let set: Vec<_> = set.iter().map(|cookie| (SET_COOKIE, cookie.replace('#', &number))).collect();
    (AppendHeaders(set), axum::Json(body)).into_response()
}

fn description(url: &str) -> String {
    format!(
        r#"
url = "{url}"
[login.request]
url = "/account/login"
body = '{{"code":"{{{{code}}}}"}}'
[challenge]
challenge = "/challenge"
[challenge.request]
url = "/orders/new"
[result.request]
url = "/pay"
body = '{{"resultJSON":"{{{{resultJSON}}}}","resultJSONSignature":"{{{{resultJSONSignature}}}}"}}'
[result.success]
pointer = "/paid"
value = true
"#
    )
}

async fn log_in(target: &ApplicationTarget) -> Visit {
    let user = target.user("a user").unwrap();
    target.start_visit(&user).await.unwrap()
}

/// The cookies of two orders of one visit. The first order's answer has set its own cookies before the second one.
async fn of_two_orders(login: &[&str], orders: &[&str]) -> Vec<String> {
    let (application, target) = Application::start(login, orders).await;
    let mut visit = log_in(&target).await;
    for _ in 0..2 {
        target.order(&mut visit, "").await.unwrap();
    }
    application.cookies("/orders/new")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_is_removed_by_a_max_age_of_zero_or_less() {
    for removal in ["sid=; Path=/; Max-Age=0", "sid=x; max-age=-1; path=/"] {
        assert_eq!(of_two_orders(&["sid=secret; Path=/"], &[removal]).await, ["sid=secret", ""], "{removal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_is_removed_by_an_expiry_in_the_past() {
    for removal in [
        "sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "sid=; Path=/; Expires=Thu, 01-Jan-1970 00:00:01 GMT",
        "sid=; Path=/; Expires=Sunday, 06-Nov-94 08:49:37 GMT",
        "sid=; Path=/; expires=Sun Nov  6 08:49:37 1994",
    ] {
        assert_eq!(of_two_orders(&["sid=secret; Path=/"], &[removal]).await, ["sid=secret", ""], "{removal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_expires_later_stays_and_max_age_counts_before_expires() {
    let orders = &["b=2; Path=/; Max-Age=3600; Expires=Thu, 01 Jan 1970 00:00:00 GMT"];
    let login = &["a=1; Path=/; Expires=Fri, 31 Dec 9999 23:59:59 GMT"];
    assert_eq!(of_two_orders(login, orders).await, ["a=1", "a=1; b=2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_goes_to_its_path_alone() {
    let login = &[
        "root=1; Path=/",
        "orders=2; Path=/orders",
        "new=3; Path=/orders/new",
        "beginning=4; Path=/ord",
        "pay=5; Path=/pay",
        // Without a path, it is the login's own folder.
        "login=6",
    ];
    let (application, target) = Application::start(login, &["orders=7; Path=/orders; Max-Age=0"]).await;
    let mut visit = log_in(&target).await;
    for _ in 0..2 {
        target.order(&mut visit, "").await.unwrap();
    }
    assert!(target.identifies_senders(&visit));
    target.end_visit(&mut visit).await.unwrap();
    target.order(&mut visit, "").await.unwrap();
    assert_eq!(application.cookies("/orders/new"), ["new=3; orders=2; root=1", "new=3; root=1", ""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_for_another_path_or_domain_removes_nothing() {
    let orders = &["sid=; Path=/orders; Max-Age=0", "sid=; Path=/; Domain=other.test; Max-Age=0"];
    assert_eq!(of_two_orders(&["sid=secret; Path=/"], orders).await, ["sid=secret", "sid=secret"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_of_another_domain_is_not_kept_and_a_secure_one_goes_to_this_computer() {
    let login =
        &["a=1; Path=/; Domain=other.test", "b=2; Path=/; Secure; HttpOnly; SameSite=Strict", "=3", "c"];
    assert_eq!(of_two_orders(login, &[]).await, ["b=2", "b=2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_cookie_replaces_the_old_one() {
    let orders = &["sid=\"new==\"; Path=/"];
    assert_eq!(of_two_orders(&["sid=old; Path=/"], orders).await, ["sid=old", "sid=\"new==\""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_of_one_login_never_reach_another() {
    let (application, target) = Application::start(&["sid=login-#; Path=/"], &[]).await;
    let mut first = log_in(&target).await;
    let mut second = log_in(&target).await;
    for visit in [&mut first, &mut second] {
        target.order(visit, "").await.unwrap();
    }
    target.end_visit(&mut first).await.unwrap();
    for visit in [&mut first, &mut second] {
        target.order(visit, "").await.unwrap();
    }
    // The same user logs in again.
    let mut again = target.start_visit(&first.user).await.unwrap();
    target.order(&mut again, "").await.unwrap();
    assert_eq!(application.cookies("/account/login"), ["", "", ""]);
    let seen = ["sid=login-1", "sid=login-2", "", "sid=login-2", "sid=login-3"];
    assert_eq!(application.cookies("/orders/new"), seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_whose_cookies_do_not_go_to_the_results_does_not_name_its_user() {
    let (_, target) = Application::start(&["admin=1; Path=/admin"], &[]).await;
    let mut visit = log_in(&target).await;
    assert!(!target.identifies_senders(&visit));
    assert!(target.end_visit(&mut visit).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_of_a_request_has_no_value_of_a_cookie() {
    let login =
        &["sid=first-secret; Path=/", "gone=second-secret; Path=/", "elsewhere=third-secret; Path=/orders"];
    let (application, target) = Application::start(login, &["gone=; Path=/; Max-Age=0"]).await;
    let mut visit = log_in(&target).await;
    let order = target.order(&mut visit, "").await.unwrap();
    let input = Input {
        json: "first-secret second-secret third-secret".to_owned(),
        signature: String::new(),
        openid: visit.user.openid.clone(),
        requested_openid: visit.user.openid.clone(),
        envelope: Envelope::Usual,
        added: Vec::new(),
    };
    let answer = target.send(&visit, &order, &input).await.unwrap();
    assert_eq!(application.cookies("/pay"), ["sid=first-secret"]);
    let shown = format!("{:?}", answer.exchange);
    assert!(shown.contains("Cookie: sid=…") && shown.contains("a challenge"), "{shown}");
    for number in ["first", "second", "third"] {
        assert!(!shown.contains(&format!("{number}-secret")), "{shown}");
    }
}
