//! The RPC dispatcher: any bytes are answered with one line of JSON, or not at all.
#![no_main]
#![expect(clippy::unwrap_used, reason = "an error here is a finding")]

use soter_text::Text;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use soter_bridge::protocol::{Call, CommandError, Event, Response, Service};
use soter_bridge::rpc::{Message, Rpc};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::broadcast;

/// A service that accepts every call and does nothing.
struct Nothing;

impl Service for Nothing {
    async fn call(&self, call: Call) -> Result<Response, CommandError> {
        // A call that was parsed can be written again.
        let params = call.request.params()?;
        Err(CommandError::environment(
            Text::verbatim(format!("{} {}", call.request.method(), params.len())),
            Text::verbatim("nothing"),
        ))
    }

    fn events(&self) -> broadcast::Receiver<Event> {
        broadcast::channel(1).1
    }
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().build().unwrap());
static RPC: LazyLock<Rpc<Nothing>> = LazyLock::new(|| Rpc::new(Arc::new(Nothing), Arc::default()));

fuzz_target!(|bytes: &[u8]| {
    if let Some(answer) = RUNTIME.block_on(RPC.answer(Message::parse(bytes), None)) {
        assert!(!answer.contains('\n') && (answer.starts_with('{') || answer.starts_with('[')));
    }
});
