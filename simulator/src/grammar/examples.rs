//! Examples for every command, shown at the end of its help.

use super::refusal::Dialect;

/// A command's words, and examples as they are typed in the REPL.
pub(super) const SHARED: &[(&str, &[&str])] = &[
    (
        "auth",
        &[
            "auth order-42",
            "auth 'pay 42 yuan' --modes fingerPrint,facial --content 'Confirm the payment'",
            "auth order-43 --touch wrong,1",
        ],
    ),
    (
        "pay",
        &[
            "pay wx201410272009395522657a690389285100",
            "pay wx201410272009395522657a690389285100 --touch cancel",
            "pay wx2014 --sign-type HMAC-SHA256 --time-stamp 1414561699 --nonce-str 5K8264 --pay-sign 6E8DB4",
        ],
    ),
    ("support", &["support"]),
    ("enrolled", &["enrolled fingerPrint"]),
    ("device", &["device list"]),
    ("device create", &["device create tablet --profile itrustee", "device create twin --seed demo"]),
    ("device list", &["device list", "device list --json"]),
    ("device profiles", &["device profiles"]),
    ("device select", &["device select tablet"]),
    ("device show", &["device show", "device show tablet"]),
    ("device set", &["device set support off", "device set failNext 90009"]),
    ("device set support", &["device set support off"]),
    ("device set permission", &["device set permission off"]),
    ("device set modes", &["device set modes fingerPrint,facial", "device set modes none"]),
    ("device set internalError", &["device set internalError auth key update error"]),
    ("device set reportNotEnrolled", &["device set reportNotEnrolled on"]),
    ("device set reportFaceAsFinger", &["device set reportFaceAsFinger on"]),
    ("device set malformedCrl", &["device set malformedCrl on"]),
    ("device set failNext", &["device set failNext 90009"]),
    ("device set loginFailure", &["device set loginFailure timeout", "device set loginFailure default"]),
    ("device set userInfoPermission", &["device set userInfoPermission off"]),
    ("device set anonymousUser", &["device set anonymousUser off"]),
    (
        "device set userData",
        &["device set userData nickName=Band gender=1 city=Guangzhou", "device set userData default"],
    ),
    ("device set secondCall", &["device set secondCall queue", "device set secondCall default"]),
    ("device set latency", &["device set latency 500", "device set latency default"]),
    ("device set clock", &["device set clock 2020-01-01T00:00:30Z"]),
    ("device set user", &["device set user zhang", "device set user default"]),
    ("login", &["login", "login --timeout 5000"]),
    ("session", &["session"]),
    ("userinfo", &["userinfo", "userinfo --without-credentials --lang zh_CN"]),
    ("userprofile", &["userprofile 'to greet you'"]),
    ("phonenumber", &["phonenumber"]),
    ("callfunction", &["callfunction verify", "callfunction verify '{\"order\": 42}'"]),
    ("servers", &["servers show", "servers set failure 45009 --times 1", "servers expire session"]),
    ("servers show", &["servers show"]),
    ("servers set", &["servers set failure -1", "servers set delay 3000", "servers set failure default"]),
    (
        "servers set failure",
        &[
            "servers set failure 45011",
            "servers set failure 48001 --path /cgi-bin/soter/verify_signature --times 2",
            "servers set failure default",
        ],
    ),
    ("servers set delay", &["servers set delay 3000", "servers set delay default"]),
    ("servers set silent", &["servers set silent on"]),
    ("servers set loginRenewsKey", &["servers set loginRenewsKey off"]),
    ("servers expire", &["servers expire session", "servers expire token"]),
    ("clock", &["clock", "clock +2h", "clock default"]),
    ("journal", &["journal", "journal --after 40", "journal --before 40 --limit 5"]),
    ("desk", &["desk reset"]),
    ("desk reset", &["desk reset"]),
    ("device set systemUpgrade", &["device set systemUpgrade"]),
    ("device remove", &["device remove tablet"]),
    ("device reset", &["device reset"]),
    ("fleet", &["fleet next 10", "fleet results order-42 --count 100"]),
    ("fleet next", &["fleet next", "fleet next 10"]),
    ("fleet release", &["fleet release fleet-000000"]),
    ("fleet results", &["fleet results order-42 --count 100"]),
    ("sensor", &["sensor auto"]),
    ("sensor ask", &["sensor ask"]),
    ("sensor auto", &["sensor auto"]),
    ("sensor script", &["sensor script wrong,1"]),
    ("biometric", &["biometric list", "finger enroll"]),
    ("biometric enroll", &["biometric enroll", "biometric enroll facial"]),
    ("biometric remove", &["biometric remove 1"]),
    ("biometric list", &["biometric list"]),
    ("biometric unlock", &["biometric unlock"]),
    ("tee", &["tee getDeviceId", "tee getAuthKey 10115 Wechat_demo"]),
    ("tee generateAppSecureKey", &["tee generateAppSecureKey 10115"]),
    ("tee getAppSecureKey", &["tee getAppSecureKey 10115 --raw ask.export"]),
    ("tee hasAskAlready", &["tee hasAskAlready 10115"]),
    ("tee generateAuthKey", &["tee generateAuthKey 10115 Wechat_demo"]),
    ("tee getAuthKey", &["tee getAuthKey 10115 Wechat_demo"]),
    ("tee hasAuthKey", &["tee hasAuthKey 10115 Wechat_demo"]),
    ("tee removeAuthKey", &["tee removeAuthKey 10115 Wechat_demo"]),
    ("tee removeAllAuthKey", &["tee removeAllAuthKey 10115"]),
    ("tee initSigh", &["tee initSigh 10115 Wechat_demo order-42"]),
    ("tee finishSign", &["tee finishSign 1"]),
    ("tee getDeviceId", &["tee getDeviceId"]),
    ("tee getVersion", &["tee getVersion"]),
    ("tee getExtraParam", &["tee getExtraParam fingerprint_type"]),
    ("danger", &["danger snapshot before", "danger restore before"]),
    ("danger snapshot", &["danger snapshot before"]),
    ("danger restore", &["danger restore before"]),
    ("danger clone", &["danger clone twin", "danger clone second-twin --device phone"]),
    ("danger clock", &["danger clock 2020-01-01T00:00:30Z", "danger clock default"]),
    (
        "danger sign",
        &[
            "danger sign '{\"raw\":\"order-42\"}'",
            "danger sign text --padding pkcs1",
            "danger sign text --salt 32",
        ],
    ),
    ("attack", &["attack list", "attack show SOTER-REPLAY-01"]),
    ("attack list", &["attack list", "attack list --json"]),
    ("attack show", &["attack show SOTER-COUNTER-15"]),
    ("attack forge", &["attack forge SOTER-SIGNATURE-08"]),
    ("attack run", &["attack run SOTER-REPLAY-01"]),
    ("keys", &["keys", "keys --json"]),
    ("verify", &["verify --key auth_key.pem --json result.json --signature result.sig --salt 20"]),
    ("explain", &["explain 90010", "explain -1", "explain"]),
    ("call", &["call keys.list", "call sensor.setMode {\"mode\": \"auto\"}"]),
];

/// The same for commands that only exist in the REPL.
pub(super) const LINES: &[(&str, &[&str])] = &[
    ("touch", &["touch 1", "touch wrong"]),
    ("cancel", &["cancel"]),
    ("events", &["events off"]),
    ("help", &["help", "help device set"]),
    ("clear", &["clear"]),
    ("exit", &["exit"]),
];

/// Commands of the program whose examples differ from the REPL's, or that do not exist in the REPL.
pub(super) const PROGRAM: &[(&str, &[&str])] = &[
    (
        "",
        &["soter-sim", "soter-sim auth --challenge order-42 --touch 1", "soter-sim keys --json --seed demo"],
    ),
    ("repl", &["soter-sim repl", "printf 'auth a --touch 1\\nkeys\\n' | soter-sim repl --json --seed demo"]),
    (
        "auth",
        &[
            "soter-sim auth --challenge order-42",
            "soter-sim auth order-42 --modes fingerPrint,facial --touch wrong,1 --ephemeral",
            "soter-sim auth order-42 --touch 1 --seed demo --profile itrustee",
        ],
    ),
    (
        "serve",
        &[
            "soter-sim serve",
            "soter-sim serve --listen 127.0.0.1:0 --ephemeral --touch auto",
            "soter-sim serve --allow-origin http://localhost:10086 --config accounts.toml",
        ],
    ),
    (
        "mcp",
        &[
            "soter-sim mcp",
            "soter-sim mcp --listen 127.0.0.1:0 --ephemeral --attacker",
            "soter-sim mcp --connect http://127.0.0.1:8777",
        ],
    ),
    ("clock", &["soter-sim clock +2h --connect http://127.0.0.1:8777"]),
    ("journal", &["soter-sim journal --connect http://127.0.0.1:8777"]),
    (
        "servers",
        &[
            "soter-sim servers show --connect http://127.0.0.1:8777",
            "soter-sim servers set failure 45009 --times 1 --connect http://127.0.0.1:8777",
            "soter-sim servers expire session --connect http://127.0.0.1:8777",
        ],
    ),
    (
        "exec",
        &[
            "soter-sim exec --touch auto -- npm test",
            "soter-sim exec --seed demo -- sh -c 'curl $SOTER_SIM_URL/health'",
            "soter-sim exec --cloud-function cloudfunctions/verify --event '{\"order\": 42}'",
        ],
    ),
    (
        "rpc",
        &[
            "soter-sim rpc wx.login --connect http://127.0.0.1:8777",
            "soter-sim rpc sensor.touch '{\"touch\":1}' --connect http://127.0.0.1:8777",
        ],
    ),
    ("call", &["soter-sim call keys.list", "soter-sim call sensor.setMode '{\"mode\": \"auto\"}'"]),
    ("run", &["soter-sim run first-payment.soter", "soter-sim run first-payment.soter --profile itrustee"]),
    (
        "audit",
        &[
            "soter-sim audit --init",
            "soter-sim audit --init audit.toml --shape cookie --schema",
            "soter-sim audit --config audit.toml --check -- npm start",
            "soter-sim audit --config audit.toml --report audit.json -- npm start",
            "soter-sim audit --config audit.toml --report audit.html --report audit.xml",
            "soter-sim audit --preset wechat --url http://127.0.0.1:8777",
            "soter-sim audit --preset wechat --url http://127.0.0.1:8777 --only SOTER-COUNTER,SOTER-REPLAY-02",
        ],
    ),
    (
        "vectors",
        &[
            "soter-sim vectors ./vectors --seed demo",
            "soter-sim vectors ./huawei --profile itrustee",
            "soter-sim vectors ./known --connect http://127.0.0.1:8777",
        ],
    ),
    ("ca", &["soter-sim ca --export ./tls", "soter-sim ca --export ./tls --connect http://127.0.0.1:8777"]),
    ("doctor", &["soter-sim doctor", "soter-sim doctor --connect http://127.0.0.1:8777"]),
    ("completions", &["soter-sim completions bash > ~/.local/share/bash-completion/completions/soter-sim"]),
];

/// Adds each command's examples to its help.
pub(super) fn add_examples(command: clap::Command, dialect: Dialect) -> clap::Command {
    add_examples_below(command, "", dialect)
}

fn add_examples_below(mut command: clap::Command, path: &str, dialect: Dialect) -> clap::Command {
    let examples = examples_for(path, dialect);
    if !examples.is_empty() {
        let title = if examples.len() == 1 { "Example" } else { "Examples" };
        command = command.after_help(format!("{title}:\n  {}", examples.join("\n  ")));
    }
    command.mut_subcommands(|subcommand| {
        let path = format!("{path} {}", subcommand.get_name());
        add_examples_below(subcommand, path.trim_start(), dialect)
    })
}

/// The examples of the command with these words, as they are typed in this dialect.
fn examples_for(path: &str, dialect: Dialect) -> Vec<String> {
    let find = |table: &'static [(&str, &[&str])]| {
        table.iter().find(|(words, _)| *words == path).map(|(_, examples)| *examples)
    };
    match dialect {
        Dialect::Line => find(LINES)
            .or_else(|| find(SHARED))
            .unwrap_or_default()
            .iter()
            .map(|example| (*example).to_owned())
            .collect(),
        Dialect::Program => match find(PROGRAM) {
            Some(examples) => examples.iter().map(|example| (*example).to_owned()).collect(),
            None => find(SHARED)
                .unwrap_or_default()
                .iter()
                .map(|example| format!("soter-sim {example}"))
                .collect(),
        },
    }
}
