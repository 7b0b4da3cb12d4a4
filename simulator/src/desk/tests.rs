//! A desk whose folder fails at any step of a command, and works again afterwards.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use soter_bridge::protocol::{Call, CommandError, Service};
use tokio::runtime::{Builder, Runtime};

use super::{Desk, DeskOptions, State};
use crate::phone::Record;
use crate::store::{DeviceName, crash};

/// A desk in a folder, on one thread, because failures are injected into the thread that writes.
struct Bench {
    runtime: Runtime,
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        Self { runtime, folder: tempfile::tempdir().unwrap() }
    }

    fn open(&self) -> Desk {
        let state = State::Folder(self.folder.path().to_owned());
        Desk::open(DeskOptions { fleet: Some(3), allow_reset: true, ..DeskOptions::new(state) }).unwrap()
    }

    fn call(&self, desk: &Desk, method: &str, params: &Value) -> Result<(), CommandError> {
        let call = Call::parse(method, params.clone()).unwrap();
        self.runtime.block_on(desk.call(call)).map(|_| ())
    }

    /// A desk with a phone that has settings, and a phone of the fleet that has some.
    fn with_settings(&self) -> Desk {
        let desk = self.open();
        for (method, params) in [
            ("device.create", json!({"name": "second"})),
            ("sensor.setMode", json!({"device": "second", "mode": "wrong,1"})),
            ("sensor.setMode", json!({"device": "fleet-000001", "mode": "wrong,2"})),
        ] {
            self.call(&desk, method, &params).unwrap();
        }
        desk
    }
}

/// The selected phone and all records, except those of the fleet's phones that are as new.
fn contents(desk: &Desk) -> (DeviceName, BTreeMap<DeviceName, Record>) {
    let phones = desk.phones();
    let is_new = |name: &DeviceName, record: &Record| {
        let made =
            phones.fleet_number(name).map(|(fleet, number)| fleet.new_phone(number, &desk.inner.context));
        made.is_some_and(|phone| phone.unwrap().record() == *record)
    };
    let records = phones.iter().map(|phone| (phone.name().clone(), phone.record()));
    (phones.selected.clone(), records.filter(|(name, record)| !is_new(name, record)).collect())
}

/// The same without the mark of phones that were switched on, which a command may do before it is refused.
fn without_use((selected, records): (DeviceName, BTreeMap<DeviceName, Record>)) -> (DeviceName, Value) {
    let mut records = serde_json::to_value(records).unwrap();
    records.as_object_mut().unwrap().values_mut().for_each(|record| record["used"] = json!(true));
    (selected, records)
}

fn assert_files(folder: &Path, desk: &Desk, what: &str) {
    for (name, record) in contents(desk).1 {
        let has_files = folder.join("devices").join(name.as_str()).exists();
        assert!(has_files || !record.is_used(), "{what}: {name} was used, and has no files");
    }
}

#[test]
fn whatever_write_fails_the_folder_agrees_with_the_desk_when_the_next_command_has_worked() {
    let commands = [
        ("device.create", json!({"name": "third"})),
        ("device.create", json!({"name": "third", "seed": "s"})),
        ("device.select", json!({"name": "second"})),
        ("device.select", json!({"name": "fleet-000002"})),
        ("device.set", json!({"support": false})),
        ("device.remove", json!({"name": "second"})),
        ("device.remove", json!({"name": "phone"})),
        ("sensor.setMode", json!({"mode": "auto"})),
        ("sensor.setMode", json!({"device": "fleet-000001", "mode": "auto"})),
        ("desk.reset", json!({})),
    ];
    for (method, params) in commands {
        let bench = Bench::new();
        let desk = bench.with_settings();
        let (answer, steps) = crash::trace(|| bench.call(&desk, method, &params));
        answer.unwrap();
        assert!(steps.len() >= 4, "{method}: {steps:?}");
        for allowed in 0..steps.len() {
            let bench = Bench::new();
            let what = format!("{method} {params}, after {allowed} of {} steps", steps.len());
            let desk = bench.with_settings();
            let before = contents(&desk);
            // All later steps fail as well, also those that put back what was there.
            let answer = crash::stop_after(allowed, || bench.call(&desk, method, &params));
            if answer.is_err() {
                assert_eq!(without_use(contents(&desk)), without_use(before), "{what}");
            }

            bench.call(&desk, "sensor.setMode", &json!({"mode": "cancel"})).unwrap();

            let expected = contents(&desk);
            drop(desk);
            let desk = bench.open();
            assert_eq!(contents(&desk), expected, "{what}");
            assert_files(bench.folder.path(), &desk, &what);
        }
    }
}

#[test]
fn a_folder_that_still_fails_lets_no_further_change_through() {
    let bench = Bench::new();
    let desk = bench.with_settings();
    let (_, steps) = crash::trace(|| bench.call(&desk, "device.select", &json!({"name": "second"})));
    let before = contents(&desk);
    crash::stop_after(steps.len() - 1, || {
        bench.call(&desk, "device.select", &json!({"name": "phone"})).unwrap_err();
        for (method, params) in [
            ("device.create", json!({"name": "third"})),
            ("sensor.setMode", json!({"mode": "auto"})),
            ("wx.checkIsSupportSoterAuthentication", json!({})),
        ] {
            assert!(bench.call(&desk, method, &params).is_err(), "{method}");
        }
        bench.call(&desk, "device.list", &json!({})).unwrap();
    });
    assert_eq!(contents(&desk), before);
    bench.call(&desk, "wx.checkIsSupportSoterAuthentication", &json!({})).unwrap();
    drop(desk);
    assert_eq!(contents(&bench.open()), before);
}
