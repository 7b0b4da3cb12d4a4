//! `audit --init`: writes a description to begin with.

use std::io::{self, BufRead, IsTerminal};
use std::path::Path;

use soter_attack::{Shape, description_schema};
use soter_bridge::protocol::CommandError;
use soter_text::{Language, text, tr, translated};
use soter_wire::shortened;

use super::new_file::{is_there_already, shown_path, write_new};
use crate::files::write_file;
use crate::front::{Console, Exit};
use crate::grammar::Audit;

/// The file of the schema, next to a description.
const SCHEMA: &str = "soter-audit.schema.json";
/// The number of times that a person is asked.
const MAX_QUESTIONS: usize = 5;

/// Writes a description of the shape in the options. Without one, a person at a terminal is asked, and otherwise it is the usual
/// one. Next to it the schema, if the options say so.
///
/// # Errors
/// `InvalidParams` if the file is there already, or the person names no shape. `Environment` if it cannot be written.
/// At most the schema was written.
pub(super) fn run(
    path: &Path,
    audit: &Audit,
    is_json: bool,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    if path.exists() {
        return Err(is_there_already(path));
    }
    let has_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    let shape = match audit.shape {
        Some(shape) => shape,
        None if has_terminal && !is_json => ask(&mut io::stdin().lock(), console)?,
        None => Shape::ALL[0],
    };
    let mut text = shape.description_in(Language::of_process()).to_owned();
    if audit.schema {
        // Written over an older one: it belongs to this version of the program.
        write_file(&path.with_file_name(SCHEMA), format!("{:#}\n", description_schema()).as_bytes())?;
        text.insert_str(0, &format!("#:schema ./{SCHEMA}\n"));
    }
    write_new(path, &text)?;
    let [shown, argument] = shown_path(path);
    let shape = shape.name();
    let written = if audit.schema {
        tr!(
            "{file} is written ({shape}), and {schema} next to it: fill it in, then `soter-sim audit --config {argument} --check`",
            file = shown,
            shape = shape,
            schema = SCHEMA,
            argument = argument
        )
    } else {
        tr!(
            "{file} is written ({shape}): fill it in, then `soter-sim audit --config {argument} --check`",
            file = shown,
            shape = shape,
            argument = argument
        )
    };
    console.write_answer(&console.paint.wrapped(&written))?;
    Ok(Exit::Good)
}

/// Asks a person for a shape, by its number or its name.
///
/// # Errors
/// `InvalidParams` if the input ends, or there is no valid answer after some questions. `Environment` if it cannot be read.
fn ask(input: &mut impl BufRead, console: &mut Console) -> Result<Shape, CommandError> {
    console.stderr_line(&tr!("What is your application like?"));
    for (shape, number) in Shape::ALL.into_iter().zip(1..) {
        console.stderr_line(&format!("  {number}  {:9} {}", shape.name(), translated(shape.summary())));
    }
    for _ in 0..MAX_QUESTIONS {
        console.stderr_line(&tr!("number or name [{usual}]:", usual = Shape::ALL[0].name()));
        let mut line = String::new();
        let length = input.read_line(&mut line).map_err(|error| {
            CommandError::environment(
                text!("the answer cannot be read: {error}", error = error),
                text!("name the shape: --shape NAME"),
            )
        })?;
        if length == 0 {
            break;
        }
        if let Some(shape) = chosen(line.trim()) {
            return Ok(shape);
        }
        let shown = shortened(line.trim(), 40).escape_debug().to_string();
        console.stderr_line(&tr!("`{answer}` is not one of them", answer = shown));
    }
    Err(CommandError::invalid_params(
        text!("no shape was chosen, and nothing is written"),
        text!("name one: --shape NAME"),
    ))
}

/// The shape for an answer; nothing is the usual one.
fn chosen(answer: &str) -> Option<Shape> {
    if answer.is_empty() {
        return Some(Shape::ALL[0]);
    }
    let by_number = answer.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    by_number
        .and_then(|index| Shape::ALL.get(index).copied())
        .or_else(|| Shape::named(&answer.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(typed: &str) -> Result<Shape, CommandError> {
        ask(&mut typed.as_bytes(), &mut Console::with_writers(io::sink(), io::sink()))
    }

    #[test]
    fn a_shape_is_chosen_by_its_number_or_its_name() {
        for (typed, expected) in [
            ("1\n", Shape::Session),
            ("\n", Shape::Session),
            (" Cookie \n", Shape::Cookie),
            ("9\n0\n-1\nx\n5\n", Shape::Verifier),
            ("async", Shape::Async),
        ] {
            assert_eq!(answer(typed), Ok(expected), "{typed}");
        }
        for typed in ["", "x\n", "6\n6\n6\n6\n6\n1\n"] {
            assert!(answer(typed).unwrap_err().next.english().contains("--shape"), "{typed}");
        }
    }
}
