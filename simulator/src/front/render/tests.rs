use serde_json::{Value, json};
use soter_bridge::protocol::biometric::{Enrolment, Enrolments, LockoutState};
use soter_bridge::protocol::device::Purpose;
use soter_bridge::protocol::fleet::Names;
use soter_bridge::protocol::keys::{Key, KeyKind, Keys};
use soter_bridge::protocol::sensor::{Judged, Judgement};
use soter_bridge::protocol::soter::Reply;
use soter_bridge::protocol::verify::Verdict;
use soter_bridge::protocol::{Event, Touch};
use soter_bridge::visible;
use soter_wechat::codes;
use soter_wire::{ExportBlob, Mode, SignatureScheme};

use soter_text::Text;

use super::*;
use crate::front::Answer;
use crate::front::authentication::Authentication;
use crate::front::evidence::Evidence;
use crate::front::test_phone::callback;

fn key(kind: KeyKind, valid: bool) -> Key {
    Key {
        kind,
        uid: (kind != KeyKind::Attk).then(|| "10115".to_owned()),
        name: (kind == KeyKind::AuthKey).then(|| "Wechat_demo".to_owned()),
        public_key: "-----BEGIN PUBLIC KEY-----\n".to_owned(),
        fingerprint: "0123456789abcdef0123456789abcdef".to_owned(),
        valid,
    }
}

fn verdict(valid: bool) -> Verdict {
    Verdict {
        valid,
        reason: if valid { "valid" } else { "wrong-salt-length" }.to_owned(),
        detail: Text::verbatim("at salt length 20"),
        scheme: Some(SignatureScheme::default()),
        remarks: Vec::new(),
    }
}

#[test]
fn a_success_shows_the_callback_object_and_what_was_signed() {
    let evidence = Evidence {
        raw: Some("order-42".to_owned()),
        counter: 4,
        key: key(KeyKind::AuthKey, true),
        scheme: SignatureScheme::default(),
        verdict: verdict(true),
    };
    let signed = Authentication {
        callback: callback(0, "ok"),
        reason: None,
        evidence: Some(evidence),
        remarks: Vec::new(),
    };
    let expected = r#"{
  "errCode": 0,
  "authMode": "fingerPrint",
  "resultJSON": "{\"raw\":\"order-42\"}",
  "resultJSONSignature": "AAAA",
  "errMsg": "startSoterAuthentication:ok"
}
signed
  raw      order-42
  counter  4
  key      Wechat_demo of uid 10115, SHA-256 0123456789abcdef…
  salt     20 bytes
  check    verifies: at salt length 20"#;
    assert_eq!(Answer::Authentication(signed).to_text(Paint::PLAIN), expected);
}

#[test]
fn a_refusal_shows_its_meaning_the_phones_reason_and_what_to_do() {
    let frozen = callback(90010, "fail authenticate freeze. please try again later");
    let refused = Authentication {
        callback: frozen,
        reason: Some(Text::verbatim("locked for 30 s")),
        evidence: None,
        remarks: Vec::new(),
    };
    let text = Answer::Authentication(refused).to_text(Paint::PLAIN);
    let known = codes::explain(90010).next().unwrap();
    for part in [
        "refused with 90010",
        known.meaning,
        "locked for 30 s",
        known.advice,
        "`biometric unlock` ends the lockout",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_refusal_is_explained_by_its_text_if_its_code_has_several_meanings() {
    let failed = callback(90007, "fail auth key can not be retrieved");
    let refused = Authentication { callback: failed, reason: None, evidence: None, remarks: Vec::new() };
    let entry = codes::explain(90007).find(|code| code.name.contains("can not be retrieved")).unwrap();
    let text = Answer::Authentication(refused).to_text(Paint::PLAIN);
    assert!(text.contains(entry.meaning), "{text}");
}

#[test]
fn keys_are_a_table_with_the_invalid_ones_marked() {
    let keys = vec![key(KeyKind::Attk, true), key(KeyKind::AuthKey, false)];
    let answer = Answer::Response(Response::KeysList(Keys { keys }));
    assert_eq!(
        answer.to_text(Paint::PLAIN),
        "kind     uid    name         valid  SHA-256\n\
         ATTK     -      -            yes    0123456789abcdef…\n\
         AuthKey  10115  Wechat_demo  no     0123456789abcdef…"
    );
}

#[test]
fn keys_are_a_json_array_for_programs() {
    let answer = Answer::Response(Response::KeysList(Keys { keys: vec![key(KeyKind::Ask, true)] }));
    let line = answer.to_json().unwrap();
    let value: Value = serde_json::from_str(&line).unwrap();
    let members: Vec<_> = value[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["kind", "uid", "name", "publicKey", "fingerprint", "valid"]);
    assert!(!line.contains('\n'));
}

#[test]
fn an_export_is_shown_with_the_json_inside() {
    let blob = ExportBlob { json: br#"{"counter":3}"#.to_vec(), signature: vec![0; 256] };
    let reply = Reply::exported(soter_wire::base64::encode(&blob.encode()));
    let text = Answer::Response(Response::GetAuthKey(reply)).to_text(Paint::PLAIN);
    assert!(text.contains(r#"{"counter":3}"#) && text.contains("256 bytes"), "{text}");
}

#[test]
fn refusals_are_negative_answers() {
    for (response, negative) in [
        (Response::GetAuthKey(Reply::code(0)), false),
        (Response::GetAuthKey(Reply::code(3)), true),
        (Response::StartSoterAuthentication(callback(0, "ok")), false),
        (Response::StartSoterAuthentication(callback(90008, "fail cancel")), true),
        (Response::VerifySignature(verdict(true)), false),
        (Response::VerifySignature(verdict(false)), true),
        (Response::FleetRelease(Names { devices: vec![] }), false),
    ] {
        assert_eq!(Answer::Verbatim(response.clone()).is_negative(), negative, "{response:?}");
        assert_eq!(Answer::Response(response).is_negative(), negative);
    }
}

#[test]
fn a_verdict_is_one_line() {
    let rendered = |valid| response(&Response::VerifySignature(verdict(valid)), Paint::PLAIN);
    assert_eq!(rendered(true), "valid: at salt length 20");
    assert_eq!(rendered(false), "invalid: wrong-salt-length: at salt length 20");
}

#[test]
fn a_lockout_says_how_it_ends() {
    let lockout = |remaining_ms, permanent| {
        let enrolments = Enrolments {
            enrolments: vec![Enrolment { number: 1, mode: Mode::FingerPrint, fid: "77".to_owned() }],
            lockouts: vec![LockoutState {
                mode: Mode::FingerPrint,
                failed_attempts: 5,
                remaining_ms,
                permanent,
            }],
        };
        response(&Response::BiometricList(enrolments), Paint::PLAIN)
    };
    assert!(lockout(None, false).ends_with("fingerPrint: 5 failures"), "{}", lockout(None, false));
    let timed = lockout(Some(29_001), false);
    assert!(timed.ends_with("locked for 30 s, or until `biometric unlock`"), "{timed}");
    assert!(lockout(None, true).ends_with("locked until `biometric unlock`"), "{}", lockout(None, true));
}

#[test]
fn what_a_lockout_refuses_names_the_command_that_ends_it() {
    let judged = Judged {
        judgement: Judgement::LockedOut,
        mode: Some(Mode::FingerPrint),
        attempts_left: None,
        dialog_open: true,
    };
    let touched = Event::Touched {
        device: "phone".to_owned(),
        touch: Touch::Enrolled(1),
        judgement: Judgement::LockedOut,
        attempts_left: None,
    };
    let explained = Answer::Codes(codes::explain(codes::wx::FROZEN).collect());
    for text in [
        response(&Response::SensorTouch(judged), Paint::PLAIN),
        event_line(&touched, Paint::PLAIN),
        explained.to_text(Paint::PLAIN),
    ] {
        assert!(text.contains("`biometric unlock`"), "{text}");
    }
}

#[test]
fn an_event_is_one_line_with_its_device_first() {
    let touched = Event::Touched {
        device: "phone".to_owned(),
        touch: Touch::Wrong,
        judgement: Judgement::Rejected,
        attempts_left: Some(4),
    };
    assert_eq!(event_line(&touched, Paint::PLAIN), "· phone: touch wrong: not recognised, attempts left: 4");
    let shown = Event::PromptShown {
        device: "phone".to_owned(),
        dialog: 1,
        modes: vec![Mode::FingerPrint],
        purpose: Purpose::Authentication { auth_content: String::new(), challenge: "a\nb".to_owned() },
        waits: true,
    };
    assert!(!event_line(&shown, Paint::PLAIN).contains('\n'));
}

#[test]
fn no_answer_prints_control_characters() {
    let mut signed = callback(0, "ok");
    signed.result_json = "\u{1b}[2J\u{202e}\u{9b}".to_owned();
    let answer = Answer::Authentication(Authentication {
        callback: signed,
        reason: None,
        evidence: None,
        remarks: Vec::new(),
    });
    let text = answer.to_text(Paint::PLAIN);
    assert!(text.chars().all(|character| character == '\n' || !character.is_control()), "{text:?}");
    assert!(!text.contains('\u{202e}'), "{text:?}");
    assert_eq!(visible("支付 ok 😀"), "支付 ok 😀");
}

#[test]
fn colours_change_nothing_but_colours() {
    let answer = Answer::Authentication(Authentication {
        callback: callback(90008, "fail cancel"),
        reason: None,
        evidence: None,
        remarks: Vec::new(),
    });
    let mut text = answer.to_text(Paint::COLOURED);
    assert!(text.contains('\u{1b}'));
    while let Some(start) = text.find('\u{1b}') {
        let end = start + text[start..].find('m').unwrap();
        text.replace_range(start..=end, "");
    }
    assert_eq!(text, answer.to_text(Paint::PLAIN));
}

#[test]
fn every_code_is_shown_with_meaning_and_advice() {
    let all: Vec<_> = codes::CODES.iter().collect();
    let text = Answer::Codes(all.clone()).to_text(Paint::PLAIN);
    for code in all {
        assert!(text.contains(code.meaning) && text.contains(code.advice), "{}", code.code);
    }
    let line = Answer::Codes(codes::explain(90008).collect()).to_json().unwrap();
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()[0]["code"], json!(90008));
}
