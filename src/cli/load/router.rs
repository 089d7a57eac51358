//! The router that is measured: a child process, or a running one.
//!
//! A child takes ports that are free and says in its log which; its standard input ends when this process does, however
//! it does, and then it stops. It is in a process group of its own, for Ctrl-C is not for it.

use super::options::Options;
use super::process::Usage;
use crate::cli::CommandError;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// Longest wait for the metrics.
const METRICS_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for a child to listen.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// What a child logs: what goes wrong, and where it listens.
const LOG: &str = "error,bellwire::cli::serve=info";

/// The router. A child ends with this.
#[derive(Debug)]
pub(super) struct Router {
    child: Option<Child>,
    /// Its gRPC listener.
    pub server: String,
    metrics: Option<SocketAddr>,
    pid: Option<u32>,
}

/// Where a child listens.
#[derive(Debug, PartialEq, Eq)]
struct Ports {
    grpc: SocketAddr,
    ops: SocketAddr,
}

impl Router {
    /// Starts a router that sends to `smsc`, or takes the one that the options name.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(options: &Options, smsc: SocketAddr) -> Result<Self, CommandError> {
        if let Some(server) = &options.server {
            return Ok(Self { child: None, server: server.clone(), metrics: options.metrics, pid: options.pid });
        }
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--log", LOG, "serve", "--stop-on-eof", "--config", "/dev/null"]);
        for set in settings(options, smsc).iter().chain(&options.sets) {
            command.args(["--set", set]);
        }
        // Variables of this environment are meant for another router.
        command.env_clear().process_group(0);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let log = child.stderr.take();
        let mut router = Self { pid: Some(child.id()), child: Some(child), server: String::new(), metrics: None };
        let ports = log.map(ports).ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))?;
        let Ok(Ok(Ports { grpc, ops })) = tokio::time::timeout(START_TIMEOUT, ports).await else {
            return Err(CommandError::Failed("load: the router does not start".to_owned()));
        };
        router.server = format!("http://{grpc}");
        router.metrics = Some(ops);
        Ok(router)
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None)))
    }

    /// What it has used; unknown of a running router without `--pid`.
    pub fn usage(&self) -> Option<Usage> {
        Usage::of(self.pid?)
    }

    /// Its metrics as text, empty if it does not say.
    pub async fn metrics(&self) -> String {
        let Some(address) = self.metrics else { return String::new() };
        let read = tokio::time::timeout(METRICS_TIMEOUT, get(address));
        read.await.ok().and_then(Result::ok).unwrap_or_default()
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // One that has ended already is as good.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// As `--set` arguments.
fn settings(options: &Options, smsc: SocketAddr) -> [String; 20] {
    [
        "http.listen=".to_owned(),
        "grpc.listen=127.0.0.1:0".to_owned(),
        "ops.listen=127.0.0.1:0".to_owned(),
        "node.data_dir=".to_owned(),
        // Whoever would wait for what is left is gone.
        "node.grace=0s".to_owned(),
        "smsc.0.name=load".to_owned(),
        format!("smsc.0.address={smsc}"),
        format!("smsc.0.window={}", options.window),
        format!("smsc.0.links={}", options.links),
        "smsc.0.source_address=12345".to_owned(),
        format!("smsc.0.response_timeout={}ms", options.latency + 30_000),
        "budgets.handset_per_minute=0".to_owned(),
        "budgets.handset_per_day=0".to_owned(),
        "budgets.source_per_minute=0".to_owned(),
        "budgets.source_per_day=0".to_owned(),
        "budgets.tenant_per_minute=0".to_owned(),
        "budgets.tenant_per_day=0".to_owned(),
        "push.profile=compact".to_owned(),
        "push.application_id=2".to_owned(),
        "access.allow_private_sources=true".to_owned(),
    ]
}

/// Where the child listens, as soon as it logs that. What else it logs is passed on.
fn ports(log: ChildStderr) -> oneshot::Receiver<Ports> {
    let (found, ports) = oneshot::channel();
    std::thread::spawn(move || {
        let mut found = Some(found);
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            match (listening(&line), found.take()) {
                // Nobody waits any more: the test is over.
                (Some(ports), Some(found)) => drop(found.send(ports)),
                (_, waiting) => {
                    found = waiting;
                    eprintln!("router: {line}");
                }
            }
        }
    });
    ports
}

fn listening(line: &str) -> Option<Ports> {
    let field = |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name)?.parse().ok());
    Some(Ports { grpc: field("grpc=")?, ops: field("ops=")? })
}

/// HTTP/1.0, so that the body ends with the connection and is not chunked.
async fn get(address: SocketAddr) -> io::Result<String> {
    let mut socket = TcpStream::connect(address).await?;
    socket.write_all(format!("GET /metrics HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
    let mut text = String::new();
    socket.read_to_string(&mut text).await?;
    Ok(text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_says_where_the_router_listens() {
        let line = "2026-01-01T00:00:00Z  INFO bellwire::cli::serve: router started; memory only grpc=127.0.0.1:7 ops=127.0.0.1:8 smscs=1";
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        assert_eq!(listening(line), Some(Ports { grpc: at(7), ops: at(8) }));
        assert_eq!(listening("ERROR bellwire: grpc=none"), None);
    }
}
