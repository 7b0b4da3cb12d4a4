//! The layout of answers: objects, tables, labelled facts.

use serde::Serialize;
use serde_json::Value;
use soter_bridge::visible;
use soter_text::tr;
use unicode_width::UnicodeWidthStr;

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
        Err(error) => tr!("(cannot be shown: {error})", error = error.to_string()),
    }
}

/// Aligned columns with two spaces between them. Wide characters, such as Chinese ones, count as two columns of the
/// terminal. Cells are given without colours; `paint_cell` adds them after the widths are known.
pub(super) fn table(rows: &[Vec<String>], paint_cell: impl Fn(usize, usize, &str) -> String) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<_> = (0..columns)
        .map(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0)
        })
        .collect();
    let line = |(index, row): (usize, &Vec<String>)| {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            line.push_str(&paint_cell(index, column, cell));
            if column + 1 < row.len() {
                line.push_str(&" ".repeat(width.saturating_sub(cell.width()) + 2));
            }
        }
        line.trim_end().to_owned()
    };
    rows.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

/// Labelled facts, one per line, with aligned labels.
pub(super) fn labelled_lines(entries: &[(String, String)], paint: Paint) -> String {
    let width = entries.iter().map(|(label, _)| label.width()).max().unwrap_or_default();
    let line = |(label, value): &(String, String)| {
        let padding = " ".repeat(width - label.width());
        format!("  {}  {value}", paint.dim(&format!("{label}{padding}")))
    };
    entries.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The beginning of a fingerprint, long enough for people to distinguish keys.
pub(super) fn short_fingerprint(fingerprint: &str) -> &str {
    fingerprint.get(..16).unwrap_or(fingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(rows: &[&[&str]]) -> String {
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect();
        table(&rows, |_, _, cell| cell.to_owned())
    }

    #[test]
    fn columns_line_up_where_a_terminal_draws_them() {
        let text = plain(&[
            &["name", "user", "state"],
            &["手机", "李雷", "on"],
            &["ｱ1", "Ana\u{301}", "off"],
            &["手机·2", "", "on"],
        ]);
        // The decomposed letter and its accent take one column, half-width katakana one, ideographs two.
        assert_eq!(
            text,
            "name    user  state\n\
             手机    李雷  on\n\
             ｱ1      Ana\u{301}   off\n\
             手机·2        on"
        );
        for line in text.lines() {
            let state = line.rfind("  ").map(|at| line[..at + 2].width());
            assert_eq!(state, Some(14), "{line}");
        }
    }

    #[test]
    fn colours_do_not_move_columns() {
        let rows = [vec!["手机".to_owned(), "on".to_owned()], vec!["phone".to_owned(), "off".to_owned()]];
        let bold = |cell: &str| format!("\x1b[1m{cell}\x1b[0m");
        let coloured = table(&rows, |_, column, cell| if column == 0 { bold(cell) } else { cell.to_owned() });
        assert_eq!(coloured, "\x1b[1m手机\x1b[0m   on\n\x1b[1mphone\x1b[0m  off");
    }
}
