//! `soter-sim mcp`: the command protocol for agents, with servers of its own or on a running one.

use std::io::{self, IsTerminal};
use std::net::{SocketAddr, TcpListener};

use soter_bridge::protocol::{CommandError, ErrorKind};
use soter_text::{text, tr};
use soter_wechat::Secret;
use tracing::info;

use crate::front::{Console, Exit};
use crate::grammar::{DEFAULT_ADDRESS, Options, Serve};
use crate::mcp::{self, Remote};

use super::child::wait_for_orphans;
use super::serve::{self, Bridge, Refusals};
use super::setup;
use super::signals::TerminationSignals;

/// Serves an agent on standard input and output until the client is gone or a signal comes. Standard output has nothing but MCP.
///
/// # Errors
/// Those of `serve`; `Environment` also if the usual address is taken. With `--connect`, those of [`Remote::open`], and
/// `InvalidParams` if there are options of servers.
pub(super) fn run(serve: &Serve, options: &Options, console: &mut Console) -> Result<Exit, CommandError> {
    if io::stdin().is_terminal() {
        console.remark(&tr!(
            "a program that speaks MCP starts this command, and writes to its standard input; Ctrl-D ends it"
        ));
    }
    match &options.connect {
        Some(url) => on_running_server(url, serve, options),
        None => beside_servers(serve, options, console),
    }
}

fn on_running_server(url: &Secret, serve: &Serve, options: &Options) -> Result<Exit, CommandError> {
    if *serve != Serve::default() {
        return Err(CommandError::invalid_params(
            text!("--connect means the servers of a running process, and there are options of servers"),
            text!("leave --connect out, or give these options to that process"),
        ));
    }
    let shown = url.expose().split('?').next().unwrap_or_default();
    let servers = format!("WeChat's servers: {shown}, in place of https://api.weixin.qq.com.");
    let runtime = setup::runtime()?;
    let served = runtime.block_on(async {
        let mut signals = TerminationSignals::listen()?;
        let remote = Remote::open(url.clone(), None).await?;
        setup::check_device(&remote.connection().await?, options.device.as_deref()).await?;
        tokio::select! {
            served = mcp::serve(remote, options.device.clone(), &servers) => served,
            end = signals.next() => {
                info!(?end, "a signal ends the session");
                Ok(())
            }
        }
    });
    // Standard input may still be waited for.
    runtime.shutdown_background();
    served.map(|()| Exit::Good)
}

fn beside_servers(serve: &Serve, options: &Options, console: &mut Console) -> Result<Exit, CommandError> {
    let state = setup::state(options)?;
    let runtime = setup::runtime()?;
    let desk = serve::open_desk(&runtime, serve, options, state)?;
    let served = runtime.block_on(async {
        let mut signals = TerminationSignals::listen()?;
        wait_for_orphans();
        serve::prepare(&desk, serve).await?;
        let bridge =
            Bridge::start(&desk, serve, true).await.map_err(|error| with_ways_out(error, serve.listen))?;
        let refusals = Refusals::start(&desk);
        let accounts = serve::accounts_line(&desk);
        console.remark(&format!("soter-sim ready {}", bridge.url));
        console.remark(&accounts.localized());
        for remark in bridge.remarks().chain(serve::few_connections_remark()) {
            console.remark(&remark);
        }
        let servers = format!(
            "WeChat's servers: {}, in place of https://api.weixin.qq.com; {}.",
            bridge.url,
            accounts.english()
        );
        let session = async {
            let remote = Remote::open(Secret::from(bridge.url.clone()), bridge.token.clone()).await?;
            setup::check_device(&remote.connection().await?, options.device.as_deref()).await?;
            mcp::serve(remote, options.device.clone(), &servers).await
        };
        let served = tokio::select! {
            served = session => served,
            end = signals.next() => {
                info!(?end, "a signal ends the server");
                Ok(())
            }
        };
        bridge.stop().await;
        refusals.end().await;
        served
    });
    let closed = desk.close();
    // Standard input may still be waited for.
    runtime.shutdown_background();
    served?;
    closed?;
    Ok(Exit::Good)
}

/// The error of an address that is taken, with both ways out: often another soter-sim has it.
fn with_ways_out(error: CommandError, listen: Option<SocketAddr>) -> CommandError {
    let address = listen.unwrap_or(DEFAULT_ADDRESS);
    let is_taken = TcpListener::bind(address).is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse);
    if error.kind != ErrorKind::Environment || !is_taken {
        return error;
    }
    let next = text!(
        "use the soter-sim that runs there: --connect http://{address}; or choose another port: --listen 127.0.0.1:0 takes a free one",
        address = address
    );
    CommandError { next, ..error }
}
