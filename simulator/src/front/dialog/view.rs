//! The dialog's picture: a few lines that are redrawn in place.

use std::io::{self, Write};

use crossterm::cursor::MoveToPreviousLine;
use crossterm::queue;
use crossterm::terminal::{Clear, ClearType};
use soter_bridge::protocol::Event;
use soter_bridge::protocol::biometric::Enrolment;
use soter_bridge::protocol::device::Purpose;
use soter_bridge::protocol::sensor::Judgement;
use soter_bridge::visible;
use soter_text::tr;
use soter_wire::Mode;
use unicode_width::UnicodeWidthStr;

use crate::front::paint::Paint;
use crate::front::render::touched;

/// Where the dialog is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Screen {
    /// On standard output, between the REPL's answers.
    Output,
    /// On standard error, because standard output is for the command's one answer.
    Error,
}

/// A key that presents a finger or a face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) key: char,
    pub(super) enrolment: Enrolment,
}

/// The picture on the screen. Dropping it removes the dialog.
pub(super) struct View {
    screen: Screen,
    paint: Paint,
    title: String,
    /// What a touch is for: a label, and what is signed or paid.
    fact: (String, String),
    modes: Vec<Mode>,
    device: String,
    choices: Vec<Choice>,
    accepts_keys: bool,
    status: Option<Status>,
    /// The maximum width in columns of each line on the screen.
    drawn_widths: Vec<usize>,
}

struct Status {
    text: String,
    kind: StatusKind,
}

#[derive(Clone, Copy)]
enum StatusKind {
    Good,
    Bad,
    Neutral,
}

impl View {
    /// Draws the dialog of a `PromptShown` event. Other events draw an empty one.
    pub(super) fn draw(prompt: &Event, choices: Vec<Choice>, screen: Screen) -> Self {
        let (title, fact, modes) = match prompt {
            Event::PromptShown { purpose, modes, .. } => {
                let (title, fact) = match purpose {
                    Purpose::Authentication { auth_content, challenge } => {
                        (auth_content.clone(), (tr!("signs"), challenge.clone()))
                    }
                    Purpose::Payment { prepay_id } => {
                        (tr!("Payment: nothing is paid here"), (tr!("prepay"), prepay_id.clone()))
                    }
                };
                (title, fact, modes.clone())
            }
            _ => Default::default(),
        };
        let paint = match screen {
            Screen::Output => Paint::of_output(),
            Screen::Error => Paint::of_error(),
        };
        let device = prompt.device().unwrap_or_default().to_owned();
        let mut view = Self {
            screen,
            paint,
            title,
            fact,
            modes,
            device,
            choices,
            accepts_keys: true,
            status: None,
            drawn_widths: Vec::new(),
        };
        view.redraw();
        view
    }

    /// The number of the finger or face that this key presents.
    pub(super) fn enrolment(&self, key: char) -> Option<u32> {
        self.choices.iter().find(|choice| choice.key == key).map(|choice| choice.enrolment.number)
    }

    /// Shows the result of a touch on this phone, from any front end.
    pub(super) fn show(&mut self, event: &Event) {
        if let Event::Touched { device, judgement, attempts_left, .. } = event
            && *device == self.device
        {
            self.status = Some(judgement_status(*judgement, *attempts_left));
            if *judgement == Judgement::Matched {
                // The touch matched, so keys do nothing until the answer comes.
                self.choices.clear();
                self.accepts_keys = false;
            }
            self.redraw();
        }
    }

    /// Shows a remark below the keys.
    pub(super) fn remark(&mut self, text: &str) {
        self.status = Some(Status { text: text.to_owned(), kind: StatusKind::Neutral });
        self.redraw();
    }

    /// Redraws everything in place.
    pub(super) fn redraw(&mut self) {
        let columns = self.columns();
        let mut bytes = self.clear_bytes(columns);
        for line in self.lines(columns.saturating_sub(1), self.paint) {
            bytes.extend_from_slice(line.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        let plain = self.lines(columns.saturating_sub(1), Paint::PLAIN);
        self.drawn_widths = plain.iter().map(|line| line.chars().map(width).sum()).collect();
        self.write(&bytes);
    }

    /// The width of the window, or 80 if the terminal does not know it.
    fn columns(&self) -> usize {
        self.paint.columns().unwrap_or(80)
    }

    /// The lines. None is wider than the window, so each takes one row and can be redrawn.
    fn lines(&self, columns: usize, paint: Paint) -> Vec<String> {
        let bar = paint.name("┃");
        let row = |key: &str, text: &str| {
            format!("{bar}  {}  {}", paint.strong(key), fit_to_width(text, columns.saturating_sub(6)))
        };
        let accepts = tr!("accepts");
        let label_width = self.fact.0.width().max(accepts.width());
        let fact = |label: &str, text: &str| {
            let padding = " ".repeat(label_width - label.width());
            let text = fit_to_width(text, columns.saturating_sub(label_width + 3));
            format!("{bar} {} {text}", paint.dim(&format!("{label}{padding}")))
        };
        let modes = self.modes.iter().map(|mode| mode.name()).collect::<Vec<_>>().join(", ");
        let mut lines = vec![
            format!("{bar} {}", paint.strong(&fit_to_width(&self.title, columns.saturating_sub(2)))),
            fact(&self.fact.0, &self.fact.1),
            fact(&accepts, &modes),
        ];
        for Choice { key, enrolment } in &self.choices {
            lines.push(row(&key.to_string(), &describe(enrolment, &self.modes)));
        }
        if self.accepts_keys {
            lines.push(row("x", &tr!("one that is not enrolled")));
            lines.push(row("c", &tr!("cancel (also Esc, Ctrl-C)")));
        }
        if let Some(Status { text, kind }) = &self.status {
            let text = fit_to_width(text, columns.saturating_sub(2));
            let text = match kind {
                StatusKind::Good => paint.good(&text),
                StatusKind::Bad => paint.bad(&text),
                StatusKind::Neutral => paint.dim(&text),
            };
            lines.push(format!("{bar} {text}"));
        }
        lines
    }

    /// The bytes that remove the picture from a screen of this width. If the window became narrower, wider lines take
    /// more than one row.
    fn clear_bytes(&self, columns: usize) -> Vec<u8> {
        let rows: usize = self.drawn_widths.iter().map(|width| width.div_ceil(columns.max(1)).max(1)).sum();
        let mut bytes = Vec::new();
        if rows > 0 {
            let rows = u16::try_from(rows).unwrap_or(u16::MAX);
            // INVARIANT: writing into a vector never fails.
            let _ = queue!(bytes, MoveToPreviousLine(rows), Clear(ClearType::FromCursorDown));
        }
        bytes
    }

    fn write(&self, bytes: &[u8]) {
        // The keys keep working on a screen that cannot be written.
        let _ = match self.screen {
            Screen::Output => write_all(io::stdout().lock(), bytes),
            Screen::Error => write_all(io::stderr().lock(), bytes),
        };
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.write(&self.clear_bytes(self.columns()));
    }
}

/// The maximum number of columns that a terminal draws for a character: 2 beyond ASCII. `unicode-width` has no such
/// maximum: its widths for Chinese terminals give one column to letters such as `é` and `Ж`, which some of these terminals
/// draw in two, and none to combining characters.
fn width(character: char) -> usize {
    if character.is_ascii() { 1 } else { 2 }
}

fn write_all(mut stream: impl Write, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}

fn describe(enrolment: &Enrolment, modes: &[Mode]) -> String {
    let (touched, fid) = (touched(enrolment), &enrolment.fid);
    if modes.contains(&enrolment.mode) {
        tr!("{touched} (fid {fid})", touched = touched, fid = fid)
    } else {
        tr!("{touched}, not accepted here (fid {fid})", touched = touched, fid = fid)
    }
}

fn judgement_status(judgement: Judgement, attempts_left: Option<u32>) -> Status {
    let (text, kind) = match (judgement, attempts_left) {
        (Judgement::Matched, _) => (tr!("matched, waiting for the answer"), StatusKind::Good),
        (Judgement::Rejected, None) => (tr!("not recognised: try again"), StatusKind::Bad),
        (Judgement::Rejected, Some(1)) => (tr!("not recognised: 1 attempt left"), StatusKind::Bad),
        (Judgement::Rejected, Some(left)) => {
            (tr!("not recognised: {left} attempts left", left = left), StatusKind::Bad)
        }
        (Judgement::LockedOut, _) => (tr!("locked until `biometric unlock`"), StatusKind::Bad),
        (Judgement::Ignored, _) => (tr!("this dialog ignores that sensor"), StatusKind::Neutral),
        (Judgement::Cancelled, _) => (tr!("cancelled"), StatusKind::Neutral),
    };
    Status { text, kind }
}

/// The beginning of the text that fits, without control characters. A character beyond ASCII counts as two columns.
fn fit_to_width(text: &str, columns: usize) -> String {
    let text = visible(text);
    if text.chars().map(width).sum::<usize>() <= columns {
        return text.into_owned();
    }
    let mut left = columns.saturating_sub(width('…'));
    let mut fitting: String = text
        .chars()
        .take_while(|character| {
            let fits = width(*character) <= left;
            left = left.saturating_sub(width(*character));
            fits
        })
        .collect();
    fitting.push('…');
    fitting
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthChar;

    use super::*;

    fn view() -> View {
        View {
            screen: Screen::Error,
            paint: Paint::PLAIN,
            title: "Confirm the payment".to_owned(),
            fact: ("signs".to_owned(), "order-42\x1b[2J".to_owned()),
            modes: vec![Mode::FingerPrint],
            device: "one".to_owned(),
            choices: vec![
                Choice {
                    key: '1',
                    enrolment: Enrolment { number: 1, mode: Mode::FingerPrint, fid: "77".to_owned() },
                },
                Choice {
                    key: '2',
                    enrolment: Enrolment { number: 2, mode: Mode::Facial, fid: "78".to_owned() },
                },
            ],
            accepts_keys: true,
            status: Some(judgement_status(Judgement::Rejected, Some(4))),
            drawn_widths: Vec::new(),
        }
    }

    #[test]
    fn the_dialog_shows_its_text_the_enrolments_and_the_attempts_left() {
        assert_eq!(
            view().lines(79, Paint::PLAIN),
            [
                "┃ Confirm the payment",
                "┃ signs   order-42\\u{1b}[2J",
                "┃ accepts fingerPrint",
                "┃  1  finger 1 (fid 77)",
                "┃  2  face 2, not accepted here (fid 78)",
                "┃  x  one that is not enrolled",
                "┃  c  cancel (also Esc, Ctrl-C)",
                "┃ not recognised: 4 attempts left",
            ]
        );
    }

    #[test]
    fn no_line_is_wider_than_the_window() {
        // The label alone takes ten columns.
        for columns in 11..60 {
            for line in view().lines(columns, Paint::PLAIN) {
                assert!(line.chars().count() <= columns, "{columns}: {line}");
            }
        }
        assert_eq!(fit_to_width("指纹指纹指纹", 8), "指纹指…");
    }

    #[test]
    fn every_status_fits_into_40_columns() {
        let judgements = [Judgement::Matched, Judgement::LockedOut, Judgement::Ignored, Judgement::Cancelled]
            .map(|one| (one, None));
        let rejected = [None, Some(1), Some(19)].map(|left| (Judgement::Rejected, left));
        for (judgement, left) in judgements.into_iter().chain(rejected) {
            let mut view = view();
            view.status = Some(judgement_status(judgement, left));
            for line in view.lines(39, Paint::PLAIN).iter().filter(|line| !line.contains("(fid")) {
                assert!(!line.contains('…'), "{line}");
            }
        }
        assert!(judgement_status(Judgement::LockedOut, None).text.contains("`biometric unlock`"));
    }

    #[test]
    fn no_chinese_line_wraps_in_a_terminal_that_draws_ambiguous_characters_wide() {
        let mut view = view();
        "确认支付·“早餐”…八元".clone_into(&mut view.title);
        "订单-42-é-Ж-ｱｲｳ".clone_into(&mut view.fact.1);
        // In a narrower window, the labels and the mark of an end that is cut off take more than there is.
        for window in 13..60 {
            for line in view.lines(window - 1, Paint::PLAIN) {
                assert!(line.width_cjk() <= window, "{window}: {line}");
            }
        }
    }

    #[test]
    fn no_character_is_wider_than_its_maximum() {
        // U+17D8 is a ligature of three letters, which fonts that have it draw as wide as those.
        let is_wider = |character: &char| character.width_cjk().unwrap_or_default() > width(*character);
        assert_eq!(('\0'..=char::MAX).filter(is_wider).collect::<Vec<_>>(), ['\u{17d8}']);
    }
}
