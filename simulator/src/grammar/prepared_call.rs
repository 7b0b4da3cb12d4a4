//! The protocol call that a command stands for.

use std::path::PathBuf;

use soter_bridge::protocol::sensor::{Cancel, TouchSensor};
use soter_bridge::protocol::{Call, Request, Touch};

/// A call of the protocol, and how to handle its answer.
#[derive(Clone, Debug)]
pub(crate) struct PreparedCall {
    /// The call.
    pub(crate) call: Call,
    /// The command is `auth` without modes: the phone's usual mode is filled in before the call.
    pub(crate) use_default_mode: bool,
    /// The command is `call METHOD`: the protocol's answer is shown unchanged.
    pub(crate) verbatim: bool,
    /// The file to which the exported bytes are written, in addition to the answer.
    pub(crate) raw: Option<PathBuf>,
}

impl PreparedCall {
    /// A touch of the sensor.
    pub(crate) fn touch(touch: Touch) -> Self {
        Self::new(TouchSensor { touch })
    }

    /// A press of the dialog's cancel button.
    pub(crate) fn cancel() -> Self {
        Self::new(Cancel {})
    }

    pub(super) fn new(request: impl Into<Request>) -> Self {
        let call = Call { device: None, request: request.into() };
        Self { call, use_default_mode: false, verbatim: false, raw: None }
    }

    /// Sets the device, if the command has not named one.
    #[must_use]
    pub(crate) fn for_device(mut self, device: Option<&str>) -> Self {
        if self.call.device.is_none() {
            self.call.device = device.map(str::to_owned);
        }
        self
    }
}
