//! Formats the events on the phones, one line each.

use soter_bridge::protocol::Event;
use soter_bridge::protocol::device::Purpose;
use soter_bridge::protocol::sensor::Judgement;
use soter_bridge::visible;
use soter_wire::SignatureScheme;

use super::layout::short_fingerprint;
use crate::front::paint::Paint;

/// The event in one line, with the device's name first.
pub(crate) fn event_line(event: &Event, paint: Paint) -> String {
    let text = match event {
        Event::PromptShown { purpose, waits, .. } => {
            let what = match purpose {
                Purpose::Authentication { challenge, .. } => format!("sign {}", visible(challenge)),
                Purpose::Payment { prepay_id } => format!("pay {}", visible(prepay_id)),
            };
            let keys = if *waits { ": `touch 1` or `cancel`" } else { "" };
            format!("asks for a touch to {what}{keys}")
        }
        Event::PromptClosed { err_code: Some(0), .. } => "the dialog closed: signed".to_owned(),
        Event::PromptClosed { err_code: Some(err_code), .. } => format!("the dialog closed with {err_code}"),
        Event::PromptClosed { err_code: None, .. } => "the payment sheet closed".to_owned(),
        Event::PaymentEnded { is_ok, err_msg, reason, detail, .. } => {
            let told = visible(err_msg);
            let told = if *is_ok { paint.good(&told) } else { paint.bad(&told) };
            format!("{told}, {}: {}", visible(reason), visible(&detail.localized()))
        }
        Event::Touched { touch, judgement, attempts_left, .. } => {
            let left = attempts_left.map_or(String::new(), |left| format!(", attempts left: {left}"));
            format!("touch {touch}: {}{left}", judgement_text(*judgement))
        }
        Event::CounterSpent { counter, operation, .. } => format!("counter {counter} spent on {operation}"),
        Event::KeyMade { kind, uid, name, fingerprint, .. } => {
            let name = name.as_deref().map_or(String::new(), |name| format!(" {}", visible(name)));
            format!(
                "made {kind:?}{name} of uid {}, SHA-256 {}…",
                visible(uid),
                short_fingerprint(fingerprint)
            )
        }
        Event::Signed { key_name, uid, counter, scheme, .. } => {
            let SignatureScheme::RsaPss { salt_length } = scheme;
            format!(
                "signed with {} of uid {}: counter {counter}, salt {salt_length}",
                visible(key_name),
                visible(uid)
            )
        }
        Event::Changed { method, .. } => format!("changed by {}", visible(method)),
        Event::LedgerFailed { error, next } => {
            format!(
                "{} {}; {}",
                paint.bad("nothing is accepted:"),
                visible(&error.localized()),
                visible(&next.localized())
            )
        }
        Event::LedgerRecovered {} => "the ledger works again".to_owned(),
        Event::Notice { text } => visible(&text.localized()).into_owned(),
        Event::SignatureJudged { appid, is_ok, reason, detail, .. } => {
            let verdict = if *is_ok { paint.good("is_ok: true") } else { paint.bad("is_ok: false") };
            format!(
                "verify_signature for {}: {verdict}, {reason}: {}",
                visible(appid),
                visible(&detail.localized())
            )
        }
        Event::Refused { method, code, message, reason, .. } => {
            let cause = if reason.is_empty() { message } else { reason };
            format!("{method} refused with {code}: {}", visible(cause))
        }
        _ => "something happened that this front end does not know".to_owned(),
    };
    let source = match event {
        Event::Notice { .. } => "bridge",
        Event::LedgerFailed { .. } | Event::LedgerRecovered {} | Event::SignatureJudged { .. } => "wechat",
        _ => event.device().unwrap_or("desk"),
    };
    paint.dim(&format!("· {}: {text}", visible(source)))
}

fn judgement_text(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Matched => "matched",
        Judgement::Rejected => "not recognised",
        Judgement::LockedOut => "the sensor is locked",
        Judgement::Ignored => "not listened to",
        Judgement::Cancelled => "cancelled",
    }
}
