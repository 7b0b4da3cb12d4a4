//! Errors and remarks in Chinese, with the numbers that they have in English.

#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use soter_tests::{Finished, Program, Server, State, has_chinese};

/// An invocation that fails, its exit code, and what a person reads in Chinese and everybody else in English.
struct Refusal<'a> {
    arguments: Vec<&'a str>,
    code: i32,
    chinese: [&'a str; 2],
    english: [&'a str; 2],
}

impl Refusal<'_> {
    /// Carries it out in both languages, and with `--json` in an environment that asks for Chinese.
    #[track_caller]
    fn check(&self) {
        let program = || Program::new(&self.arguments);
        let chinese = program().variable("SOTER_SIM_LANG", "zh-CN").run().exits(self.code);
        let json = program().arguments(["--json"]).variable("SOTER_SIM_LANG", "zh-CN").run().exits(self.code);
        let english = program().run().exits(self.code);
        has(&chinese, &self.chinese);
        for finished in [&json, &english] {
            has(finished, &self.english);
            assert!(!has_chinese(&finished.stderr), "{finished}");
        }
    }
}

/// Asserts that standard error has two lines, which have these parts.
#[track_caller]
fn has(finished: &Finished, [what, next]: &[&str; 2]) {
    let lines: Vec<_> = finished.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{finished}");
    assert!(lines[0].contains(what), "{what} is not in {finished}");
    assert!(lines[1].contains(next), "{next} is not in {finished}");
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_file_that_is_missing_or_too_large_is_refused_in_the_language() {
    let folder = State::new();
    let [missing, large] = ["missing.txt", "large.txt"].map(|name| folder.path().join(name));
    fs::write(&large, vec![b'x'; (2 << 20) + 1]).unwrap();
    Refusal {
        arguments: vec!["run", text(&missing)],
        code: 3,
        chinese: [&format!("无法读取 {}：", missing.display()), "检查路径及其权限"],
        english: [&format!("{} cannot be read: ", missing.display()), "check the path and its permissions"],
    }
    .check();
    Refusal {
        arguments: vec!["run", text(&large)],
        code: 3,
        chinese: ["large.txt 超过 2097152 字节", "检查文件是否正确"],
        english: ["large.txt has more than 2097152 bytes", "check that it is the right file"],
    }
    .check();
}

#[test]
fn a_state_folder_in_use_names_its_process_in_the_language() {
    let state = State::new();
    let folder = text(state.path());
    let server = Server::start(state.program(["serve", "--listen", "127.0.0.1:0"]));
    let process = server.running.id();
    Refusal {
        arguments: vec!["--state", folder, "auth", "a", "--touch", "1"],
        code: 3,
        chinese: [
            &format!("正被进程 {process}（soter-sim，启动于 "),
            &format!("或使用正在运行的那个：--connect {}", server.url),
        ],
        english: [
            &format!("is in use by process {process} (soter-sim, since "),
            &format!("or use the one that is running: --connect {}", server.url),
        ],
    }
    .check();
}

#[test]
fn a_damaged_state_is_refused_in_the_language() {
    let state = State::new();
    let folder = text(state.path());
    let _ = state.authenticate("order-42");
    let device = state.path().join("devices/phone");
    let sealed = fs::read(device.join("tee.sealed")).unwrap();
    fs::write(device.join("tee.sealed"), &sealed[..sealed.len() - 1]).unwrap();
    Refusal {
        arguments: vec!["--state", folder, "auth", "a", "--touch", "1"],
        code: 3,
        chinese: ["设备 `phone` 的密封状态已损坏", "它的密钥无法恢复"],
        english: ["the sealed state of device `phone` is damaged", "its keys cannot be recovered"],
    }
    .check();
    fs::write(device.join("tee.sealed"), sealed).unwrap();
    fs::write(state.path().join("phones.json"), "soter-sim-phones 99 0\n").unwrap();
    Refusal {
        arguments: vec!["--state", folder, "auth", "a", "--touch", "1"],
        code: 3,
        chinese: ["phones.json 的格式版本是 99，此程序最高支持版本 2", "使用写入它的那个 soter-sim 版本"],
        english: [
            "phones.json has format version 99, and this program reads versions up to 2",
            "Use the version of soter-sim that wrote it",
        ],
    }
    .check();
}

#[test]
fn an_unknown_device_and_another_seed_are_refused_in_the_language() {
    Refusal {
        arguments: vec!["--ephemeral", "--device", "pixel-8", "auth", "a", "--touch", "1"],
        code: 2,
        chinese: ["没有设备 `pixel-8`", "设备：phone"],
        english: ["there is no device `pixel-8`", "devices: phone"],
    }
    .check();
    Refusal {
        arguments: vec!["--ephemeral", "device", "create", "My Phone"],
        code: 2,
        chinese: ["设备名含有 'M'；设备名由 1 到 64 个", "换一个名称，例如 `second`"],
        english: [
            "the device name contains 'M'; a device name has 1 to 64",
            "choose another name, such as `second`",
        ],
    }
    .check();
    let state = State::new();
    let folder = text(state.path());
    let _ = state.authenticate("order-42");
    Refusal {
        arguments: vec!["--state", folder, "--seed", "demo", "auth", "a", "--touch", "1"],
        code: 2,
        chinese: ["设备 `phone` 是用另一个种子创建的，或者没有用种子", "给出创建该设备时用的种子"],
        english: [
            "device `phone` was made with another seed, or without one",
            "give the seed that the device was made with",
        ],
    }
    .check();
}

#[test]
fn commands_that_need_something_else_say_so_in_the_language() {
    Refusal {
        arguments: vec!["rpc", "device.list"],
        code: 2,
        chinese: ["`rpc` 需要一个可调用的服务器", "加上 --connect URL"],
        english: ["`rpc` needs a server to call", "add --connect URL"],
    }
    .check();
    Refusal {
        arguments: vec!["--ephemeral", "auth", "a"],
        code: 2,
        chinese: ["无人可以触摸：没有 --touch", "加上 --touch 1"],
        english: ["nobody can touch: there is no --touch", "add --touch 1"],
    }
    .check();
    Refusal {
        arguments: vec!["--log", "loud", "--ephemeral", "auth", "a", "--touch", "1"],
        code: 2,
        chinese: ["--log 中的日志过滤器不能使用：`loud` 既不是级别", "给出 off、error、warn"],
        english: [
            "the log filter in --log cannot be used: `loud` is neither a level",
            "give off, error, warn",
        ],
    }
    .check();
}

#[test]
fn sentences_of_our_own_inside_the_errors_of_parsers_are_in_the_language() {
    Refusal {
        arguments: vec!["--ephemeral", "call", "sensor.touch", r#"{"touch":0}"#],
        code: 2,
        chinese: ["`sensor.touch` 的参数不合适：手指从 1 开始编号", "命令协议"],
        english: [
            "the parameters of `sensor.touch` do not fit: fingers are numbered from 1 on",
            "see the method's",
        ],
    }
    .check();
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("accounts.toml");
    fs::write(&file, "[[app]]\nappid = \"wx0123456789abcdef\"\nsecret = 5\n").unwrap();
    Refusal {
        arguments: vec!["serve", "--ephemeral", "--listen", "127.0.0.1:0", "--config", text(&file)],
        code: 2,
        chinese: ["密钥是字符串：请写在引号里", "下一步："],
        english: ["a secret is a string: write it in quotes", "next:"],
    }
    .check();
}

#[test]
fn a_download_is_refused_in_the_language() {
    let server = Server::ephemeral(&[]);
    Refusal {
        arguments: vec!["ca", "--export", "tls", "--connect", &server.url],
        code: 3,
        chinese: ["此服务器没有启用 TLS，因此没有 CA", "请用 --tls 启动"],
        english: ["this server has no TLS, and so no CA", "start it with --tls"],
    }
    .check();
}

#[test]
fn an_agent_whose_port_is_in_use_is_told_both_ways_out_in_the_language() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let program = || Program::new(["mcp", "--ephemeral", "--listen", &address]);
    let chinese = program().variable("SOTER_SIM_LANG", "zh-CN").run().exits(3);
    let next = format!("使用在那里运行的 soter-sim：--connect http://{address}；或换一个端口");
    assert!(chinese.stderr.contains(&next), "{chinese}");
    let english = program().run().exits(3);
    let next =
        format!("use the soter-sim that runs there: --connect http://{address}; or choose another port");
    assert!(english.stderr.contains(&next), "{english}");
}

#[test]
fn the_ready_line_and_the_log_of_a_server_stay_english_and_its_remarks_do_not() {
    let program = Program::new(["serve", "--listen", "127.0.0.1:0", "--ephemeral", "--log", "debug"]);
    // The ready line is checked when the server starts.
    let server = Server::start(program.variable("SOTER_SIM_LANG", "zh-CN"));
    let _ = server.connected(&["auth", "order-42", "--touch", "1"]).exits(0);
    let written = server.running.end_by_signal().exits(0).stderr;
    let (log, remarks): (Vec<_>, Vec<_>) = written.lines().partition(|line| line.contains("soter_"));
    assert!(log.len() > 3, "{written}");
    // The dialog's text is WeChat's own.
    let is_ours = |line: &str| has_chinese(&line.replace("请验证已有的指纹", ""));
    assert!(!log.iter().any(|line| is_ours(line)), "{written}");
    assert!(remarks.iter().any(|line| line.contains("小程序 ") && line.contains("，用户 ")), "{written}");
}
