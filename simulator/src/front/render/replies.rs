//! Formats the answers of the trusted app, the sensor, the list of keys and a verification.

use soter_bridge::protocol::keys::{Key, KeyKind, Keys};
use soter_bridge::protocol::sensor::{Judged, Judgement};
use soter_bridge::protocol::soter::Reply;
use soter_bridge::protocol::verify::Verdict;
use soter_bridge::visible;
use soter_text::{tr, translated};
use soter_wechat::codes;
use soter_wire::ExportBlob;

use super::layout::{labelled_lines, object, short_fingerprint, table};
use crate::front::lines::labelled;
use crate::front::paint::Paint;

/// The trusted app's answer, and the contents of the bytes that it exported.
pub(super) fn reply(reply: &Reply, paint: Paint) -> String {
    let mut lines = Vec::new();
    if reply.result_code != 0 {
        let meaning = codes::explain(reply.result_code)
            .find(|code| code.source.is_of_trusted_app())
            .map_or_else(|| tr!("the trusted app refused"), |code| translated(code.meaning).to_owned());
        let label = tr!("refused with {code}:", code = reply.result_code);
        lines.push(paint.wrapped(&labelled(&label, |label| paint.bad(label), &meaning)));
    }
    // The export is copied, as the object is.
    lines.extend(reply.export_data.as_deref().and_then(|base64| export(base64, paint)));
    lines.insert(0, object(reply, paint));
    lines.join("\n")
}

fn export(base64: &str, paint: Paint) -> Option<String> {
    let bytes = soter_wire::base64::decode(base64).ok()?;
    let entries = match ExportBlob::decode(&bytes) {
        Ok(ExportBlob { json, signature }) => {
            let json = String::from_utf8(json).ok()?;
            vec![
                ("json".to_owned(), visible(&json).into_owned()),
                (tr!("signature"), tr!("{length} bytes", length = signature.len())),
            ]
        }
        Err(_) => vec![(tr!("text"), visible(&String::from_utf8(bytes).ok()?).into_owned())],
    };
    Some(labelled_lines(&entries, paint))
}

/// A table of keys, the root first.
pub(super) fn keys(keys: &Keys, paint: Paint) -> String {
    let head = vec![tr!("kind"), "uid".to_owned(), tr!("name"), tr!("valid"), "SHA-256".to_owned()];
    let row = |key: &Key| {
        let kind = match key.kind {
            KeyKind::Attk => "ATTK",
            KeyKind::Ask => "ASK",
            KeyKind::AuthKey => "AuthKey",
        };
        let or_dash =
            |text: &Option<String>| text.as_deref().map_or("-".to_owned(), |text| visible(text).into_owned());
        let valid = if key.valid { tr!("yes") } else { tr!("no") };
        vec![
            kind.to_owned(),
            or_dash(&key.uid),
            or_dash(&key.name),
            valid,
            format!("{}…", short_fingerprint(&key.fingerprint)),
        ]
    };
    let rows: Vec<_> = std::iter::once(head).chain(keys.keys.iter().map(row)).collect();
    table(&rows, |line, column, cell| match (line, column) {
        (0, _) => paint.dim(cell),
        (_, 2) => paint.name(cell),
        (line, 3) if keys.keys.get(line - 1).is_some_and(|key| !key.valid) => paint.bad(cell),
        _ => cell.to_owned(),
    })
}

/// The result of a touch.
pub(super) fn judged(judged: &Judged, paint: Paint) -> String {
    match (judged.judgement, judged.attempts_left) {
        (Judgement::Matched, _) => paint.good(&tr!("matched")),
        (Judgement::Rejected, Some(left)) => tr!(
            "{not_recognised}, attempts left: {left}",
            not_recognised = paint.bad(&tr!("not recognised")),
            left = left
        ),
        (Judgement::Rejected, None) => paint.bad(&tr!("not recognised")),
        (Judgement::LockedOut, _) => tr!(
            "{locked}: nothing was compared; `biometric unlock` ends the lockout at once",
            locked = paint.bad(&tr!("the sensor is locked"))
        ),
        (Judgement::Ignored, _) => tr!("the dialog does not listen to that sensor: nothing was compared"),
        (Judgement::Cancelled, _) => tr!("cancelled"),
    }
}

/// The verdict in one line, `valid: …` or `invalid: <reason>: …`, without the remarks.
pub(super) fn verdict(verdict: &Verdict, paint: Paint) -> String {
    let detail = verdict.detail.localized();
    let detail = visible(&detail);
    if verdict.valid {
        let label = tr!("valid:");
        labelled(&label, |label| paint.good(label), &detail)
    } else {
        let label = tr!("invalid:");
        labelled(&label, |label| paint.bad(label), &format!("{}: {detail}", verdict.reason))
    }
}
