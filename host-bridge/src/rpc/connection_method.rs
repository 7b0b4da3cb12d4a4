//! The methods that a connection answers itself, in addition to those of the protocol.

use serde_json::{Value, json};

use super::session::Topic;

macro_rules! connection_methods {
    ($($name:literal => $variant:ident, $summary:literal;)+) => {
        /// A method that a connection answers itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum ConnectionMethod { $(#[doc = $summary] $variant,)+ }

        impl ConnectionMethod {
            /// Every method.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Its name.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// One line for people.
            pub(crate) fn summary(self) -> &'static str {
                match self { $(Self::$variant => $summary,)+ }
            }
        }
    };
}

connection_methods! {
    "events.subscribe" => Subscribe, "Hear what happens, on this WebSocket connection.";
    "events.unsubscribe" => Unsubscribe, "Hear of nothing any more.";
    "rpc.cancel" => Cancel, "Give up a call of this WebSocket connection that has no answer yet.";
    "rpc.discover" => Discover, "The protocol as an OpenRPC document.";
}

impl ConnectionMethod {
    /// The method of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|method| method.name() == name)
    }

    /// Whether a name looks like one of these methods: it has the same noun.
    pub(super) fn shares_noun_with(name: &str) -> bool {
        name.split_once('.').is_some_and(|(noun, _)| {
            Self::ALL.iter().any(|method| method.name().split('.').next() == Some(noun))
        })
    }

    /// All names, for people.
    pub(super) fn names() -> String {
        Self::ALL.iter().map(|method| method.name()).collect::<Vec<_>>().join(", ")
    }

    /// Its parameters, and the schema of its result, as OpenRPC describes them; `None` for the method that answers with
    /// the description.
    pub(super) fn description(self) -> Option<(Value, Value)> {
        Some(match self {
            Self::Subscribe => (
                json!([{"name": "topics", "schema": {"type": "array", "items": {"enum": Topic::names()}}}]),
                json!({"type": "object"}),
            ),
            Self::Unsubscribe => (json!([]), json!({"type": "object"})),
            Self::Cancel => (
                json!([{"name": "id", "required": true, "schema": {"type": ["integer", "number", "string"]}}]),
                json!({
                    "type": "object", "required": ["cancelled"], "properties": {"cancelled": {"type": "boolean"}},
                }),
            ),
            Self::Discover => return None,
        })
    }
}
