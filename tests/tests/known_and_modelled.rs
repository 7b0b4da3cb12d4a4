//! `simulator/docs/known-and-modelled.md` says of every answer where it comes from, and has no other rows.
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::collections::BTreeSet;
use std::path::Path;

use soter_bridge::protocol::METHODS;
use soter_wechat::WeChatPath;
use soter_wechat::codes::{CODES, Code, CodeSource};

const MARKS: [&str; 4] = ["read", "seen", "inferred", "modelled"];

/// The cells of each row of the table below a heading, without the backquotes around them.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../simulator/docs/known-and-modelled.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = |line: &str| -> Vec<String> {
        let cells = line.trim_matches('|').split(" | ");
        cells.map(|cell| cell.trim_matches([' ', '|']).trim_matches('`').to_owned()).collect()
    };
    lines.map(cells).collect()
}

/// Asserts that a table has these rows, each with a mark in the column after them.
#[track_caller]
fn assert_table<const N: usize>(heading: &str, expected: impl Iterator<Item = [String; N]>) {
    let rows = rows(heading);
    for row in &rows {
        assert!(MARKS.contains(&&*row[N]), "`{}` is not a mark: {row:?}", row[N]);
        assert!(row[N] != "modelled" || !row[N + 1].is_empty(), "what is modelled? {row:?}");
    }
    let listed: BTreeSet<[String; N]> =
        rows.iter().map(|row| std::array::from_fn(|column| row[column].clone())).collect();
    assert_eq!(listed.len(), rows.len(), "{heading}: a row is there twice");
    assert_eq!(listed, expected.collect(), "{heading}");
}

fn codes(is_wanted: fn(&Code) -> bool) -> impl Iterator<Item = &'static Code> {
    CODES.iter().filter(move |code| is_wanted(code))
}

#[test]
fn every_call_of_a_mini_program_has_a_mark() {
    let calls = METHODS.iter().filter(|method| method.noun() == "wx");
    assert_table("Calls of a mini program", calls.map(|method| [method.name.to_owned()]));
}

#[test]
fn every_path_of_the_servers_has_a_mark() {
    let paths = WeChatPath::ALL.iter().filter(|path| **path != WeChatPath::Devices);
    let paths = paths.map(|path| [path.path().to_owned()]);
    let other = ["any other path of two or more parts".to_owned()];
    assert_table("Paths of WeChat's servers", paths.chain([other]));
}

#[test]
fn every_errcode_of_the_servers_has_a_mark() {
    let codes = codes(|code| matches!(code.source, CodeSource::Backend | CodeSource::BackendDevice));
    assert_table("`errcode`s of WeChat's servers", codes.map(|code| [code.code.to_string()]));
}

#[test]
fn every_text_of_an_authentication_has_a_mark() {
    let codes = codes(|code| code.source == CodeSource::WxCall);
    let texts = codes.map(|code| [code.code.to_string(), code.name.to_owned()]);
    assert_table("`errCode`s of `wx.startSoterAuthentication`", texts);
}
