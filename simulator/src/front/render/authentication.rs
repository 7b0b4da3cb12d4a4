//! Formats an authentication: the callback's object, and what a person wants to know about it.

use soter_bridge::protocol::wx::SoterAuthentication;
use soter_bridge::visible;
use soter_text::{Text, tr, translated};
use soter_wechat::codes::{self, Code, CodeSource, wx};
use soter_wire::SignatureScheme;

use super::layout::{labelled_lines, object, short_fingerprint};
use crate::front::authentication::Authentication;
use crate::front::evidence::Evidence;
use crate::front::lines::labelled;
use crate::front::paint::Paint;

/// The object first, because the mini program receives it; then what it means.
pub(crate) fn authentication(authentication: &Authentication, paint: Paint) -> String {
    let Authentication { callback, reason, evidence, .. } = authentication;
    let explanation = if callback.err_code != 0 {
        refusal(callback, reason.as_ref(), paint)
    } else if let Some(evidence) = evidence {
        format!("{}\n{}", paint.good(&tr!("signed")), evidence_text(evidence, paint))
    } else {
        paint.good(&tr!("signed"))
    };
    format!("{}\n{}", object(callback, paint), paint.wrapped(&explanation))
}

fn evidence_text(evidence: &Evidence, paint: Paint) -> String {
    let Evidence { raw, counter, key, scheme, verdict } = evidence;
    let SignatureScheme::RsaPss { salt_length } = scheme;
    let name = key.name.as_ref().map_or_else(|| tr!("(without a name)"), |name| visible(name).into_owned());
    let uid = key.uid.as_ref().map_or_else(|| tr!("none"), |uid| visible(uid).into_owned());
    let raw = raw.as_ref().map_or_else(|| tr!("(the result does not read)"), |raw| visible(raw).into_owned());
    let detail = verdict.detail.localized();
    let detail = visible(&detail);
    let check = if verdict.valid {
        let label = tr!("verifies:");
        labelled(&label, |label| paint.good(label), &paint.dim(&detail))
    } else {
        let label = tr!("does not verify:");
        labelled(&label, |label| paint.bad(label), &format!("{}: {detail}", verdict.reason))
    };
    let sha256 = format!("SHA-256 {}…", short_fingerprint(&key.fingerprint));
    labelled_lines(
        &[
            ("raw".to_owned(), raw),
            (tr!("counter"), counter.to_string()),
            (
                tr!("key"),
                tr!(
                    "{key} of uid {uid}, {sha256}",
                    key = paint.name(&name),
                    uid = uid,
                    sha256 = paint.dim(&sha256)
                ),
            ),
            (tr!("salt"), tr!("{length} bytes", length = salt_length)),
            (tr!("check"), check),
        ],
        paint,
    )
}

fn refusal(callback: &SoterAuthentication, reason: Option<&Text>, paint: Paint) -> String {
    let known = meaning(callback);
    let mut entries = Vec::new();
    entries.extend(known.map(|code| (tr!("meaning"), translated(code.meaning).to_owned())));
    entries.extend(reason.map(|reason| (tr!("reason"), visible(&reason.localized()).into_owned())));
    entries.extend(known.map(|code| (tr!("advice"), translated(code.advice).to_owned())));
    entries.extend(advice_here(callback.err_code).map(|advice| (tr!("here"), advice)));
    let head = paint.bad(&tr!("refused with {code}", code = callback.err_code));
    if entries.is_empty() { head } else { format!("{head}\n{}", labelled_lines(&entries, paint)) }
}

/// What ends a refusal on this desk, where a phone's user would have to do something: nobody has its PIN.
pub(super) fn advice_here(err_code: i32) -> Option<String> {
    (err_code == wx::FROZEN).then(|| tr!("`biometric unlock` ends the lockout at once, in place of the PIN"))
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
