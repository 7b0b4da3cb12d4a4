//! `wx.requestPayment`: what the merchant's server has signed is checked, then the payment sheet waits for a touch.
//!
//! A touch confirms a payment as it confirms an authentication: the dialog, the sensor's mode and the lockouts are the same.
//! Modelled: nothing is signed, so no counter value is spent; a sheet opens whatever the phone's SOTER settings say, because real
//! phones without SOTER ask for the payment password; there is no such password here, so a phone without a finger or face, or
//! with a locked sensor, refuses. All details after `requestPayment:fail` except `cancel` are modelled.

use soter_bridge::protocol::device::{Purpose, SecondCall};
use soter_bridge::protocol::wx::{PaymentResult, RequestPayment};
use soter_bridge::protocol::{CommandError, Event};
use soter_bridge::run_cpu_bound;
use soter_text::text;
use soter_wechat::{PaymentRequest, Reason, Verdict};

use super::dialog::Dialog;
use super::dialog_start::Started;
use super::outcome::{Outcome, Stop};
use super::state::Phone;

/// With a parameter that is missing or unknown. Modelled.
const PARAMETER_ERROR: &str = "fail parameter error";
/// With a wrong `paySign`. Modelled.
const SIGNATURE_ERROR: &str = "fail payment signature verification failed";

impl Phone {
    /// `wx.requestPayment`. If the future is dropped, its payment sheet is cancelled.
    pub(crate) async fn pay(&self, request: RequestPayment) -> Result<PaymentResult, CommandError> {
        let parameters = PaymentRequest {
            time_stamp: request.time_stamp.as_deref(),
            nonce_str: request.nonce_str.as_deref(),
            package: request.package.as_deref(),
            sign_type: request.sign_type.as_deref(),
            pay_sign: request.pay_sign.as_deref(),
        };
        let appid = self.caller(&self.state(), request.appid.as_deref())?.appid;
        // A wrong signature is diagnosed, which takes long.
        let verdict = run_cpu_bound(|| self.context.wechat.judge_payment(&appid, &parameters))?;
        let prepay_id = parameters.prepay_id();
        let (text, verdict) = match prepay_id {
            Some(prepay_id) if verdict.is_ok() => {
                let ended = self.confirm_payment(&request, prepay_id).await?;
                let verdict = if ended.is_ok() {
                    verdict
                } else {
                    let is_silent = ended.reason.english().is_empty();
                    let detail = if is_silent { text!("cancelled") } else { ended.reason };
                    Verdict::new(
                        Reason::PaymentNotConfirmed,
                        text!("{detail}; {advice}", detail = detail, advice = verdict.detail),
                    )
                };
                // 90009 has no text: its space would end the message.
                (ended.text.trim_end().to_owned(), verdict)
            }
            _ if verdict.reason == Reason::PaySignWrong => (SIGNATURE_ERROR.to_owned(), verdict),
            _ => (PARAMETER_ERROR.to_owned(), verdict),
        };
        let err_msg = format!("requestPayment:{text}");
        self.emit(Event::PaymentEnded {
            device: self.name.to_string(),
            prepay_id: prepay_id.map(str::to_owned),
            is_ok: verdict.is_ok(),
            err_msg: err_msg.clone(),
            reason: verdict.reason.name().into_owned(),
            detail: verdict.detail.clone(),
        });
        Ok(PaymentResult { err_msg, verdict: Some(verdict) })
    }

    /// Shows the payment sheet, and waits until it ends.
    async fn confirm_payment(&self, request: &RequestPayment, prepay_id: &str) -> Outcome {
        // Always a turn: a call that is to wait is not refused.
        let _turn = self.dialog_queue.take_turn(SecondCall::Queue).await?;
        match self.open_payment_sheet(request, prepay_id) {
            Ok(started) => self.finish_dialog(started).await,
            Err(stop) => stop.into_outcome(),
        }
    }

    fn open_payment_sheet(&self, request: &RequestPayment, prepay_id: &str) -> Result<Started, Stop> {
        let mut state = self.state();
        let ready = self.ready_modes(&mut state, self.profile.modes)?;
        let purpose = Purpose::Payment { prepay_id: prepay_id.to_owned() };
        let dialog = Dialog::new(None, ready, purpose);
        Ok(self.start_dialog(&mut state, dialog, request.touch.as_ref())?)
    }
}
