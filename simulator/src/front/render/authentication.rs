//! Formats an authentication: the callback's object, and what a person wants to know about it.

use soter_bridge::protocol::wx::SoterAuthentication;
use soter_bridge::visible;
use soter_wechat::codes::{self, Code, CodeSource};
use soter_wire::SignatureScheme;

use super::layout::{labelled_lines, object, short_fingerprint};
use crate::front::authentication::Authentication;
use crate::front::evidence::Evidence;
use crate::front::paint::Paint;

/// The object first, because the mini program receives it; then what it means.
pub(crate) fn authentication(authentication: &Authentication, paint: Paint) -> String {
    let Authentication { callback, reason, evidence, .. } = authentication;
    let mut lines = vec![object(callback, paint)];
    if callback.err_code == 0 {
        lines.push(paint.good("signed"));
        lines.extend(evidence.as_ref().map(|evidence| evidence_text(evidence, paint)));
    } else {
        lines.push(refusal(callback, reason.as_deref(), paint));
    }
    lines.join("\n")
}

fn evidence_text(evidence: &Evidence, paint: Paint) -> String {
    let Evidence { raw, counter, key, scheme, verdict } = evidence;
    let SignatureScheme::RsaPss { salt_length } = scheme;
    let name = key.name.as_deref().unwrap_or("(without a name)");
    let uid = key.uid.as_deref().unwrap_or("none");
    let check = if verdict.valid {
        format!("{} {}", paint.good("verifies:"), paint.dim(&visible(&verdict.detail.localized())))
    } else {
        format!(
            "{} {}: {}",
            paint.bad("does not verify:"),
            verdict.reason,
            visible(&verdict.detail.localized())
        )
    };
    labelled_lines(
        &[
            ("raw", visible(raw.as_deref().unwrap_or("(the result does not read)")).into_owned()),
            ("counter", counter.to_string()),
            (
                "key",
                format!(
                    "{} of uid {}, {}",
                    paint.name(&visible(name)),
                    visible(uid),
                    paint.dim(&format!("SHA-256 {}…", short_fingerprint(&key.fingerprint)))
                ),
            ),
            ("salt", format!("{salt_length} bytes")),
            ("check", check),
        ],
        paint,
    )
}

fn refusal(callback: &SoterAuthentication, reason: Option<&str>, paint: Paint) -> String {
    let known = meaning(callback);
    let mut entries = Vec::new();
    entries.extend(known.map(|code| ("meaning", code.meaning.to_owned())));
    entries.extend(reason.map(|reason| ("reason", visible(reason).into_owned())));
    entries.extend(known.map(|code| ("advice", code.advice.to_owned())));
    let head = paint.bad(&format!("refused with {}", callback.err_code));
    if entries.is_empty() { head } else { format!("{head}\n{}", labelled_lines(&entries, paint)) }
}

/// The entry for this code. If several share it, the one with this text, or with its beginning where the end varies.
fn meaning(callback: &SoterAuthentication) -> Option<&'static Code> {
    let entries: Vec<_> =
        codes::explain(callback.err_code).filter(|code| code.source == CodeSource::WxCall).collect();
    let text = callback.err_msg.split_once(":fail").map_or("", |(_, text)| text.trim());
    let has_text = |code: &&&Code| {
        let beginning = code.name.split_once('<').map(|(beginning, _)| beginning);
        code.name == text || beginning.is_some_and(|beginning| text.starts_with(beginning))
    };
    let same_text = entries.iter().find(has_text);
    same_text.or_else(|| entries.first()).copied()
}
