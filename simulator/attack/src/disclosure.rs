//! What answers of an application must not contain.

use std::sync::LazyLock;

use regex::Regex;

use crate::translatable::english;

/// What only the server may know, or only another user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disclosed {
    /// An access token of the mini program.
    AccessToken,
    /// The mini program's secret.
    AppSecret,
    /// The openid of another user than the one who is logged in.
    OthersOpenid,
    /// The key of a login, with which WeChat encrypts data about the user.
    SessionKey,
    /// Where in its own code the server was when it broke.
    StackTrace,
}

impl Disclosed {
    /// What it is, after "an answer contains".
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AccessToken => english!(text!("an access token of the mini program")),
            Self::AppSecret => english!(text!("the mini program's secret")),
            Self::OthersOpenid => english!(text!("the openid of another user")),
            Self::SessionKey => english!(text!("the session_key of a login")),
            Self::StackTrace => english!(text!("a stack trace")),
        }
    }
}

/// The first line of a stack trace, as runtimes write them.
static STACK_TRACE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let forms = [
        // Node
        r"\bat (?:async )?(?:[\w.$<>\[\] ]+ \()?(?:file://|node:|/|[A-Z]:\\)[^\s()]*:\d+:\d+",
        // Python
        r"Traceback \(most recent call last\)",
        // Java and Kotlin
        r"\bat [\w.$/<>]+\([\w$]+\.(?:java|kt):\d+\)",
        // Go
        r"\bgoroutine \d+ \[\w+",
        // PHP
        r"#0 [^\s]+\.php\(\d+\)|\.php(?:</b>)? on line (?:<b>)?\d+",
        // .NET
        r"\bat [\w.<>`]+\([^)]*\) in [^\s]+:line \d+",
        // Ruby
        r"\.rb:\d+:in [`']",
    ];
    Regex::new(&forms.join("|")).ok()
});

/// The part of a text that looks like a stack trace.
pub(crate) fn find_stack_trace(text: &str) -> Option<&str> {
    STACK_TRACE.as_ref()?.find(text).map(|found| found.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stack_traces_of_many_runtimes_are_found() {
        for trace in [
            "TypeError: x is not a function<br> &nbsp; at file:///srv/app/server.mjs:12:7",
            "Error\n    at Object.pay (/srv/app/server.js:10:15)\n    at node:internal/process:1:2",
            r"at C:\app\server.js:1:2",
            "Traceback (most recent call last):\n  File \"app.py\", line 3",
            "java.lang.NullPointerException\n\tat com.shop.Pay.handle(Pay.java:42)",
            "panic: boom\n\ngoroutine 7 [running]:",
            "#0 /var/www/pay.php(12): verify()",
            "<b>Warning</b>: Undefined in <b>/var/www/pay.php</b> on line <b>12</b>",
            "   at Shop.Pay.Handle(String text) in /src/Pay.cs:line 12",
            "app.rb:12:in `pay'",
        ] {
            assert!(find_stack_trace(trace).is_some(), "{trace}");
        }
    }

    #[test]
    fn ordinary_answers_are_not_stack_traces() {
        for text in [
            r#"{"paid":true,"at":"2026-11-30T10:12:13Z"}"#,
            "<p>Meet us at 10:30:00 at the office (ask for Java)</p>",
            r#"{"error":"look at http://127.0.0.1:3000/help"}"#,
            "paid at 12:10:09, order 7",
            "you travel on line 4",
        ] {
            assert_eq!(find_stack_trace(text), None, "{text}");
        }
    }
}
