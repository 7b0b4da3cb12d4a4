//! The log: what it says, where, and that it never says a secret.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what goes wrong here is a test that fails")]

use std::fs;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use serde_json::{Value, json};
use soter_tests::{Program, Server, State};
use soter_wire::base64;

const APPID: &str = "wx00000000000000ab";
const TOKEN: &str = "token-of-the-server-0123456789";
const SECRET: &str = "secret-of-the-mini-program-00001";
const SEED: &str = "seed-of-the-phone";
const OTHER_SEED: &str = "seed-of-another-phone";

/// A configuration with [`SECRET`], and a file with [`TOKEN`].
fn files() -> (State, [String; 2]) {
    let folder = State::new();
    let [config, token] = ["config.toml", "token"].map(|name| folder.path().join(name));
    let text = format!("[[app]]\nappid = \"{APPID}\"\nsecret = \"{SECRET}\"\n\n[[user]]\nname = \"user\"\n");
    fs::write(&config, text).unwrap();
    fs::write(&token, TOKEN).unwrap();
    (folder, [config, token].map(|path| path.to_str().unwrap().to_owned()))
}

#[test]
fn every_call_is_logged_with_its_connection_and_its_phone() {
    let server = Server::ephemeral(&["--log", "debug"]);
    let callback = server.connected(&["auth", "order-42", "--touch", "1"]).exits(0);
    assert_eq!(callback.stderr, "");
    server.http("POST", "/cgi-bin/soter/verify_signature?access_token=wrong", "{}");
    let log = server.running.end_by_signal().exits(0).stderr;
    let signed = log.lines().find(|line| line.contains("event=Signed")).unwrap();
    for part in [
        "DEBUG connection{peer=127.0.0.1:",
        ":request{method=GET path=\"/ws\"}",
        ":call{method=\"wx.startSoterAuthentication\" id=",
        ":phone{name=\"phone\"}: soter_sim::phone",
        "counter: 5",
    ] {
        assert!(signed.contains(part), "{part} is not in: {signed}");
    }
    let request = ":request{method=POST path=\"/cgi-bin/soter/verify_signature\"}: soter_wechat";
    assert!(log.lines().any(|line| line.contains(request)), "{log}");
}

#[test]
fn json_lines_have_time_level_message_and_spans() {
    let server = Server::ephemeral(&["--log", "soter_bridge=debug", "--log-format", "json"]);
    server.http("GET", "/health", "");
    let log = server.running.end_by_signal().exits(0).stderr;
    // The server's remarks share standard error with the log.
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let answered = lines.iter().find(|line| line["fields"]["message"] == "answered").unwrap();
    assert_eq!(answered["level"], "DEBUG");
    assert_eq!(answered["target"], "soter_bridge::server::routes");
    assert_eq!(answered["fields"]["status"], 200);
    assert_eq!(answered["spans"][0]["name"], "connection");
    assert_eq!(answered["spans"][1]["path"], "/health");
    let time = answered["timestamp"].as_str().unwrap();
    assert!(time.starts_with("20") && time.ends_with('Z'), "{time}");
    assert!(lines.iter().all(|line| line["target"].as_str().unwrap().starts_with("soter_bridge::")), "{log}");
}

#[test]
fn a_server_logs_warnings_and_the_repl_nothing_unless_it_is_asked() {
    let server = Server::ephemeral(&[]);
    server.http("GET", "/health", "");
    let quiet = server.running.end_by_signal().exits(0).stderr;
    assert!(!quiet.contains("DEBUG") && !quiet.contains("INFO"), "{quiet}");

    let repl = || Program::new(["--ephemeral", "repl", "--no-bridge"]).input("auth order-42 --touch 1\n");
    assert_eq!(repl().run().exits(0).stderr, "");
    let asked = repl().arguments(["--log", "debug"]).run().exits(0);
    assert!(asked.stderr.contains("event=Signed"), "{asked}");
    let by_variable = repl().variable("SOTER_SIM_LOG", "debug").run().exits(0);
    assert!(by_variable.stderr.contains("event=Signed"), "{by_variable}");
    let overruled = repl().variable("SOTER_SIM_LOG", "debug").arguments(["--log", "off"]).run().exits(0);
    assert_eq!(overruled.stderr, "");
}

#[test]
fn a_refused_connection_is_a_warning() {
    // 128 descriptors are kept for files, which leaves one connection.
    let program = Program::new(["serve", "--listen", "127.0.0.1:0", "--ephemeral"]).with_descriptors(129);
    let server = Server::start(program);
    let host = server.url.strip_prefix("http://").unwrap();
    let _held = std::net::TcpStream::connect(host).unwrap();
    // The server accepts in the order of arrival.
    let (head, _) = server.http("GET", "/health", "");
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    let log = server.running.end_by_signal().exits(0).stderr;
    assert!(
        log.contains("WARN") && log.contains("too many connections are open") && log.contains("limit=1"),
        "{log}"
    );
}

#[test]
fn a_filter_that_cannot_be_used_is_refused_with_its_source() {
    for filter in [
        "verbose",
        "info,soter_brigde=debug",
        "hyper_util=trace",
        "soter_sim=loud",
        "soter_sim=",
        "[call=debug",
        "[hyper]=trace",
        ",",
    ] {
        let refused = Program::new(["explain", "0", "--log", filter]).run().refuses(2);
        assert!(refused.stderr.contains("--log") && refused.stderr.contains("soter_bridge"), "{refused}");
        let refused = Program::new(["explain", "0"]).variable("SOTER_SIM_LOG", filter).run().refuses(2);
        assert!(refused.stderr.contains("SOTER_SIM_LOG"), "{refused}");
    }
    for filter in ["", " "] {
        let refused = Program::new(["explain", "0", "--log", filter]).run().refuses(2);
        assert!(refused.stderr.contains("it is empty"), "{refused}");
    }
    for filter in [
        "off",
        "WARN",
        "info,soter_bridge::rpc=trace",
        "[call]=debug",
        "[request{method=POST}]=debug",
        "soter_wechat",
    ] {
        assert_eq!(Program::new(["explain", "0", "--log", filter]).run().code, Some(0), "{filter}");
    }
    assert_eq!(Program::new(["explain", "0"]).variable("SOTER_SIM_LOG", " ").run().code, Some(0));
}

#[test]
fn a_log_that_nobody_reads_stops_no_call() {
    let (unread, errors) = std::io::pipe().unwrap();
    let program = Program::new(["serve", "--listen", "127.0.0.1:0", "--ephemeral", "--log", "trace"]);
    let server = Server::start(program.stderr(errors));
    // A pipe holds 64 KiB, and the queue 4,096 lines; each request logs three lines of about 150 bytes.
    for _ in 0..2000 {
        let (head, _) = server.http("GET", "/health", "");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    }
    assert_eq!(server.running.end_by_signal().code, Some(0));
    drop(unread);
}

#[test]
fn an_error_waits_for_a_limited_time_only_behind_a_log_that_nobody_reads() {
    let (unread, errors) = std::io::pipe().unwrap();
    let arguments = ["--ephemeral", "repl", "--no-bridge", "--json", "--log", "trace"];
    let mut repl = Program::new(arguments).stderr(errors).start();
    // Each line logs about 1,500 bytes, and a pipe holds 64 KiB.
    for number in 0..100 {
        repl.send(&format!("auth order-{number} --touch 1"));
        assert_eq!(repl.answer()["errCode"], 0);
    }
    repl.send("nonsense");
    repl.send("nonsense");
    repl.send("support");
    assert_eq!(repl.answer()["errMsg"], "checkIsSupportSoterAuthentication:ok");
    assert_eq!(repl.end().code, Some(2));
    drop(unread);
}

#[test]
fn libraries_do_not_log_whatever_the_filter_is() {
    let server = Server::ephemeral(&[]);
    // An audit uses an HTTP client, which would log its connections.
    let audit = ["audit", "--preset", "wechat", "--url", &server.url, "--only", "SOTER-SIGNATURE-01"];
    for filter in ["trace", "[call]=debug,trace", "trace,soter_sim=info"] {
        let audit = Program::new(audit).arguments(["--log", filter]).run().exits(0);
        let lines = audit.stderr.lines().filter(|line| line.contains("TRACE") || line.contains("DEBUG"));
        let foreign: Vec<_> = lines.filter(|line| !line.contains(" soter_")).collect();
        assert!(foreign.is_empty(), "{foreign:#?}");
    }
}

#[test]
fn the_methods_of_requests_are_shortened() {
    let server = Server::ephemeral(&["--log", "debug"]);
    let method = "M".repeat(8000);
    for path in ["/health", "/cgi-bin/token", "/cgi-bin/nothing"] {
        let (head, body) = server.http(&method, path, "");
        assert!(head.len() + body.len() < 2000, "{head}\n{body}");
    }
    let (_, journal) = server.http("GET", "/sim/journal", "");
    let log = server.running.end_by_signal().exits(0).stderr;
    for text in [journal, log] {
        assert!(text.contains(&method[..20]) && !text.contains(&method[..21]), "{text}");
    }
}

#[test]
fn no_secret_is_logged_even_at_trace_level() {
    let (_folder, [config, token_file]) = files();
    let server = Server::ephemeral(&[
        "--seed",
        SEED,
        "--config",
        &config,
        "--token-file",
        &token_file,
        "--attacker",
        "--log",
        "trace",
    ]);
    let with_token = format!("{}?token={TOKEN}", server.url);
    let connected = |arguments: &[&str]| Program::new(arguments).arguments(["--connect", &with_token]).run();
    let rpc = |method: &str, params: &Value, code: i32| {
        connected(&["rpc", method, &params.to_string()]).exits(code)
    };
    let answer = |method: &str, path: &str, body: &Value| -> Value {
        let separator = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{separator}token={TOKEN}");
        serde_json::from_str(&server.http(method, &path, &body.to_string()).1).unwrap()
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();

    // What a mini program, its backend and an attacker do.
    let credentials = format!("appid={APPID}&secret={SECRET}");
    let plain =
        answer("GET", &format!("/cgi-bin/token?grant_type=client_credential&{credentials}"), &json!({}));
    let grant = json!({"grant_type": "client_credential", "appid": APPID, "secret": SECRET});
    let stable = answer("POST", "/cgi-bin/stable_token", &grant);
    let code = text(&rpc("wx.login", &json!({"appid": APPID}), 0).json()["code"]);
    let login = format!("/sns/jscode2session?{credentials}&js_code={code}&grant_type=authorization_code");
    let session = answer("GET", &login, &json!({}));
    rpc("wx.getUserInfo", &json!({"appid": APPID}), 0);
    let callback = connected(&["auth", "order-42", "--touch", "1"]).exits(0).json();
    let claim = json!({
        "openid": session["openid"],
        "json_string": callback["resultJSON"],
        "json_signature": callback["resultJSONSignature"],
    });
    let access_token = text(&stable["access_token"]);
    let verify = format!("/cgi-bin/soter/verify_signature?access_token={access_token}");
    assert_eq!(answer("POST", &verify, &claim)["is_ok"], true);
    rpc("device.create", &json!({"name": "other", "seed": OTHER_SEED}), 0);
    rpc("danger.snapshot", &json!({"name": "copy"}), 0);
    let private_key = private_key_lines();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", private_key.join("\n"));
    rpc("danger.sign", &json!({"text": "forged", "privateKey": pem}), 0);
    rpc("danger.sign", &json!({"text": "forged", "privateKey": private_key.join("")}), 2);
    rpc("attack.run", &json!({"id": "SOTER-SIGNATURE-01"}), 0);

    // The same secrets where they do not belong.
    rpc("device.create", &json!({"name": "bad", "seed": {"seed": OTHER_SEED}}), 2);
    rpc("device.create", &json!({"name": "bad", "sede": OTHER_SEED, "seed": OTHER_SEED}), 2);
    answer(
        "POST",
        "/cgi-bin/stable_token",
        &json!({"grant_type": SECRET, "appid": SECRET, "secret": [SECRET]}),
    );
    answer("GET", &login, &json!({}));
    answer("GET", &format!("/cgi-bin/nothing/{SECRET}?secret={SECRET}"), &json!({}));
    server.http("GET", &format!("/{TOKEN}?token={TOKEN}"), "");
    server.http("GET", &format!("/health?token={TOKEN}x"), "");
    server.http(
        "POST",
        &format!("/rpc?token={TOKEN}"),
        &format!("[{{\"token\":\"{TOKEN}\"}}, \"{SECRET}\"]"),
    );

    let log = server.running.end_by_signal().exits(0).stderr;
    assert!(
        log.contains("TRACE") && log.contains("event=Signed") && log.contains("/cgi-bin/stable_token"),
        "{log}"
    );
    let secrets = [
        ("the server's token", TOKEN.to_owned()),
        ("the mini program's secret", SECRET.to_owned()),
        ("the phone's seed", SEED.to_owned()),
        ("another phone's seed", OTHER_SEED.to_owned()),
        ("the access token", text(&plain["access_token"])),
        ("the stable access token", access_token),
        ("the login code", code),
        ("the session key", text(&session["session_key"])),
        ("the first prime of a private key", private_key[13].clone()),
        ("the private exponent of a private key", private_key[8].clone()),
    ];
    for (name, secret) in secrets {
        // The server prints the secrets of the built-in mini program on purpose, and masks configured ones.
        let found = spellings(&secret).into_iter().find(|spelling| log.contains(spelling));
        let line = found.as_ref().and_then(|found| log.lines().find(|line| line.contains(found)));
        assert!(found.is_none(), "{name} is in the log: {}", line.unwrap_or_default());
    }
}

/// A private key of 2048 bits as the lines of its PEM. In PKCS#8 the modulus is in the first six, then comes the private
/// exponent, and from line 12 the primes.
fn private_key_lines() -> Vec<String> {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let text = base64::encode(der.as_ref());
    text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

#[test]
fn the_search_finds_a_secret_in_each_of_its_spellings() {
    let bytes = SECRET.as_bytes();
    let hex: String = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    for text in [
        format!("token={SECRET}."),
        format!("{bytes:?}"),
        hex.to_ascii_uppercase(),
        base64::encode(&[b"a", bytes].concat()),
        base64::encode(&[b"ab", bytes, b"c"].concat()),
    ] {
        assert!(spellings(SECRET).iter().any(|spelling| text.contains(spelling)), "{text}");
    }
}

/// How a secret may appear in a line: as it is, and its bytes in hexadecimal, in decimal as Rust prints them, and in
/// Base64, whatever stands before them. The same for the bytes that a secret stands for in Base64.
fn spellings(secret: &str) -> Vec<String> {
    let mut found = vec![secret.to_owned()];
    for bytes in [Some(secret.as_bytes().to_vec()), base64::decode(secret).ok()].into_iter().flatten() {
        let hex = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let decimal: Vec<_> = bytes.iter().map(u8::to_string).collect();
        found.extend([hex.to_ascii_uppercase(), hex, decimal.join(", ")]);
        for before in 0..3 {
            let encoded = base64::encode(&[&vec![0; before], bytes.as_slice()].concat());
            // Without the characters that also depend on the bytes around.
            let (start, end) = ((before * 8).div_ceil(6), (before + bytes.len()) * 8 / 6);
            found.push(encoded[start..end].to_owned());
        }
    }
    found
}
