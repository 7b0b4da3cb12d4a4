//! The journal, for people.

use soter_bridge::protocol::desk::{JournalEntry, JournalPage};
use soter_bridge::visible;
use soter_text::tr;
use soter_wire::shortened;

use crate::front::paint::Paint;
use crate::grammar::format_timestamp;

/// Characters of an answer that are shown.
const SHOWN_ANSWER: usize = 160;

/// Calls, each in two or three lines.
pub(super) fn page(page: &JournalPage, paint: Paint) -> String {
    if page.entries.is_empty() {
        return tr!("no calls: the journal has those of mini programs and backends, not those of this REPL");
    }
    page.entries.iter().map(|call| entry(call, paint)).collect::<Vec<_>>().join("\n")
}

fn entry(entry: &JournalEntry, paint: Paint) -> String {
    let answer = entry.answer.to_string();
    let call = format!(
        "{}  {}  {}\n  {}",
        paint.strong(&entry.number.to_string()),
        paint.dim(&format_timestamp(entry.at)),
        paint.name(&visible(&entry.call)),
        visible(shortened(&answer, SHOWN_ANSWER))
    );
    let Some(judgement) = &entry.judgement else { return call };
    let reason = visible(&judgement.reason);
    let reason = if judgement.is_ok { paint.good(&reason) } else { paint.bad(&reason) };
    format!("{call}\n  {reason}: {}", visible(&judgement.detail.localized()))
}
