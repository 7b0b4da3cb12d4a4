//! The pages on verifying in other languages: both have the same facts, and name every recipe.

use std::path::Path;

use soter_tests::{Program, State};

const ENGLISH: &str = include_str!("../../simulator/docs/verify-in-your-language.md");
const CHINESE: &str = include_str!("../../simulator/docs/verify-in-your-language.zh-CN.md");
const RUNNER: &str = include_str!("../../host-bridge/examples/verify/run.mjs");

/// The rows of tables, as cells without spaces around.
fn rows(page: &str) -> Vec<Vec<&str>> {
    let rows = page.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---"));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// The answers to salts of 20, 32, 0 and 222 bytes, of the rows that have them, with the version before them.
fn answers(page: &str) -> Vec<(String, Vec<char>)> {
    let of = |cell: &str| match cell {
        "yes" | "是" => Some('Y'),
        "no" | "否" => Some('n'),
        "error" | "异常" => Some('X'),
        "–" => Some('-'),
        _ => None,
    };
    let rows = rows(page).into_iter().filter_map(|cells| {
        let answers: Option<Vec<_>> = cells.get(2..6)?.iter().map(|cell| of(cell)).collect();
        Some((cells[1].to_owned(), answers?))
    });
    rows.collect()
}

#[test]
fn both_languages_have_the_same_answers_and_the_text_counts_them_right() {
    let all = answers(ENGLISH);
    assert_eq!(all, answers(CHINESE));
    // A call that takes the length as an argument has no answer.
    let calls: Vec<_> = all.iter().map(|(_, answers)| answers).filter(|answers| answers[0] != '-').collect();
    let refused = |column: usize| calls.iter().filter(|answers| answers[column] != 'Y').count();
    let counted = (calls.len(), refused(0), refused(1));
    let (number, default, huawei) = counted;
    assert!(
        ENGLISH.contains(&format!("of {number} calls that name no length, [{default} refuse")),
        "{counted:?}"
    );
    assert!(
        ENGLISH.contains(&format!("phone with 20, and {huawei} that of a phone with 32]")),
        "{counted:?}"
    );
    assert!(CHINESE.contains(&format!("{number} 种调用中")), "{counted:?}");
    assert!(
        CHINESE.contains(&format!("[{default} 种拒绝盐长度 20 的签名，{huawei} 种拒绝盐长度 32 的签名]")),
        "{counted:?}"
    );
}

#[test]
fn every_recipe_is_run_and_is_in_both_tables_with_the_same_library() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host-bridge/examples/verify");
    let recipes: Vec<_> =
        RUNNER.split("{ file: '").skip(1).map(|rest| rest.split('\'').next().unwrap()).collect();
    assert!(recipes.len() >= 12, "{recipes:?}");
    for recipe in recipes {
        assert!(folder.join(recipe).exists(), "{recipe}");
        let link = format!("[`{recipe}`](../../host-bridge/examples/verify/{recipe})");
        let library = |page: &'static str| {
            let mut found = rows(page).into_iter().filter(|cells| cells.contains(&link.as_str()));
            let (row, more) = (found.next(), found.count());
            assert_eq!(more, 0, "{recipe}");
            row.map(|cells| cells[1]).unwrap_or_default()
        };
        assert!(!library(ENGLISH).is_empty(), "{recipe}");
        assert_eq!(library(ENGLISH), library(CHINESE));
    }
}

#[test]
fn the_numbers_of_cases_are_those_of_the_program() {
    let state = State::new();
    let written = Program::new(["vectors"]).arguments([state.path()]).run().exits(0).stdout;
    let line = written.lines().find(|line| line.starts_with("case_*")).unwrap();
    let numbers: Vec<_> =
        line.split(|at: char| !at.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    let [cases, refused] = numbers[..] else { panic!("{line}") };
    assert!(ENGLISH.contains(&format!("there are {cases} cases, {refused} of them to be refused")), "{line}");
    assert!(CHINESE.contains(&format!("{cases} 个用例，其中 {refused} 个必须拒绝")), "{line}");
}
