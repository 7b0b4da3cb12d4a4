//! What persons read in help and after mistakes, in both languages.

use std::collections::BTreeSet;

use soter_text::{CATALOGUES, Language};
use unicode_width::UnicodeWidthStr;

use super::*;

/// Mistakes, as they are typed after `soter-sim`.
const MISTAKES_OF_THE_PROGRAM: [&str; 16] = [
    "aut order-42",
    "frobnicate",
    "device crate",
    "device",
    "device --json",
    "auth a --challenge b",
    "auth a --touch",
    "auth a --tuoch 1",
    "auth a --profile nokia",
    "tee getAppSecureKey 4294967296",
    "serve --listen localhost --tls",
    "--listen 127.0.0.1:0 keys",
    "--no-bridge explain 0",
    "serve --ledger-namespace Team",
    "serve --fleet 0",
    "serve --servers-clock 2",
];

/// Mistakes, as they are typed in the REPL.
const MISTAKES_OF_LINES: [&str; 18] = [
    "aut order-42",
    "frobnicate",
    "device crate",
    "auth",
    "auth a --touch 1,nose",
    "auth a b",
    "keys --jsn",
    "-- keys",
    "device set support maybe",
    "device set latency soon",
    "explain x",
    "clock 2h",
    "device create b --seed s --clock yesterday",
    "auth 'a",
    "device set modes nose",
    "servers set failure 45009 --path /sim/token",
    "biometric enroll nose",
    "touch nose",
];

fn program_help(words: &str, language: Language, columns: usize) -> String {
    match matches_of(command_line, words.split(' '), Dialect::Program, Layout::new(language, columns)) {
        Err(Refused::Help { plain, .. }) => plain,
        other => panic!("{words}: {other:?}"),
    }
}

fn line_help(words: &str, language: Language, columns: usize) -> String {
    match matches_of(line_syntax, words.split(' '), Dialect::Line, Layout::new(language, columns)) {
        Err(Refused::Help { plain, .. }) => plain,
        other => panic!("{words}: {other:?}"),
    }
}

fn program_mistake(words: &str) -> CommandError {
    let words = format!("soter-sim {words}");
    match parse_command_line(words.split(' ').map(OsString::from)) {
        Err(Refused::Usage(error)) => error,
        other => panic!("{words}: {other:?}"),
    }
}

fn line_mistake(line: &str) -> CommandError {
    match parse_line(line) {
        Err(Refused::Usage(error)) => error,
        other => panic!("{line}: {other:?}"),
    }
}

/// Compares with the file of this name in `snapshots`.
fn compare(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Every help that exists: of the program, of the REPL, and of each of their commands.
fn every_help(language: Language, columns: usize) -> Vec<String> {
    fn below(command: &mut clap::Command, layout: Layout, found: &mut Vec<String>) {
        found.push(layout.finish(command.render_help().to_string()));
        found.push(layout.finish(command.render_long_help().to_string()));
        for command in command.get_subcommands_mut() {
            below(command, layout, found);
        }
    }
    let layout = Layout::new(language, columns);
    let mut found = Vec::new();
    for grammar in [command_line(), line_syntax()] {
        let mut command = layout.apply(grammar);
        command.build();
        below(&mut command, layout, &mut found);
    }
    found
}

fn without_spaces(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn every_text_of_help_is_translated_and_every_translation_is_one_of_help() {
    let mut texts = translation::texts(command_line());
    texts.extend(translation::texts(line_syntax()));
    let file = CATALOGUES.iter().find(|file| file.name == "help").unwrap();
    let translated: BTreeSet<String> = file
        .messages()
        .unwrap()
        .into_iter()
        .filter(|(_, chinese)| !chinese.is_empty())
        .map(|(english, _)| english)
        .collect();
    let missing: Vec<_> = texts.difference(&translated).collect();
    assert!(missing.is_empty(), "{} texts have no translation: {missing:#?}", missing.len());
    let unused: Vec<_> = translated.difference(&texts).collect();
    assert!(unused.is_empty(), "{} translations have no text: {unused:#?}", unused.len());
}

#[test]
fn chinese_help_has_every_translation_whole_and_none_of_claps_english() {
    let all = every_help(Language::Chinese, 80);
    let all_at_once = without_spaces(&all.concat());
    let file = CATALOGUES.iter().find(|file| file.name == "help").unwrap();
    for (english, chinese) in file.messages().unwrap() {
        assert!(all_at_once.contains(&without_spaces(&chinese)), "{english}: {chinese}");
    }
    for help in all {
        assert!(!help.contains('\u{2060}'), "{help}");
        for word in [
            "Usage",
            "Commands:",
            "Options",
            "Arguments:",
            "[default",
            "values:",
            "[alias",
            "Print help",
            "Print this",
        ] {
            assert!(!help.contains(word), "{word}: {help}");
        }
    }
}

#[test]
fn chinese_help_fits_into_its_columns_and_no_line_begins_with_a_mark() {
    for columns in [40, 41, 80, 110] {
        for help in every_help(Language::Chinese, columns) {
            // What has no Chinese are names, usage lines and examples, which can be copied.
            for line in help.lines().filter(|line| line.width() != line.chars().count()) {
                let is_usage = line.starts_with("用法");
                let longest = line.split_whitespace().map(UnicodeWidthStr::width).max().unwrap_or_default();
                // A command's words, such as an address, are not broken.
                let fits = line.width() <= columns || longest > columns / 2 || is_usage;
                assert!(fits, "{columns}: {line}\n{help}");
                assert!(!line.trim_start().starts_with(['，', '。', '；', '、', '）']), "{columns}: {help}");
            }
        }
    }
}

#[test]
fn building_the_grammar_for_its_translation_changes_nothing_else() {
    for words in ["soter-sim --help", "soter-sim -h", "soter-sim help device set", "soter-sim serve --help"] {
        let built = |mut command: clap::Command| {
            command.build();
            command
        };
        let fresh = command_line().term_width(80).try_get_matches_from(words.split(' ')).unwrap_err();
        let grammar = built(command_line().term_width(80));
        let again = grammar.try_get_matches_from(words.split(' ')).unwrap_err();
        assert_eq!(again.render().to_string(), fresh.render().to_string(), "{words}");
    }
}

#[test]
fn a_mistake_is_told_in_claps_words() {
    let program = |words: &&str| {
        let words = format!("soter-sim {words}");
        let error = command_line().try_get_matches_from(words.split(' ')).err()?;
        Some((error, program_mistake(words.strip_prefix("soter-sim ").unwrap())))
    };
    let line = |line: &&str| {
        let words = words::split(line).ok()?;
        Some((line_syntax().try_get_matches_from(words).unwrap_err(), line_mistake(line)))
    };
    let mistakes = MISTAKES_OF_THE_PROGRAM.iter().filter_map(program);
    for (error, mistake) in mistakes.chain(MISTAKES_OF_LINES.iter().filter_map(line)) {
        if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            continue;
        }
        let rendered = error.render().to_string();
        let mut paragraphs = rendered.split("\n\n");
        let first = paragraphs.next().unwrap().trim_start_matches("error:");
        let expected = first.split_whitespace().collect::<Vec<_>>().join(" ");
        let expected = expected.replace("invalid digit found in string", "expected a whole number");
        assert_eq!(mistake.what.english(), expected);
        let tip = rendered.lines().find_map(|line| line.trim().strip_prefix("tip: "));
        if let Some(tip) = tip.filter(|_| error.kind() != ErrorKind::InvalidSubcommand) {
            assert!(mistake.next.english().starts_with(tip), "{tip}: {mistake:?}");
        }
    }
}

/// A mistake that is not told in clap's words: they would have an empty name for the command.
const LINE_WITHOUT_A_COMMAND: &str = "--json";

#[test]
fn a_line_of_options_without_a_command_says_so() {
    let mistake = line_mistake(LINE_WITHOUT_A_COMMAND);
    assert_eq!(mistake.what.english(), "there is no command");
    assert_eq!(mistake.next.english(), "`help` lists the commands");
}

#[test]
fn every_mistake_is_told_in_chinese_too() {
    let of_program = MISTAKES_OF_THE_PROGRAM.into_iter().map(program_mistake);
    let of_lines = MISTAKES_OF_LINES.into_iter().chain([LINE_WITHOUT_A_COMMAND]).map(line_mistake);
    for mistake in of_program.chain(of_lines) {
        for text in [&mistake.what, &mistake.next] {
            let chinese = text.chinese().unwrap_or_else(|| panic!("{text:?} has no translation"));
            assert!(chinese.chars().any(|character| character > '\u{3000}'), "{chinese}");
            let is_word = |word: &str| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_alphabetic());
            let prose = without_what_is_typed(&chinese);
            let words: Vec<_> = prose.split_whitespace().collect();
            let english = words.windows(2).find(|pair| pair.iter().all(|word| is_word(word)));
            assert_eq!(english, None, "{chinese}");
        }
    }
}

/// A Chinese text without what it quotes, and without its usage line.
fn without_what_is_typed(text: &str) -> String {
    let mut left = String::new();
    let mut characters = text.split("用法：").next().unwrap_or_default().chars();
    while let Some(character) = characters.next() {
        left.push(character);
        if "'`\"".contains(character) {
            characters.by_ref().find(|end| *end == character);
        }
    }
    left
}

#[test]
fn a_mistyped_command_names_the_nearest_one_and_help() {
    for (line, command, help) in [
        ("aut order-42", "`auth`", "`help`"),
        ("device crate tablet", "`device create`", "`help device`"),
        ("finger lst", "`biometric list`", "`help biometric`"),
        ("device set failnext 1", "`device set failNext`", "`help device set`"),
        ("devcie set", "`device`", "`help`"),
    ] {
        let next = line_mistake(line).next;
        for text in [next.english().to_owned(), next.chinese().unwrap().into_owned()] {
            assert!(text.contains(command) && text.contains(help), "{line}: {text}");
            assert!(!text.contains("quit"), "{line}: {text}");
        }
    }
    let next = program_mistake("device crate tablet").next;
    assert!(next.english().contains("`device create`"), "{next:?}");
    assert!(next.english().contains("`soter-sim device --help`"), "{next:?}");
    let unknown = line_mistake("frobnicate").next;
    assert_eq!(unknown, "type `help` for the list of commands");
}

#[test]
fn the_repls_options_start_the_repl_without_its_name_and_are_refused_before_other_commands() {
    let parse = |line: &str| parse_command_line(line.split(' ').map(OsString::from));
    let (program, _) = parse("soter-sim --listen 127.0.0.1:0 --touch auto --no-bridge --json").unwrap();
    assert!(program.command.is_none() && program.repl.no_bridge);
    assert_eq!(program.repl.serve.listen, Some("127.0.0.1:0".parse().unwrap()));
    let (named, _) = parse("soter-sim repl --listen 127.0.0.1:0 --touch auto --no-bridge --json").unwrap();
    let Some(ProgramCommand::Repl(named)) = named.command else { panic!("{named:?}") };
    assert_eq!(named.serve, program.repl.serve);
    for line in [
        "--listen 127.0.0.1:0 serve",
        "--touch auto auth a",
        "--tls repl",
        "--no-bridge repl",
        "--no-bridge explain 0",
    ] {
        let error = program_mistake(line);
        assert!(error.what.english().contains("is an option of the REPL"), "{line}: {error}");
    }
}

#[test]
fn help_reads_as_in_its_snapshots() {
    for language in Language::ALL {
        for columns in [80, 40] {
            let mut text = String::new();
            for words in [
                "soter-sim --help",
                "soter-sim auth --help",
                "soter-sim audit --help",
                "soter-sim device set -h",
            ] {
                text.extend([format!("$ {words}\n{}\n", program_help(words, language, columns))]);
            }
            let list = command_list_in(Layout::new(language, columns), false);
            text.extend([format!("> help\n{list}\n\n")]);
            text.extend([format!("> help auth\n{}", line_help("auth --help", language, columns))]);
            compare(&format!("help_{}_{columns}", language.tag()), &text);
        }
    }
}

#[test]
fn mistakes_read_as_in_their_snapshots() {
    let program =
        MISTAKES_OF_THE_PROGRAM.map(|words| (format!("$ soter-sim {words}"), program_mistake(words)));
    let lines = MISTAKES_OF_LINES.map(|line| (format!("> {line}"), line_mistake(line)));
    for language in Language::ALL {
        let mut text = String::new();
        for (typed, error) in program.iter().chain(&lines) {
            let (what, next) = (error.what.in_language(language), error.next.in_language(language));
            text.extend([format!("{typed}\n{what}\n{next}\n\n")]);
        }
        compare(&format!("mistakes_{}", language.tag()), text.trim_end());
    }
}
