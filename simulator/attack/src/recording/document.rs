//! The proposal as a TOML text.

// Writing to a `String` does not fail, so the results of `write!` are ignored.
use std::fmt::Write as _;

use serde_json::Value;
use soter_bridge::line_breaks;
use toml_writer::{TomlKeyBuilder, TomlStringBuilder, WriteTomlKey, WriteTomlValue};

use super::draft::{Computed, Draft, Note};
use super::success::Condition;

/// How long a step is repeated that was recorded several times in a row.
const UNTIL: &str = "until = { within = 30, every = 0.5 }";

/// The steps of a section, in order.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: &'static str,
    pub(super) before: Vec<Draft>,
    pub(super) main: Draft,
    pub(super) after: Vec<Draft>,
    /// The place of the challenge.
    pub(super) challenge: Option<Value>,
    /// The condition on the main step's answer, if there are steps after it.
    pub(super) answer: Option<Condition>,
    /// The condition on the last step's answer.
    pub(super) success: Option<Condition>,
    /// What there is to know about the section.
    pub(super) notes: Vec<Note>,
}

impl Section {
    pub(super) fn new(name: &'static str, main: Draft) -> Self {
        Self {
            name,
            before: Vec::new(),
            main,
            after: Vec::new(),
            challenge: None,
            answer: None,
            success: None,
            notes: Vec::new(),
        }
    }

    /// The number of its guesses, and of what is missing.
    pub(super) fn counts(&self) -> (usize, usize) {
        let steps = self.before.iter().chain([&self.main]).chain(&self.after);
        let notes: Vec<_> = steps.flat_map(|step| &step.notes).chain(&self.notes).collect();
        let missing = notes.iter().filter(|note| matches!(note, Note::Missing(_))).count();
        (notes.len() - missing, missing)
    }

    pub(super) fn write(&self, out: &mut String) {
        let Self { name, before, main, after, challenge, answer, success, notes } = self;
        for step in before {
            let _ = writeln!(out, "\n[[{name}.before]]");
            write_step(step, &[], out);
            write_status(step, out);
            write_computed(&format!("{name}.before"), &step.computed, out);
        }
        let _ = writeln!(out, "\n[{name}]");
        write_step(main, notes, out);
        if let Some(place) = challenge {
            let _ = writeln!(out, "challenge = {}", value(place));
        }
        if main.until.is_some() {
            let _ = writeln!(out, "{UNTIL}");
        }
        if let Some(condition) = answer {
            let _ = writeln!(out, "answer = {}", condition_table(condition));
        }
        match success.as_ref().or(main.until.as_ref()) {
            Some(condition) => {
                let _ = writeln!(out, "success = {}", condition_table(condition));
            }
            None if after.is_empty() => write_status(main, out),
            None => {}
        }
        write_computed(name, &main.computed, out);
        for (index, step) in after.iter().enumerate() {
            let _ = writeln!(out, "\n[[{name}.after]]");
            write_step(step, &[], out);
            if let Some(condition) = &step.until {
                let _ = writeln!(out, "{UNTIL}\nsuccess = {}", condition_table(condition));
            } else if index + 1 < after.len() {
                write_status(step, out);
            }
            write_computed(&format!("{name}.after"), &step.computed, out);
        }
    }
}

fn write_step(step: &Draft, notes: &[Note], out: &mut String) {
    let Draft { method, request, values, .. } = step;
    for note in notes.iter().chain(&step.notes) {
        write_note(note, out);
    }
    if method != "POST" {
        let _ = writeln!(out, "request.method = {}", string(method));
    }
    let _ = writeln!(out, "request.url = {}", string(&request.url));
    if !request.headers.is_empty() {
        let headers =
            request.headers.iter().map(|(name, value)| format!("{} = {}", key(name), string(value)));
        let _ = writeln!(out, "request.headers = {{ {} }}", headers.collect::<Vec<_>>().join(", "));
    }
    if let Some(body) = &request.body {
        let _ = writeln!(out, "request.body = {}", string(body));
    }
    for (name, place) in values {
        let _ = writeln!(out, "values.{} = {}", key(name), value(place));
    }
}

/// The status of a step that is not the usual one.
fn write_status(step: &Draft, out: &mut String) {
    if !(200..300).contains(&step.status) {
        let _ = writeln!(out, "success.status = {}", step.status);
    }
}

fn write_computed(section: &str, computed: &[Computed], out: &mut String) {
    for Computed { name, text, parameters, hash, key: secret, encoding } in computed {
        let _ = writeln!(out, "\n[[{section}.computed]]\nname = {}\ntext = {}", string(name), string(text));
        if !parameters.is_empty() {
            let parameters =
                parameters.iter().map(|(name, value)| format!("{} = {}", key(name), string(value)));
            let _ = writeln!(out, "parameters = {{ {} }}", parameters.collect::<Vec<_>>().join(", "));
        }
        let words = [("hash", *hash), ("key", secret.as_deref()), ("encoding", *encoding)];
        for (name, word) in words.into_iter().filter_map(|(name, word)| Some((name, word?))) {
            let _ = writeln!(out, "{name} = {}", string(word));
        }
    }
}

/// A remark, in lines that are not too long.
pub(super) fn write_note(note: &Note, out: &mut String) {
    let (mark, text) = match note {
        Note::Guess(text) => ("guess", text),
        Note::DoubtfulGuess(text) => ("GUESS", text),
        Note::Missing(text) => ("missing", text),
    };
    write_comment(&format!("{mark}: {text}"), out);
}

pub(super) fn write_comment(text: &str, out: &mut String) {
    const WIDTH: usize = 110;
    let options = line_breaks(WIDTH).initial_indent("# ").subsequent_indent("#   ");
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for line in textwrap::wrap(&words, options) {
        let _ = writeln!(out, "{line}");
    }
}

fn condition_table(condition: &Condition) -> String {
    let Condition { status, value: found, is_other, regex, .. } = condition;
    let mut members = Vec::new();
    if !(200..300).contains(status) || (found.is_none() && regex.is_none()) {
        members.push(format!("status = {status}"));
    }
    if let Some((pointer, found)) = found {
        members.push(format!("pointer = {}", string(pointer)));
        if !found.is_null() {
            let name = if *is_other { "not_value" } else { "value" };
            members.push(format!("{name} = {}", value(found)));
        }
    }
    members.extend(regex.iter().map(|regex| format!("regex = {}", string(regex))));
    format!("{{ {} }}", members.join(", "))
}

/// A text, number, boolean or table of TOML.
fn value(json: &Value) -> String {
    match json {
        Value::String(text) => string(text),
        Value::Object(members) => {
            let members = members.iter().map(|(name, member)| format!("{} = {}", key(name), value(member)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn string(text: &str) -> String {
    let builder = TomlStringBuilder::new(text);
    // JSON has quotation marks: a literal string shows it as it is sent.
    let written =
        builder.as_basic_pretty().or_else(|| builder.as_literal()).unwrap_or_else(|| builder.as_basic());
    let mut out = String::new();
    // Writing to a `String` does not fail.
    let _ = written.write_toml_value(&mut out);
    out
}

fn key(name: &str) -> String {
    let builder = TomlKeyBuilder::new(name);
    let mut out = String::new();
    // Writing to a `String` does not fail.
    let _ = builder.as_unquoted().unwrap_or_else(|| builder.as_basic()).write_toml_key(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_broken_between_words_and_never_within_an_address() {
        let address = "https://example.com/a/long/path/with-many-parts?and=a,query";
        let text = format!("{} {address} {}", "word ".repeat(18).trim_end(), "说明，".repeat(30));
        let mut out = String::new();
        write_comment(&text, &mut out);
        assert!(out.lines().count() > 2 && out.contains(address), "{out}");
        assert!(
            out.lines().all(|line| line.starts_with("# ")
                && !line.trim_start_matches("# ").trim_start().starts_with('，')),
            "{out}"
        );
    }
}
