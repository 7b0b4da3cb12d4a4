//! A service for tests of the servers: it answers a few commands, and waits or panics on request.

use soter_text::Text;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use soter_wechat::verification::verify;
use tokio::sync::{Notify, broadcast};

use crate::protocol::device::{Devices, Summary};
use crate::protocol::sensor::{Cancelled, SensorMode};
use crate::protocol::verify::VerifySignature;
use crate::protocol::wx::{SoterAuthentication, SoterSupport};
use crate::protocol::{Call, CommandError, ErrorKind, Event, Request, Response, Service, desk};

/// One device, `phone`. An authentication waits until the sensor is cancelled, and then sends an event.
#[derive(Debug)]
pub(crate) struct TestService {
    pub(crate) events: broadcast::Sender<Event>,
    /// The number of pending authentications.
    pub(crate) waiting: AtomicUsize,
    cancelled: Notify,
    pub(crate) resets: Mutex<usize>,
}

impl Default for TestService {
    fn default() -> Self {
        Self {
            events: broadcast::channel(4096).0,
            waiting: AtomicUsize::new(0),
            cancelled: Notify::new(),
            resets: Mutex::new(0),
        }
    }
}

struct Waits<'a>(&'a AtomicUsize);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl TestService {
    pub(crate) fn event(code: i32) -> Event {
        Event::Refused {
            device: "phone".to_owned(),
            method: "wx.startSoterAuthentication".to_owned(),
            code,
            message: String::new(),
            reason: Text::verbatim(String::new()),
        }
    }
}

impl Service for TestService {
    async fn call(&self, call: Call) -> Result<Response, CommandError> {
        if call.device.as_ref().is_some_and(|name| name != "phone") {
            return Err(CommandError::new(
                ErrorKind::UnknownDevice,
                Text::verbatim("there is no such device"),
                Text::verbatim("devices: phone"),
            ));
        }
        Ok(match call.request {
            Request::StartSoterAuthentication(request) if request.challenge.as_deref() == Some("panic") => {
                panic!("as the test wants")
            }
            Request::StartSoterAuthentication(_) => {
                self.waiting.fetch_add(1, Ordering::SeqCst);
                let _waits = Waits(&self.waiting);
                self.cancelled.notified().await;
                let _ = self.events.send(Self::event(90008));
                Response::StartSoterAuthentication(SoterAuthentication {
                    err_code: 90008,
                    auth_mode: String::new(),
                    result_json: String::new(),
                    result_json_signature: String::new(),
                    err_msg: "startSoterAuthentication:fail cancel".to_owned(),
                })
            }
            Request::SensorCancel(_) => {
                self.cancelled.notify_waiters();
                Response::SensorCancel(Cancelled {})
            }
            Request::CheckIsSupportSoterAuthentication(_) => {
                Response::CheckIsSupportSoterAuthentication(SoterSupport {
                    support_mode: Vec::new(),
                    err_msg: "checkIsSupportSoterAuthentication:ok".to_owned(),
                })
            }
            Request::DeviceList(_) => Response::DeviceList(Devices {
                more: false,
                devices: vec![Summary {
                    name: "phone".to_owned(),
                    profile: "ios".to_owned(),
                    seeded: false,
                    sensor: SensorMode::Ask,
                    fleet: false,
                    waits: false,
                }],
                selected: "phone".to_owned(),
            }),
            Request::VerifySignature(VerifySignature { key, json, signature, salt }) => {
                let [key, json, signature] = [key, json, signature].map(String::into_bytes);
                Response::VerifySignature(verify(&key, &json, &signature, salt).into())
            }
            Request::MistypedWxCall(call) => Response::WxRefusal(call.refusal),
            Request::DeskReset(_) => {
                *self.resets.lock().unwrap() += 1;
                Response::DeskReset(desk::WasReset { device: "phone".to_owned() })
            }
            _ => {
                return Err(CommandError::environment(
                    Text::verbatim("the test's service does nothing else"),
                    Text::verbatim("ask for less"),
                ));
            }
        })
    }

    fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }
}
