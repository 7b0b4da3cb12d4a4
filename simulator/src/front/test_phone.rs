//! A phone for tests of front ends: it opens dialogs, judges touches immediately, and signs nothing.

use soter_text::Text;
use std::sync::Mutex;

use soter_bridge::protocol::biometric::{Enrolment, Enrolments};
use soter_bridge::protocol::device::{Device, Devices, Dialog, Purpose, SecondCall, Settings, Summary, User};
use soter_bridge::protocol::keys::Keys;
use soter_bridge::protocol::sensor::{Cancelled, Judged, Judgement, SensorMode};
use soter_bridge::protocol::soter::Reply;
use soter_bridge::protocol::wx::{SoterAuthentication, SoterSupport, StartSoterAuthentication};
use soter_bridge::protocol::{
    Call, CommandError, ErrorKind, Event, Request, Response, Service, Touch, TouchScript,
};
use soter_wire::Mode;
use tokio::sync::{broadcast, oneshot};

/// Finger 1 matches, any other does not. There is one device, `phone`.
#[derive(Debug)]
pub(crate) struct TestPhone {
    modes: Vec<Mode>,
    dialog: Mutex<Option<oneshot::Sender<SoterAuthentication>>>,
    events: broadcast::Sender<Event>,
    calls: Mutex<Vec<Call>>,
}

impl Default for TestPhone {
    fn default() -> Self {
        Self::with_modes(&[Mode::FingerPrint])
    }
}

impl TestPhone {
    /// A phone that supports these modes.
    pub(crate) fn with_modes(modes: &[Mode]) -> Self {
        Self {
            modes: modes.to_vec(),
            dialog: Mutex::new(None),
            events: broadcast::channel(64).0,
            calls: Mutex::new(Vec::new()),
        }
    }

    /// The calls so far, in order.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    async fn authenticate(&self, request: &StartSoterAuthentication) -> SoterAuthentication {
        let challenge = request.challenge.clone().unwrap_or_default();
        // The dialog is open before the event is sent, as on the real phone.
        let (sender, answer) = oneshot::channel();
        *self.dialog.lock().unwrap() = Some(sender);
        self.send_event(Event::PromptShown {
            device: "phone".to_owned(),
            dialog: 1,
            modes: self.modes.clone(),
            purpose: Purpose::Authentication {
                auth_content: request.auth_content.clone().unwrap_or_default(),
                challenge,
            },
            waits: request.touch.is_none(),
        });
        if let Some(TouchScript(touches)) = &request.touch {
            for touch in touches.iter().chain([&Touch::Cancel]) {
                // Touches after the dialog has closed have no effect.
                let _ = self.touch(*touch);
            }
        }
        answer.await.unwrap()
    }

    fn touch(&self, touch: Touch) -> Result<Judged, CommandError> {
        let mut dialog = self.dialog.lock().unwrap();
        if dialog.is_none() {
            return Err(CommandError::new(
                ErrorKind::NoDialog,
                Text::verbatim("no dialog is open"),
                Text::verbatim("open one"),
            ));
        }
        let (judgement, answer) = match touch {
            Touch::Enrolled(1) => (Judgement::Matched, Some(callback(0, "ok"))),
            Touch::Cancel => (Judgement::Cancelled, Some(callback(90008, "fail cancel"))),
            _ => (Judgement::Rejected, None),
        };
        let attempts_left = (judgement == Judgement::Rejected).then_some(4);
        let mode = (judgement != Judgement::Cancelled).then_some(Mode::FingerPrint);
        self.send_event(Event::Touched { device: "phone".to_owned(), touch, judgement, attempts_left });
        let dialog_open = answer.is_none();
        if let Some(answer) = answer {
            let err_code = Some(answer.err_code);
            self.send_event(Event::PromptClosed { device: "phone".to_owned(), dialog: 1, err_code });
            dialog.take().unwrap().send(answer).unwrap();
        }
        Ok(Judged { judgement, mode, attempts_left, dialog_open })
    }

    /// The phone's calls wait for their turn.
    fn shown(&self) -> Device {
        let is_open = self.dialog.lock().unwrap().is_some();
        let dialog = Dialog {
            number: 1,
            modes: self.modes.clone(),
            purpose: Purpose::Authentication { auth_content: String::new(), challenge: String::new() },
        };
        Device {
            name: "phone".to_owned(),
            profile: "trustonic".to_owned(),
            seeded: false,
            selected: true,
            cpu_id: "0f".to_owned(),
            counter: 0,
            clock: 0,
            apps: Vec::new(),
            user: User {
                name: "user".to_owned(),
                appid: "wx".to_owned(),
                openid: "o".to_owned(),
                unionid: None,
            },
            biometrics: Enrolments { enrolments: Vec::new(), lockouts: Vec::new() },
            sensor: SensorMode::Ask,
            settings: Settings { second_call: SecondCall::Queue, ..Settings::default() },
            dialog: is_open.then_some(dialog),
        }
    }

    fn send_event(&self, event: Event) {
        // It is not an error if nobody is subscribed.
        let _ = self.events.send(event);
    }
}

impl Service for TestPhone {
    async fn call(&self, call: Call) -> Result<Response, CommandError> {
        self.calls.lock().unwrap().push(call.clone());
        if let Some(device) = call.device.filter(|device| device != "phone") {
            let what = format!("there is no device `{device}`");
            return Err(CommandError::new(
                ErrorKind::UnknownDevice,
                Text::verbatim(what),
                Text::verbatim("devices: phone"),
            ));
        }
        Ok(match call.request {
            Request::StartSoterAuthentication(request) => {
                Response::StartSoterAuthentication(self.authenticate(&request).await)
            }
            Request::CheckIsSupportSoterAuthentication(_) => {
                let err_msg = "checkIsSupportSoterAuthentication:ok".to_owned();
                let support_mode = self.modes.clone();
                Response::CheckIsSupportSoterAuthentication(SoterSupport { support_mode, err_msg })
            }
            Request::SensorTouch(request) => Response::SensorTouch(self.touch(request.touch)?),
            Request::SensorCancel(_) => {
                self.touch(Touch::Cancel)?;
                Response::SensorCancel(Cancelled {})
            }
            Request::DeviceList(_) => {
                let phone = Summary {
                    name: "phone".to_owned(),
                    profile: "trustonic".to_owned(),
                    seeded: false,
                    sensor: SensorMode::Ask,
                    fleet: false,
                    waits: false,
                };
                let selected = "phone".to_owned();
                Response::DeviceList(Devices { devices: vec![phone], selected, more: false })
            }
            Request::DeviceShow(_) => Response::DeviceShow(self.shown()),
            Request::BiometricList(_) => {
                let finger = Enrolment { number: 1, mode: Mode::FingerPrint, fid: "77".to_owned() };
                Response::BiometricList(Enrolments { enrolments: vec![finger], lockouts: Vec::new() })
            }
            Request::KeysList(_) => Response::KeysList(Keys { keys: Vec::new() }),
            Request::GetVersion(_) => Response::GetVersion(Reply::value(1)),
            Request::GetAuthKey(_) => Response::GetAuthKey(Reply::code(3)),
            Request::BiometricUnlock(_) => {
                return Err(CommandError::environment(
                    Text::verbatim("the disk is full"),
                    Text::verbatim("make room"),
                ));
            }
            other => {
                return Err(CommandError::invalid_params(
                    Text::verbatim(format!("no `{}` here", other.method())),
                    Text::verbatim("none"),
                ));
            }
        })
    }

    fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }
}

/// The object that the callback receives.
pub(crate) fn callback(err_code: i32, text: &str) -> SoterAuthentication {
    let signed = err_code == 0;
    let when_signed = |text: &str| if signed { text.to_owned() } else { String::new() };
    SoterAuthentication {
        err_code,
        auth_mode: when_signed("fingerPrint"),
        result_json: when_signed(r#"{"raw":"order-42"}"#),
        result_json_signature: when_signed("AAAA"),
        err_msg: format!("startSoterAuthentication:{text}"),
    }
}
