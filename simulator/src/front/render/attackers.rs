//! Formats the answers about attacks, and about an attacker's powers.

use soter_attack::find;
use soter_bridge::protocol::attack::{Attack, Attacks, Forged, Input, Ran};
use soter_bridge::protocol::danger::Copied;
use soter_bridge::visible;
use soter_text::{tr, translated};

use super::layout::{labelled_lines, table};
use crate::front::paint::Paint;

/// A phone that was copied, and its counter.
pub(super) fn copied(copied: &Copied, paint: Paint) -> String {
    tr!(
        "copied: {copy} of {device}, counter {counter}, cpu_id {cpu_id}",
        copy = paint.name(&copied.name),
        device = paint.name(&copied.device),
        counter = copied.counter,
        cpu_id = visible(&copied.cpu_id),
    )
}

/// The same for a phone that was put back.
pub(super) fn put_back(copied: &Copied, paint: Paint) -> String {
    tr!(
        "put back: {copy} of {device}, counter {counter}, cpu_id {cpu_id}",
        copy = paint.name(&copied.name),
        device = paint.name(&copied.device),
        counter = copied.counter,
        cpu_id = visible(&copied.cpu_id),
    )
}

/// A table of attacks.
pub(super) fn list(attacks: &Attacks, paint: Paint) -> String {
    let head = vec![tr!("id"), tr!("layer"), tr!("a correct server"), tr!("what is tried")];
    let row = |attack: &soter_bridge::protocol::attack::Summary| {
        let [layer, title] = [&attack.layer, &attack.title].map(|text| translated(text).to_owned());
        vec![attack.id.clone(), layer, expected_label(&attack.id, &attack.expected), title]
    };
    let rows: Vec<_> = std::iter::once(head).chain(attacks.attacks.iter().map(row)).collect();
    table(&rows, |line, column, cell| match (line, column) {
        (0, _) => paint.dim(cell),
        (_, 0) => paint.name(cell),
        _ => visible(cell).into_owned(),
    })
}

/// The details of one attack.
pub(super) fn attack(attack: &Attack, paint: Paint) -> String {
    let expected = expected_label(&attack.id, &attack.expected);
    let expected = if attack.reasons.is_empty() {
        expected
    } else {
        let reasons = attack.reasons.join(&tr!(" or "));
        tr!("{expected} ({reasons})", expected = expected, reasons = reasons)
    };
    let known = find(&attack.id);
    let kind = known.map_or_else(|| attack.kind.clone(), |known| known.kind.label().localized().into_owned());
    let kind = match attack.cwe {
        Some(cwe) => tr!("{kind}, CWE-{cwe}", kind = kind, cwe = cwe),
        None => kind,
    };
    let entries = [
        (tr!("layer"), translated(&attack.layer).to_owned()),
        (tr!("kind of weakness"), kind),
        (tr!("attacker has"), translated(&attack.holds).to_owned()),
        (tr!("input"), translated(&attack.making).to_owned()),
        (tr!("a correct server"), expected),
        (tr!("if not"), translated(&attack.meaning).to_owned()),
        (tr!("how to fix it"), translated(&attack.fix).to_owned()),
    ];
    let title = translated(&attack.title);
    format!("{}  {title}\n{}", paint.name(&attack.id), labelled_lines(&entries, paint))
}

/// What a correct server does, for people. A server of another version may have attacks that this program does not know.
fn expected_label(id: &str, name: &str) -> String {
    find(id).map_or_else(|| name.to_owned(), |attack| attack.expected.label().localized().into_owned())
}

/// An input, compared with an honest one.
pub(super) fn forged(forged: &Forged, paint: Paint) -> String {
    let mut lines = vec![paint.name(&forged.id)];
    for (title, input) in [(tr!("honest"), &forged.honest), (tr!("forged"), &forged.forged)] {
        if let Some(Input { openid, json_string, json_signature }) = input {
            let entries =
                [("openid", openid), ("json_string", json_string), ("json_signature", json_signature)]
                    .map(|(label, text)| (label.to_owned(), visible(text).into_owned()));
            lines.extend([paint.strong(&title), labelled_lines(&entries, paint)]);
        }
    }
    lines.push(paint.strong(&tr!("how it differs")));
    lines.extend(forged.differences.iter().map(|line| format!("  {}", visible(&line.localized()))));
    lines.join("\n")
}

/// The result of an attack.
pub(super) fn ran(ran: &Ran, paint: Paint) -> String {
    let verdict = match ran.verdict.as_str() {
        "PASS" => paint.good(&ran.verdict),
        "SKIP" => paint.dim(&ran.verdict),
        _ => paint.bad(&ran.verdict),
    };
    let mut lines = vec![format!("{verdict}  {}  {}", paint.name(&ran.id), visible(&ran.reason.localized()))];
    for (title, text) in [(tr!("request"), &ran.request), (tr!("response"), &ran.response)] {
        if let Some(text) = text {
            lines.push(paint.strong(&title));
            lines.extend(text.lines().map(|line| format!("  {}", visible(line))));
        }
    }
    lines.join("\n")
}
