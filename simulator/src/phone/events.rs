//! What happens on a desk, sent to everybody who watches.

use soter_bridge::protocol::Event;
use tokio::sync::broadcast;

/// Events that are kept for a watcher that is slow.
const BACKLOG: usize = 4096;

/// The channels of a desk's events. Clones are the same channels.
///
/// Problems have a channel of their own: the task that prints them should not be woken by every other event.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    all: broadcast::Sender<Event>,
    problems: broadcast::Sender<Event>,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self { all: broadcast::channel(BACKLOG).0, problems: broadcast::channel(BACKLOG).0 }
    }

    /// Sends an event to those who watch.
    pub(crate) fn send(&self, event: Event) {
        if event.is_problem() {
            // It is not an error if nobody watches.
            let _ = self.problems.send(event.clone());
        }
        // Nor here.
        let _ = self.all.send(event);
    }

    /// Sends an event of WeChat's servers. Load tests cause many good verdicts, so these are only copied if somebody watches.
    pub(crate) fn send_of_servers(&self, event: soter_wechat::Event<'_>) {
        let is_good =
            matches!(event, soter_wechat::Event::SignatureJudged { verdict, .. } if verdict.is_ok());
        if !is_good || self.all.receiver_count() > 0 {
            self.send(event.into());
        }
    }

    /// All events from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.all.subscribe()
    }

    /// From now on, those of [`Event::is_problem`].
    pub(crate) fn subscribe_to_problems(&self) -> broadcast::Receiver<Event> {
        self.problems.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use soter_text::Text;
    use soter_wechat::{Reason, Verdict};

    use super::*;

    fn judged(events: &Events, reason: Reason) {
        let verdict = Verdict::new(reason, Text::verbatim("as told"));
        events.send_of_servers(soter_wechat::Event::SignatureJudged {
            appid: "wx",
            openid: "o",
            verdict: &verdict,
        });
    }

    fn is_ok(received: &mut broadcast::Receiver<Event>) -> Vec<bool> {
        std::iter::from_fn(|| received.try_recv().ok())
            .map(|event| match event {
                Event::SignatureJudged { is_ok, .. } => is_ok,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn who_watches_problems_hears_of_refusals_alone_and_who_watches_all_hears_of_both() {
        let events = Events::new();
        let mut problems = events.subscribe_to_problems();
        judged(&events, Reason::Valid);
        judged(&events, Reason::CounterReplayed);
        let mut all = events.subscribe();
        judged(&events, Reason::Valid);
        judged(&events, Reason::WrongKey);
        assert_eq!(is_ok(&mut problems), [false, false]);
        assert_eq!(is_ok(&mut all), [true, false]);
    }
}
