//! The sensor: what a touch presents to it, which touches it makes by itself, and how it reports touches.

use soter_bridge::protocol::sensor::{Judged, Judgement, Sensor, SensorMode};
use soter_bridge::protocol::{CommandError, ErrorKind, Event, Touch, TouchScript};
use soter_tee::Presented;
use soter_text::text;
use soter_wire::Mode;

use super::state::{Phone, PhoneState};

impl Phone {
    /// The touches for a call that no person watches: the first enrolled finger or face instead of a person; `None`: the
    /// sensor touches by itself.
    ///
    /// # Errors
    /// `UnknownDevice` if the phone was removed, `Environment` if it does not switch on.
    pub(crate) fn touches_without_person(&self) -> Result<Option<TouchScript>, CommandError> {
        let mut state = self.state();
        match state.record.sensor {
            SensorMode::Ask => {
                Ok(Some(TouchScript(vec![self.first_enrolled(&mut state, self.profile.modes)?])))
            }
            SensorMode::Auto | SensorMode::Script(_) => Ok(None),
        }
    }

    pub(crate) fn set_sensor_mode(&self, mode: SensorMode) -> Sensor {
        self.state().record.set_sensor(mode.clone());
        Sensor { mode }
    }

    /// The touches that the sensor makes by itself; `None` if a person touches. `modes` are the modes that are
    /// accepted.
    pub(super) fn automatic_touches(
        &self,
        state: &mut PhoneState,
        modes: &[Mode],
    ) -> Result<Option<Vec<Touch>>, CommandError> {
        Ok(match &state.record.sensor {
            SensorMode::Ask => None,
            SensorMode::Script(script) => Some(script.0.clone()),
            SensorMode::Auto => Some(vec![self.first_enrolled(state, modes)?]),
        })
    }

    /// A touch with the first enrolled finger or face of these modes.
    fn first_enrolled(&self, state: &mut PhoneState, modes: &[Mode]) -> Result<Touch, CommandError> {
        let enrolments = self.tee(state)?.enrolments();
        let first = enrolments.iter().find(|enrolment| modes.contains(&enrolment.mode));
        Ok(first.map_or(Touch::Wrong, |enrolment| Touch::Enrolled(enrolment.number)))
    }

    /// What a touch presents, and to which sensor; `None` for the cancel button.
    pub(super) fn resolve_touch(
        &self,
        state: &mut PhoneState,
        touch: Touch,
        modes: &[Mode],
    ) -> Result<Option<Presented>, CommandError> {
        let first = modes.first().copied().unwrap_or(Mode::FingerPrint);
        Ok(match touch {
            Touch::Cancel => None,
            Touch::Wrong => Some(Presented { mode: first, enrolment: None }),
            Touch::Enrolled(number) => {
                let enrolments = self.tee(state)?.enrolments();
                let mode = enrolments.iter().find(|enrolment| enrolment.number == number);
                let mode = mode.map_or(first, |enrolment| enrolment.mode);
                Some(Presented { mode, enrolment: Some(number) })
            }
        })
    }

    /// Reports how a touch was judged.
    pub(super) fn report_touch(
        &self,
        touch: Touch,
        judgement: Judgement,
        mode: Option<Mode>,
        attempts_left: Option<u32>,
        dialog_open: bool,
    ) -> Judged {
        let device = self.name.to_string();
        self.emit(Event::Touched { device, touch, judgement, attempts_left });
        Judged { judgement, mode, attempts_left, dialog_open }
    }
}

/// The error if neither a dialog nor a session waits for a touch.
pub(super) fn no_dialog_error() -> CommandError {
    CommandError::new(
        ErrorKind::NoDialog,
        text!("no dialog and no signing session waits for a touch"),
        text!("start one first, for example with `auth order-42`"),
    )
}
