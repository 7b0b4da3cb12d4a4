//! A client that speaks MCP line by line.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use soter_tests::{Finished, Program, Running, Server};

/// A client.
pub(crate) struct Client {
    pub(crate) running: Running,
    last_id: u64,
    /// Answers that came before they were waited for.
    pub(crate) early: Vec<Value>,
    pub(crate) instructions: String,
}

impl Client {
    /// A session with servers of its own, whose phone is in memory, with further arguments.
    pub(crate) fn ephemeral(arguments: &[&str]) -> Self {
        Self::begin(Program::new(["mcp", "--listen", "127.0.0.1:0", "--ephemeral"]).arguments(arguments))
    }

    /// A session on a running server.
    pub(crate) fn connected(server: &Server) -> Self {
        Self::begin(Program::new(["mcp", "--connect", &server.url]))
    }

    pub(crate) fn begin(program: Program) -> Self {
        let running = program.start();
        let mut client = Self { running, last_id: 0, early: Vec::new(), instructions: String::new() };
        let begun = client.request("initialize", &initialize())["result"].take();
        assert_eq!(
            (&begun["protocolVersion"], &begun["serverInfo"]["name"]),
            (&json!("2025-11-25"), &json!("soter-sim"))
        );
        begun["instructions"].as_str().unwrap().clone_into(&mut client.instructions);
        client.notify("notifications/initialized", &json!({}));
        client
    }

    /// The address of the servers, as the agent is told.
    pub(crate) fn url(&self) -> String {
        let (_, rest) = self.instructions.split_once("WeChat's servers: ").unwrap();
        rest.split([',', ';']).next().unwrap().to_owned()
    }

    pub(crate) fn notify(&mut self, method: &str, params: &Value) {
        self.running.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string());
    }

    /// Sends a request and returns its id.
    pub(crate) fn send(&mut self, method: &str, params: &Value) -> u64 {
        self.last_id += 1;
        let id = self.last_id;
        self.running
            .send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string());
        id
    }

    pub(crate) fn send_call(&mut self, tool: &str, arguments: &Value) -> u64 {
        self.send("tools/call", &json!({"name": tool, "arguments": arguments}))
    }

    /// The answer to a request.
    pub(crate) fn answer(&mut self, id: u64) -> Value {
        if let Some(place) = self.early.iter().position(|answer| answer["id"] == id) {
            return self.early.swap_remove(place);
        }
        loop {
            let answer = self.running.answer();
            if answer["id"] == id {
                return answer;
            }
            self.early.push(answer);
        }
    }

    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Value {
        let id = self.send(method, params);
        self.answer(id)
    }

    /// Calls a tool and returns its result, which has no error.
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        let id = self.send_call(tool, arguments);
        result(&self.answer(id), tool)
    }

    /// Calls a tool that fails, and returns both lines.
    pub(crate) fn failure(&mut self, tool: &str, arguments: &Value) -> String {
        let id = self.send_call(tool, arguments);
        let answer = self.answer(id);
        assert_eq!(answer["result"]["isError"], true, "{tool}: {answer}");
        let text = answer["result"]["content"][0]["text"].as_str().unwrap().to_owned();
        assert!(text.starts_with("error: ") && text.contains("\nnext: "), "{text}");
        text
    }

    pub(crate) fn tools(&mut self) -> Vec<Value> {
        self.request("tools/list", &json!({}))["result"]["tools"].as_array().unwrap().clone()
    }
}

pub(crate) fn initialize() -> Value {
    json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}})
}

/// The result of a tool, which the answer has as JSON and as text.
#[track_caller]
pub(crate) fn result(answer: &Value, tool: &str) -> Value {
    let result = &answer["result"];
    assert_ne!(result["isError"], true, "{tool}: {answer}");
    let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(result["structuredContent"], text, "{tool}");
    text
}

pub(crate) fn authentication(challenge: &str) -> Value {
    json!({"requestAuthModes": ["fingerPrint"], "challenge": challenge})
}

#[track_caller]
pub(crate) fn wait_until(mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(20), "it did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn within(time: Duration, end: impl FnOnce() -> Finished) -> Finished {
    let started = Instant::now();
    let finished = end();
    assert!(started.elapsed() < time, "it took {:?}", started.elapsed());
    finished
}
