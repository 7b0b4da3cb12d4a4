//! The signature after a matching touch, and the answer that the mini program receives.

use soter_bridge::protocol::CommandError;
use soter_tee::TeeError;
use soter_wire::{Mode, base64};

use super::outcome::{Ended, Outcome, SignedResult};
use super::state::{Phone, PhoneState};

impl Phone {
    /// Signs after a match. Returns the call's answer.
    pub(super) fn sign(&self, state: &mut PhoneState, session: u64) -> Outcome {
        if let Some(text) = &state.record.settings.internal_error {
            return Ok(Ended::configured_internal_error(text));
        }
        let signed = match self.with_counter_event(state, "finishSign", |tee| tee.finish_sign(session))? {
            Ok(signed) => signed,
            Err(error) => return self.authenticate_error(&error),
        };
        self.emit_signed(&signed);
        let report_as_finger =
            state.record.settings.report_face_as_finger && signed.matched.mode == Mode::Facial;
        let auth_mode = if report_as_finger { Mode::FingerPrint } else { signed.matched.mode };
        let result_json = String::from_utf8(signed.export.json)
            .map_err(|_| CommandError::defect("the TEE signed a result that is not UTF-8"))?;
        let signature = base64::encode(&signed.export.signature);
        Ok(Ended::succeeded(Some(SignedResult { auth_mode, result_json, signature })))
    }

    /// The TEE's refusal in the middle of an authentication, or the failure of the phone's environment.
    pub(super) fn authenticate_error(&self, error: &TeeError) -> Outcome {
        match error.result_code() {
            Some(code) => Ok(Ended::internal_error(&format!("authenticate error: {code}"), error.text())),
            None => Err(self.tee_error(error)),
        }
    }
}
