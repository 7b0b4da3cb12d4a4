//! The JSON of calls. Members that occur twice are found, because parsers disagree about which one counts.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};
use soter_wire::json::RecordDuplicate;

/// A JSON text.
#[derive(Debug)]
pub(super) enum Json {
    /// An array.
    Batch(Vec<Element>),
    /// Anything else.
    Single(Element),
}

/// An object, or `None` for another value.
pub(super) type Element = Option<Object>;

/// An object that may be a call.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) members: Map<String, Value>,
    /// A name that occurs twice in the object, or within a member except `params`.
    pub(super) duplicate: Option<String>,
    /// A name that occurs twice within `params`.
    pub(super) duplicate_in_params: Option<String>,
}

/// Parses a text.
///
/// # Errors
/// Those of `serde_json` if it is not JSON.
pub(super) fn parse(text: &[u8]) -> serde_json::Result<Json> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let parsed = Deserializer::deserialize_any(&mut deserializer, JsonVisitor)?;
    deserializer.end()?;
    Ok(parsed)
}

/// Defines the visits of values that have no members.
macro_rules! visit_scalars {
    ($value:expr) => {
        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a JSON value")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($value)
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($value)
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($value)
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($value)
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($value)
        }

        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok($value)
        }
    };
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    visit_scalars!(Json::Single(None));

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Json, A::Error> {
        let mut batch = Vec::new();
        while let Some(element) = elements.next_element_seed(ElementSeed)? {
            batch.push(element);
        }
        Ok(Json::Batch(batch))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Json, A::Error> {
        ElementVisitor.visit_map(members).map(Json::Single)
    }
}

struct ElementSeed;

impl<'de> DeserializeSeed<'de> for ElementSeed {
    type Value = Element;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Element, D::Error> {
        deserializer.deserialize_any(ElementVisitor)
    }
}

struct ElementVisitor;

impl<'de> Visitor<'de> for ElementVisitor {
    type Value = Element;

    visit_scalars!(None);

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Element, A::Error> {
        // Parsed as any other value, so that what is not JSON is an error here, too.
        while elements.next_element::<Value>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Element, A::Error> {
        let (duplicate, duplicate_in_params) = (RefCell::new(None), RefCell::new(None));
        let outside = RecordDuplicate::new(&duplicate);
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let seed = if name == "params" { RecordDuplicate::new(&duplicate_in_params) } else { outside };
            match object.entry(name) {
                Entry::Vacant(entry) => {
                    entry.insert(members.next_value_seed(seed)?);
                }
                Entry::Occupied(entry) => {
                    outside.record(entry.key());
                    members.next_value_seed(seed)?;
                }
            }
        }
        Ok(Some(Object {
            members: object,
            duplicate: duplicate.into_inner(),
            duplicate_in_params: duplicate_in_params.into_inner(),
        }))
    }
}
