//! Several servers over one PostgreSQL database.
//!
//! `SOTER_TEST_POSTGRES` names the database; without it, these tests are skipped and say so. `SOTER_TEST_POSTGRES_RESTART` may
//! have a command that restarts it in the middle of a test, and `SOTER_TEST_POSTGRES_TLS` an address with TLS. The script
//! `with-postgres` next to this folder sets all three. Each test has a namespace of its own, which it removes.
#![cfg(unix)]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::env::var;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use serde_json::{Value, json};
use soter_tests::{Backend, Program, Server, State, try_rpc};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use url::Url;

const YES: &str = r#"{"is_ok":true}"#;
const NO: &str = r#"{"is_ok":false}"#;

/// The test that restarts the database runs while no other test uses it.
static DATABASE: RwLock<()> = RwLock::new(());

fn share_database() -> RwLockReadGuard<'static, ()> {
    // Another test that failed says nothing about this one.
    DATABASE.read().unwrap_or_else(PoisonError::into_inner)
}

/// A namespace of one test in the database.
struct Namespace {
    url: String,
    name: String,
}

impl Namespace {
    /// `None` if there is no database.
    fn new() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let Ok(url) = var("SOTER_TEST_POSTGRES") else {
            eprintln!(
                "skipped: SOTER_TEST_POSTGRES names no database, such as postgres://USER@HOST/DATABASE"
            );
            return None;
        };
        let name = format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Some(Self { url, name })
    }

    /// A server with a phone in memory.
    fn server(&self) -> Server {
        self.server_at(&self.url, Program::new(["serve", "--listen", "127.0.0.1:0", "--ephemeral"]))
    }

    /// The program as a server over this namespace, with the database at this address.
    fn server_at(&self, url: &str, program: Program) -> Server {
        Server::start(program.arguments(["--ledger", url, "--ledger-namespace", &self.name]))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let statement = format!("DROP SCHEMA IF EXISTS \"soter_sim_{}\" CASCADE", self.name);
        runtime.block_on(async {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        });
    }
}

/// A way to the database that can be closed.
struct Proxy {
    port: u16,
    is_closed: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    fn start(url: &str) -> Self {
        let url = Url::parse(url).unwrap();
        let database = (url.host_str().unwrap().to_owned(), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let proxy = Self { port, is_closed: Arc::default(), streams: Arc::default() };
        let (is_closed, streams) = (Arc::clone(&proxy.is_closed), Arc::clone(&proxy.streams));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if is_closed.load(Ordering::SeqCst) {
                    continue;
                }
                let server = TcpStream::connect((database.0.as_str(), database.1)).unwrap();
                streams.lock().unwrap().push(client.try_clone().unwrap());
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    std::thread::spawn(move || {
                        // Either side may end the connection.
                        let _ = io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        proxy
    }

    /// The database's address by way of this.
    fn url(&self, url: &str) -> String {
        let mut url = Url::parse(url).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(self.port)).unwrap();
        url.into()
    }

    fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        for stream in self.streams.lock().unwrap().drain(..) {
            // It may have ended.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn open(&self) {
        self.is_closed.store(false, Ordering::SeqCst);
    }
}

/// A result of the server's phone, or `None` if the server is gone or its ledger fails.
fn sign(url: &str, challenge: &str) -> Option<Value> {
    let params = json!({"requestAuthModes": ["fingerPrint"], "challenge": challenge, "touch": "1"});
    let callback = try_rpc(url, "wx.startSoterAuthentication", &params)?.get("result")?.clone();
    assert_eq!(callback["errCode"], 0, "{callback}");
    Some(callback)
}

fn verify(backend: &Backend, callback: &Value) -> (String, String) {
    let [json, signature] =
        ["resultJSON", "resultJSONSignature"].map(|name| callback[name].as_str().unwrap());
    backend.verify(json, signature).unwrap()
}

#[test]
fn a_code_a_token_and_a_result_of_one_server_are_good_at_another() {
    let _shared = share_database();
    let Some(namespace) = Namespace::new() else { return };
    let (first, second) = (namespace.server(), namespace.server());
    let code =
        try_rpc(&first.url, "wx.login", &json!({})).unwrap()["result"]["code"].as_str().unwrap().to_owned();
    let exchange = format!(
        "/sns/jscode2session?appid={}&secret={}&js_code={code}&grant_type=authorization_code",
        Backend::APPID,
        Backend::SECRET
    );
    assert!(second.http("GET", &exchange, "").1.contains("session_key"));
    assert!(first.http("GET", &exchange, "").1.contains("40163"), "it was used at the other server");

    let callback = sign(&first.url, "order-42").unwrap();
    let token_of_first = Backend::open(&first.url).unwrap();
    assert_eq!(verify(&token_of_first.at(&second.url), &callback).0, YES);
    assert_eq!(verify(&token_of_first, &callback), (NO.to_owned(), "counter-replayed".to_owned()));
}

#[test]
fn four_hundred_identical_requests_over_two_servers_have_one_success() {
    let _shared = share_database();
    let Some(namespace) = Namespace::new() else { return };
    let (first, second) = (namespace.server(), namespace.server());
    let backends = [&first, &second].map(|server| Backend::open(&server.url).unwrap());
    for run in 0..10 {
        let callback = sign(&first.url, &format!("order-{run}")).unwrap();
        let answers = std::thread::scope(|scope| {
            let ask = |number: usize| verify(&backends[number % 2], &callback);
            let asking: Vec<_> = (0..400).map(|number| scope.spawn(move || ask(number))).collect();
            asking.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(answers.iter().filter(|(body, _)| body == YES).count(), 1, "run {run}");
        assert_eq!(
            answers.iter().filter(|(_, reason)| reason == "counter-replayed").count(),
            399,
            "run {run}"
        );
    }
}

#[test]
fn nothing_is_accepted_twice_or_forgotten_if_a_server_is_killed_and_the_database_restarted() {
    let _alone = DATABASE.write().unwrap_or_else(PoisonError::into_inner);
    let Some(namespace) = Namespace::new() else { return };
    let restart = var("SOTER_TEST_POSTGRES_RESTART").ok();
    if restart.is_none() {
        eprintln!(
            "SOTER_TEST_POSTGRES_RESTART has no command that restarts the database, so it is not restarted"
        );
    }
    let (server, other) = (namespace.server(), namespace.server());
    // The clients share the phone.
    server.rpc("device.set", &json!({"secondCall": "queue"}));
    let backends = [&server, &other].map(|server| Backend::open(&server.url).unwrap());
    let (is_over, accepted) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for client in 0..6 {
            let (backends, is_over, accepted, url) = (&backends, &is_over, &accepted, server.url.as_str());
            scope.spawn(move || {
                for number in 0.. {
                    if is_over.load(Ordering::SeqCst) {
                        return;
                    }
                    let Some(callback) = sign(url, &format!("order-{client}-{number}")) else {
                        std::thread::sleep(Duration::from_millis(20));
                        continue;
                    };
                    // Both servers are asked at the same time.
                    let answers = std::thread::scope(|scope| {
                        let asking =
                            backends.each_ref().map(|backend| scope.spawn(|| backend.accepts(&callback)));
                        asking.map(|thread| thread.join().unwrap())
                    });
                    let yes = answers.iter().filter(|answer| **answer == Some(true)).count();
                    assert!(yes <= 1, "accepted twice: {callback}");
                    if yes == 1 {
                        accepted.lock().unwrap().push(callback);
                    }
                }
            });
        }
        std::thread::sleep(Duration::from_millis(1500));
        if let Some(restart) = &restart {
            let restarted = Command::new("sh").args(["-c", restart]).output().unwrap();
            assert!(restarted.status.success(), "{restarted:?}");
        }
        std::thread::sleep(Duration::from_millis(1500));
        other.running.kill();
        std::thread::sleep(Duration::from_millis(1500));
        is_over.store(true, Ordering::SeqCst);
    });
    let accepted = accepted.into_inner().unwrap();
    println!("{} results were accepted once", accepted.len());
    assert!(accepted.len() > 20, "{}", accepted.len());
    let fresh = namespace.server();
    let backend = Backend::open(&fresh.url).unwrap();
    for callback in &accepted {
        assert_eq!(verify(&backend, callback).0, NO, "accepted again: {callback}");
    }
    let callback = sign(&server.url, "after").unwrap();
    assert_eq!(verify(&backend, &callback).0, YES, "the service goes on");
}

#[test]
fn without_its_database_a_server_says_so_everywhere_and_recovers_by_itself() {
    let _shared = share_database();
    let Some(namespace) = Namespace::new() else { return };
    let proxy = Proxy::start(&namespace.url);
    let state = State::new();
    let program = state.program(["serve", "--listen", "127.0.0.1:0", "--allow-reset"]);
    let server = namespace.server_at(&proxy.url(&namespace.url), program);
    let backend = Backend::open(&server.url).unwrap();
    let (before, callback) = (sign(&server.url, "a").unwrap(), sign(&server.url, "b").unwrap());
    assert_eq!(verify(&backend, &before).0, YES);

    proxy.close();
    let (body, reason) = verify(&backend, &callback);
    assert!(body.starts_with(r#"{"errcode":-1,"#), "{body}");
    assert_eq!(reason, "ledger-unavailable");
    let (head, health) = server.http("GET", "/health", "");
    assert!(head.starts_with("HTTP/1.1 503") && health.contains("postgres://"), "{head} {health}");
    let (_, journal) = server.http("GET", "/sim/journal", "");
    assert!(journal.contains("ledger-unavailable"), "{journal}");
    // A reset that could not empty the ledger changes nothing.
    let phones = || {
        let shown = try_rpc(&server.url, "device.show", &json!({})).unwrap()["result"].clone();
        (shown["cpuId"].clone(), shown["counter"].clone())
    };
    let unchanged = phones();
    let (head, _) = server.http("POST", "/sim/reset", "");
    assert!(head.starts_with("HTTP/1.1 500"), "{head}");
    assert_eq!(phones(), unchanged);

    proxy.open();
    for _ in 0..600 {
        if server.http("GET", "/health", "").0.starts_with("HTTP/1.1 200") {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(verify(&backend, &before).0, NO, "it was accepted before");
    assert_eq!(verify(&backend, &callback).0, YES, "it was not accepted");
    let ended = server.running.end_by_signal();
    assert!(
        ended.stderr.contains("the ledger accepts no changes") && !ended.stderr.contains("s3cret"),
        "{ended}"
    );
}

#[test]
fn a_reset_empties_the_servers_own_namespace_alone() {
    let _shared = share_database();
    let (Some(namespace), Some(other)) = (Namespace::new(), Namespace::new()) else { return };
    let (server, neighbour, unaffected) = (namespace.server(), namespace.server(), other.server());
    let callback = sign(&unaffected.url, "a").unwrap();
    let theirs = sign(&neighbour.url, "a").unwrap();
    let backend = Backend::open(&unaffected.url).unwrap();
    for _ in 0..5 {
        assert!(server.http("POST", "/sim/reset", "").0.starts_with("HTTP/1.1 200"));
    }
    assert_eq!(verify(&backend, &callback).0, YES);
    // Of the same namespace, everything is forgotten. The neighbour's phone uploads its keys again when it needs them.
    let backend = Backend::open(&neighbour.url).unwrap();
    assert_eq!(verify(&backend, &theirs).1, "unknown-device");
    assert_eq!(verify(&backend, &sign(&neighbour.url, "b").unwrap()).0, YES);
}

#[test]
fn the_ledger_can_be_named_in_the_environment_and_exec_and_the_repl_use_it() {
    let _shared = share_database();
    let Some(namespace) = Namespace::new() else { return };
    let server = namespace.server();
    let callback = sign(&server.url, "a").unwrap();
    assert_eq!(verify(&Backend::open(&server.url).unwrap(), &callback).0, YES);
    let exec = Program::new(["exec", "--", "sh", "-c", "echo $SOTER_SIM_URL; read -r _"])
        .variable("SOTER_SIM_LEDGER", &namespace.url)
        .variable("SOTER_SIM_LEDGER_NAMESPACE", &namespace.name);
    let mut exec = exec.start();
    assert_eq!(verify(&Backend::open(&exec.line()).unwrap(), &callback).1, "counter-replayed");
    let _ = exec.end().exits(1);
    let repl = Program::new(["--json", "repl", "--ephemeral", "--listen", "127.0.0.1:0"])
        .arguments(["--ledger", &namespace.url, "--ledger-namespace", &namespace.name])
        .input("auth order-42 --touch 1\nexit\n")
        .run()
        .exits(0);
    assert!(repl.stdout.contains(r#""errCode":0"#), "{repl}");
}

#[test]
fn tls_is_used_and_checked_if_the_address_asks_for_it() {
    let _shared = share_database();
    let Some(namespace) = Namespace::new() else { return };
    let Ok(url) = var("SOTER_TEST_POSTGRES_TLS") else {
        eprintln!("skipped: SOTER_TEST_POSTGRES_TLS names no database with TLS, at `localhost`");
        return;
    };
    let address = format!("{url}&application_name={}", namespace.name);
    let server =
        namespace.server_at(&address, Program::new(["serve", "--listen", "127.0.0.1:0", "--ephemeral"]));
    let callback = sign(&server.url, "a").unwrap();
    assert_eq!(verify(&Backend::open(&server.url).unwrap(), &callback).0, YES);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let encrypted: Vec<bool> = runtime.block_on(async {
        let mut connection = PgConnection::connect(&namespace.url).await.unwrap();
        sqlx::query_scalar(
            "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = $1",
        )
        .bind(&namespace.name)
        .fetch_all(&mut connection)
        .await
        .unwrap()
    });
    assert!(encrypted.len() >= 3 && encrypted.iter().all(|is_encrypted| *is_encrypted), "{encrypted:?}");

    let folder = tempfile::tempdir().unwrap();
    let [key, authority] = ["key.pem", "ca.pem"].map(|name| folder.path().join(name).display().to_string());
    let other = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=another emulated test CA"];
    soter_tests::openssl::run(&[&other[..], &["-keyout", &key, "-out", &authority]].concat());
    let mut other_authority = Url::parse(&url).unwrap();
    other_authority.set_query(Some(&format!("sslmode=verify-full&sslrootcert={authority}")));
    for wrong in [url.replace("@localhost:", "@127.0.0.1:"), other_authority.into()] {
        let refused = Program::new(["serve", "--ephemeral", "--ledger", &wrong]).run().refuses(3);
        assert!(refused.stderr.contains("with TLS") && refused.stderr.contains("sslrootcert"), "{refused}");
    }
}

#[test]
fn an_address_that_cannot_be_used_is_an_error_without_its_password() {
    for (url, expected) in [
        ("postgres://anna:s3cret@127.0.0.1:1/shop", "Connection refused"),
        ("mysql://anna:s3cret@127.0.0.1/shop", "not a database"),
        ("postgres://anna:s3cret@127.0.0.1:1/shop?sslmod=verify-full", "unknown parameter; known are"),
        ("postgres://anna:s3cret@127.0.0.1:1/shop?sslmode=verify-full&sslrootcert=/none/s3cret", "ledger"),
    ] {
        for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["exec"], &["repl"]] {
            let tail: &[&str] = if command[0] == "exec" { &["--", "true"] } else { &[] };
            let program = Program::new(command).arguments(["--ephemeral", "--ledger", url]).arguments(tail);
            let refused = program.input("").run().refuses(3);
            assert!(refused.stderr.contains(expected), "{refused}");
            assert!(!refused.stderr.contains(":s3cret"), "{refused}");
        }
    }
    let odd =
        Program::new(["serve", "--ephemeral", "--ledger", "postgres://h/d", "--ledger-namespace", "A b"]);
    assert!(odd.run().refuses(2).stderr.contains("1 to 40 lower-case letters"));
    let odd = Program::new(["serve", "--ephemeral", "--ledger", "postgres://h/d"]);
    let odd = odd.variable("SOTER_SIM_LEDGER_NAMESPACE", "A b").run().refuses(2);
    assert!(odd.stderr.contains("SOTER_SIM_LEDGER_NAMESPACE"), "{odd}");
    let alone = Program::new(["serve", "--ephemeral", "--ledger-namespace", "a"]).run().refuses(2);
    assert!(alone.stderr.contains("--ledger postgres://"), "{alone}");
}

#[test]
fn a_clock_that_is_moved_and_a_failure_that_is_switched_on_at_one_server_hold_at_all() {
    let Some(namespace) = Namespace::new() else { return };
    let _shared = share_database();
    let (first, second) = (namespace.server(), namespace.server());
    let backend = Backend::open(&first.url).unwrap();
    let at_second = backend.at(&second.url);
    let errcode = |backend: &Backend| {
        let (body, _) = backend.verify("{}", "AA==").unwrap();
        serde_json::from_str::<Value>(&body).unwrap()["errcode"].clone()
    };
    assert_eq!(errcode(&at_second), Value::Null);
    first.rpc("servers.set", &json!({"failure": {"errcode": 45011, "times": 3}}));
    let errcodes = [&backend, &at_second, &backend, &at_second].map(errcode);
    assert_eq!(errcodes, [json!(45011), json!(45011), json!(45011), Value::Null]);

    second.rpc("desk.clock", &json!({"forward": 7_200_000}));
    assert_eq!([errcode(&backend), errcode(&at_second)], [json!(42001), json!(42001)]);
    assert_eq!(first.rpc("servers.show", &json!({}))["clock"]["ahead"], 7_200_000);
    second.rpc("wx.login", &json!({}));
    assert_eq!(first.rpc("servers.expire", &json!({"what": "session"})), json!({"ended": 1}));
    assert_eq!(
        second.rpc("wx.checkSession", &json!({}))["errMsg"],
        "checkSession:fail session time out, need relogin"
    );
    first.rpc("desk.reset", &json!({}));
    assert_eq!(second.rpc("servers.show", &json!({}))["clock"]["ahead"], 0);
}
