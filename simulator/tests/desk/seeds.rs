//! Phones that are made from a seed: reproducible, with their own clock.

use serde_json::json;
use soter_bridge::protocol::SeedText;

use super::*;

fn seeded(state: State, profile: &str, seed: &str) -> Desk {
    let options =
        DeskOptions { profile: Some(profile.to_owned()), seed: Some(seed.into()), ..options(state) };
    Desk::open(options).unwrap()
}

/// The answers to fixed commands. `between` runs after the first half and must not change them.
async fn life(desk: Desk, between: impl FnOnce(Desk) -> Desk) -> Vec<Value> {
    let key = json!({"uid": 10115, "kname": "pay"});
    let app = json!({"uid": 10115});
    let mut answers = Vec::new();
    let first_half = [
        ("wx.startSoterAuthentication", serde_json::to_value(touched("wrong,1")).unwrap()),
        ("soter.generateAppSecureKey", app.clone()),
        ("soter.getAppSecureKey", app),
        ("soter.generateAuthKey", key.clone()),
    ];
    for (method, params) in first_half {
        answers.push(call(&desk, method, params).await.unwrap());
    }
    let desk = between(desk);
    let second_half = [
        ("soter.getAuthKey", key),
        ("biometric.list", json!({})),
        ("wx.startSoterAuthentication", serde_json::to_value(touched("1")).unwrap()),
        ("device.show", json!({})),
        ("keys.list", json!({})),
    ];
    for (method, params) in second_half {
        answers.push(call(&desk, method, params).await.unwrap());
    }
    answers
}

#[tokio::test]
async fn the_same_commands_get_the_same_answers_in_memory_and_through_a_restart_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let stored = State::Folder(folder.path().to_owned());
    // This family exports a certificate chain: device certificate and leaf are reproduced as well.
    let in_memory = life(seeded(State::Ephemeral, "itrustee", "demo"), |desk| desk).await;
    let on_disk = life(seeded(stored, "itrustee", "demo"), |desk| {
        desk.close().unwrap();
        drop(desk);
        Desk::open(in_folder(folder.path())).unwrap()
    });

    assert_eq!(on_disk.await, in_memory);
}

#[tokio::test]
async fn another_seed_another_name_or_no_seed_gives_another_phone() {
    let desk = Desk::open(options(State::Ephemeral)).unwrap();
    for (name, seed) in
        [("one-seed", json!("demo")), ("same-seed", json!("demo")), ("other-seed", json!("demo2"))]
    {
        call(&desk, "device.create", json!({"name": name, "seed": seed})).await.unwrap();
    }
    let mut identities = Vec::new();
    for name in ["phone", "one-seed", "same-seed", "other-seed"] {
        let shown = desk.request(Some(name), device::Show {}).await.unwrap();
        let attk = desk.request(Some(name), keys::List {}).await.unwrap().keys.remove(0);
        assert_eq!(shown.seeded, name != "phone");
        identities.extend([shown.cpu_id, attk.fingerprint]);
    }
    let all = identities.len();

    identities.sort();
    identities.dedup();

    assert_eq!(identities.len(), all);
}

#[tokio::test]
async fn a_phone_without_its_own_seed_uses_the_seed_of_the_desk() {
    let desk = seeded(State::Ephemeral, "trustonic", "demo");
    call(&desk, "device.create", json!({"name": "second"})).await.unwrap();
    let second = desk.request(Some("second"), device::Show {}).await.unwrap();
    let other = Desk::open(options(State::Ephemeral)).unwrap();
    call(&other, "device.create", json!({"name": "second", "seed": "demo"})).await.unwrap();
    let same = other.request(Some("second"), device::Show {}).await.unwrap();
    assert_eq!((second.seeded, second.cpu_id), (true, same.cpu_id));
}

#[tokio::test]
async fn a_seeded_phones_clock_stands_still_until_it_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let desk = seeded(State::Folder(folder.path().to_owned()), "trustonic", "demo");
    assert_eq!(show(&desk).await.clock, 1_577_836_800_000);
    assert_eq!(authenticate(&desk, touched("wrong,wrong,wrong,wrong,wrong")).await.err_code, 90010);
    assert_eq!(set(&desk, json!({"clock": 1_577_836_829_999_u64})).await.clock, 1_577_836_829_999);
    assert_eq!(authenticate(&desk, touched("1")).await.err_code, 90010);
    set(&desk, json!({"clock": 1_577_836_830_000_u64})).await;
    assert_eq!(authenticate(&desk, touched("1")).await.err_code, 0, "thirty seconds later");

    let mut open = PendingCall::start(&desk, None, good_request());
    set(&desk, json!({"clock": 1_577_836_830_000_u64 + 600_000})).await;
    touch(&desk, Touch::Enrolled(1)).await;
    let expired = open.answer().unwrap().unwrap();
    assert_eq!(expired.err_msg, "startSoterAuthentication:fail authenticate error: 1018");
    drop(open);
    desk.close().unwrap();
    drop(desk);

    let desk = Desk::open(in_folder(folder.path())).unwrap();

    assert_eq!(show(&desk).await.clock, 1_577_837_430_000);
}

#[tokio::test]
async fn a_seed_appears_in_no_output_event_error_or_file() {
    const SEED: &str = "correct horse battery staple";
    let folder = tempfile::tempdir().unwrap();
    let options = DeskOptions { seed: Some(SEED.into()), ..in_folder(folder.path()) };
    let seed = Some(SeedText(SEED.into()));
    let create = device::Create { name: "second".to_owned(), seed, ..device::Create::default() };
    let call = Call { device: None, request: create.clone().into() };
    let mut outputs = vec![format!("{options:?} {create:?} {call:?}")];
    let desk = Desk::open(options).unwrap();
    let mut events = desk.events();
    authenticate(&desk, touched("1")).await;
    outputs.push(format!("{desk:?} {desk:#?} {:?}", show(&desk).await));
    outputs.push(format!("{:?}", drain(&mut events)));
    let wrong = DeskOptions { seed: Some(format!("{SEED}!").as_str().into()), ..in_folder(folder.path()) };
    drop(desk);
    let error = Desk::open(wrong).unwrap_err();
    outputs.push(format!("{error:?} {error}"));
    let device = folder.path().join("devices/phone");
    let files = [device.join("tee.sealed"), device.join("rpmb.bin"), folder.path().join("phones.json")];
    outputs.extend(files.map(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned()));

    for output in outputs {
        assert!(!output.contains(SEED), "{output}");
    }
}
