//! `sensor.touch` and `sensor.cancel`: to the dialog, or else to the newest signing session of an app.

use soter_bridge::protocol::sensor::{Cancelled, Judged};
use soter_bridge::protocol::{CommandError, Touch};

use super::state::Phone;

impl Phone {
    /// `sensor.touch`.
    pub(crate) fn touch(&self, touch: Touch) -> Result<Judged, CommandError> {
        let mut state = self.state();
        if state.dialog.is_some() {
            self.touch_dialog(&mut state, touch).map(|(judged, _)| judged)
        } else {
            self.touch_app_session(&mut state, touch)
        }
    }

    /// `sensor.cancel`.
    pub(crate) fn cancel(&self) -> Result<Cancelled, CommandError> {
        self.touch(Touch::Cancel).map(|_| Cancelled {})
    }
}
