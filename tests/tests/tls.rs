//! `https://api.weixin.qq.com` for programs that have it built in: `serve --tls`, `exec --tls` and `ca`, with OpenSSL as the
//! client.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;
use soter_tests::{Finished, Program, Server, State, openssl};

/// What OpenSSL gets for this request to this address, trusting the certificates in a file and no others.
fn ask(address: &str, through: &[&str], trusted: &Path, request: &str) -> Result<String, String> {
    let mut client = Command::new("openssl")
        .args(["s_client", "-quiet", "-ign_eof", "-verify_return_error", "-no-CApath"])
        .args(["-servername", "api.weixin.qq.com", "-verify_hostname", "api.weixin.qq.com", "-CAfile"])
        .arg(trusted)
        .args(["-connect", address])
        .args(through)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A client that does not trust the server reads nothing.
    let _ = std::io::Write::write_all(client.stdin.as_mut().unwrap(), request.as_bytes());
    let output = client.wait_with_output().unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    if answer.is_empty() { Err(String::from_utf8_lossy(&output.stderr).into_owned()) } else { Ok(answer) }
}

const ASK_NOTHING: &str = "GET /wxa/nothing HTTP/1.1\r\nHost: api.weixin.qq.com\r\nConnection: close\r\n\r\n";

fn address(server: &Server) -> &str {
    server.url.strip_prefix("http://").unwrap()
}

#[track_caller]
fn succeeds(finished: Finished) {
    drop(finished.exits(0));
}

#[test]
fn openssl_accepts_the_server_directly_and_through_the_proxy_if_it_trusts_the_exported_ca_alone() {
    if !openssl::is_available() {
        return;
    }
    let server = Server::ephemeral(&["--tls"]);
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("new").join("tls");
    let exported = server.connected(&["ca", "--json", "--export", export.to_str().unwrap()]).exits(0).json();
    assert_eq!(exported["environment"]["HTTPS_PROXY"], server.url);
    let (ca, bundle) = (export.join("ca.pem"), export.join("bundle.pem"));
    let address = address(&server);
    for trusted in [&ca, &bundle] {
        for (target, through) in [(address, &[][..]), ("api.weixin.qq.com:443", &["-proxy", address])] {
            let answer = ask(target, through, trusted, ASK_NOTHING).unwrap();
            assert!(answer.contains(r#"{"errcode":40066,"errmsg":"invalid url"#), "{answer}");
        }
    }
    let other = State::new();
    succeeds(other.program(["ca", "--export", folder.path().to_str().unwrap()]).run());
    let refused = ask(address, &[], &folder.path().join("ca.pem"), ASK_NOTHING).unwrap_err();
    assert!(refused.contains("verif"), "{refused}");
    let (_, journal) = server.http("GET", "/sim/journal", "");
    assert!(journal.contains("GET /wxa/nothing"), "{journal}");
    let finished = server.running.end_by_signal();
    assert!(finished.stderr.contains("does not trust the certificate"), "{finished}");
}

#[test]
fn a_kept_authority_is_exported_while_a_server_runs_and_used_by_the_next_one() {
    if !openssl::is_available() {
        return;
    }
    let state = State::new();
    let folder = tempfile::tempdir().unwrap();
    let export = |name: &str| {
        let to = folder.path().join(name);
        succeeds(state.program(["ca", "--export", to.to_str().unwrap()]).run());
        to.join("ca.pem")
    };
    let first = export("first");
    let server = Server::start(state.program(["serve", "--listen", "127.0.0.1:0", "--tls"]));
    // The folder is locked now.
    let second = export("second");
    assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap());
    ask(address(&server), &[], &first, ASK_NOTHING).unwrap();
}

#[test]
fn the_key_is_written_only_into_the_state_folder_and_only_by_the_command_ca() {
    let state = State::new();
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().to_str().unwrap();
    let server =
        Server::start(state.program(["serve", "--listen", "127.0.0.1:0", "--tls", "--log", "trace"]));
    succeeds(server.connected(&["ca", "--export", export]));
    let finished = server.running.end_by_signal();
    assert!(!finished.stderr.contains("PRIVATE KEY"));
    assert_eq!(files_with_keys(state.path()), Vec::<String>::new());
    assert_eq!(files_with_keys(folder.path()), Vec::<String>::new());
    let finished = state.program(["ca", "--export", export, "--log", "trace"]).run().exits(0);
    assert!(!finished.stdout.contains("PRIVATE KEY") && !finished.stderr.contains("PRIVATE KEY"));
    assert_eq!(files_with_keys(state.path()), ["emulated-ca.pem"]);
    assert_eq!(files_with_keys(folder.path()), Vec::<String>::new());
}

/// The files below a folder that have a private key as PEM.
fn files_with_keys(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with_keys(&path));
        } else if String::from_utf8_lossy(&fs::read(&path).unwrap()).contains("PRIVATE KEY") {
            found.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    found
}

#[test]
fn exec_gives_its_command_the_variables_and_removes_its_files_at_the_end() {
    let temporary = tempfile::tempdir().unwrap();
    let exec = |arguments: &[&str]| {
        Program::new(["exec"])
            .arguments(arguments)
            .variable("TMPDIR", temporary.path().to_str().unwrap())
            .variable("NODE_EXTRA_CA_CERTS", "")
            .variable("NO_PROXY", "internal.example")
            .variable("JAVA_TOOL_OPTIONS", "-Dmine=1")
            .run()
    };
    let script = r#"
        for file in "$NODE_EXTRA_CA_CERTS" "$REQUESTS_CA_BUNDLE" "$CURL_CA_BUNDLE" "$SSL_CERT_FILE"; do
            grep -c "BEGIN CERTIFICATE" "$file" || exit 9
        done
        test "$HTTPS_PROXY" = "$SOTER_SIM_URL" || exit 8
        echo "$NO_PROXY" "$JAVA_TOOL_OPTIONS"
        exit 7"#;
    let finished = exec(&["--tls", "--", "sh", "-c", script]).exits(7);
    assert!(finished.stdout.starts_with("1\n"), "{finished}");
    assert!(finished.stdout.contains("internal.example,127.0.0.1,localhost,"), "{finished}");
    assert!(finished.stdout.contains(" -Dmine=1 -Dhttps.proxyHost=127.0.0.1"), "{finished}");
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
    let finished = exec(&["--", "sh", "-c", r#"echo "proxy:$HTTPS_PROXY""#]).exits(0);
    assert_eq!(finished.stdout, "proxy:\n");
}

#[test]
fn exec_removes_its_files_also_when_a_signal_ends_its_command() {
    use rustix::process::Signal;
    let temporary = tempfile::tempdir().unwrap();
    let mut running =
        Program::new(["exec", "--tls", "--", "sh", "-c", r#"echo "$SSL_CERT_FILE"; exec sleep 60"#])
            .variable("TMPDIR", temporary.path().to_str().unwrap())
            .start();
    let bundle = running.line();
    assert!(Path::new(&bundle).starts_with(temporary.path()) && Path::new(&bundle).is_file(), "{bundle}");
    assert_eq!(running.end_by(Signal::TERM).code, Some(128 + 15));
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn java_reads_the_exported_key_store() {
    let Ok(version) = Command::new("keytool").arg("-version").output() else {
        // A skipped test says so.
        eprintln!("skipped: there is no program `keytool`");
        return;
    };
    drop(version);
    let state = State::new();
    let folder = tempfile::tempdir().unwrap();
    succeeds(state.program(["ca", "--export", folder.path().to_str().unwrap()]).run());
    let listed = Command::new("keytool")
        .args(["-list", "-v", "-storetype", "JKS", "-storepass", "changeit", "-keystore"])
        .arg(folder.path().join("java.jks"))
        .output()
        .unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let certificates = fs::read_to_string(folder.path().join("bundle.pem")).unwrap().matches("BEGIN").count();
    assert_eq!(listed.matches("Entry type: trustedCertEntry").count(), certificates, "{listed}");
    assert!(listed.contains("soter-sim emulated CA"), "{listed}");
}

#[test]
fn what_cannot_work_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().to_str().unwrap();
    let refused = Program::new(["ca", "--export", export, "--ephemeral"]).run().refuses(2);
    assert!(refused.stderr.contains("--connect URL"), "{refused}");
    let refused = Program::new(["ca"]).run().refuses_usage();
    assert!(refused.stderr.contains("--export"), "{refused}");
    let plain = Server::ephemeral(&[]);
    let refused = plain.connected(&["ca", "--export", export]).refuses(3);
    assert!(refused.stderr.contains("start it with --tls"), "{refused}");
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("tls");
    let refused = State::new().program(["ca", "--export", below.to_str().unwrap()]).run().refuses(3);
    assert!(refused.stderr.contains("cannot be made"), "{refused}");
    let taken = address(&plain).to_owned();
    let refused =
        Program::new(["serve", "--ephemeral", "--listen", "127.0.0.1:0", "--tls-listen", &taken]).run();
    assert!(refused.refuses(3).stderr.contains("--tls-listen"));
    let state = State::new();
    fs::create_dir_all(state.path()).unwrap();
    fs::write(state.path().join("emulated-ca.pem"), "damaged").unwrap();
    for arguments in [&["ca", "--export", export][..], &["serve", "--listen", "127.0.0.1:0", "--tls"]] {
        let refused = state.program(arguments).run().refuses(3);
        assert!(refused.stderr.contains("emulated-ca.pem"), "{refused}");
    }
    let shown = plain.rpc("device.show", &json!({}));
    assert_eq!(shown["name"], "phone");
}
