//! A call that shows a dialog, in progress: the call, and the events on the phone during it.

use std::sync::Arc;

use soter_bridge::protocol::device::{Dialog, Purpose};
use soter_bridge::protocol::sensor::{self, Judgement};
use soter_bridge::protocol::wx::{self, PaymentResult, SoterAuthentication};
use soter_bridge::protocol::{
    Call, Command, CommandError, Event, Request, Response, Service, Touch, TouchScript,
};
use soter_text::{Text, text};
use soter_wechat::{PaymentRequest, Reason};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::task::{JoinError, JoinSet};

use super::answer::Answer;
use super::authentication::Authentication;
use super::evidence::find_evidence;
use super::payment::Payment;
use crate::grammar::PreparedCall;

/// Whether a call shows a dialog that wants a touch.
pub(crate) fn opens_dialog(request: &Request) -> bool {
    matches!(request, Request::StartSoterAuthentication(_) | Request::RequestPayment(_))
}

/// The touches that a call brings along.
pub(crate) fn touches_of_call(request: &Request) -> Option<&TouchScript> {
    match request {
        Request::StartSoterAuthentication(request) => request.touch.as_ref(),
        Request::RequestPayment(request) => request.touch.as_ref(),
        _ => None,
    }
}

/// A call that shows a dialog and that has not been answered yet. Dropping it aborts the call, which cancels its dialog.
#[derive(Debug)]
pub(crate) struct Pending<S> {
    service: Arc<S>,
    prepared_call: PreparedCall,
    /// Contains one call. It is a set because dropping a set aborts its tasks.
    calls: JoinSet<Result<Response, CommandError>>,
    events: broadcast::Receiver<Event>,
    past_events: Vec<Event>,
    /// The device with its dialog, and the dialog.
    dialog: Option<(String, Dialog)>,
}

/// The next step of such a call.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Its dialog opened and waits for a person. Contains the event that reports this.
    Waits(Event),
    /// Another event on the desk.
    Happened(Event),
    /// The answer.
    Ended(Box<Result<Response, CommandError>>),
}

impl<S: Service> Pending<S> {
    /// Starts the call.
    pub(crate) fn start(service: &Arc<S>, prepared_call: PreparedCall) -> Self {
        let events = service.events();
        let mut calls = JoinSet::new();
        calls.spawn({
            let (service, call) = (Arc::clone(service), prepared_call.call.clone());
            async move { service.call(call).await }
        });
        Self {
            service: Arc::clone(service),
            prepared_call,
            calls,
            events,
            past_events: Vec::new(),
            dialog: None,
        }
    }

    /// Waits for the next step. Cancel safe.
    pub(crate) async fn progress(&mut self) -> Progress {
        tokio::select! {
            // Events that happened before the answer are reported before it.
            biased;
            event = next_event(&mut self.events) => self.record_event(event),
            ended = self.calls.join_next() => Progress::Ended(Box::new(into_response(ended))),
        }
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// Those of [`Service::call`]. `Internal` if the task of the call breaks off.
    pub(crate) async fn wait_for_end(&mut self) -> Result<Response, CommandError> {
        loop {
            if let Progress::Ended(ended) = self.progress().await {
                return *ended;
            }
        }
    }

    /// Whether its dialog has been closed, so that the answer has arrived or arrives soon.
    pub(crate) fn is_closed(&mut self) -> bool {
        let mut closed = false;
        while let Ok(event) = self.events.try_recv() {
            closed |= matches!((&event, &self.dialog), (Event::PromptClosed { dialog, .. }, Some((_, open))) if *dialog == open.number);
            self.record_event(event);
        }
        closed
    }

    /// Presses the dialog's cancel button. If no dialog is open, the answer arrives soon.
    pub(crate) async fn cancel(&self) {
        let device = self.dialog.as_ref().map(|(device, _)| device.as_str());
        // What matters is that the call ends. The call itself reports how.
        let _ = self.service.request(device, sensor::Cancel {}).await;
    }

    /// The answer with the facts that are known about it. For machines, the evidence is left out.
    pub(crate) async fn conclude(mut self, response: Response, as_json: bool) -> Answer {
        if self.prepared_call.verbatim {
            return Answer::Verbatim(response);
        }
        self.is_closed();
        match response {
            Response::StartSoterAuthentication(callback) => {
                Answer::Authentication(self.authentication(callback, as_json).await)
            }
            Response::RequestPayment(result) => Answer::Payment(self.payment(result)),
            other => Answer::Response(other),
        }
    }

    async fn authentication(&self, callback: SoterAuthentication, as_json: bool) -> Authentication {
        let reason = self.past_events.iter().rev().find_map(|event| match event {
            Event::Refused { method, code, reason, .. }
                if method == wx::StartSoterAuthentication::METHOD
                    && *code == callback.err_code
                    && !reason.english().is_empty() =>
            {
                Some(reason.clone())
            }
            _ => None,
        });
        let evidence = if as_json {
            None
        } else {
            // The authentication has succeeded, even if the evidence cannot be gathered.
            find_evidence(&self.service, &callback, &self.past_events).await.ok().flatten()
        };
        let remarks = not_enrolled(&self.past_events);
        Authentication { callback, reason, evidence, remarks }
    }

    fn payment(&self, result: PaymentResult) -> Payment {
        let reason = self.past_events.iter().rev().find_map(|event| match event {
            Event::PaymentEnded { err_msg, reason, detail, .. } if *err_msg == result.err_msg => {
                Some((Reason::named(reason)?, detail.clone()))
            }
            _ => None,
        });
        Payment { result, reason, remarks: not_enrolled(&self.past_events) }
    }

    fn record_event(&mut self, event: Event) -> Progress {
        self.past_events.push(event.clone());
        match opened_dialog(&self.prepared_call.call, &event) {
            Some(dialog) => {
                self.dialog = Some(dialog);
                Progress::Waits(event)
            }
            None => Progress::Happened(event),
        }
    }
}

/// A remark for each number that was presented and is not enrolled: it counted as an unknown finger.
fn not_enrolled(past_events: &[Event]) -> Vec<Text> {
    let mut numbers: Vec<u32> = past_events
        .iter()
        .filter_map(|event| match event {
            Event::Touched { touch: Touch::Enrolled(number), judgement: Judgement::Rejected, .. } => {
                Some(*number)
            }
            _ => None,
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
        .iter()
        .map(|number| {
            text!(
                "no finger or face {number} is enrolled: it counted as a wrong one; see `finger list`",
                number = number
            )
        })
        .collect()
}

/// The device and the dialog, if the event reports that this call's dialog waits for a person.
pub(crate) fn opened_dialog(call: &Call, event: &Event) -> Option<(String, Dialog)> {
    let Event::PromptShown { device, purpose, waits: true, dialog, modes } = event else { return None };
    let asks_for_it = match (&call.request, purpose) {
        (Request::StartSoterAuthentication(request), Purpose::Authentication { challenge, .. }) => {
            request.challenge.as_ref() == Some(challenge)
        }
        (Request::RequestPayment(request), Purpose::Payment { prepay_id }) => {
            let parameters =
                PaymentRequest { package: request.package.as_deref(), ..PaymentRequest::default() };
            parameters.prepay_id() == Some(prepay_id)
        }
        _ => false,
    };
    let is_own_dialog = asks_for_it && call.device.as_ref().is_none_or(|named| named == device);
    is_own_dialog.then(|| {
        let dialog = Dialog { number: *dialog, modes: modes.clone(), purpose: purpose.clone() };
        (device.clone(), dialog)
    })
}

/// The next event. Waits forever if the sender is closed.
pub(crate) async fn next_event(events: &mut broadcast::Receiver<Event>) -> Event {
    loop {
        match events.recv().await {
            Ok(event) => return event,
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

fn into_response(
    ended: Option<Result<Result<Response, CommandError>, JoinError>>,
) -> Result<Response, CommandError> {
    match ended {
        Some(Ok(response)) => response,
        Some(Err(_)) | None => Err(CommandError::internal(text!("the call broke off"))),
    }
}

#[cfg(test)]
mod tests {
    use soter_wire::Mode;

    use super::*;

    #[test]
    fn a_dialog_belongs_to_a_call_only_if_it_waits_and_has_its_device_and_challenge() {
        let call = |device: Option<&str>, challenge: &str| Call {
            device: device.map(str::to_owned),
            request: wx::StartSoterAuthentication {
                challenge: Some(challenge.to_owned()),
                ..wx::StartSoterAuthentication::default()
            }
            .into(),
        };
        let prompt = |waits| Event::PromptShown {
            device: "one".to_owned(),
            dialog: 1,
            modes: vec![Mode::FingerPrint],
            purpose: Purpose::Authentication {
                auth_content: "Pay".to_owned(),
                challenge: "order".to_owned(),
            },
            waits,
        };
        assert!(opened_dialog(&call(None, "order"), &prompt(true)).is_some());
        assert!(opened_dialog(&call(Some("one"), "order"), &prompt(true)).is_some());
        assert!(opened_dialog(&call(Some("two"), "order"), &prompt(true)).is_none());
        assert!(opened_dialog(&call(None, "another"), &prompt(true)).is_none());
        assert!(opened_dialog(&call(None, "order"), &prompt(false)).is_none());
        let package = Some("prepay_id=order".to_owned());
        let payment = wx::RequestPayment { package, ..wx::RequestPayment::default() }.into();
        assert!(opened_dialog(&Call { device: None, request: payment }, &prompt(true)).is_none());
    }
}
