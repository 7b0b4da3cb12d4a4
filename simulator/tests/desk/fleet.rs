//! A fleet: phones that exist at once and are made when they are first used.

use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn with_fleet(size: u32, options: DeskOptions) -> DeskOptions {
    DeskOptions { fleet: Some(size), ..options }
}

fn fleet(size: u32) -> Desk {
    Desk::open(with_fleet(size, options(State::Ephemeral))).unwrap()
}

async fn names(desk: &Desk, params: Value) -> Vec<String> {
    let listed = call(desk, "device.list", params).await.unwrap();
    listed["devices"].as_array().unwrap().iter().map(|device| text(&device["name"])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Signs with a phone of the fleet, whose sensor touches by itself.
async fn sign(desk: &Desk, name: &str) -> ResultJson {
    result(&desk.request(Some(name), good_request()).await.unwrap())
}

#[tokio::test]
async fn each_phone_of_a_fleet_has_its_own_identity_keys_counter_and_user() {
    let desk = fleet(100_000);
    let (mut cpu_ids, mut keys, mut openids) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for name in ["fleet-000000", "fleet-000001", "fleet-050000", "fleet-099999"] {
        let first = sign(&desk, name).await;
        let second = sign(&desk, name).await;
        assert_eq!(second.counter, first.counter + 1);
        cpu_ids.insert(first.cpu_id);
        let shown = call(&desk, "device.show", json!({"device": name})).await.unwrap();
        assert_eq!(shown["user"]["name"], name);
        openids.insert(text(&shown["user"]["openid"]));
        let listed = call(&desk, "keys.list", json!({"device": name})).await.unwrap();
        for key in listed["keys"].as_array().unwrap() {
            keys.insert(text(&key["fingerprint"]));
        }
    }
    assert_eq!((cpu_ids.len(), openids.len(), keys.len()), (4, 4, 12));
    let unknown = call(&desk, "device.show", json!({"device": "fleet-100000"})).await.unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::UnknownDevice);
    assert_eq!(unknown.next, "devices: phone, fleet-000000 to fleet-099999");
}

#[tokio::test]
async fn a_phone_of_a_fleet_is_one_phone_for_all_callers_that_use_it_first() {
    let desk = fleet(10);
    let calls = (0..8).map(|_| desk.request(Some("fleet-000003"), good_request()));
    let answers = futures_util::future::try_join_all(calls).await.unwrap();
    let results: Vec<_> = answers.iter().map(result).collect();
    assert_eq!(results.iter().map(|result| result.counter).collect::<BTreeSet<_>>().len(), 8);
    assert!(results.iter().all(|result| result.cpu_id == results[0].cpu_id));
}

#[tokio::test]
async fn used_phones_of_a_fleet_are_stored_and_the_others_take_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(with_fleet(100_000, in_folder(folder.path()))).unwrap();
    let before = sign(&desk, "fleet-000007").await;
    call(&desk, "sensor.setMode", json!({"device": "fleet-000008", "mode": "wrong,1"})).await.unwrap();
    call(&desk, "device.select", json!({"name": "fleet-000009"})).await.unwrap();
    names(&desk, json!({})).await;
    drop(desk);

    // The folder remembers its fleet.
    let desk = Desk::open(in_folder(folder.path())).unwrap();
    let after = sign(&desk, "fleet-000007").await;
    assert_eq!(after.cpu_id, before.cpu_id);
    assert!(after.counter > before.counter, "{} after {}", after.counter, before.counter);
    let set = call(&desk, "device.list", json!({"prefix": "fleet-000008"})).await.unwrap();
    assert_eq!(set["devices"][0]["sensor"], "wrong,1");
    assert_eq!(set["selected"], "fleet-000009");
    let entries = |part: &str| fs::read_dir(folder.path().join(part)).unwrap().count();
    assert_eq!((entries("devices"), entries("phones")), (1, 3));
}

#[tokio::test]
async fn a_used_phone_whose_record_was_not_written_is_still_the_fleets() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(with_fleet(10, in_folder(folder.path()))).unwrap();
    let before = sign(&desk, "fleet-000001").await;
    drop(desk);
    fs::remove_file(folder.path().join("phones/fleet-000001.json")).unwrap();

    let desk = Desk::open(in_folder(folder.path())).unwrap();
    let after = sign(&desk, "fleet-000001").await;
    assert_eq!(after.cpu_id, before.cpu_id);
    assert!(after.counter > before.counter);
}

#[tokio::test]
async fn a_seed_gives_each_phone_of_a_fleet_the_same_bytes_in_any_order() {
    let seeded = || {
        let options = DeskOptions { seed: Some("demo".into()), ..options(State::Ephemeral) };
        Desk::open(with_fleet(1000, options)).unwrap()
    };
    let (one, other) = (seeded(), seeded());
    let sign = async |desk: &Desk, name| desk.request(Some(name), good_request()).await.unwrap();
    let first = [sign(&one, "fleet-000002").await, sign(&one, "fleet-000999").await];
    let again = [sign(&other, "fleet-000999").await, sign(&other, "fleet-000002").await];
    assert_eq!([&first[0], &first[1]], [&again[1], &again[0]]);
    assert_ne!(result(&first[0]).cpu_id, result(&first[1]).cpu_id);
}

#[tokio::test]
async fn a_seeded_fleet_needs_its_seed() {
    let folder = tempfile::tempdir().unwrap();
    let seeded = |seed: &str| DeskOptions { seed: Some(seed.into()), ..in_folder(folder.path()) };
    let desk = Desk::open(with_fleet(10, seeded("demo"))).unwrap();
    let used = desk.request(Some("fleet-000000"), good_request()).await.unwrap();
    desk.close().unwrap();
    drop(desk);

    for (options, given) in [(seeded("other"), "another one"), (in_folder(folder.path()), "none")] {
        let refused = Desk::open(options).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::InvalidParams);
        let what = format!("the state folder has a fleet that is made from a seed, and {given} is given");
        assert_eq!(refused.what, what.as_str());
    }
    let desk = Desk::open(seeded("demo")).unwrap();
    assert!(sign(&desk, "fleet-000000").await.counter > result(&used).counter);
    sign(&desk, "fleet-000001").await;
}

#[tokio::test]
async fn phones_are_handed_out_once_until_they_are_given_back() {
    let desk = fleet(5);
    let next = async |count| call(&desk, "fleet.next", json!({"count": count})).await;
    assert_eq!(next(2).await.unwrap()["devices"], json!(["fleet-000000", "fleet-000001"]));
    let refused = next(4).await.unwrap_err();
    assert_eq!(
        (refused.kind, refused.what.english()),
        (ErrorKind::LimitReached, "3 of the fleet's 5 phones are free, and 4 are asked for")
    );
    assert_eq!(next(3).await.unwrap()["devices"].as_array().unwrap().len(), 3);
    assert_eq!(next(1).await.unwrap_err().kind, ErrorKind::LimitReached);

    let release = async |devices: Value| call(&desk, "fleet.release", json!({"devices": devices})).await;
    // One that was not handed out: none is taken back.
    for wrong in
        [json!(["fleet-000001", "fleet-000001"]), json!(["fleet-000002", "fleet-000005"]), json!(["phone"])]
    {
        assert_eq!(release(wrong).await.unwrap_err().kind, ErrorKind::InvalidParams);
        assert_eq!(next(1).await.unwrap_err().kind, ErrorKind::LimitReached);
    }
    release(json!(["fleet-000003", "fleet-000001"])).await.unwrap();
    assert_eq!(release(json!(["fleet-000003"])).await.unwrap_err().kind, ErrorKind::InvalidParams);
    assert_eq!(next(2).await.unwrap()["devices"], json!(["fleet-000001", "fleet-000003"]));
}

#[tokio::test]
async fn results_in_bulk_are_signed_by_phones_that_nobody_uses() {
    let desk = fleet(6);
    call(&desk, "fleet.next", json!({"count": 2})).await.unwrap();
    let signed = async |params: Value| call(&desk, "fleet.results", params).await.unwrap()["results"].take();
    let results = signed(json!({"challenges": ["a", "b"], "count": 4})).await;
    let results = results.as_array().unwrap();
    for (place, result) in results.iter().enumerate() {
        assert_eq!(result["errCode"], 0, "{result}");
        assert_eq!(result["device"], format!("fleet-{:06}", place + 2));
        let decoded = ResultJson::decode(text(&result["resultJSON"]).as_bytes()).unwrap();
        assert_eq!(decoded.raw, ["a", "b"][place % 2]);
        let keys = call(&desk, "keys.list", json!({"device": result["device"]})).await.unwrap();
        let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kind"] == "authkey").unwrap();
        let (json, signature) = (text(&result["resultJSON"]), text(&result["resultJSONSignature"]));
        assert!(is_signed_by(&desk, &text(&key["publicKey"]), &json, &signature).await);
    }
    // They go on in turn, also past the end.
    let again = signed(json!({"challenges": ["c"], "count": 5})).await;
    let devices: Vec<_> = again.as_array().unwrap().iter().map(|result| text(&result["device"])).collect();
    assert_eq!(devices, [2, 3, 4, 5, 2].map(|number| format!("fleet-{number:06}")));
}

#[tokio::test]
async fn results_in_bulk_wait_for_nobody_and_follow_a_script() {
    let options = DeskOptions { sensor: Some(sensor::SensorMode::Ask), ..options(State::Ephemeral) };
    let desk = Desk::open(with_fleet(2, options)).unwrap();
    let script = json!({"device": "fleet-000001", "mode": "wrong,cancel"});
    call(&desk, "sensor.setMode", script).await.unwrap();
    let signed = call(&desk, "fleet.results", json!({"challenges": ["a"], "count": 2})).await.unwrap();
    assert_eq!(signed["results"][0]["errCode"], 0);
    assert_eq!(signed["results"][1]["errCode"], 90008);
}

#[tokio::test]
async fn fleet_commands_with_wrong_numbers_or_without_a_fleet_are_refused() {
    for (method, params) in [
        ("fleet.next", json!({"count": 0})),
        ("fleet.next", json!({"count": 10_001})),
        ("fleet.results", json!({"challenges": []})),
        ("fleet.results", json!({"challenges": ["a"], "count": 0})),
        ("fleet.results", json!({"challenges": ["a"], "count": 1001})),
        ("device.list", json!({"limit": 0})),
        ("device.list", json!({"limit": 1001})),
        ("device.list", json!({"after": "../escape"})),
        ("device.create", json!({"name": "fleet-000000"})),
        ("device.remove", json!({"name": "fleet-000000"})),
    ] {
        let refused = call(&fleet(3), method, params.clone()).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::InvalidParams, "{method} {params}: {refused}");
    }
    let desk = phone("trustonic");
    for (method, params) in [
        ("fleet.next", json!({})),
        ("fleet.release", json!({"devices": []})),
        ("fleet.results", json!({"challenges": ["a"]})),
    ] {
        let refused = call(&desk, method, params).await.unwrap_err();
        assert_eq!(refused.what, "there is no fleet on this desk");
    }
    let all_taken = fleet(3);
    call(&all_taken, "fleet.next", json!({"count": 3})).await.unwrap();
    let refused = call(&all_taken, "fleet.results", json!({"challenges": ["a"]})).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::LimitReached);
}

#[tokio::test]
async fn a_folder_keeps_its_fleet_and_another_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(Desk::open(with_fleet(1000, in_folder(folder.path()))).unwrap());
    let stored = fs::read(folder.path().join("phones.json")).unwrap();
    let other = |change: fn(&mut DeskOptions)| {
        let mut options = in_folder(folder.path());
        change(&mut options);
        Desk::open(options).unwrap_err()
    };
    assert_eq!(
        other(|options| options.fleet = Some(2000)).what,
        "the state folder has a fleet of 1000 phones, not 2000"
    );
    assert_eq!(
        other(|options| options.profile = Some("itrustee".to_owned())).what,
        "the state folder has a fleet of `trustonic` phones, not `itrustee`"
    );
    assert_eq!(
        other(|options| options.seed = Some("demo".into())).what,
        "the state folder has a fleet of random phones, not from a seed"
    );
    assert_eq!(fs::read(folder.path().join("phones.json")).unwrap(), stored);
    drop(Desk::open(with_fleet(1000, in_folder(folder.path()))).unwrap());
}

#[tokio::test]
async fn a_folder_without_a_fleet_can_get_one_later() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(in_folder(folder.path())).unwrap();
    let phone = result(&authenticate(&desk, touched("1")).await);
    drop(desk);
    let desk = Desk::open(with_fleet(3, in_folder(folder.path()))).unwrap();
    sign(&desk, "fleet-000002").await;
    drop(desk);
    let desk = Desk::open(in_folder(folder.path())).unwrap();
    sign(&desk, "fleet-000001").await;
    assert!(result(&authenticate(&desk, touched("1")).await).counter > phone.counter);
}

#[tokio::test]
async fn a_new_fleet_does_not_take_a_phone_that_has_the_name_of_one_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(in_folder(folder.path())).unwrap();
    call(&desk, "device.create", json!({"name": "fleet-000001", "profile": "ios"})).await.unwrap();
    drop(desk);
    let refused = Desk::open(with_fleet(3, in_folder(folder.path()))).unwrap_err();
    assert_eq!(
        refused.what,
        "device `fleet-000001` is not of the fleet, and has the name of one of its phones"
    );
    drop(Desk::open(with_fleet(1, in_folder(folder.path()))).unwrap());
}

#[tokio::test]
async fn results_in_bulk_name_the_user_who_is_logged_in() {
    let desk = fleet(2);
    call(&desk, "device.set", json!({"device": "fleet-000000", "user": "user"})).await.unwrap();
    let signed = call(&desk, "fleet.results", json!({"challenges": ["a", "b"]})).await.unwrap();
    for (place, device) in ["fleet-000000", "fleet-000001"].into_iter().enumerate() {
        let shown = call(&desk, "device.show", json!({"device": device})).await.unwrap();
        assert_eq!(signed["results"][place]["openid"], shown["user"]["openid"]);
    }
    assert_eq!(signed["results"][0]["openid"], "oEmulatedUser000000000000001");
}

#[tokio::test]
async fn phones_that_were_given_back_sign_in_turn_with_the_others() {
    let desk = fleet(4);
    call(&desk, "fleet.next", json!({"count": 3})).await.unwrap();
    call(&desk, "fleet.release", json!({"devices": ["fleet-000002", "fleet-000000"]})).await.unwrap();
    let mut signers = Vec::new();
    for count in [2, 2, 5] {
        let params = json!({"challenges": ["a"], "count": count});
        let signed = call(&desk, "fleet.results", params).await.unwrap();
        signers.extend(signed["results"].as_array().unwrap().iter().map(|result| text(&result["device"])));
    }
    let expected = [0, 2, 3, 0, 2, 3, 0, 2, 3].map(|number| format!("fleet-{number:06}"));
    assert_eq!(signers, expected);
}

#[tokio::test]
async fn a_reset_makes_a_new_fleet_of_the_same_size() {
    let folder = tempfile::tempdir().unwrap();
    let options = || DeskOptions { allow_reset: true, ..in_folder(folder.path()) };
    let desk = Desk::open(with_fleet(3, options())).unwrap();
    let before = sign(&desk, "fleet-000000").await;
    call(&desk, "fleet.next", json!({"count": 3})).await.unwrap();

    call(&desk, "desk.reset", json!({})).await.unwrap();

    assert_eq!(names(&desk, json!({})).await, ["phone", "fleet-000000", "fleet-000001", "fleet-000002"]);
    assert_eq!(
        call(&desk, "fleet.next", json!({"count": 3})).await.unwrap()["devices"].as_array().unwrap().len(),
        3
    );
    let after = sign(&desk, "fleet-000000").await;
    assert_ne!(after.cpu_id, before.cpu_id);
    drop(desk);
    let desk = Desk::open(options()).unwrap();
    assert_eq!(sign(&desk, "fleet-000000").await.cpu_id, after.cpu_id);
}

#[tokio::test]
async fn a_phone_of_a_fleet_that_is_reset_keeps_its_user() {
    let desk = fleet(3);
    sign(&desk, "fleet-000001").await;
    let shown = call(&desk, "device.resetNormalWorld", json!({"device": "fleet-000001"})).await.unwrap();
    assert_eq!(shown["user"]["name"], "fleet-000001");
}

#[tokio::test]
async fn a_duplicate_of_a_phone_of_a_fleet_has_its_user_and_keys() {
    let desk = fleet(3);
    let before = sign(&desk, "fleet-000001").await;
    call(&desk, "danger.clone", json!({"device": "fleet-000001", "name": "twin"})).await.unwrap();
    let twin = sign(&desk, "twin").await;
    assert_eq!((&twin.cpu_id, twin.counter), (&before.cpu_id, before.counter + 1));
    let keys = async |name| call(&desk, "keys.list", json!({"device": name})).await.unwrap();
    assert_eq!(keys("twin").await, keys("fleet-000001").await);
}

#[tokio::test]
async fn a_list_has_a_hundred_phones_and_says_that_there_are_more() {
    let desk = fleet(100_000);
    let listed = call(&desk, "device.list", json!({})).await.unwrap();
    let devices = listed["devices"].as_array().unwrap();
    assert_eq!(
        (devices.len(), &devices[0]["name"], &devices[99]["name"]),
        (100, &json!("phone"), &json!("fleet-000098"))
    );
    assert_eq!(listed["more"], true);
    let last = call(&desk, "device.list", json!({"after": "fleet-099998"})).await.unwrap();
    assert_eq!((last["devices"].as_array().unwrap().len(), &last["more"]), (1, &Value::Null));
    assert_eq!(names(&desk, json!({"prefix": "fleet-09999"})).await.len(), 10);
    assert_eq!(names(&desk, json!({"prefix": "fleet-000042"})).await, ["fleet-000042"]);
    assert_eq!(names(&desk, json!({"prefix": "fleet-1"})).await, Vec::<String>::new());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pages_of_a_list_have_every_phone_once(
        own in prop::collection::btree_set("(a|fleet-?|fleet-0000|z)[0-9a]{0,3}", 0..8),
        size in 1_u32..30,
        prefix in "(a|f|fleet-|fleet-0000|fleet-00000|fleet-00002|z)?[0-9]{0,2}",
        limit in 1_u32..10,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let desk = fleet(size);
            let mut expected = vec!["phone".to_owned()];
            for name in own {
                // The fleet has some of them.
                if call(&desk, "device.create", json!({"name": name})).await.is_ok() {
                    expected.push(name);
                }
            }
            expected.sort();
            expected.extend((0..size).map(|number| format!("fleet-{number:06}")));
            expected.retain(|name| name.starts_with(&prefix));
            let mut seen = Vec::new();
            loop {
                let params = json!({"prefix": prefix, "limit": limit, "after": seen.last()});
                let page = names(&desk, params.clone()).await;
                let more = call(&desk, "device.list", params).await.unwrap()["more"] == true;
                seen.extend(page);
                if !more {
                    break;
                }
            }
            prop_assert_eq!(seen, expected);
            Ok(())
        })?;
    }
}
