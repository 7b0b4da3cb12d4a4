//! `soter-sim audit` for a person who reads Chinese, and that programs read the same as ever.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::path::Path;

use regex::Regex;
use serde_json::Value;
use soter_attack::{Application, Shape};
use soter_tests::{Finished, Program, english_sentences, has_chinese};
use tempfile::TempDir;

/// Attacks that a server which accepts replays fails, and one that does not apply to it.
const FEW: &str = "SOTER-REPLAY-01,SOTER-COUNTER-01,SOTER-REPLAY-06";
/// The number of English words in a row that make a sentence: titles of reports and names have fewer.
const WORDS: usize = 4;

fn in_language<'a>(language: &str, arguments: impl IntoIterator<Item = &'a str>) -> Program {
    Program::new(arguments).variable("SOTER_SIM_LANG", language)
}

/// An audit of our own server that accepts replays, which leaves reports in the folder.
fn audit(language: &str, folder: &Path) -> Finished {
    let mut server =
        Program::new(["serve", "--listen", "127.0.0.1:0", "--ephemeral", "--replays", "accept"]).start();
    let url = server.line().strip_prefix("soter-sim ready ").unwrap().to_owned();
    let reports = ["a.json", "a.sarif", "a.xml", "a.html"].map(|name| folder.join(name));
    let reports = reports.iter().flat_map(|path| ["--report", path.to_str().unwrap()]);
    let arguments = ["audit", "--preset", "wechat", "--url", &url, "--only", FEW];
    in_language(language, arguments.into_iter().chain(reports)).run().exits(1)
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// What does not differ from one audit to the next.
fn without_times_and_addresses(json: &str) -> Value {
    fn clean(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for name in ["began", "milliseconds", "target", "request", "response", "curl"] {
                    members.remove(name);
                }
                for name in ["startTimeUtc", "uri"] {
                    members.remove(name);
                }
                members.values_mut().for_each(clean);
            }
            Value::Array(items) => items.iter_mut().for_each(clean),
            _ => {}
        }
    }
    let mut value = serde_json::from_str(json).unwrap();
    clean(&mut value);
    value
}

#[test]
fn an_audit_speaks_chinese_to_a_person_and_english_to_programs() {
    let [english, chinese] = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    audit("en", english.path());
    let finished = audit("zh-CN", chinese.path());

    assert!(finished.stderr.contains("的 3 项攻击\n"), "{finished}");
    assert!(finished.stderr.contains("/3 失败  SOTER-REPLAY-01："), "{finished}");
    assert!(finished.stderr.contains("3 项攻击已完成：0 通过，2 失败，0 警告，1 跳过，0 错误"), "{finished}");
    assert_eq!(english_sentences(&finished.stderr, WORDS), [""; 0], "{finished}");
    // Requests, answers and code are indented.
    let prose = finished.stdout.lines().filter(|line| !line.starts_with("    ")).collect::<Vec<_>>();
    assert_eq!(english_sentences(&prose.join("\n"), WORDS), [""; 0], "{finished}");
    let last = prose.last().unwrap();
    assert!(last.contains("0 通过，2 失败，0 警告，1 跳过，0 错误；用时"), "{last}");

    let page = read(chinese.path(), "a.html");
    assert!(page.contains("<html lang=\"zh-CN\">") && page.contains("<h2>发现项</h2>"), "{page}");
    assert!(page.contains("<span class=\"verdict fail\">失败</span>"), "{page}");
    let outside = Regex::new("(?s)<pre>.*?</pre>|<style>.*?</style>|<[^>]*>").unwrap();
    assert_eq!(english_sentences(&outside.replace_all(&page, "\n"), WORDS), [""; 0]);
    assert!(read(english.path(), "a.html").contains("<html lang=\"en\">"));

    for name in ["a.json", "a.sarif"] {
        let [english, chinese] =
            [&english, &chinese].map(|folder| without_times_and_addresses(&read(folder.path(), name)));
        assert_eq!(english, chinese, "{name}");
    }
    assert!(!has_chinese(&read(chinese.path(), "a.xml")));
}

#[test]
fn json_on_standard_output_is_english_in_every_language() {
    let arguments = ["audit", "--preset", "wechat", "--url", "http://127.0.0.1:9", "--only", FEW, "--json"];
    let finished = in_language("zh-CN", arguments).run().exits(2);
    assert!(finished.stdout.contains("was not answered"), "{finished}");
}

#[test]
fn init_writes_chinese_comments_that_an_audit_can_read() {
    let folder = TempDir::new().unwrap();
    for shape in Shape::ALL {
        let path = folder.path().join(shape.name());
        let path = path.to_str().unwrap();
        let finished =
            in_language("zh-CN", ["audit", "--init", path, "--shape", shape.name()]).run().exits(0);
        assert!(finished.stdout.contains("请填写它，再运行 `soter-sim audit --config"), "{finished}");
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains("# 你的应用。"), "{text}");
        Application::read(&text).unwrap();
        let again = in_language("zh-CN", ["audit", "--init", path]).run().exits(2);
        assert!(again.stderr.contains("已经存在"), "{again}");
    }
}

#[test]
fn a_person_who_reads_chinese_is_asked_in_chinese() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("audit.toml");
    let mut terminal = in_language("zh-CN", ["audit", "--init", path.to_str().unwrap()]).at_a_terminal();
    terminal.shows("你的应用是哪一种？");
    terminal.shows("编号或名称 [session]：");
    terminal.types("x\r");
    terminal.shows("`x` 不在其中");
    terminal.shows("编号或名称");
    terminal.types("cookie\r");
    terminal.shows("（cookie）");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn what_is_wrong_in_a_description_is_said_in_chinese() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("audit.toml");
    let good = Shape::Session.description();
    for (from, to, expected) in [
        ("url = \"/login\"", "url = \"/{{nobody}}\"", "[login] 用到 {{nobody}}，但没有哪里给出它的值"),
        ("pointer = \"/paid\"", "pointer = \"paid\"", "`paid` 不是 JSON 指针：写成 /paid"),
        (
            "[result.success]\n",
            "[result.success]\nat = \"/x\"\n",
            "`pointer` 和 `at`：值的位置只用一种方式写",
        ),
        ("\"resultJSON\":\"{{resultJSON}}\",", "", "[result] 的请求里都没有 {{resultJSON}}"),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from}");
        std::fs::write(&path, text).unwrap();
        let finished = in_language("zh-CN", ["audit", "--config", path.to_str().unwrap()]).run().exits(2);
        assert!(finished.stderr.contains("描述文件") && finished.stderr.contains(expected), "{finished}");
        assert_eq!(english_sentences(&finished.stderr, WORDS), [""; 0], "{finished}");
    }
}
