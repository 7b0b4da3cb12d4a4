//! What a command asks of the command protocol.

use std::path::PathBuf;

use soter_bridge::protocol::sensor::{Cancel, TouchSensor};
use soter_bridge::protocol::{Call, Request, Touch};

/// A call of the protocol, and how its answer is handled.
#[derive(Clone, Debug)]
pub(crate) struct Errand {
    /// The call.
    pub(crate) call: Call,
    /// `auth` without modes: the usual mode of the phone is filled in before the call.
    pub(crate) usual_mode: bool,
    /// `call METHOD`: the protocol's answer is shown as it is.
    pub(crate) verbatim: bool,
    /// Where the exported bytes go, besides the answer.
    pub(crate) raw: Option<PathBuf>,
}

impl Errand {
    /// A touch of the sensor.
    pub(crate) fn touch(touch: Touch) -> Self {
        Self::new(TouchSensor { touch })
    }

    /// The dialog's cancel button.
    pub(crate) fn cancel() -> Self {
        Self::new(Cancel {})
    }

    pub(super) fn new(request: impl Into<Request>) -> Self {
        let call = Call { device: None, request: request.into() };
        Self { call, usual_mode: false, verbatim: false, raw: None }
    }

    /// With the device that the command did not name itself.
    #[must_use]
    pub(crate) fn on(mut self, device: Option<&str>) -> Self {
        if self.call.device.is_none() {
            self.call.device = device.map(str::to_owned);
        }
        self
    }
}
