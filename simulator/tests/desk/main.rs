//! The desk and its phones through the command protocol: dialogs, settings, apps, restarts and seeds.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "an error here must fail the test")]

use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use serde_json::Value;
use soter_bridge::protocol::wx::{SoterAuthentication, StartSoterAuthentication};
use soter_bridge::protocol::{
    Call, Command, CommandError, ErrorKind, Event, Service, Touch, biometric, device, keys, sensor, verify,
};
use soter_sim::{Desk, DeskOptions, State};
use soter_wire::{Mode, ResultJson};
use tokio::sync::broadcast::Receiver;

mod apps;
mod cloud_functions;
mod copies;
mod danger;
mod dialog;
mod fleet;
mod payments;
mod restarts;
mod seeds;
mod settings;
mod storage_failures;

fn options(state: State) -> DeskOptions {
    DeskOptions::new(state)
}

/// A new phone of this family, in memory.
fn phone(profile: &str) -> Desk {
    Desk::open(DeskOptions { profile: Some(profile.to_owned()), ..options(State::Ephemeral) }).unwrap()
}

fn in_folder(folder: &Path) -> DeskOptions {
    options(State::Folder(folder.to_owned()))
}

/// A valid request that waits for touches. Each test changes it in one point.
fn good_request() -> StartSoterAuthentication {
    StartSoterAuthentication {
        request_auth_modes: Some(vec!["fingerPrint".to_owned()]),
        challenge: Some("order-42".to_owned()),
        auth_content: None,
        appid: None,
        touch: None,
    }
}

/// A request with a touch script.
fn touched(script: &str) -> StartSoterAuthentication {
    StartSoterAuthentication { touch: Some(script.parse().unwrap()), ..good_request() }
}

fn with_modes(modes: &[&str], request: StartSoterAuthentication) -> StartSoterAuthentication {
    let modes = modes.iter().map(|mode| (*mode).to_owned()).collect();
    StartSoterAuthentication { request_auth_modes: Some(modes), ..request }
}

async fn authenticate(desk: &Desk, request: StartSoterAuthentication) -> SoterAuthentication {
    desk.request(None, request).await.unwrap()
}

async fn call(desk: &Desk, method: &str, params: Value) -> Result<Value, CommandError> {
    let response = desk.call(Call::parse(method, params)?).await?;
    Ok(serde_json::to_value(response).unwrap())
}

async fn set(desk: &Desk, settings: Value) -> device::Device {
    serde_json::from_value(call(desk, "device.set", settings).await.unwrap()).unwrap()
}

async fn show(desk: &Desk) -> device::Device {
    desk.request(None, device::Show {}).await.unwrap()
}

async fn touch(desk: &Desk, touch: Touch) -> sensor::Judged {
    desk.request(None, sensor::TouchSensor { touch }).await.unwrap()
}

async fn enroll(desk: &Desk, mode: Mode) -> biometric::Enrolment {
    desk.request(None, biometric::Enroll { mode: Some(mode) }).await.unwrap()
}

async fn public_keys(desk: &Desk) -> Vec<keys::Key> {
    desk.request(None, keys::List {}).await.unwrap().keys
}

async fn is_signed_by(desk: &Desk, key: &str, json: &str, signature: &str) -> bool {
    let check = verify::VerifySignature {
        key: key.to_owned(),
        json: json.to_owned(),
        signature: signature.to_owned(),
        salt: None,
    };
    desk.request(None, check).await.unwrap().valid
}

fn result(answer: &SoterAuthentication) -> ResultJson {
    assert_eq!(answer.err_code, 0, "{}", answer.err_msg);
    ResultJson::decode(answer.result_json.as_bytes()).unwrap()
}

/// All events that were sent so far.
fn drain(events: &mut Receiver<Event>) -> Vec<Event> {
    std::iter::from_fn(|| events.try_recv().ok()).collect()
}

/// A call that has started. It continues only when the test polls it.
struct PendingCall<'a, A = SoterAuthentication> {
    future: Pin<Box<dyn Future<Output = Result<A, CommandError>> + Send + 'a>>,
}

impl<'a, A> PendingCall<'a, A> {
    /// Starts a call and runs it until it first waits: with its dialog on the screen, or in the queue for the screen.
    fn start<C: Command<Response = A> + 'a>(desk: &'a Desk, device: Option<&'a str>, request: C) -> Self {
        let mut call = Self { future: Box::pin(desk.request(device, request)) };
        assert!(call.answer().is_none(), "the call does not wait");
        call
    }

    /// The answer, if the call has ended.
    fn answer(&mut self) -> Option<Result<A, CommandError>> {
        match self.future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }
}

impl PendingCall<'_> {
    fn code(&mut self) -> i32 {
        self.answer().expect("the call has ended").unwrap().err_code
    }
}
