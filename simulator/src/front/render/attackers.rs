//! Formats the answers about attacks, and about an attacker's powers.

use soter_bridge::protocol::attack::{Attack, Attacks, Forged, Input, Ran};
use soter_bridge::protocol::danger::Copied;
use soter_bridge::visible;

use super::layout::{labelled_lines, table};
use crate::front::paint::Paint;

/// A phone that was copied or put back, and its counter.
pub(super) fn copied(action: &str, copied: &Copied, paint: Paint) -> String {
    format!(
        "{action}: {} of {}, counter {}, cpu_id {}",
        paint.name(&copied.name),
        paint.name(&copied.device),
        copied.counter,
        visible(&copied.cpu_id)
    )
}

/// A table of attacks.
pub(super) fn list(attacks: &Attacks, paint: Paint) -> String {
    let head = ["id", "layer", "a correct server", "what is tried"].map(str::to_owned).to_vec();
    let row = |attack: &soter_bridge::protocol::attack::Summary| {
        vec![attack.id.clone(), attack.layer.clone(), attack.expected.clone(), attack.title.clone()]
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
    let expected = if attack.reasons.is_empty() {
        attack.expected.clone()
    } else {
        format!("{} ({})", attack.expected, attack.reasons.join(" or "))
    };
    let kind = match attack.cwe {
        Some(cwe) => format!("{}, CWE-{cwe}", attack.kind),
        None => attack.kind.clone(),
    };
    let entries = [
        ("layer", attack.layer.clone()),
        ("kind of weakness", kind),
        ("attacker has", attack.holds.clone()),
        ("input", attack.making.clone()),
        ("a correct server", expected),
        ("if not", attack.meaning.clone()),
        ("how to fix it", attack.fix.clone()),
    ];
    format!("{}  {}\n{}", paint.name(&attack.id), attack.title, labelled_lines(&entries, paint))
}

/// An input, compared with an honest one.
pub(super) fn forged(forged: &Forged, paint: Paint) -> String {
    let mut lines = vec![paint.name(&forged.id)];
    for (title, input) in [("honest", &forged.honest), ("forged", &forged.forged)] {
        if let Some(Input { openid, json_string, json_signature }) = input {
            let entries =
                [("openid", openid), ("json_string", json_string), ("json_signature", json_signature)]
                    .map(|(label, text)| (label, visible(text).into_owned()));
            lines.extend([paint.strong(title), labelled_lines(&entries, paint)]);
        }
    }
    lines.push(paint.strong("how it differs"));
    lines.extend(forged.differences.iter().map(|line| format!("  {}", visible(line))));
    lines.join("\n")
}

/// The result of an attack.
pub(super) fn ran(ran: &Ran, paint: Paint) -> String {
    let verdict = match ran.verdict.as_str() {
        "PASS" => paint.good(&ran.verdict),
        "SKIP" => paint.dim(&ran.verdict),
        _ => paint.bad(&ran.verdict),
    };
    let mut lines = vec![format!("{verdict}  {}  {}", paint.name(&ran.id), visible(&ran.reason))];
    for (title, text) in [("request", &ran.request), ("response", &ran.response)] {
        if let Some(text) = text {
            lines.push(paint.strong(title));
            lines.extend(text.lines().map(|line| format!("  {}", visible(line))));
        }
    }
    lines.join("\n")
}
