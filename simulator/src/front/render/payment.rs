//! Formats a payment: the callback's object, and why it ended so.

use soter_bridge::visible;
use soter_text::{tr, translated};

use super::layout::{labelled_lines, object};
use crate::front::paint::Paint;
use crate::front::payment::Payment;

/// The object first, because the mini program receives it; then what it means.
pub(crate) fn payment(payment: &Payment, paint: Paint) -> String {
    let Payment { result, reason, .. } = payment;
    let head = match reason {
        Some((reason, _)) if reason.is_ok() => paint.good(&tr!("confirmed; nothing is paid here")),
        _ => paint.bad(&tr!("not paid")),
    };
    let mut lines = vec![head];
    lines.extend(reason.as_ref().map(|(reason, detail)| {
        let entries = [
            (tr!("reason"), reason.name().into_owned()),
            (tr!("detail"), visible(&detail.localized()).into_owned()),
            (tr!("advice"), translated(reason.advice()).to_owned()),
        ];
        labelled_lines(&entries, paint)
    }));
    format!("{}\n{}", object(result, paint), paint.wrapped(&lines.join("\n")))
}
