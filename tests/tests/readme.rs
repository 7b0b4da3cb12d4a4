//! README and its pages show what the program really prints, in both languages.

#![expect(clippy::expect_used, clippy::panic, reason = "an error here must fail the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use soter_attack::audit::ReportKind;
use soter_attack::catalogue;
use soter_bridge::server::ServerPath;
use soter_tests::Program;
use soter_text::{Language, translated_into};
use soter_wechat::WeChatPath;
use soter_wechat::codes::wx;
use soter_wechat::codes::{CODES, CodeSource};
use soter_wire::{PROFILES, Profile};

/// The pages that are there in both languages, README first.
const PAGES: [&str; 10] = [
    "README",
    "simulator/docs/agents",
    "simulator/docs/audit",
    "simulator/docs/backend",
    "simulator/docs/cloud-functions",
    "simulator/docs/codes",
    "simulator/docs/scripts",
    "simulator/docs/servers",
    "simulator/docs/troubles",
    "simulator/docs/verify-in-your-language",
];
/// The languages, and the endings of a page's file in each.
const LANGUAGES: [(Language, &str); 2] = [(Language::English, ".md"), (Language::Chinese, ".zh-CN.md")];

/// The last line of an audit, as the program has it.
const SUMMARY: &str =
    "{count} attacks on {target}: {pass} pass, {fail} fail, {warn}, {skip} skip, {error} error; {seconds} s";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    let text = fs::read_to_string(root().join(path));
    assert!(text.is_ok(), "{path}: {text:?}");
    text.unwrap_or_default()
}

/// A page in both languages.
fn in_both_languages(page: &str) -> [String; 2] {
    LANGUAGES.map(|(_, ending)| read(&format!("{page}{ending}")))
}

/// A page in both languages, with the languages.
fn by_language(page: &str) -> impl Iterator<Item = (Language, String)> {
    LANGUAGES.into_iter().map(|(language, _)| language).zip(in_both_languages(page))
}

/// The block of README that shows the first minute: what a person sees before pressing 1, and what the program prints then.
fn transcript(readme: &str) -> (&str, &str) {
    let shown =
        blocks(readme, "text").into_iter().find(|block| block.contains("phone> ")).expect("a transcript");
    let (before, after) = shown.split_once("\n\n").expect("two parts");
    (before, after.split_once('\n').expect("an answer").1)
}

/// The fenced blocks of a language, such as `sh`.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    page.split(fence.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// The values that a text has at the places `{name}` of its template.
fn values(template: &str, text: &str) -> BTreeMap<String, String> {
    let place = Regex::new(r"\\\{(\w+)\\\}").expect("a pattern");
    let pattern = format!("^{}$", place.replace_all(&regex::escape(template), "(?<$1>.+)"));
    let pattern = Regex::new(&pattern).expect("a pattern");
    let found = pattern.captures(text);
    let found = found.unwrap_or_else(|| panic!("`{text}` is not of `{template}`"));
    let names = pattern.capture_names().flatten();
    names.map(|name| (name.to_owned(), found[name].to_owned())).collect()
}

/// The words after `soter-sim` of each command in the `sh` blocks of a page, without what comes after `--`, comments
/// and other programs.
fn commands(page: &str) -> Vec<Vec<String>> {
    let lines = blocks(page, "sh").into_iter().flat_map(str::lines);
    let is_ours = |line: &&str| line.starts_with("soter-sim") || line.starts_with("npx soter-sim");
    lines.filter(is_ours).map(words).collect()
}

fn words(line: &str) -> Vec<String> {
    let words = shell_words::split(line);
    assert!(words.is_ok(), "{line}: {words:?}");
    let own = words.unwrap_or_default().into_iter().skip_while(|word| word == "npx").skip(1);
    own.take_while(|word| word != "--").collect()
}

#[test]
fn the_transcript_on_the_first_screen_matches_the_program() {
    for (language, page) in by_language("README") {
        let program = Program::new(["--seed", "demo", "--lang", language.tag()]);
        let finished = program.input("auth order-42 --touch 1\n").run().exits(0);
        assert_eq!(transcript(&page).1, finished.stdout);
    }
}

#[test]
#[cfg(unix)]
fn the_banner_and_the_dialog_on_the_first_screen_match_the_program() {
    const ROWS: u16 = 100;
    const COLUMNS: u16 = 200;
    for (language, page) in by_language("README") {
        let (shown, _) = transcript(&page);
        let arguments = ["--seed", "demo", "--lang", language.tag(), "--listen", "127.0.0.1:0"];
        let mut terminal = Program::new(arguments).at_a_terminal_of(COLUMNS);
        let mut output = terminal.shows("phone> ");
        terminal.types("auth order-42\r");
        let (_, end) = shown.rsplit_once("Ctrl-C").expect("the dialog's last line");
        output += &terminal.shows("Ctrl-C");
        output += &terminal.shows(end);
        let size = |number: u16| std::num::NonZeroU16::new(number).expect("not 0");
        let mut screen = vt100::Parser::new(size(ROWS), size(COLUMNS), 0);
        screen.process(output.as_bytes());
        let rows: Vec<_> = screen.screen().rows(0, COLUMNS).map(|row| row.trim_end().to_owned()).collect();
        let seen = rows[..shown.lines().count()].join("\n");
        let (before, address) = seen.split_once("http://127.0.0.1:").expect("an address");
        let after = address.trim_start_matches(|one: char| one.is_ascii_digit());
        assert_eq!(format!("{before}http://127.0.0.1:8777{after}"), shown);
        terminal.types("c");
    }
}

#[test]
fn every_command_that_is_shown_with_its_output_gives_that_output() {
    for page in in_both_languages("simulator/docs/scripts") {
        let mut shown = 0;
        for command in blocks(&page, "console").iter().flat_map(|block| block.split("$ soter-sim ").skip(1)) {
            let (arguments, output) = command.split_once('\n').expect("output below the command");
            let finished = Program::new(arguments.split(' ')).run();
            assert_eq!(output, finished.stdout, "{arguments}");
            shown += 1;
        }
        assert!(shown >= 3, "only {shown} commands are shown");
    }
}

#[test]
fn every_command_that_is_shown_is_one_and_has_its_options() {
    let mut checked = 0;
    for page in PAGES.iter().flat_map(|page| in_both_languages(page)) {
        for mut command in commands(&page) {
            // With it, the words before it are read, and nothing is done.
            command.push("--help".to_owned());
            let finished = Program::new(&command).run();
            assert_eq!(finished.code, Some(0), "{command:?}: {}", finished.stderr);
            checked += 1;
        }
    }
    assert!(checked >= 30, "only {checked} commands were found");
}

#[test]
fn the_commands_of_the_first_screen_do_what_is_said() {
    let gate = read(".ci/run");
    for page in in_both_languages("README") {
        for line in blocks(&page, "sh").into_iter().flat_map(str::lines) {
            let command = line.split('#').next().unwrap_or_default().trim();
            match command {
                // The REPL, which serves until it ends.
                "npx soter-sim" | "cargo run" => {
                    let finished = Program::new(["--listen", "127.0.0.1:0"]).input("exit\n").run();
                    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
                }
                "cargo test" => assert!(gate.contains("\ncargo test\n"), "the gate runs {command}"),
                other => panic!("{other} is not executed by a test"),
            }
        }
        // The packages of the table, which the gate builds and installs.
        assert!(
            page.contains("`node packaging/build.mjs`"),
            "the packages are built with a command of the gate"
        );
    }
    let runs = |command: &str| gate.lines().any(|line| line.split(" --").next() == Some(command));
    assert!(runs("node packaging/build.mjs"), "the gate builds the packages");
    let install = "(cd packaging/test && ";
    assert!(gate.lines().any(|line| line.starts_with(install)), "the gate installs the packages");
}

#[test]
fn every_page_is_there_in_both_languages_with_the_same_parts_and_is_linked() {
    let readmes = in_both_languages("README");
    for page in PAGES {
        let [english, chinese] = in_both_languages(page);
        let headings = |text: &str| text.lines().filter(|line| line.starts_with('#')).count();
        let tables = |text: &str| text.lines().filter(|line| line.starts_with('|')).count();
        assert_eq!(blocks(&english, "sh").len(), blocks(&chinese, "sh").len(), "{page}: commands");
        assert_eq!(headings(&english), headings(&chinese), "{page}: headings");
        assert_eq!(tables(&english), tables(&chinese), "{page}: rows of tables");
        for (readme, (_, ending)) in readmes.iter().zip(LANGUAGES) {
            assert!(page == "README" || readme.contains(&format!("]({page}{ending})")), "{page}{ending}");
        }
    }
}

#[test]
fn the_tables_of_codes_have_every_code_of_a_wx_call_and_its_meaning() {
    let [english, chinese] = in_both_languages("simulator/docs/codes");
    let rows =
        |page: &str| page.lines().filter_map(|line| line.strip_prefix("| ").map(str::to_owned)).collect();
    let (english, chinese): (Vec<String>, Vec<String>) = (rows(&english), rows(&chinese));
    for code in CODES.iter().filter(|code| code.source == CodeSource::WxCall && code.code != wx::OK) {
        let row = format!("{} | ", code.code);
        let meaning = format!("| {} |", code.meaning);
        assert!(english.iter().any(|line| line.starts_with(&row) && line.ends_with(&meaning)), "{code:?}");
        assert!(chinese.iter().any(|line| line.starts_with(&row)), "{code:?}");
        assert!(code.meaning_text().chinese().is_some(), "{code:?}");
    }
}

#[test]
fn the_audit_that_is_shown_has_every_attack_of_the_catalogue() {
    for (language, text) in by_language("simulator/docs/audit") {
        let block =
            blocks(&text, "text").into_iter().find(|block| block.contains("SOTER-")).expect("an audit");
        for attack in catalogue().filter(|attack| block.contains(attack.id)) {
            let line = block.lines().find(|line| line.contains(attack.id)).unwrap_or_default();
            assert!(line.ends_with(&format!("  {}", translated_into(language, attack.title))), "{line}");
        }
        let summary = block.lines().last().expect("an audit's last line");
        let warn = translated_into(language, "{count} warn").replace("{count}", "{warn}");
        let numbers = values(&translated_into(language, SUMMARY).replace("{warn}", &warn), summary);
        let number = |name: &str| numbers[name].parse::<usize>().expect(name);
        let all = catalogue().count();
        assert_eq!(number("count"), all, "{summary}");
        assert_eq!(
            ["pass", "fail", "warn", "skip", "error"].map(number).iter().sum::<usize>(),
            all,
            "{summary}"
        );
    }
}

#[test]
fn every_form_of_a_report_is_named_by_the_help_and_in_both_languages() {
    let help = Program::new(["audit", "--help"]).run().exits(0).stdout;
    let line = |text: &str| text.lines().find(|line| line.contains(".json")).map(str::to_owned);
    let reports = |text: &str| text.lines().find(|line| line.contains("`.json`")).map(str::to_owned);
    let [english, chinese] = in_both_languages("simulator/docs/audit");
    for kind in ReportKind::ALL {
        let extension = format!(".{}", kind.extension());
        for named in [line(&help), reports(&english), reports(&chinese)] {
            assert!(named.as_deref().is_some_and(|line| line.contains(&extension)), "{extension}: {named:?}");
        }
    }
}

#[test]
fn every_phone_family_is_in_the_tables_of_both_languages() {
    let pages = in_both_languages("simulator/docs/codes");
    for Profile { name, .. } in PROFILES {
        let row = format!("| `{name}` | ");
        for page in &pages {
            assert!(page.lines().any(|line| line.starts_with(&row)), "{name} is not in the table");
        }
    }
}

#[test]
fn every_path_of_the_servers_is_in_the_table_with_its_purpose() {
    let [english, chinese] = in_both_languages("simulator/docs/servers");
    let of_servers = ServerPath::ALL.iter().map(|path| (path.path(), path.purpose()));
    let of_wechat = WeChatPath::ALL.iter().map(|path| (path.path(), path.purpose()));
    for (path, purpose) in of_servers.chain(of_wechat) {
        let row = format!("| `{path}` | ");
        let shown = english.lines().find_map(|line| line.strip_prefix(&row)).unwrap_or_default();
        assert!(shown.starts_with(purpose), "{path}: `{shown}` is not `{purpose}`");
        assert!(chinese.lines().any(|line| line.starts_with(&row)), "{path} is not in the Chinese table");
    }
}
