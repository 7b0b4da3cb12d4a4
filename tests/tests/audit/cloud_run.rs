//! An application in WeChat Cloud Run: it knows its users by the platform's headers, and has no logins of its own.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::routing::any;
use serde_json::json;
use soter_attack::{Envelope, Input, Target};

use super::application::{emulated, target};
use super::serve;

/// The path and the platform's headers of each request.
type Seen = Arc<Mutex<Vec<(String, Vec<String>)>>>;

async fn answer(State(seen): State<Seen>, uri: Uri, headers: HeaderMap) -> axum::Json<serde_json::Value> {
    let names = ["x-wx-openid", "x-wx-appid", "x-wx-unionid", "x-wx-env", "x-wx-source"];
    let values = names.map(|name| {
        let values: Vec<_> = headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
        values.join("+")
    });
    seen.lock().unwrap().push((uri.path().to_owned(), values.to_vec()));
    axum::Json(json!({"challenge": "a challenge", "paid": false}))
}

/// What the application gets when an attacker sends the result of another user, with that user's openid wherever the
/// description lets them.
async fn seen(switch: &str) -> (Vec<(String, Vec<String>)>, [String; 2], bool) {
    let seen = Seen::default();
    let url =
        format!("http://{}", serve(Router::new().fallback(any(answer)).with_state(Arc::clone(&seen))).await);
    let description = format!(
        r#"
url = "{url}"
{switch}
[challenge]
challenge = "/challenge"
[challenge.request]
url = "/orders/new"
[result.request]
url = "/pay"
headers = {{ X-WX-OPENID = "{{{{openid}}}}" }}
body = '{{"resultJSON":"{{{{resultJSON}}}}","resultJSONSignature":"{{{{resultJSONSignature}}}}"}}'
[result.success]
pointer = "/paid"
value = true
"#
    );
    let target = target(&url, &description, emulated());
    let (user, victim) = (target.user("").unwrap(), target.user("").unwrap());
    let mut visit = target.start_visit(&user).await.unwrap();
    let order = target.order(&mut visit, "").await.unwrap();
    let input = Input {
        json: "{}".to_owned(),
        signature: String::new(),
        openid: victim.openid.clone(),
        requested_openid: victim.openid.clone(),
        envelope: Envelope::Usual,
        added: Vec::new(),
    };
    target.send(&visit, &order, &input).await.unwrap();
    let seen = seen.lock().unwrap().clone();
    (seen, [user.openid, victim.openid], target.identifies_senders(&visit))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_has_the_platforms_headers_of_its_user_which_no_attack_can_change() {
    let (seen, [user, _], identifies) = seen("cloudrun = true").await;
    assert!(identifies);
    let paths: Vec<_> = seen.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["/orders/new", "/pay"]);
    for (path, values) in seen {
        assert_eq!(values[0], user, "{path}");
        assert_eq!((&*values[1], &*values[4]), ("wxweak000000000001", "wx_client"), "{path}");
        assert!(!values[2].is_empty() && !values[3].is_empty(), "{path}: {values:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_switch_a_request_has_only_the_descriptions_own_headers() {
    let (seen, [_, victim], _) = seen("").await;
    assert_eq!(seen[0].1, ["", "", "", "", ""]);
    assert_eq!(seen[1].1, [victim.as_str(), "", "", "", ""]);
}
