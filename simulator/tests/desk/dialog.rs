//! The dialog on the screen: the queue for it, the modes that it accepts, and how it closes.

use serde_json::json;
use soter_bridge::protocol::device::Purpose;
use soter_bridge::protocol::sensor::{Judged, Judgement};

use super::*;

fn shown(events: &mut Receiver<Event>) -> Vec<Vec<Mode>> {
    let modes = |event| match event {
        Event::PromptShown { modes, .. } => Some(modes),
        _ => None,
    };
    drain(events).into_iter().filter_map(modes).collect()
}

#[tokio::test]
async fn a_second_call_is_refused_while_a_dialog_is_open_and_the_first_goes_on() {
    for profile in ["trustonic", "ios"] {
        let desk = phone(profile);
        let modes = show(&desk)
            .await
            .biometrics
            .enrolments
            .iter()
            .map(|enrolment| enrolment.mode)
            .collect::<Vec<_>>();
        let request = || with_modes(&[modes[0].name()], good_request());
        let mut first = PendingCall::start(&desk, None, request());
        let mut events = desk.events();

        let second = authenticate(&desk, request()).await;

        assert_eq!(
            (second.err_code, second.err_msg.as_str()),
            (
                90007,
                "startSoterAuthentication:fail authenticate error: add SOTER task to queue failed. \
                 check the logcat for further information"
            )
        );
        assert_eq!((second.auth_mode, second.result_json, second.result_json_signature), Default::default());
        let events = drain(&mut events);
        assert!(
            matches!(&events[..], [Event::Refused { code: 90007, reason, .. }] if reason.english().contains("secondCall")),
            "{events:?}"
        );
        assert!(first.answer().is_none(), "the first dialog stays");
        touch(&desk, Touch::Enrolled(1)).await;
        assert_eq!(first.code(), 0);
        let script = StartSoterAuthentication { touch: Some("1".parse().unwrap()), ..request() };
        assert_eq!(authenticate(&desk, script).await.err_code, 0, "the next call is the only one again");
    }
}

#[tokio::test]
async fn a_second_call_that_could_not_begin_anyway_gets_its_own_code() {
    let desk = phone("itrustee");
    let mut first = PendingCall::start(&desk, None, good_request());
    for (second, code) in [
        (with_modes(&[], good_request()), 90003),
        (StartSoterAuthentication { challenge: None, ..good_request() }, 90004),
        (with_modes(&["facial"], good_request()), 90011),
        (with_modes(&["fingerPrint", "facial"], touched("1")), 90007),
    ] {
        assert_eq!(authenticate(&desk, second).await.err_code, code);
    }
    touch(&desk, Touch::Enrolled(1)).await;
    assert_eq!(first.code(), 0);
}

#[tokio::test]
async fn a_dropped_call_frees_the_screen_for_the_next_one_in_the_queue() {
    let desk = phone("trustonic");
    set(&desk, json!({"secondCall": "queue"})).await;
    let mut events = desk.events();
    let first = PendingCall::start(&desk, None, good_request());
    let second = PendingCall::start(&desk, None, good_request());
    let mut third = PendingCall::start(&desk, None, good_request());
    assert_eq!(shown(&mut events).len(), 1, "one dialog at a time");

    // First a call in the queue is dropped, then the call whose dialog is open.
    drop(second);
    drop(first);

    assert!(third.answer().is_none());
    assert_eq!(shown(&mut events).len(), 1, "the third call's dialog");
    assert_eq!(touch(&desk, Touch::Enrolled(1)).await.judgement, Judgement::Matched);
    assert_eq!(third.code(), 0);
}

#[tokio::test]
async fn a_dropped_call_is_reported_as_cancelled_and_signs_nothing() {
    let desk = phone("trustonic");
    let mut events = desk.events();
    drop(PendingCall::start(&desk, None, good_request()));

    let events = drain(&mut events);

    assert!(matches!(events.last(), Some(Event::PromptClosed { err_code: Some(90008), .. })), "{events:?}");
    let error = desk.request(None, sensor::TouchSensor { touch: Touch::Enrolled(1) }).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NoDialog);
    assert!(!events.iter().any(|event| matches!(event, Event::Signed { .. })));
}

#[tokio::test]
async fn the_queue_for_the_screen_is_limited() {
    let desk = phone("trustonic");
    set(&desk, json!({"secondCall": "queue"})).await;
    let mut open = PendingCall::start(&desk, None, good_request());
    let waiting: Vec<_> = (0..1024).map(|_| PendingCall::start(&desk, None, good_request())).collect();

    let error = PendingCall { future: Box::pin(desk.request(None, good_request())) }.answer();

    assert_eq!(error.unwrap().unwrap_err().kind, ErrorKind::LimitReached);
    drop(waiting);
    touch(&desk, Touch::Enrolled(1)).await;
    assert_eq!(open.code(), 0);
    assert_eq!(authenticate(&desk, touched("1")).await.err_code, 0);
}

#[tokio::test]
async fn resetting_closing_or_removing_a_phone_cancels_its_dialog() {
    let desk = phone("trustonic");
    let mut open = PendingCall::start(&desk, None, good_request());
    desk.request(None, device::ResetNormalWorld {}).await.unwrap();
    assert_eq!(open.code(), 90008);

    let mut open = PendingCall::start(&desk, None, good_request());
    desk.close().unwrap();
    assert_eq!(open.code(), 90008);

    call(&desk, "device.create", json!({"name": "second"})).await.unwrap();
    set(&desk, json!({"secondCall": "queue"})).await;
    let mut open = PendingCall::start(&desk, None, good_request());
    let mut queued = PendingCall::start(&desk, None, good_request());
    desk.request(None, device::Remove { name: "phone".to_owned() }).await.unwrap();
    assert_eq!(open.code(), 90008);
    drop(open);
    assert_eq!(queued.answer().unwrap().unwrap_err().kind, ErrorKind::UnknownDevice);
}

#[tokio::test]
async fn enrolment_is_refused_while_a_dialog_is_open() {
    let desk = phone("trustonic");
    let mut open = PendingCall::start(&desk, None, good_request());

    let error = desk.request(None, biometric::Enroll { mode: Some(Mode::FingerPrint) }).await.unwrap_err();

    assert_eq!(error.kind, ErrorKind::InvalidParams, "{error}");
    touch(&desk, Touch::Enrolled(1)).await;
    assert_eq!(open.code(), 0, "the AuthKey is still valid");
    assert_eq!(show(&desk).await.biometrics.enrolments.len(), 1);
}

#[tokio::test]
async fn phones_show_their_dialogs_independently() {
    let desk = phone("trustonic");
    call(&desk, "device.create", json!({"name": "second", "profile": "ios-touch-id"})).await.unwrap();
    let mut first = PendingCall::start(&desk, Some("phone"), good_request());
    let mut second = PendingCall::start(&desk, Some("second"), good_request());

    desk.request(Some("second"), sensor::Cancel {}).await.unwrap();

    assert_eq!(second.code(), 90008);
    assert!(first.answer().is_none());
    desk.request(Some("phone"), sensor::TouchSensor { touch: Touch::Enrolled(1) }).await.unwrap();
    assert_eq!(first.code(), 0);
}

#[tokio::test]
async fn modes_that_the_phone_does_not_have_are_dropped_and_the_others_keep_their_order() {
    let desk = phone("itrustee");
    enroll(&desk, Mode::Facial).await;
    let mut events = desk.events();
    for (requested, listened_to) in [
        (&["speech", "facial", "iris", "fingerPrint", "facial"][..], vec![Mode::Facial, Mode::FingerPrint]),
        (&["fingerPrint", "facial"], vec![Mode::FingerPrint, Mode::Facial]),
        (&["FINGERPRINT", "facial"], vec![Mode::Facial]),
    ] {
        assert_eq!(authenticate(&desk, with_modes(requested, touched("cancel"))).await.err_code, 90008);
        assert_eq!(shown(&mut events), [listened_to], "{requested:?}");
    }
}

#[tokio::test]
async fn touches_of_a_sensor_that_the_dialog_does_not_use_are_not_compared_or_counted() {
    let desk = phone("itrustee");
    enroll(&desk, Mode::Facial).await;
    let mut open = PendingCall::start(&desk, None, with_modes(&["facial"], good_request()));

    let judged = touch(&desk, Touch::Enrolled(1)).await;

    let ignored = Judged {
        judgement: Judgement::Ignored,
        mode: Some(Mode::FingerPrint),
        attempts_left: None,
        dialog_open: true,
    };
    assert_eq!(judged, ignored);
    assert!(show(&desk).await.biometrics.lockouts.is_empty());
    touch(&desk, Touch::Enrolled(2)).await;
    assert_eq!(open.answer().unwrap().unwrap().auth_mode, "facial");
}

#[tokio::test]
async fn a_frozen_finger_sensor_does_not_block_the_camera() {
    let desk = phone("itrustee");
    enroll(&desk, Mode::Facial).await;
    assert_eq!(authenticate(&desk, touched("wrong,wrong,wrong,wrong,wrong")).await.err_code, 90010);

    let finger = authenticate(&desk, touched("1")).await;
    let face = authenticate(&desk, with_modes(&["fingerPrint", "facial"], touched("1,2"))).await;

    assert_eq!(finger.err_code, 90010);
    assert_eq!((face.err_code, face.auth_mode.as_str()), (0, "facial"));
}

#[tokio::test]
async fn five_wrong_fingers_freeze_the_sensor_even_in_several_calls() {
    let desk = phone("trustonic");
    for _ in 0..4 {
        assert_eq!(authenticate(&desk, touched("wrong,cancel")).await.err_code, 90008);
    }
    assert_eq!(show(&desk).await.biometrics.lockouts[0].failed_attempts, 4);

    let mut open = PendingCall::start(&desk, None, good_request());
    let judged = touch(&desk, Touch::Wrong).await;

    assert_eq!((judged.attempts_left, judged.dialog_open), (Some(0), false));
    assert_eq!(open.code(), 90010);
}

#[tokio::test]
async fn events_are_sent_in_the_order_in_which_things_happen() {
    let desk = phone("trustonic");
    let mut events = desk.events();
    authenticate(&desk, touched("wrong,1")).await;
    authenticate(&desk, touched("cancel")).await;

    let received: Vec<_> = drain(&mut events)
        .into_iter()
        .map(|event| match event {
            Event::PromptShown { waits, .. } => format!("shown {waits}"),
            Event::PromptClosed { err_code: Some(err_code), .. } => format!("closed {err_code}"),
            Event::Touched { touch, judgement, .. } => format!("touched {touch} {judgement:?}"),
            Event::CounterSpent { counter, .. } => format!("spent {counter}"),
            Event::KeyMade { kind, .. } => format!("made {kind:?}"),
            Event::Signed { counter, .. } => format!("signed {counter}"),
            Event::Refused { code, .. } => format!("refused {code}"),
            other => panic!("{other:?}"),
        })
        .collect();

    assert_eq!(
        received,
        [
            "spent 1",
            "made Ask",
            // WeChat uploads each key before it is used.
            "spent 2",
            "spent 3",
            "made AuthKey",
            "spent 4",
            "shown false",
            "touched wrong Rejected",
            "touched 1 Matched",
            "spent 5",
            "signed 5",
            "closed 0",
            "shown false",
            "touched cancel Cancelled",
            "closed 90008",
            "refused 90008",
        ]
    );
}

#[tokio::test]
async fn a_client_that_connects_later_finds_the_open_dialog() {
    let desk = phone("trustonic");
    let mut waiting = PendingCall::start(&desk, None, good_request());
    let shown = desk.request(None, device::Show {}).await.unwrap().dialog.unwrap();
    let Purpose::Authentication { challenge, .. } = shown.purpose else { panic!("{shown:?}") };
    assert_eq!(Some(challenge), good_request().challenge);
    assert_eq!(shown.modes, [Mode::FingerPrint]);
    touch(&desk, Touch::Enrolled(1)).await;
    assert_eq!(waiting.code(), 0);
    assert_eq!(desk.request(None, device::Show {}).await.unwrap().dialog, None);
}

#[tokio::test]
async fn an_event_reports_each_change_of_a_phone() {
    let desk = phone("trustonic");
    let mut events = desk.events();
    let create = device::Create { name: "second".to_owned(), ..device::Create::default() };
    desk.request(None, create.clone()).await.unwrap();
    // A refused command changes nothing.
    desk.request(None, create).await.unwrap_err();
    desk.request(None, device::Show {}).await.unwrap();
    desk.request(Some("second"), biometric::Enroll { mode: Some(Mode::FingerPrint) }).await.unwrap();
    desk.request(None, device::Select { name: "second".to_owned() }).await.unwrap();
    let changed = |event| match event {
        Event::Changed { device, method } => Some((device, method)),
        _ => None,
    };
    let received: Vec<_> = drain(&mut events).into_iter().filter_map(changed).collect();
    let expected = ["device.create", "biometric.enroll", "device.select"];
    assert_eq!(received, expected.map(|method| ("second".to_owned(), method.to_owned())));
}

#[tokio::test]
async fn a_second_call_is_refused_until_the_first_has_been_answered() {
    let desk = phone("trustonic");
    set(&desk, json!({"latency": 300})).await;
    let mut first = PendingCall::start(&desk, None, good_request());
    touch(&desk, Touch::Enrolled(1)).await;
    assert!(first.answer().is_none(), "the answer comes late");
    assert_eq!(authenticate(&desk, good_request()).await.err_code, 90007);
    assert_eq!(first.future.await.unwrap().err_code, 0);
}
