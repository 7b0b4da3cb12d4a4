//! Payments' signatures: right ones of each kind, and what is said of wrong ones.

use aws_lc_rs::hmac;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::{PaymentRequest, judge};
use crate::accounts::Accounts;
use crate::reasons::Reason;
use crate::verdict::Verdict;

const APPID: &str = "wx0123456789abcdef";
const OTHER_APPID: &str = "wxfedcba9876543210";
const TIME: &str = "1414561699";
const NONCE: &str = "5K8264ILTKCH16CQ2502SI8ZNMTM67VS";
const PREPAY_ID: &str = "wx201410272009395522657a690389285100";
const PACKAGE: &str = "prepay_id=wx201410272009395522657a690389285100";
const KEY: &str = "192006250b4c09247ec02edce69f6a2d";
const OTHER_KEY: &str = "00000000000000000000000000000000";
const SECRET: &str = "the-secret-of-the-app";

const RSA_VECTORS: &str = include_str!("tests/rsa_vectors.json");

fn vectors() -> Value {
    serde_json::from_str(RSA_VECTORS).unwrap()
}

/// The mini program with these merchant's keys, and another one with another merchant.
fn accounts(merchant: &Value) -> Accounts {
    let mut app = json!({"appid": APPID, "secret": SECRET});
    app.as_object_mut().unwrap().extend(merchant.as_object().unwrap().clone());
    let other = json!({
        "appid": OTHER_APPID,
        "secret": "s",
        "merchant_key": OTHER_KEY,
        "merchant_public_key": vectors()["otherMerchantPublicKey"],
    });
    Accounts::new(serde_json::from_value(json!({"app": [app, other]})).unwrap()).unwrap()
}

fn request<'a>(sign_type: &'a str, pay_sign: &'a str) -> PaymentRequest<'a> {
    PaymentRequest {
        time_stamp: Some(TIME),
        nonce_str: Some(NONCE),
        package: Some(PACKAGE),
        sign_type: Some(sign_type),
        pay_sign: Some(pay_sign),
    }
}

fn judged(accounts: &Accounts, request: &PaymentRequest<'_>) -> Verdict {
    let verdict = judge(accounts, accounts.app(APPID).unwrap(), request).unwrap();
    for secret in [KEY, OTHER_KEY, SECRET] {
        assert!(!verdict.detail.english().contains(secret), "{verdict:?}");
    }
    verdict
}

fn of_merchant_key(request: &PaymentRequest<'_>) -> Verdict {
    judged(&accounts(&json!({"merchant_key": KEY})), request)
}

fn md5(text: &str) -> String {
    base16ct::upper::encode_string(&Md5::digest(text))
}

fn hmac(text: &str, key: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    base16ct::upper::encode_string(hmac::sign(&key, text.as_bytes()).as_ref())
}

fn text(sign_type: &str) -> String {
    format!(
        "appId={APPID}&nonceStr={NONCE}&package={PACKAGE}&signType={sign_type}&timeStamp={TIME}&key={KEY}"
    )
}

#[test]
fn signatures_that_node_js_made_are_right() {
    for (sign_type, pay_sign) in [
        ("MD5", "8B7576B1279FC267483454896FCB2251"),
        ("HMAC-SHA256", "6E8DB4E4010851245477B93BB4D763064AD462EF5ECE4836D0D6B79A0F78BBD2"),
    ] {
        let verdict = of_merchant_key(&request(sign_type, pay_sign));
        assert_eq!(verdict.reason, Reason::PaySignValid, "{verdict:?}");
    }
}

#[test]
fn without_a_sign_type_the_signature_is_md5() {
    let pay_sign = md5(&text("MD5"));
    let verdict = of_merchant_key(&PaymentRequest { sign_type: None, ..request("", &pay_sign) });
    assert_eq!(verdict.reason, Reason::PaySignValid, "{verdict:?}");
}

#[test]
fn a_wrong_digest_is_refused_with_the_part_that_was_wrong() {
    let right = text("MD5");
    let id = PREPAY_ID;
    let swapped = |from: &str, to: &str| {
        assert!(right.contains(from), "{from}");
        md5(&right.replace(from, to))
    };
    let cases = [
        (swapped("appId", "appid"), "`appId` is named `appid`"),
        (swapped("timeStamp", "timestamp"), "`timeStamp` is named `timestamp`"),
        (
            md5(&format!(
                "appid={APPID}&noncestr={NONCE}&package={PACKAGE}&signtype=MD5&timestamp={TIME}&key={KEY}"
            )),
            "the names are in lower case",
        ),
        (swapped("prepay_id=", ""), "`package` is the id without `prepay_id=`"),
        (swapped("package=prepay_id", "prepay_id"), "`prepay_id` is a parameter of its own"),
        (swapped(PACKAGE, "Sign=WXPay"), "`package` is `Sign=WXPay`"),
        (swapped("signType=MD5&", ""), "`signType` is left out"),
        (swapped("signType=MD5", "signType=HMAC-SHA256"), "`signType` is `HMAC-SHA256`"),
        (swapped(&format!("&key={KEY}"), ""), "`&key=` is missing at the end"),
        (swapped(KEY, ""), "`key` is empty"),
        (swapped(KEY, SECRET), "the key is the secret of wx0123456789abcdef"),
        (swapped(KEY, OTHER_KEY), "the key is that of the merchant of wxfedcba9876543210"),
        (swapped(APPID, OTHER_APPID), "`appId` is that of wxfedcba9876543210"),
        (swapped(TIME, "1414561699000"), "`timeStamp` is in milliseconds"),
        (swapped(TIME, "1414561698"), "the time was read twice"),
        (swapped(NONCE, &NONCE.to_lowercase()), "`nonceStr` is in lower case"),
        (swapped("prepay_id=wx", "prepay_id%3Dwx"), "the values are URL-encoded"),
        (
            md5(&format!(
                "appId={APPID}&timeStamp={TIME}&nonceStr={NONCE}&package={PACKAGE}&signType=MD5&key={KEY}"
            )),
            "the order is appId, timeStamp, nonceStr, package, signType",
        ),
        (md5(&right).to_lowercase(), "its digits are not in upper case"),
        (format!(" {}", md5(&right)), "it has spaces or line ends inside"),
        (hmac(&text("HMAC-SHA256"), KEY), "it is made with HMAC-SHA256, and the call's `signType` is MD5"),
        (
            md5(&format!(
                "appid={APPID}&nonceStr={NONCE}&package={id}&signType=MD5&timeStamp={TIME}&key={KEY}"
            )),
            "`appId` is named `appid`, and `package` is the id without `prepay_id=`",
        ),
        (
            md5("something else"),
            "no usual mistake explains it: check the key, and that MD5 is over exactly `appId=wx",
        ),
        ("?".to_owned(), "it has 1 characters instead of 32"),
    ];
    for (pay_sign, expected) in cases {
        let verdict = of_merchant_key(&request("MD5", &pay_sign));
        assert_eq!(verdict.reason, Reason::PaySignWrong, "{expected}: {verdict:?}");
        assert!(verdict.detail.english().contains(expected), "{expected}: {verdict:?}");
    }
}

#[test]
fn md5_that_is_declared_as_hmac_is_found_with_either_name_in_the_text() {
    for (text, also) in [(text("MD5"), false), (text("HMAC-SHA256"), true)] {
        let verdict = of_merchant_key(&request("HMAC-SHA256", &md5(&text)));
        assert!(
            verdict
                .detail
                .english()
                .contains("it is made with MD5, and the call's `signType` is HMAC-SHA256"),
            "{verdict:?}"
        );
        assert_eq!(
            verdict.detail.english().contains("and `signType` is `HMAC-SHA256` in the text"),
            also,
            "{verdict:?}"
        );
    }
}

#[test]
fn a_text_that_was_not_hashed_is_found() {
    let verdict = of_merchant_key(&request("MD5", &text("MD5")));
    assert_eq!(verdict.reason, Reason::PaySignWrong);
    assert!(verdict.detail.english().contains("the text was not hashed"), "{verdict:?}");
}

#[test]
fn a_time_that_was_sent_in_another_unit_than_it_was_signed_is_found() {
    for (sent, expected) in [
        ("1414561699000", "in seconds, and was sent in milliseconds"),
        ("1414561699.0", "without the fraction that was sent"),
    ] {
        let pay_sign = md5(&text("MD5"));
        let request = PaymentRequest { time_stamp: Some(sent), ..request("MD5", &pay_sign) };
        let verdict = of_merchant_key(&request);
        assert!(verdict.detail.english().contains(expected), "{verdict:?}");
    }
}

#[test]
fn rsa_signatures_that_node_js_made_are_right_or_diagnosed() {
    let vectors = vectors();
    let accounts = accounts(&json!({"merchant_public_key": vectors["merchantPublicKey"]}));
    for case in vectors["cases"].as_array().unwrap() {
        let verdict = judged(&accounts, &request("RSA", case["paySign"].as_str().unwrap()));
        match case["diagnosis"].as_str() {
            None => assert_eq!(verdict.reason, Reason::PaySignValid, "{verdict:?}"),
            Some(diagnosis) => {
                assert_eq!(verdict.reason, Reason::PaySignWrong, "{case}: {verdict:?}");
                assert!(verdict.detail.english().contains(diagnosis), "{diagnosis}: {verdict:?}");
            }
        }
    }
}

#[test]
fn without_a_merchant_nothing_is_checked_and_the_verdict_says_so() {
    let verdict = judged(&accounts(&json!({})), &request("RSA", "?"));
    assert_eq!(verdict.reason, Reason::PaySignNotChecked);
    assert!(verdict.is_ok() && verdict.detail.english().contains("merchant_public_key"), "{verdict:?}");
}

#[test]
fn a_merchant_without_the_key_of_this_sign_type_is_refused() {
    let verdict = of_merchant_key(&request("RSA", "?"));
    assert_eq!(verdict.reason, Reason::PaySignWrong);
    assert!(verdict.detail.english().contains("needs `merchant_public_key`"), "{verdict:?}");
}

#[test]
fn no_mistake_is_looked_for_in_a_very_long_text() {
    let nonce = "n".repeat(200_000);
    let request =
        PaymentRequest { nonce_str: Some(&nonce), ..request("MD5", "8B7576B1279FC267483454896FCB2251") };
    let verdict = of_merchant_key(&request);
    assert_eq!(verdict.reason, Reason::PaySignWrong);
    assert!(
        verdict.detail.english().contains("too long to look for") && verdict.detail.english().len() < 200,
        "{verdict:?}"
    );
}

#[test]
fn a_parameter_that_is_missing_empty_or_unknown_is_named() {
    let good = request("MD5", "8B7576B1279FC267483454896FCB2251");
    for (request, name) in [
        (PaymentRequest { time_stamp: None, ..good }, "`timeStamp`"),
        (PaymentRequest { nonce_str: Some(""), ..good }, "`nonceStr`"),
        (PaymentRequest { package: None, ..good }, "`package`"),
        (PaymentRequest { package: Some(PREPAY_ID), ..good }, "`prepay_id=`"),
        (PaymentRequest { package: Some("prepay_id="), ..good }, "`prepay_id=`"),
        (PaymentRequest { sign_type: Some("md5"), ..good }, "MD5, HMAC-SHA256, RSA"),
        (PaymentRequest { pay_sign: None, ..good }, "`paySign`"),
    ] {
        let verdict = of_merchant_key(&request);
        assert_eq!(verdict.reason, Reason::PaymentParameter, "{verdict:?}");
        assert!(verdict.detail.english().contains(name), "{name}: {verdict:?}");
    }
}
