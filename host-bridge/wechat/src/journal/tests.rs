//! Which calls the journal keeps, and how they are read.

use serde_json::{Value, json};

use super::excerpt::{MAX_ITEMS, MAX_TEXT_CHARACTERS};
use super::*;

fn call(request: Value) -> NewEntry {
    let answer = json!({"access_token": "80_abcdefghijklmnop", "expires_in": 7200});
    PendingCall::begin(Origin::WeChat).into_entry(0, "GET /cgi-bin/token", request, answer, None)
}

/// All entries, read page by page.
fn all(journal: &Journal) -> Vec<Arc<Entry>> {
    let next = |page: &Vec<Arc<Entry>>| {
        let page = journal.after(page.last()?.number, usize::MAX);
        (!page.is_empty()).then_some(page)
    };
    std::iter::successors(Some(journal.after(0, usize::MAX)), next).flatten().collect()
}

#[test]
fn secrets_are_masked_at_any_depth() {
    let journal = Journal::new();
    let entry = journal.record(call(json!({"deep": [{"Secret": "0123456789abcdef"}], "code": "short"})));
    assert_eq!(entry.request.value(), json!({"deep": [{"Secret": "***cdef"}], "code": "***"}));
    let entry = journal.record(call(json!({"code": "INVALID_PARAM", "js_code": "INVALID_PARAM"})));
    assert_eq!(entry.request.value(), json!({"code": "INVALID_PARAM", "js_code": "***ARAM"}));
    assert_eq!(entry.answer.value()["access_token"], "***mnop");
    let odd = journal.record(call(json!({"seed": 20_250_718, "secret": ["s3cret"], "token": null})));
    assert_eq!(odd.request.value(), json!({"seed": "***", "secret": "***", "token": null}));
}

#[test]
fn an_entry_is_the_same_json_whether_it_is_written_as_text_or_as_a_value() {
    let journal = Journal::new();
    let entry =
        journal.record(call(json!({"text": "\"字\"\n", "list": [1, -2, 0.5, null, {}, []], "no": {}})));
    let text = serde_json::to_string(&*entry).unwrap();
    assert_eq!(serde_json::to_value(&*entry).unwrap().to_string(), text);
    let members = r#""request":{"text":"\"字\"\n","list":[1,-2,0.5,null,{},[]],"no":{}},"answer":{"access_token":"***mnop","expires_in":7200}"#;
    assert!(text.contains(members), "{text}");
}

#[test]
fn numbers_continue_and_the_oldest_calls_are_dropped() {
    let journal = Journal::new();
    for _ in 0..MAX_ENTRIES + 5 {
        journal.record(call(Value::Null));
    }
    let all = all(&journal);
    assert_eq!((all.len(), all[0].number), (MAX_ENTRIES, 6));
    assert_eq!(journal.after(10_004, 10).len(), 1);
    let numbers = |entries: Vec<Arc<Entry>>| entries.iter().map(|entry| entry.number).collect::<Vec<_>>();
    assert_eq!(numbers(journal.before(u64::MAX, 2)), [10_004, 10_005]);
    assert_eq!(numbers(journal.before(8, 5)), [6, 7]);
    assert_eq!(*journal.head().borrow(), 10_005);
    journal.clear();
    assert!(journal.after(0, 1).is_empty());
    assert_eq!(journal.record(call(Value::Null)).number, 10_006);
}

#[test]
fn a_huge_call_takes_limited_memory() {
    let journal = Journal::new();
    let text = "字".repeat(1 << 20);
    let entry = journal.record(call(json!({"list": vec![text; 300]})));
    let size = serde_json::to_vec(&*entry).unwrap().len();
    assert!(size <= (MAX_ITEMS + 1) * (MAX_TEXT_CHARACTERS * 3 + 64), "{size}");
    for _ in 0..20 {
        journal.record(call(json!({"list": vec!["x".repeat(MAX_TEXT_CHARACTERS); MAX_ITEMS]})));
    }
    let kept: usize = all(&journal).iter().map(|entry| serde_json::to_vec(&**entry).unwrap().len()).sum();
    assert!(kept <= MAX_BYTES * 2, "{kept}");
}

#[test]
fn a_page_has_as_many_calls_as_fit_and_at_least_one() {
    let journal = Journal::new();
    for _ in 0..200 {
        journal.record(call(json!({"text": vec!["x".repeat(MAX_TEXT_CHARACTERS); 3]})));
    }
    let page = journal.after(0, usize::MAX);
    let size: usize = page.iter().map(|entry| serde_json::to_vec(&**entry).unwrap().len()).sum();
    assert!(page.len() > 1 && size <= MAX_PAGE_BYTES, "{size}");
    assert_eq!(all(&journal).len(), 200);
    let last = journal.before(u64::MAX, usize::MAX);
    assert_eq!((last.len(), last.last().map(|entry| entry.number)), (page.len(), Some(200)));
}

#[tokio::test]
async fn subscribers_receive_every_call_in_order() {
    let journal = Journal::new();
    let mut subscriber = journal.subscribe();
    journal.record(call(Value::Null));
    journal.record(call(Value::Null));
    assert_eq!(subscriber.recv().await.unwrap().number, 1);
    assert_eq!(subscriber.recv().await.unwrap().number, 2);
}

#[test]
fn a_pay_sign_that_is_none_is_masked_because_the_merchants_key_may_be_in_it() {
    let key = "the-merchants-key-of-32-characters";
    for pay_sign in [format!("appId=wx&key={key}"), key.to_owned()] {
        let excerpt = Excerpt::from(json!({"paySign": pay_sign, "merchant_key": key, "publicKey": "shown"}));
        assert!(!excerpt.text().contains(key) && excerpt.text().contains("shown"), "{}", excerpt.text());
    }
    let pay_sign = "C380BEC2BFD727A4B6845133519F3AD6";
    assert!(Excerpt::from(json!({"paySign": pay_sign})).text().contains(pay_sign));
}
