//! README shows what the program really prints.

use soter_attack::audit::ReportKind;
use soter_attack::catalogue;
use soter_bridge::server::ServerPath;
use soter_tests::Program;
use soter_wechat::WeChatPath;
use soter_wechat::codes::wx;
use soter_wechat::codes::{CODES, CodeSource};
use soter_wire::{PROFILES, Profile};

const README: &str = include_str!("../../README.md");
const README_CHINESE: &str = include_str!("../../README.zh-CN.md");
/// What the page says of reasons and codes.
const MEANINGS_CHINESE: &str = include_str!("../../host-bridge/page/chinese_meanings.js");

/// The fenced blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    README.split(fence.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn the_transcript_on_the_first_screen_matches_the_program() {
    let shown = blocks("text").into_iter().find(|block| block.contains("phone> ")).expect("a transcript");
    let answer = shown.rsplit("(after pressing 1)\n").next().expect("an answer");
    let finished = Program::new(["--seed", "demo"]).input("auth order-42 --touch 1\n").run().exits(0);
    assert_eq!(answer, finished.stdout);
}

#[test]
fn every_command_that_is_shown_with_its_output_gives_that_output() {
    let mut shown = 0;
    for command in blocks("console").iter().flat_map(|block| block.split("$ soter-sim ").skip(1)) {
        let (arguments, output) = command.split_once('\n').expect("output below the command");
        let finished = Program::new(arguments.split(' ')).run();
        assert_eq!(output, finished.stdout, "{arguments}");
        shown += 1;
    }
    assert!(shown >= 4, "only {shown} commands are shown");
}

#[test]
fn the_tables_of_codes_have_every_code_of_a_wx_call_and_its_meaning() {
    let rows = |readme: &'static str| readme.lines().filter_map(|line| line.strip_prefix("| "));
    for code in CODES.iter().filter(|code| code.source == CodeSource::WxCall && code.code != wx::OK) {
        let row = format!("{} | ", code.code);
        assert!(
            rows(README)
                .any(|line| line.starts_with(&row) && line.ends_with(&format!("| {} |", code.meaning))),
            "{code:?}"
        );
        assert!(rows(README_CHINESE).any(|line| line.starts_with(&row)), "{code:?}");
        assert!(MEANINGS_CHINESE.contains(&format!("\n  '{} ", code.code)), "{code:?}");
    }
}

#[test]
fn the_audit_that_is_shown_has_every_attack_of_the_catalogue() {
    for text in [README, README_CHINESE] {
        let shown = text.lines().find(|line| line.contains(" attacks on ")).expect("an audit's last line");
        let number = catalogue().count();
        assert!(shown.starts_with(&format!("{number} attacks")), "{shown}");
        let verdicts = shown.rsplit(": ").next().expect("verdicts").split(';').next().expect("verdicts");
        let parts = verdicts.split(", ").map(|part| part.split(' ').next()?.parse::<usize>().ok());
        assert_eq!(parts.sum::<Option<usize>>(), Some(number), "{shown}");
    }
}

#[test]
fn every_form_of_a_report_is_named_by_the_help_and_in_both_languages() {
    let help = Program::new(["audit", "--help"]).run().exits(0).stdout;
    let line = |text: &str| text.lines().find(|line| line.contains(".json")).map(str::to_owned);
    let reports = |text: &str| text.lines().find(|line| line.contains("`.json`")).map(str::to_owned);
    for kind in ReportKind::ALL {
        let extension = format!(".{}", kind.extension());
        for named in [line(&help), reports(README), reports(README_CHINESE)] {
            assert!(named.as_deref().is_some_and(|line| line.contains(&extension)), "{extension}: {named:?}");
        }
    }
}

#[test]
fn every_phone_family_is_in_the_tables_of_both_languages() {
    for Profile { name, .. } in PROFILES {
        let row = format!("| `{name}` | ");
        for readme in [README, README_CHINESE] {
            assert!(readme.lines().any(|line| line.starts_with(&row)), "{name} is not in the table");
        }
    }
}

#[test]
fn every_path_of_the_servers_is_in_the_table_with_its_purpose() {
    let of_servers = ServerPath::ALL.iter().map(|path| (path.path(), path.purpose()));
    let of_wechat = WeChatPath::ALL.iter().map(|path| (path.path(), path.purpose()));
    for (path, purpose) in of_servers.chain(of_wechat) {
        let row = format!("| `{path}` | ");
        let shown = README.lines().find_map(|line| line.strip_prefix(&row)).unwrap_or_default();
        assert!(shown.starts_with(purpose), "{path}: `{shown}` is not `{purpose}`");
        assert!(
            README_CHINESE.lines().any(|line| line.starts_with(&row)),
            "{path} is not in the Chinese table"
        );
    }
}
