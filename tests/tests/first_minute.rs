//! The REPL's first minute at a terminal, in the person's language and in windows of several widths.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::num::NonZeroU16;

use soter_tests::{Program, english_sentences, has_chinese};
use vt100::Parser;

/// Texts of WeChat itself, which are the same in both languages.
const OF_WECHAT: [&str; 2] = ["请验证已有的指纹", "authenticate freeze. please try again later"];
/// The widths of the windows.
const WIDTHS: [u16; 3] = [40, 80, 120];
/// More rows than are shown, so that nothing scrolls away.
const ROWS: u16 = 2000;

/// A line as a person sees it: a row of the window, or several if the terminal had to break it.
struct Line {
    text: String,
    rows: usize,
}

/// What the window shows after these bytes. Trailing spaces are not shown.
fn lines(output: &str, columns: u16) -> Vec<Line> {
    let mut parser = Parser::new(NonZeroU16::new(ROWS).unwrap(), NonZeroU16::new(columns).unwrap(), 0);
    parser.process(output.as_bytes());
    let screen = parser.screen();
    let mut lines: Vec<Line> = Vec::new();
    let mut is_continued = false;
    for (number, row) in (0..ROWS).zip(screen.rows(0, columns)) {
        match lines.last_mut().filter(|_| is_continued) {
            Some(line) => {
                line.text.push_str(&row);
                line.rows += 1;
            }
            None => lines.push(Line { text: row, rows: 1 }),
        }
        is_continued = screen.row_wrapped(number);
    }
    let end = lines.iter().rposition(|line| !line.text.is_empty()).unwrap();
    lines.truncate(end + 1);
    lines
}

/// A terminal in which nothing but the locale chooses the language.
fn program(locale: &str, arguments: &[&str]) -> Program {
    Program::new(arguments)
        .without_variable("SOTER_SIM_LANG")
        .variable("LANG", locale)
        .variable("LC_ALL", locale)
}

/// The banner, help, an unknown word, an authentication with a wrong and a right touch, a code, the end.
fn first_minute(locale: &str, columns: u16) -> String {
    let mut terminal = program(locale, &["--ephemeral"]).at_a_terminal_of(columns);
    let mut output = terminal.shows("phone> ");
    let mut step = |typed: &str, shown: &str| {
        terminal.types(typed);
        output += &terminal.shows(shown);
    };
    step("help\r", "--json");
    step("aut\r", if locale.starts_with("zh") { "下一步：" } else { "next:" });
    step("auth order-42\r", "Ctrl-C");
    step("x", "4");
    step("1", "raw ");
    step("explain 90010\r", "90010  ");
    step("\r", "unlock`");
    step("\r", "phone> ");
    step("exit\r", "exit");
    assert_eq!(terminal.end(), Some(0));
    output
}

/// The lines, without those that have no language: what was typed, and the object that the mini program receives.
fn in_a_language(lines: &[Line]) -> impl Iterator<Item = &str> {
    lines
        .iter()
        .map(|line| line.text.as_str())
        .filter(|line| !is_member(line) && !line.starts_with("phone> "))
}

/// Whether a line is a member of a JSON object. It is copied, so it is not broken.
fn is_member(line: &str) -> bool {
    line.starts_with("  \"")
}

/// Whether a line is one word, such as the name of a wx call, which is copied as well.
fn is_one_word(line: &str) -> bool {
    !line
        .trim()
        .contains(|character: char| character == ' ' || character.is_alphabetic() && !character.is_ascii())
}

/// A text without WeChat's own texts and without commands in backquotes.
fn without_quotes(line: &str) -> String {
    let line = OF_WECHAT.iter().fold(line.to_owned(), |line, text| line.replace(text, ""));
    line.split('`').step_by(2).collect::<Vec<_>>().join(" ")
}

/// Full-width punctuation as well.
fn is_chinese(line: &str) -> bool {
    has_chinese(line) || line.contains(|one| matches!(one, '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ff60}'))
}

#[test]
fn no_line_is_wider_than_the_window() {
    for locale in ["zh_CN.UTF-8", "en_US.UTF-8"] {
        for columns in WIDTHS {
            for line in lines(&first_minute(locale, columns), columns) {
                let may_be_wider = is_member(&line.text) || is_one_word(&line.text);
                assert!(line.rows == 1 || may_be_wider, "{locale}, {columns} columns: {}", line.text);
            }
        }
    }
}

#[test]
fn the_locale_chooses_the_language_of_every_line() {
    for columns in WIDTHS {
        let english = lines(&first_minute("en_US.UTF-8", columns), columns);
        for line in in_a_language(&english).map(without_quotes) {
            assert!(!is_chinese(&line), "{columns}: {line}");
        }
        let chinese = lines(&first_minute("zh_CN.UTF-8", columns), columns);
        for line in in_a_language(&chinese).map(without_quotes) {
            assert_eq!(english_sentences(&line, 3), [""; 0], "{columns}: {line}");
        }
    }
}

#[test]
fn what_is_said_in_one_language_is_said_in_the_other() {
    let said = |locale: &str, columns: u16| -> String {
        let lines = lines(&first_minute(locale, columns), columns);
        let text: String = lines.into_iter().map(|line| line.text).collect();
        text.replace(' ', "")
    };
    for columns in WIDTHS {
        let (english, chinese) =
            (said("en_US.UTF-8", columns).to_lowercase(), said("zh_CN.UTF-8", columns).to_lowercase());
        for (in_english, in_chinese) in [
            ("a phone with SOTER on your desk", "工作台上的一部支持 SOTER 的手机"),
            ("no real server trusts what is signed here", "这里的签名不会被真实的服务器信任"),
            ("nothing is kept", "不保存任何数据"),
            ("Try auth order-42, or help", "试试 auth order-42，或输入 help"),
            ("error:", "错误："),
            ("next:", "下一步："),
            ("signed", "已签名"),
            ("counter", "计数器"),
            ("key", "密钥"),
            ("salt", "盐长度"),
            ("20 bytes", "20 字节"),
            ("verifies:", "签名有效："),
            ("what to do:", "处理办法："),
            ("`biometric unlock` ends the lockout at once", "`biometric unlock` 代替 PIN，立即解除锁定"),
        ] {
            for (language, text, fact) in [("en", &english, in_english), ("zh", &chinese, in_chinese)] {
                let fact = fact.replace(' ', "").to_lowercase();
                assert!(text.contains(&fact), "{language}, {columns} columns: {fact}: {text}");
            }
        }
    }
}

#[test]
fn the_touch_dialog_fits_into_40_columns() {
    for (locale, facts) in [
        (
            "en_US.UTF-8",
            [
                "accepts fingerPrint",
                "one that is not enrolled",
                "cancel (also Esc, Ctrl-C)",
                "4 attempts left",
            ],
        ),
        (
            "zh_CN.UTF-8",
            ["接受 fingerPrint", "未录入的指纹或人脸", "取消（也可按 Esc、Ctrl-C）", "还可以试 4 次"],
        ),
    ] {
        let mut terminal = program(locale, &["--ephemeral", "auth", "order-42"]).at_a_terminal_of(40);
        let mut output = terminal.shows("Ctrl-C");
        terminal.types("x");
        output += &terminal.shows(facts[3]);
        // The dialog as it stands, before it is removed.
        let lines = lines(&output, 40);
        for line in &lines {
            assert_eq!(line.rows, 1, "{locale}: {}", line.text);
            assert!(line.text.starts_with('┃') && !line.text.contains('…'), "{locale}: {}", line.text);
        }
        let text = lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n");
        for fact in facts {
            assert!(text.contains(fact), "{locale}: {fact}: {text}");
        }
        terminal.types("1");
        let _ = terminal.shows("\"errCode\":0");
        assert_eq!(terminal.end(), Some(0));
    }
}
