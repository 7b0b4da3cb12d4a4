//! What reasons and codes mean, for front ends that explain them.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::Value;
use soter_text::Text;
use soter_wechat::Reason;
use soter_wechat::codes::CODES;

/// What every reason and every code means.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Meanings {
    /// The reasons, in the order of their names. The reason `errcode-N` is the code N.
    reasons: Vec<ReasonMeaning>,
    /// The codes. A number has an entry for each place that uses it, and for each text that it comes with there.
    codes: Vec<CodeMeaning>,
}

/// What a reason means.
#[derive(Debug, Serialize, JsonSchema)]
struct ReasonMeaning {
    /// Its name.
    name: String,
    /// One line: what it means.
    meaning: Text,
    /// One or two sentences: what to do.
    advice: Text,
}

/// What a code means.
#[derive(Debug, Serialize, JsonSchema)]
struct CodeMeaning {
    /// The number.
    code: i32,
    /// What it is called there.
    name: &'static str,
    /// Where it occurs.
    source: Text,
    /// One line: what has happened.
    meaning: Text,
    /// One or two sentences: what to do.
    advice: Text,
}

impl Default for Meanings {
    fn default() -> Self {
        let reasons = Reason::ALL.iter().map(|reason| ReasonMeaning {
            name: reason.name().into_owned(),
            meaning: reason.meaning_text(),
            advice: reason.advice_text(),
        });
        let codes = CODES.iter().map(|code| CodeMeaning {
            code: code.code,
            name: code.name,
            source: code.source.text(),
            meaning: code.meaning_text(),
            advice: code.advice_text(),
        });
        Self { reasons: reasons.collect(), codes: codes.collect() }
    }
}

/// The schema of [`Meanings`], which refers to nothing outside it.
pub(super) fn schema() -> Value {
    SchemaSettings::draft07()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<Meanings>()
        .to_value()
}
