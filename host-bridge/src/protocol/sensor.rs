//! The fingerprint sensor and the camera: who touches them, and the result.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use soter_wire::Mode;

use super::touch::{Touch, TouchScript};

/// Who touches the sensor when a dialog opens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SensorMode {
    /// A person, at any front end.
    #[default]
    Ask,
    /// The first enrolled finger or face, at once.
    Auto,
    /// These touches, in each dialog from the first one.
    #[serde(untagged)]
    Script(TouchScript),
}

/// Sets who touches. In JSON: `{"mode": "ask"}`, `{"mode": "auto"}`, `{"mode": "wrong,1"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetMode {
    /// Who touches from the next dialog on.
    pub mode: SensorMode,
}

/// The sensor's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sensor {
    /// Who touches.
    pub mode: SensorMode,
}

/// Touches the sensor while a dialog or a signing session waits. Answers when the touch has been judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TouchSensor {
    /// What is presented. `cancel` is the same as `sensor.cancel`.
    pub touch: Touch,
}

/// What came of a touch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Judged {
    /// The judgement.
    pub judgement: Judgement,
    /// What was touched: the finger sensor or the camera. Absent for a cancel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<super::mode_name::ModeName>")]
    pub mode: Option<Mode>,
    /// How many more failures until the next lockout; present after a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts_left: Option<u32>,
    /// Whether the dialog is still open.
    pub dialog_open: bool,
}

/// The kinds of judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Judgement {
    /// An enrolled finger or face.
    Matched,
    /// Not an enrolled one.
    Rejected,
    /// The sensor is locked; nothing was compared.
    LockedOut,
    /// The dialog does not listen to that sensor; nothing was compared or counted.
    Ignored,
    /// The dialog was cancelled.
    Cancelled,
}

no_parameters! {
    /// Presses the open dialog's cancel button.
    Cancel
}
no_parameters! {
    /// Answer of [`Cancel`].
    Cancelled
}
