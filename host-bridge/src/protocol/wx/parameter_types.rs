//! The types of a wx call's parameters. WeChat's base library checks them before anything else happens, and refuses the call
//! with JavaScript's words for the types. Its text was seen for other calls; for those of SOTER it is modelled.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The type that a parameter must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Boolean,
    Number,
    Object,
    String,
    /// An array of strings.
    Strings,
}

/// Bytes after which no more items of a list are named.
const MAX_MISTAKES_BYTES: usize = 4096;

/// Each wx call's parameters, without the simulator's own additions.
const PARAMETERS: &[(&str, &[(&str, Expected)])] = &[
    (
        "wx.startSoterAuthentication",
        &[
            ("requestAuthModes", Expected::Strings),
            ("challenge", Expected::String),
            ("authContent", Expected::String),
        ],
    ),
    ("wx.checkIsSoterEnrolledInDevice", &[("checkAuthMode", Expected::String)]),
    ("wx.login", &[("timeout", Expected::Number)]),
    ("wx.getUserInfo", &[("withCredentials", Expected::Boolean), ("lang", Expected::String)]),
    ("wx.getUserProfile", &[("desc", Expected::String), ("lang", Expected::String)]),
    ("wx.cloud.callFunction", &[("name", Expected::String), ("data", Expected::Object)]),
    (
        "wx.requestPayment",
        &[
            ("timeStamp", Expected::String),
            ("nonceStr", Expected::String),
            ("package", Expected::String),
            ("signType", Expected::String),
            ("paySign", Expected::String),
        ],
    ),
];

/// A wx call with parameters of wrong types, and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct MistypedCall {
    /// The method's name.
    pub(crate) method: &'static str,
    /// The parameters as they were sent, without `device`.
    pub(crate) params: Map<String, Value>,
    /// The answer.
    pub refusal: Refusal,
}

/// What the callbacks of a wx call get whose parameters have wrong types. Modelled: it has no `errCode`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// `<call>:fail parameter error: parameter.<name> should be <type> instead of <type>;`, with a further part for each
    /// further parameter.
    pub err_msg: String,
}

impl MistypedCall {
    /// The call, if it is one of wx and some of its parameters have wrong types. A parameter that is missing has none.
    pub(crate) fn find(method: &str, params: &Value) -> Option<Self> {
        let (method, expected) = PARAMETERS.iter().find(|(name, _)| *name == method)?;
        let params = params.as_object()?;
        let mut mistakes = String::new();
        for (name, expected) in *expected {
            if let Some(value) = params.get(*name) {
                expected.check(value, name, &mut mistakes);
            }
        }
        if mistakes.is_empty() {
            return None;
        }
        let call = method.strip_prefix("wx.").unwrap_or(method);
        let err_msg = format!("{call}:fail parameter error: {mistakes}");
        Some(Self { method, params: params.clone(), refusal: Refusal { err_msg } })
    }
}

/// Whether the method is a wx call with parameters, so that [`Refusal`] may be its answer.
pub(crate) fn may_be_mistyped(method: &str) -> bool {
    PARAMETERS.iter().any(|(name, _)| *name == method)
}

impl Expected {
    fn check(self, value: &Value, path: &str, mistakes: &mut String) {
        match (self, value) {
            (Self::Boolean, Value::Bool(_))
            | (Self::Number, Value::Number(_))
            | (Self::Object, Value::Object(_))
            | (Self::String, Value::String(_)) => {}
            (Self::Strings, Value::Array(items)) => {
                let mut items = items.iter().enumerate();
                while let Some((index, item)) = items.next().filter(|_| mistakes.len() < MAX_MISTAKES_BYTES) {
                    Self::String.check(item, &format!("{path}[{index}]"), mistakes);
                }
            }
            (Self::Boolean | Self::Number | Self::Object | Self::String | Self::Strings, _) => {
                let (expected, found) = (self.name(), type_name(value));
                // Writing into a string cannot fail.
                let _ = write!(mistakes, "parameter.{path} should be {expected} instead of {found};");
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Boolean => "Boolean",
            Self::Number => "Number",
            Self::Object => "Object",
            Self::String => "String",
            Self::Strings => "Array",
        }
    }
}

/// JavaScript's word for the type of a value.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(_) => "Number",
        Value::String(_) => "String",
        Value::Array(_) => "Array",
        Value::Object(_) => "Object",
    }
}

#[cfg(test)]
mod tests {
    use schemars::generate::SchemaSettings;
    use serde_json::json;

    use super::*;
    use crate::protocol::METHODS;

    fn message(method: &str, params: &Value) -> Option<String> {
        MistypedCall::find(method, params).map(|call| call.refusal.err_msg)
    }

    #[test]
    fn every_type_has_javascripts_word() {
        for (value, word) in [
            (json!(null), "Null"),
            (json!(true), "Boolean"),
            (json!(42), "Number"),
            (json!(["order-42"]), "Array"),
            (json!({}), "Object"),
        ] {
            assert_eq!(
                message("wx.startSoterAuthentication", &json!({"challenge": value})).unwrap(),
                format!(
                    "startSoterAuthentication:fail parameter error: parameter.challenge should be String instead of {word};"
                )
            );
        }
        assert_eq!(
            message("wx.checkIsSoterEnrolledInDevice", &json!({"checkAuthMode": 1})).unwrap(),
            "checkIsSoterEnrolledInDevice:fail parameter error: parameter.checkAuthMode should be String instead of Number;"
        );
    }

    #[test]
    fn all_mistakes_are_named_and_items_of_a_list_by_their_places() {
        let params = json!({"challenge": 1, "requestAuthModes": "fingerPrint"});
        assert_eq!(
            message("wx.startSoterAuthentication", &params).unwrap(),
            "startSoterAuthentication:fail parameter error: \
             parameter.requestAuthModes should be Array instead of String;\
             parameter.challenge should be String instead of Number;"
        );
        let params = json!({"requestAuthModes": ["fingerPrint", null]});
        assert_eq!(
            message("wx.startSoterAuthentication", &params).unwrap(),
            "startSoterAuthentication:fail parameter error: parameter.requestAuthModes[1] should be String instead of Null;"
        );
    }

    #[test]
    fn parameters_that_are_missing_or_unknown_or_of_the_simulator_are_no_mistakes() {
        for params in
            [json!({}), json!({"colour": 1}), json!({"appid": 1}), json!({"challenge": ""}), json!([])]
        {
            assert_eq!(message("wx.startSoterAuthentication", &params), None, "{params}");
        }
        let many = json!({"requestAuthModes": vec![0; 100_000]});
        assert!(message("wx.startSoterAuthentication", &many).unwrap().len() < 5000);
        assert_eq!(message("device.create", &json!({"name": 1})), None);
    }

    /// The simulator's own additions to wx calls.
    const ADDITIONS: [&str; 2] = ["appid", "touch"];

    #[test]
    fn the_table_has_every_parameter_of_every_wx_call() {
        for method in METHODS.iter().filter(|method| method.noun() == "wx") {
            let mut generator = SchemaSettings::draft07().into_generator();
            let (schema, _) = (method.schemas)(&mut generator);
            let properties = schema.as_value()["properties"].as_object().cloned().unwrap_or_default();
            let mut names: Vec<_> = properties.keys().map(String::as_str).collect();
            names.retain(|name| !ADDITIONS.contains(name));
            names.sort_unstable();
            let checked =
                PARAMETERS.iter().find(|(name, _)| *name == method.name).map_or(&[][..], |(_, all)| *all);
            let mut checked_names: Vec<_> = checked.iter().map(|(name, _)| *name).collect();
            checked_names.sort_unstable();
            assert_eq!(checked_names, names, "{}", method.name);
            for (name, expected) in checked {
                let kind = properties[*name]["type"].as_str().unwrap();
                assert_eq!(kind, expected.name().to_lowercase(), "{} {name}", method.name);
            }
        }
    }
}
