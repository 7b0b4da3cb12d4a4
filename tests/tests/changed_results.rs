//! A backend sends a result that was changed on its way: `verify_signature` refuses it, and its header says how it was
//! changed.

use serde_json::json;
use soter_tests::{Backend, Callback, Server};

#[test]
fn the_header_of_verify_signature_says_how_a_result_was_changed() {
    let server = Server::ephemeral(&["--touch", "auto"]);
    let callback = server.rpc(
        "wx.startSoterAuthentication",
        &json!({"challenge": "order/42", "requestAuthModes": ["fingerPrint"]}),
    );
    let Callback { result_json: text, signature, .. } = Callback::read(&callback);
    let counter = format!("\"counter\":{}", Callback::read(&callback).counter());
    let backend = Backend::open(&server.url).expect("the server gives a token");

    for (changed, reason) in [
        (callback.to_string(), "callback-object"),
        (text.replace('{', "%7B").replace('"', "%22").replace('/', "%2F"), "url-encoded"),
        (text.replace('"', "&quot;").replace('/', "&#x2F;"), "html-escaped"),
        (text.replace(&counter, &format!("{}\"", counter.replace(':', ":\""))), "counter-as-string"),
        (format!("{text}\r\n"), "line-ends-changed"),
        (text.replace(',', ", "), "reserialised"),
    ] {
        let answer = backend.verify(&changed, &signature).expect("the server answers");
        let refused = (json!({"is_ok": false}).to_string(), reason.to_owned());
        assert_eq!(answer, refused, "{changed}");
    }

    let answer = backend.verify(&text, &signature).expect("the server answers");
    assert_eq!(answer.1, "valid", "nothing was spent: {answer:?}");
}
