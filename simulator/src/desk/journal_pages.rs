//! `desk.journal`: pages of the journal.

use soter_bridge::protocol::CommandError;
use soter_bridge::protocol::desk::{JOURNAL_LIMIT, Journal, JournalEntry, JournalPage, MAX_JOURNAL_LIMIT};
use soter_text::text;

use super::Desk;

impl Desk {
    pub(super) fn read_journal(&self, journal: &Journal) -> Result<JournalPage, CommandError> {
        let limit = journal.limit.unwrap_or(JOURNAL_LIMIT);
        if !(1..=MAX_JOURNAL_LIMIT).contains(&limit) {
            return Err(CommandError::invalid_params(
                text!(
                    "{limit} calls are asked for, and one answer has 1 to {most}",
                    limit = limit,
                    most = MAX_JOURNAL_LIMIT
                ),
                text!("ask for fewer, and go on with `after` and the number in `last`"),
            ));
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let entries = match (journal.after, journal.before) {
            (Some(_), Some(_)) => {
                return Err(CommandError::invalid_params(
                    text!("`after` and `before` exclude each other"),
                    text!("leave one of them out; without both, the newest calls are shown"),
                ));
            }
            (Some(number), None) => self.journal().after(number, limit),
            (None, before) => self.journal().before(before.unwrap_or(u64::MAX), limit),
        };
        let entries: Vec<_> = entries.iter().map(|entry| JournalEntry::from(&**entry)).collect();
        let last = entries.last().map_or(journal.after.unwrap_or_default(), |entry| entry.number);
        Ok(JournalPage { entries, last })
    }
}
