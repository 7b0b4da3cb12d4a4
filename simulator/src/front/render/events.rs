//! Formats the events on the phones, one line each.

use soter_bridge::protocol::Event;
use soter_bridge::protocol::device::Purpose;
use soter_bridge::protocol::sensor::Judgement;
use soter_bridge::visible;
use soter_text::{Text, text, tr};
use soter_wire::SignatureScheme;

use super::layout::short_fingerprint;
use crate::front::lines::labelled;
use crate::front::paint::Paint;

/// The event in one line, with the device's name first.
pub(crate) fn event_line(event: &Event, paint: Paint) -> String {
    let text = match event {
        Event::PromptShown { purpose, waits, .. } => {
            let asks = match purpose {
                Purpose::Authentication { challenge, .. } => {
                    text!("asks for a touch to sign {challenge}", challenge = visible(challenge))
                }
                Purpose::Payment { prepay_id } => {
                    text!("asks for a touch to pay {prepay_id}", prepay_id = visible(prepay_id))
                }
            };
            let asks = if *waits { text!("{asks}: `touch 1` or `cancel`", asks = asks) } else { asks };
            asks.localized().into_owned()
        }
        Event::PromptClosed { err_code: Some(0), .. } => tr!("the dialog closed: signed"),
        Event::PromptClosed { err_code: Some(err_code), .. } => {
            tr!("the dialog closed with {code}", code = err_code)
        }
        Event::PromptClosed { err_code: None, .. } => tr!("the payment sheet closed"),
        Event::PaymentEnded { is_ok, err_msg, reason, detail, .. } => {
            let told = visible(err_msg);
            let told = if *is_ok { paint.good(&told) } else { paint.bad(&told) };
            format!("{told}, {}: {}", visible(reason), visible(&detail.localized()))
        }
        Event::Touched { touch, judgement, attempts_left, .. } => {
            let judgement = judgement_text(*judgement);
            match attempts_left {
                Some(left) => tr!(
                    "touch {touch}: {judgement}, attempts left: {left}",
                    touch = touch,
                    judgement = judgement,
                    left = left
                ),
                None => tr!("touch {touch}: {judgement}", touch = touch, judgement = judgement),
            }
        }
        Event::CounterSpent { counter, operation, .. } => {
            tr!("counter {counter} spent on {operation}", counter = counter, operation = operation)
        }
        Event::KeyMade { kind, uid, name, fingerprint, .. } => {
            let name = name.as_deref().map_or(String::new(), |name| format!(" {}", visible(name)));
            tr!(
                "made {key} of uid {uid}, SHA-256 {fingerprint}…",
                key = format!("{kind:?}{name}"),
                uid = visible(uid),
                fingerprint = short_fingerprint(fingerprint),
            )
        }
        Event::Signed { key_name, uid, counter, scheme, .. } => {
            let SignatureScheme::RsaPss { salt_length } = scheme;
            tr!(
                "signed with {key} of uid {uid}: counter {counter}, salt {length}",
                key = visible(key_name),
                uid = visible(uid),
                counter = counter,
                length = salt_length,
            )
        }
        Event::Changed { method, .. } => tr!("changed by {method}", method = visible(method)),
        Event::LedgerFailed { error, next } => {
            let label = tr!("nothing is accepted:");
            let error = text!("{what}; {next}", what = error, next = next);
            labelled(&label, |label| paint.bad(label), &visible(&error.localized()))
        }
        Event::LedgerRecovered {} => tr!("the ledger works again"),
        Event::Notice { text } => visible(&text.localized()).into_owned(),
        Event::SignatureJudged { appid, is_ok, reason, detail, .. } => {
            let verdict = if *is_ok { paint.good("is_ok: true") } else { paint.bad("is_ok: false") };
            let detail = detail.localized();
            tr!(
                "verify_signature for {appid}: {verdict}, {reason}: {detail}",
                appid = visible(appid),
                verdict = verdict,
                reason = reason,
                detail = visible(&detail),
            )
        }
        Event::Refused { method, code, message, reason, .. } => {
            let reason = reason.localized();
            let cause = visible(if reason.is_empty() { message } else { &reason });
            tr!("{method} refused with {code}: {cause}", method = method, code = code, cause = cause)
        }
        _ => tr!("something happened that this front end does not know"),
    };
    let source = match event {
        Event::Notice { .. } => "bridge",
        Event::LedgerFailed { .. } | Event::LedgerRecovered {} | Event::SignatureJudged { .. } => "wechat",
        _ => event.device().unwrap_or("desk"),
    };
    paint.dim(&format!("· {}: {text}", visible(source)))
}

fn judgement_text(judgement: Judgement) -> Text {
    match judgement {
        Judgement::Matched => text!("matched"),
        Judgement::Rejected => text!("not recognised"),
        Judgement::LockedOut => text!("the sensor is locked until `biometric unlock`"),
        Judgement::Ignored => text!("not listened to"),
        Judgement::Cancelled => text!("cancelled"),
    }
}
