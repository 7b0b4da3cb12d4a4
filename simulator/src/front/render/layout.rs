//! The layout of answers: objects, tables, labelled facts.

use serde::Serialize;
use serde_json::Value;
use soter_bridge::visible;

use crate::front::paint::Paint;

/// An object, one member per line.
pub(in crate::front) fn object(object: &impl Serialize, paint: Paint) -> String {
    match serde_json::to_value(object) {
        Ok(Value::Object(members)) if !members.is_empty() => {
            let lines: Vec<_> = members
                .iter()
                .map(|(name, value)| {
                    let name = paint.name(&visible(&Value::from(name.as_str()).to_string()));
                    format!("  {name}: {}", visible(&value.to_string()))
                })
                .collect();
            format!("{{\n{}\n}}", lines.join(",\n"))
        }
        Ok(value) => visible(&value.to_string()).into_owned(),
        Err(error) => format!("(not to be shown: {error})"),
    }
}

/// Aligned columns with two spaces between them. Cells are given without colours; `paint_cell` adds them after the
/// widths are known.
pub(super) fn table(rows: &[Vec<String>], paint_cell: impl Fn(usize, usize, &str) -> String) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<_> = (0..columns)
        .map(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let line = |(index, row): (usize, &Vec<String>)| {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            line.push_str(&paint_cell(index, column, cell));
            if column + 1 < row.len() {
                line.push_str(&" ".repeat(width.saturating_sub(cell.chars().count()) + 2));
            }
        }
        line.trim_end().to_owned()
    };
    rows.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

/// Labelled facts, one per line, with aligned labels.
pub(super) fn facts(facts: &[(&str, String)], paint: Paint) -> String {
    let width = facts.iter().map(|(label, _)| label.len()).max().unwrap_or_default();
    let line =
        |(label, fact): &(&str, String)| format!("  {}  {fact}", paint.dim(&format!("{label:width$}")));
    facts.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The beginning of a fingerprint, long enough for people to distinguish keys.
pub(super) fn short(fingerprint: &str) -> &str {
    fingerprint.get(..16).unwrap_or(fingerprint)
}
