//! Every text for persons is in both languages, with the same values.

#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use soter_tests::has_chinese;
use soter_text::CATALOGUES;
use soter_wire::PROFILES;

/// The sources of the crates.
const SOURCES: [&str; 7] = [
    "tee/text/src",
    "tee/wire/src",
    "tee/src",
    "host-bridge/wechat/src",
    "host-bridge/src",
    "simulator/attack/src",
    "simulator/src",
];
/// The files of translations whose messages are not in `text!` or `tr!`, and which tests of their crates compare with
/// what they translate: the catalogue of attacks, the reasons and codes, and the help of the command line.
const COMPARED_ELSEWHERE: [&str; 3] = ["attacks", "codes", "help"];
/// Texts with words that both languages share: of JavaScript, JSON, templates and WeChat.
const SAME_IN_BOTH: [&str; 6] = [
    "-Infinity",
    "Infinity",
    "`{{challenge}}`",
    "errcode {errcode}",
    "{\"errcode\":0,\"errmsg\":\"ok\",\"is_ok\":true}",
    "{\"is_ok\":true}",
];

/// Where a text is used, and the values that it is given there.
#[derive(Debug)]
struct Use {
    file: PathBuf,
    given: BTreeSet<String>,
}

#[test]
fn every_text_has_a_translation_and_every_translation_a_text() {
    let mut used = templates();
    assert!(used.len() > 50, "{} texts were found", used.len());
    for profile in PROFILES {
        let described = Use { file: "the table of profiles".into(), given: BTreeSet::new() };
        used.entry(profile.description.to_owned()).or_default().push(described);
    }
    let translated: BTreeSet<String> =
        CATALOGUES.iter().flat_map(|file| file.messages().unwrap()).map(|(english, _)| english).collect();
    let missing: Vec<_> = used.iter().filter(|(template, _)| !translated.contains(*template)).collect();
    assert!(missing.is_empty(), "{} texts have no translation: {missing:#?}", missing.len());
    let compared_here = CATALOGUES.iter().filter(|file| !COMPARED_ELSEWHERE.contains(&file.name));
    let unused: Vec<_> = compared_here
        .flat_map(|file| file.messages().unwrap())
        .map(|(english, _)| english)
        .filter(|english| !used.contains_key(english))
        .collect();
    assert!(unused.is_empty(), "{} translations have no text: {unused:#?}", unused.len());
}

#[test]
fn a_translation_has_the_values_of_its_text() {
    for file in CATALOGUES {
        for (english, chinese) in file.messages().unwrap() {
            assert!(!chinese.is_empty(), "{}.po: `{english}` is not translated", file.name);
            assert_eq!(places(&chinese), places(&english), "{}.po: `{english}`", file.name);
        }
    }
}

#[test]
fn a_text_has_one_translation() {
    for file in CATALOGUES {
        let lines = file.content().lines();
        let translations = lines.filter(|line| line.starts_with("msgstr ")).count();
        // The header has an entry, too.
        assert_eq!(translations, file.messages().unwrap().len() + 1, "{}.po", file.name);
    }
}

#[test]
fn a_text_is_in_one_file_of_translations_only() {
    let mut files: BTreeMap<String, &str> = BTreeMap::new();
    for file in CATALOGUES {
        for (english, _) in file.messages().unwrap() {
            if let Some(other) = files.insert(english.clone(), file.name) {
                panic!("`{english}` is in {other}.po and in {}.po", file.name);
            }
        }
    }
}

#[test]
fn a_text_has_plain_places_and_names_each_value() {
    for (template, uses) in templates() {
        let without_doubled = template.replace("{{", "").replace("}}", "");
        for Use { file, given } in uses {
            assert_eq!(
                without_doubled.matches('{').count(),
                places_in_order(&template).len(),
                "{}: `{template}` has a place that is not a name",
                file.display()
            );
            assert_eq!(places(&template), given, "{}: `{template}`", file.display());
        }
    }
}

#[test]
fn english_texts_have_no_chinese_and_chinese_texts_some() {
    for (template, uses) in templates() {
        assert!(!has_chinese(&template), "`{template}` in {uses:?}");
    }
    let mut same = BTreeSet::new();
    for file in CATALOGUES {
        for (english, chinese) in file.messages().unwrap() {
            let words = places(&english)
                .iter()
                .fold(english.clone(), |text, place| text.replace(&format!("{{{place}}}"), ""));
            let has_words = words.split(|one: char| !one.is_alphabetic()).any(|word| word.len() > 3);
            if has_words && !has_chinese(&chinese) {
                assert_eq!(chinese, english, "{}.po", file.name);
                same.insert(english);
            }
        }
    }
    assert_eq!(same, SAME_IN_BOTH.map(str::to_owned).into());
}

/// The names of the places `{name}` in a template.
fn places(template: &str) -> BTreeSet<String> {
    places_in_order(template).into_iter().collect()
}

fn places_in_order(template: &str) -> Vec<String> {
    let mut names = Vec::new();
    let text = template.replace("{{", "").replace("}}", "");
    let mut rest = text.as_str();
    while let Some((_, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        if !name.is_empty() && name.chars().all(|one| one == '_' || one.is_ascii_alphanumeric()) {
            names.push(name.to_owned());
        }
        rest = after;
    }
    names
}

/// The texts of `text!` and `tr!` in the source, outside files of tests.
fn templates() -> BTreeMap<String, Vec<Use>> {
    let mut found = BTreeMap::new();
    for source in SOURCES {
        read_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(source), &mut found);
    }
    found
}

fn read_folder(folder: &Path, found: &mut BTreeMap<String, Vec<Use>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if name == "tests" || name.starts_with("test_") || name.ends_with("_tests") {
            continue;
        }
        if path.is_dir() {
            read_folder(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let code = without_tests(&text);
            read(code.parse().unwrap_or_else(|_| text.parse().unwrap()), &path, found);
        }
    }
}

/// The source before the tests at its end, which may have texts of their own. Tests in another file do not end it.
fn without_tests(source: &str) -> &str {
    let tests = source
        .match_indices("#[cfg(test)]\nmod ")
        .find(|(start, _)| source[*start..].lines().nth(1).is_some_and(|line| line.ends_with('{')));
    tests.map_or(source, |(start, _)| &source[..start])
}

fn read(tokens: TokenStream, file: &Path, found: &mut BTreeMap<String, Vec<Use>>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let is_text = matches!(
            index.checked_sub(2).and_then(|start| tokens.get(start..index)),
            Some([TokenTree::Ident(name), TokenTree::Punct(mark)])
                if mark.as_char() == '!' && (name == "text" || name == "tr")
        );
        let inside: Vec<_> = group.stream().into_iter().collect();
        // The definition of `tr!` passes its arguments on.
        let is_definition =
            matches!(inside.first(), Some(TokenTree::Punct(variable)) if variable.as_char() == '$');
        if is_text && !is_definition {
            let Some(TokenTree::Literal(literal)) = inside.first() else {
                unreachable!("{}: `{}` has no text", file.display(), group.stream());
            };
            let template = syn::parse_str::<syn::LitStr>(&literal.to_string()).unwrap().value();
            let given = inside.windows(3).filter_map(|window| match window {
                [TokenTree::Punct(comma), TokenTree::Ident(name), TokenTree::Punct(equals)]
                    if comma.as_char() == ',' && equals.as_char() == '=' =>
                {
                    Some(name.to_string())
                }
                _ => None,
            });
            let used = Use { file: file.to_owned(), given: given.collect() };
            found.entry(template).or_default().push(used);
        }
        read(group.stream(), file, found);
    }
}
