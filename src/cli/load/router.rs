//! The router that is measured: a child process, seen from /proc/PID (proc_pid_stat(5), proc_pid_status(5)), or a running
//! one, seen from its metrics alone.

use super::options::Options;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Clock ticks per second in /proc: what Linux shows to programs on every architecture that matters.
const TICKS: f64 = 100.0;
/// Longest wait for the metrics.
const METRICS_TIMEOUT: Duration = Duration::from_secs(10);

/// The router. A child ends with this.
#[derive(Debug)]
pub(super) struct Router {
    child: Option<Child>,
    /// Its gRPC listener.
    pub server: String,
    metrics: Option<SocketAddr>,
}

/// What a process has used.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    /// User and system time, in seconds.
    pub cpu: f64,
    /// Resident memory now and at its peak, in KiB.
    pub rss: u64,
    /// See `rss`.
    pub peak: u64,
}

impl Router {
    /// Starts a router that sends to `smsc`, or takes the one that the options name.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(options: &Options, smsc: SocketAddr) -> io::Result<Self> {
        if let Some(server) = &options.server {
            return Ok(Self { child: None, server: server.clone(), metrics: options.metrics });
        }
        let (grpc, ops) = free_ports()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--log", "error", "serve", "--config", "/dev/stdin"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(config(options, smsc, grpc, ops).as_bytes())?;
        }
        Ok(Self { child: Some(child), server: format!("http://{grpc}"), metrics: Some(ops) })
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| !matches!(child.try_wait(), Ok(None)))
    }

    /// What it has used; unknown of a running router.
    pub fn usage(&self) -> Option<Usage> {
        let pid = self.child.as_ref()?.id();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        Some(Usage { cpu: cpu(&stat)?, rss: kib(&status, "VmRSS:")?, peak: kib(&status, "VmHWM:")? })
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

/// Two ports that were free a moment ago.
fn free_ports() -> io::Result<(SocketAddr, SocketAddr)> {
    let [one, other] = [TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?];
    Ok((one.local_addr()?, other.local_addr()?))
}

fn config(options: &Options, smsc: SocketAddr, grpc: SocketAddr, ops: SocketAddr) -> String {
    let Options { window, links, .. } = options;
    format!(
        r#"
        [grpc]
        listen = "{grpc}"
        [ops]
        listen = "{ops}"
        [[smsc]]
        name = "load"
        address = "{smsc}"
        window = {window}
        links = {links}
        source_address = "12345"
        [push]
        profile = "compact"
        application_id = "2"
        [access]
        allow_private_sources = true
        "#
    )
}

/// HTTP/1.0, so that the body ends with the connection and is not chunked.
async fn get(address: SocketAddr) -> io::Result<String> {
    let mut socket = TcpStream::connect(address).await?;
    socket.write_all(format!("GET /metrics HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
    let mut text = String::new();
    socket.read_to_string(&mut text).await?;
    Ok(text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

/// The name, in brackets, may hold anything; utime and stime are fields 14 and 15.
fn cpu(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some((ticks()? + ticks()?) as f64 / TICKS)
}

fn kib(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_used_is_read() {
        assert_eq!(cpu("7 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0"), Some(2.0));
        assert_eq!(kib("VmPeak:\t  9 kB\nVmHWM:\t  12 kB\n", "VmHWM:"), Some(12));
        assert_eq!(kib("", "VmHWM:"), None);
    }
}
