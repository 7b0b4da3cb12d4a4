//! Every refusal with its reason, and the counter against a simple model.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;
use soter_wire::{PROFILES, Profile, base64};

use super::*;
use crate::clock::SetClock;
use crate::ledger::embedded::sqlite::SqliteStore;
use crate::test_phone::{OPENID, TestPhone, pss, public, sign, sign_pkcs1};
use crate::test_servers::{NOON, wechat, with, with_replays_accepted};
use crate::{
    DEFAULT_APPID, EmbeddedLedger, ExportKind, MissingUploads, UploadRefused, WeChat, WeChatOptions,
};

async fn verify_for(wechat: &WeChat, openid: &str, json: Value, signature: Value) -> Verdict {
    let (json, signature) = (Json::Value(&json), Json::Value(&signature));
    let claim = Claim { appid: DEFAULT_APPID, openid, json, signature };
    wechat.verify(claim).await.unwrap().expect("a known user")
}

async fn verify(wechat: &WeChat, text: &str, signature: &str) -> Verdict {
    verify_for(wechat, OPENID, json!(text), json!(signature)).await
}

async fn uploaded(profile: &str) -> (WeChat, TestPhone) {
    let (wechat, mut phone) = (wechat(), TestPhone::new(profile));
    phone.upload(&wechat, OPENID).await;
    (wechat, phone)
}

#[track_caller]
fn assert_refused(verdict: &Verdict, reason: &str, detail: &str) {
    assert!(!verdict.is_ok());
    assert_eq!(verdict.reason.name(), reason, "{}", verdict.detail.english());
    assert!(verdict.detail.english().contains(detail), "`{detail}` is not in `{}`", verdict.detail.english());
    assert!(!verdict.detail.english().contains('\n'));
}

#[tokio::test]
async fn good_results_of_every_family_are_ok() {
    for Profile { name: profile, .. } in PROFILES {
        let (wechat, mut phone) = uploaded(profile).await;
        for _ in 0..3 {
            let text = phone.result();
            let verdict = verify(&wechat, &text, &phone.signature(&text)).await;
            assert_eq!(
                (verdict.is_ok(), verdict.reason),
                (true, Reason::Valid),
                "{profile}: {}",
                verdict.detail.english()
            );
        }
    }
}

#[tokio::test]
async fn a_counter_is_accepted_once_and_gaps_are_allowed() {
    let (wechat, phone) = uploaded("trustonic").await;
    let good = |counter| (phone.result_at(counter), phone.signature(&phone.result_at(counter)));
    let (text, signature) = good(50);
    assert!(verify(&wechat, &text, &signature).await.is_ok());
    let replayed = verify(&wechat, &text, &signature).await;
    assert_refused(&replayed, "counter-replayed", "not documented");
    let (older, its_signature) = good(49);
    let rolled_back = verify(&wechat, &older, &its_signature).await;
    assert_refused(&rolled_back, "counter-rolled-back", "counter 49 is not greater than 50");
    assert!(!rolled_back.detail.english().contains("documented"), "only the first refusal says so");
    let (_, signature_of_upload) = good(2);
    assert_refused(&verify(&wechat, &good(2).0, &signature_of_upload).await, "counter-rolled-back", "2");
    for counter in [51, 1 << 53, (1 << 53) + 1, soter_wire::MAX_COUNTER] {
        let (text, signature) = good(counter);
        assert!(verify(&wechat, &text, &signature).await.is_ok(), "{counter}");
    }
}

#[tokio::test]
async fn replays_are_accepted_if_configured_and_reported_as_replays() {
    let wechat = with_replays_accepted();
    let mut phone = TestPhone::new("trustonic");
    phone.upload(&wechat, OPENID).await;
    let text = phone.result();
    let signature = phone.signature(&text);
    assert_eq!(verify(&wechat, &text, &signature).await.reason, Reason::Valid);
    let again = verify(&wechat, &text, &signature).await;
    assert_eq!((again.is_ok(), again.reason), (true, Reason::ValidReplay));
}

#[tokio::test]
async fn one_of_two_hundred_simultaneous_identical_requests_is_ok() {
    let (wechat, mut phone) = uploaded("trustonic").await;
    let wechat = Arc::new(wechat);
    let text = phone.result();
    let signature = phone.signature(&text);
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (wechat, text, signature) = (Arc::clone(&wechat), text.clone(), signature.clone());
        requests.spawn(async move { verify(&wechat, &text, &signature).await.is_ok() });
    }
    let answers = requests.join_all().await;
    assert_eq!(answers.iter().filter(|is_ok| **is_ok).count(), 1);
}

#[tokio::test]
async fn the_ledger_keeps_any_salt_length_with_its_key() {
    let huawei = *Profile::named("itrustee").unwrap();
    let profile: &'static Profile = Box::leak(Box::new(Profile { scheme: pss(24), ..huawei }));
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let store = SqliteStore::open(&folder.path().join("wechat.db")).unwrap();
        with(WeChatOptions::default(), EmbeddedLedger::open(store, 0).unwrap(), &SetClock::at(NOON))
    };
    let wechat = open();
    let mut phone = TestPhone { profile, ..TestPhone::new("itrustee") };
    phone.upload(&wechat, OPENID).await;
    let text = phone.result();
    assert!(verify(&wechat, &text, &phone.signature(&text)).await.is_ok());
    drop(wechat);

    let wechat = open();
    let text = phone.result();
    for other in [20, 32] {
        let signature = base64::encode(&sign(phone.auth_key, &text, pss(other)));
        assert_refused(&verify(&wechat, &text, &signature).await, "wrong-salt-length", "uploaded with 24");
    }
    let claims_32 = text.replace("\"rsa_pss_saltlen\":24", "\"rsa_pss_saltlen\":32");
    let signature = phone.signature(&claims_32);
    assert_refused(
        &verify(&wechat, &claims_32, &signature).await,
        "wrong-salt-length",
        "says salt length 32",
    );
    let spaced = text.replace(',', ", ");
    assert_refused(&verify(&wechat, &spaced, &phone.signature(&text)).await, "reserialised", "spaces");
    let by_ask = base64::encode(&sign(phone.ask, &text, profile.scheme));
    assert_refused(&verify(&wechat, &text, &by_ask).await, "wrong-key", "the ASK of uid 10102");
    let verdict = verify(&wechat, &text, &phone.signature(&text)).await;
    assert!(
        verdict.is_ok() && verdict.detail.english().contains("at salt length 24"),
        "{}",
        verdict.detail.english()
    );

    let (export, signature) = phone.export_auth_key();
    for (key, json, signature) in [
        (public(phone.auth_key).to_pem(), text.clone(), phone.signature(&text)),
        (export.clone(), text.clone(), phone.signature(&text)),
        (public(phone.ask).to_pem(), export, base64::encode(&signature)),
    ] {
        let checked = verification::verify(key.as_bytes(), json.as_bytes(), signature.as_bytes(), None);
        assert_eq!(
            (checked.verdict.is_ok(), checked.scheme),
            (true, Some(pss(24))),
            "{}",
            checked.verdict.detail.english()
        );
        assert_eq!(checked.remarks, Vec::<soter_text::Text>::new());
    }
}

#[tokio::test]
async fn the_message_does_not_choose_the_salt_length() {
    let (wechat, mut phone) = uploaded("trustonic").await;
    let text = phone.result();
    let at_32 = base64::encode(&sign(phone.auth_key, &text, pss(32)));
    assert_refused(&verify(&wechat, &text, &at_32).await, "wrong-salt-length", "holds at salt length 32");
    let claims_32 = text.replace("\"cpu_id\"", "\"rsa_pss_saltlen\":32,\"cpu_id\"");
    let as_claimed = base64::encode(&sign(phone.auth_key, &claims_32, pss(32)));
    assert_refused(&verify(&wechat, &claims_32, &as_claimed).await, "wrong-salt-length", "uploaded with 20");
    let as_uploaded = base64::encode(&sign(phone.auth_key, &claims_32, pss(20)));
    assert_refused(
        &verify(&wechat, &claims_32, &as_uploaded).await,
        "wrong-salt-length",
        "says salt length 32",
    );
    assert!(verify(&wechat, &text, &phone.signature(&text)).await.is_ok(), "nothing was spent");
}

#[tokio::test]
async fn texts_changed_in_transit_are_recognised() {
    let (wechat, mut phone) = uploaded("trustonic").await;
    let text = phone.result();
    let signature = phone.signature(&text);
    let value: Value = serde_json::from_str(&text).unwrap();
    let counter = format!("\"counter\":{}", phone.counter);
    let callback = json!({"errCode": 0, "authMode": "fingerPrint", "resultJSON": text,
        "resultJSONSignature": signature, "errMsg": "startSoterAuthentication:ok"});
    let url_encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    for (changed, reason, how) in [
        (serde_json::to_string_pretty(&value).unwrap(), "reserialised", "spaces"),
        (format!("\u{feff}{text}"), "reserialised", "byte order mark"),
        (serde_json::to_string(&text).unwrap(), "reserialised", "second time"),
        (text.replace('/', "\\/"), "reserialised", "`/` was written"),
        (format!("{text}\n"), "line-ends-changed", "line end"),
        (format!("{text}\r\n"), "line-ends-changed", "line end"),
        (callback.to_string(), "callback-object", "after it had been signed: the whole callback object"),
        (url_encoded, "url-encoded", "after it had been signed"),
        (text.replace('"', "&quot;"), "html-escaped", "after it had been signed"),
    ] {
        assert_refused(&verify(&wechat, &changed, &signature).await, reason, how);
    }
    let twice = |encode: fn(&str) -> String| encode(&encode(&text));
    let url_encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let html_escape = |text: &str| text.replace('&', "&amp;").replace('"', "&quot;");
    for (changed, reason) in [
        (twice(url_encode), "url-encoded"),
        (twice(html_escape), "html-escaped"),
        (json!(callback.to_string()).to_string(), "callback-object"),
    ] {
        assert_refused(&verify(&wechat, &changed, &signature).await, reason, ", and ");
    }
    let counter_as_string = text.replace(&counter, &format!("\"counter\":\"{}\"", phone.counter));
    assert_refused(
        &verify(&wechat, &counter_as_string, &signature).await,
        "counter-as-string",
        "after it had been signed: its counter became a string",
    );
    assert!(verify(&wechat, &text, &signature).await.is_ok());
}

#[tokio::test]
async fn a_text_that_was_signed_as_it_is_was_not_changed_afterwards() {
    let (wechat, mut phone) = uploaded("trustonic").await;
    let text = phone.result();
    let quoted = text.replace(&format!(":{},", phone.counter), &format!(":\"{}\",", phone.counter));
    for (odd, reason, detail) in [
        (quoted, "counter-as-string", "json_string: its counter is the string"),
        (text.replace("\"fid\":\"2313170\"", "\"fid\":2"), "wrong-type", "json_string: `fid`"),
    ] {
        assert_refused(&verify(&wechat, &odd, &phone.signature(&odd)).await, reason, detail);
    }
}

#[tokio::test]
async fn a_text_that_shows_its_change_is_recognised_whoever_signed_it() {
    let (wechat, mut phone) = (wechat(), TestPhone::new("trustonic"));
    let text = phone.result();
    let signature = phone.signature(&text);
    assert_refused(&verify(&wechat, &text, &signature).await, "unknown-device", "");
    let callback = json!({"errCode": 0, "resultJSON": text, "resultJSONSignature": signature}).to_string();
    let url_encoded: String = form_urlencoded::byte_serialize(callback.as_bytes()).collect();
    for (changed, reason, how) in [
        (callback, "callback-object", "json_string: it is a whole callback object"),
        (url_encoded, "url-encoded", "only after URL-decoding"),
        (text.replace('"', "&quot;"), "html-escaped", "only after HTML escapes"),
        (text.replace(":1,", ":\"1\","), "counter-as-string", "the string \"1\""),
    ] {
        assert_refused(&verify(&wechat, &changed, &signature).await, reason, how);
    }
}

#[tokio::test]
async fn an_invalid_result_is_refused_with_what_is_wrong_about_it() {
    let (wechat, mut phone) = uploaded("trustonic").await;
    let text = phone.result();
    let signature = phone.signature(&text);
    let parsed: Value = serde_json::from_str(&text).unwrap();
    for wrong in [parsed, json!(1), json!(null), json!([1]), json!(true)] {
        let verdict = verify_for(&wechat, OPENID, wrong, json!(signature)).await;
        assert_refused(&verdict, "json-not-a-string", "expected a string");
    }
    let counter = format!("\"counter\":{}", phone.counter);
    for (changed, reason, detail) in [
        ("{".to_owned(), "malformed-json", "not JSON"),
        (String::new(), "malformed-json", "not JSON"),
        ("{}".to_owned(), "missing-field", "`raw`"),
        (text.replace(&counter, &format!("{counter},{counter}")), "duplicate-key", "counter"),
        (text.replace(&counter, "\"counter\":-1"), "wrong-type", "-1"),
        (text.replace(&counter, "\"counter\":\"0x3\""), "wrong-type", "a string"),
        (text.replace(&counter, "\"counter\":\"3\""), "counter-as-string", "its counter"),
        (text.replace(&counter, "\"counter\":3.0"), "wrong-type", "3.0"),
        (format!("{{\"raw\":\"{}\"}}", "x".repeat(MAX_RESULT_BYTES)), "too-long", "16384"),
    ] {
        assert_refused(&verify(&wechat, &changed, &signature).await, reason, detail);
    }
}

#[tokio::test]
async fn a_pem_in_the_challenge_hides_no_fault() {
    let (wechat, mut phone) = uploaded("trustonic").await;
    let text = phone.result().replacen(
        "{\"raw\":\"",
        "{\"raw\":\"-----BEGIN PUBLIC KEY-----abc-----END PUBLIC KEY-----",
        1,
    );
    let signature = phone.signature(&text);
    assert!(text.contains("BEGIN"));
    let counter = format!("\"counter\":{}", phone.counter);
    for (changed, reason) in [
        (text[..text.len() - 1].to_owned(), "malformed-json"),
        (text.replace('"', "'"), "malformed-json"),
        (text.replace(&counter, &format!("{counter}.0")), "wrong-type"),
        (text.replace("\"cpu_id\"", "\"cpuid\""), "missing-field"),
    ] {
        assert_refused(&verify(&wechat, &changed, &signature).await, reason, "json_string: ");
    }
}

#[tokio::test]
async fn a_signature_must_be_standard_base64_of_256_bytes() {
    let (wechat, mut phone) = uploaded("trustonic").await;
    // A signature with `+` or `/` in it, as most have.
    let (text, signature) = std::iter::repeat_with(|| {
        let text = phone.result();
        let signature = phone.signature(&text);
        (text, signature)
    })
    .find(|(_, signature)| signature.contains('+') && signature.contains('/'))
    .unwrap();
    let (start, end) = signature.split_at(76);
    for (wrong, reason) in [
        (signature.replace('+', "-").replace('/', "_"), "base64-url-safe"),
        (signature.trim_end_matches('=').to_owned(), "base64-unpadded"),
        (format!("{start}\n{end}"), "base64-wrapped"),
        (signature.replace('+', " "), "base64-plus-lost"),
        (String::new(), "signature-length"),
        ("AAAA".to_owned(), "signature-length"),
        ("no!".to_owned(), "bad-signature-encoding"),
    ] {
        assert_refused(&verify(&wechat, &text, &wrong).await, reason, "");
    }
    let verdict = verify_for(&wechat, OPENID, json!(text), json!(1)).await;
    assert_refused(&verdict, "bad-signature-encoding", "a number");
}

#[tokio::test]
async fn the_reason_distinguishes_keys_that_are_not_the_users() {
    let (wechat, mut phone) = uploaded("trustonic").await;
    let text = phone.result();
    let by = |key| base64::encode(&sign(key, &text, pss(20)));
    assert_refused(&verify(&wechat, &text, &by(phone.ask)).await, "wrong-key", "the ASK of uid 10102");
    assert_refused(&verify(&wechat, &text, &by(phone.attk)).await, "wrong-key", "the ATTK");
    assert_refused(&verify(&wechat, &text, &by(4)).await, "wrong-signature", "no key that is known");
    let pkcs1 = base64::encode(&sign_pkcs1(phone.auth_key, &text));
    assert_refused(&verify(&wechat, &text, &pkcs1).await, "pkcs1-instead-of-pss", "PKCS#1");

    let other_uid = text.replace("\"10102\"", "\"10103\"");
    let signature = phone.signature(&other_uid);
    assert_refused(
        &verify(&wechat, &other_uid, &signature).await,
        "wrong-key",
        "the AuthKey of wxemulated00000001",
    );
    assert_refused(&verify(&wechat, &other_uid, &by(4)).await, "no-auth-key", "10103");
    let elsewhere = text.replace(&phone.cpu_id, "ffff");
    let signature = phone.signature(&elsewhere);
    assert_refused(&verify(&wechat, &elsewhere, &signature).await, "unknown-device", "ffff");
}

#[tokio::test]
async fn a_result_is_valid_only_for_its_own_user_and_app() {
    let (wechat, mut phone) = uploaded("trustonic").await;
    let text = phone.result();
    let signature = json!(phone.signature(&text));
    let json = json!(text);
    let good = Claim {
        appid: DEFAULT_APPID,
        openid: OPENID,
        json: Json::Value(&json),
        signature: Json::Value(&signature),
    };
    for (claim, reason, owner) in [
        (Claim { openid: "oAnother", ..good }, "other-users-result", OPENID),
        (Claim { appid: "wx0123456789abcdef", ..good }, "other-apps-result", DEFAULT_APPID),
    ] {
        assert_refused(&judge(&*wechat.ledger, claim, false).await.unwrap(), reason, owner);
        assert_eq!(wechat.verify(claim).await, Ok(None), "nobody has this openid in this mini program");
    }
    assert!(verify_for(&wechat, OPENID, json!(text), signature).await.is_ok(), "nothing was spent");
}

#[tokio::test]
async fn a_newer_key_retires_the_older_one() {
    let (wechat, mut phone) = uploaded("trustonic").await;
    let old = phone.clone();
    phone.auth_key = 3;
    let (json, signature) = phone.export_auth_key();
    wechat.upload_auth_key(json.as_bytes(), &signature, DEFAULT_APPID, OPENID).await.unwrap();
    let text = phone.result();
    let public = public(old.auth_key).fingerprint();
    let fingerprint = shortened(&public, 16);
    let refused = verify(&wechat, &text, &old.signature(&text)).await;
    assert_refused(&refused, "retired-key", "newer");
    assert!(
        refused.detail.english().contains(&format!("AuthKey {fingerprint}…")),
        "{}",
        refused.detail.english()
    );
    assert!(verify(&wechat, &text, &phone.signature(&text)).await.is_ok());
}

#[tokio::test]
async fn a_changed_text_is_recognised_however_many_others_have_keys_on_the_phone() {
    // The others use another mini program, or are other users of the same one.
    for appid in [DEFAULT_APPID, "wx0000000000000000"] {
        let (wechat, mut phone) = (wechat(), TestPhone::new("trustonic"));
        let own_key = phone.auth_key;
        phone.auth_key = 5;
        phone.upload(&wechat, "oFirst").await;
        for (key, openid) in [0, 1, 3, 4].into_iter().zip(["oSecond", "oThird", "oFourth", "oFifth"]) {
            phone.auth_key = key;
            let (json, signature) = phone.export_auth_key();
            wechat.upload_auth_key(json.as_bytes(), &signature, appid, openid).await.unwrap();
        }
        phone.auth_key = own_key;
        let (json, signature) = phone.export_auth_key();
        wechat.upload_auth_key(json.as_bytes(), &signature, DEFAULT_APPID, OPENID).await.unwrap();
        let text = phone.result();
        let changed = text.replace(',', ", ");
        assert_refused(&verify(&wechat, &changed, &phone.signature(&text)).await, "reserialised", "spaces");
    }
}

#[tokio::test]
async fn the_length_of_a_text_and_its_salt_length_are_limited() {
    let (wechat, mut phone) = uploaded("trustonic").await;
    let text = phone.result();
    let signature = phone.signature(&text);
    let longest = format!("{text}{}", " ".repeat(MAX_RESULT_BYTES - text.len()));
    assert_ne!(verify(&wechat, &longest, &signature).await.reason, Reason::TooLong);
    assert_refused(&verify(&wechat, &format!("{longest} "), &signature).await, "too-long", "16385");
    let salted = text.replace('}', ",\"rsa_pss_saltlen\":223}");
    assert_refused(&verify(&wechat, &salted, &signature).await, "salt-out-of-range", "223");
}

#[tokio::test]
async fn uploads_are_verified_from_the_root_key_down() {
    let wechat = wechat();
    let mut phone = TestPhone::new("itrustee");
    let (ask, signature) = phone.export_ask();
    let unknown = wechat.upload_ask(ask.as_bytes(), &signature).await;
    assert!(matches!(unknown, Err(UploadRefused::UnknownDevice { .. })), "{unknown:?}");
    phone.upload(&wechat, OPENID).await;
    let other = wechat.register_device(&phone.cpu_id, &public(4)).await;
    assert!(matches!(other, Err(UploadRefused::OtherAttk { .. })));

    let replayed = wechat.upload_ask(ask.as_bytes(), &signature).await;
    assert!(matches!(replayed, Err(UploadRefused::Counter { counter: 1, highest: 3 })), "{replayed:?}");
    let forged = TestPhone { attk: 4, ..phone.clone() }.export_ask();
    let forged = wechat.upload_ask(forged.0.as_bytes(), &forged.1).await;
    assert!(matches!(forged, Err(UploadRefused::NotSigned { kind: ExportKind::Ask })), "{forged:?}");
    let forged = TestPhone { ask: 4, ..phone.clone() }.export_auth_key();
    let forged = wechat.upload_auth_key(forged.0.as_bytes(), &forged.1, DEFAULT_APPID, OPENID).await;
    assert!(matches!(forged, Err(UploadRefused::NotSigned { kind: ExportKind::AuthKey })), "{forged:?}");
    let elsewhere = TestPhone { uid: "10103".to_owned(), ..phone.clone() }.export_auth_key();
    let elsewhere = wechat.upload_auth_key(elsewhere.0.as_bytes(), &elsewhere.1, DEFAULT_APPID, OPENID).await;
    assert!(matches!(elsewhere, Err(UploadRefused::NoAsk { .. })), "{elsewhere:?}");

    let lacks = async |ask, auth_key, openid| {
        let owner = crate::KeyOwner { cpu_id: &phone.cpu_id, uid: &phone.uid, appid: DEFAULT_APPID, openid };
        wechat.missing_uploads(owner, &public(ask), Some(&public(auth_key))).await.unwrap()
    };
    assert_eq!(lacks(1, 2, OPENID).await, MissingUploads { device: false, ask: false, auth_key: false });
    assert_eq!(lacks(1, 2, "oAnother").await, MissingUploads { device: false, ask: false, auth_key: true });
    assert_eq!(lacks(4, 3, OPENID).await, MissingUploads { device: false, ask: true, auth_key: true });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn counters_are_accepted_as_a_simple_model_says(counters in prop::collection::vec(0_u64..40, 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (wechat, phone) = uploaded("trustonic").await;
            let mut highest = phone.counter;
            for counter in counters {
                let text = phone.result_at(counter);
                let verdict = verify(&wechat, &text, &phone.signature(&text)).await;
                assert_eq!(verdict.is_ok(), counter > highest, "{counter} after {highest}");
                highest = highest.max(counter);
            }
        });
    }

    #[test]
    fn any_text_and_signature_get_a_reason(text in any::<String>(), signature in any::<String>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let verdict = runtime.block_on(verify(&wechat(), &text, &signature));
        prop_assert!(!verdict.is_ok());
    }
}
