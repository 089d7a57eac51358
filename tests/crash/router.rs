//! The router as a process: started, killed, started again on the same data.

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// Log lines that are kept for whoever has to find out what went wrong.
const LINES: usize = 30;

/// The last log lines of all processes.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<VecDeque<String>>>);

impl Lines {
    fn push(&self, line: String) {
        let mut lines = self.0.lock();
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    pub fn text(&self) -> String {
        self.0.lock().iter().fold(String::new(), |text, line| text + "\n" + line)
    }
}

/// A running router; it ends with this, and with the test whatever happens, for it reads its input.
pub struct Router {
    child: Child,
    pub grpc: SocketAddr,
    pub ops: SocketAddr,
}

impl Router {
    /// Starts `bellwire serve` and waits until it says where it listens.
    pub async fn start(config: &Path, lines: &Lines) -> Result<Self, String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bellwire"));
        command.args(["serve", "--stop-on-eof", "--config"]).arg(config).env_clear();
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        lines.push(format!("--- process {}", child.id()));
        let log = BufReader::new(child.stderr.take().unwrap());
        let (started, wait) = oneshot::channel();
        let lines = lines.clone();
        std::thread::spawn(move || follow(log, &lines, started));
        match wait.await {
            Ok((grpc, ops)) => Ok(Self { child, grpc, ops }),
            Err(_) => Err(format!("the router did not start: {}", child.wait().unwrap())),
        }
    }

    /// What kills it, at once, without waiting for its end.
    pub fn killer(&self) -> Box<dyn FnOnce() + Send> {
        let pid = Pid::from_child(&self.child);
        Box::new(move || kill_process(pid, Signal::KILL).unwrap())
    }

    /// Asks it to stop.
    pub fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// What `/metrics` says, summed over the labels.
    pub async fn metric(&self, name: &str) -> u64 {
        let mut socket = TcpStream::connect(self.ops).await.unwrap();
        socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: router\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut text = String::new();
        socket.read_to_string(&mut text).await.unwrap();
        let own = text.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
        let values = own.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap() as u64);
        let values: Vec<u64> = values.collect();
        assert!(!values.is_empty(), "{name} is not in\n{text}");
        values.iter().sum()
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps the last lines, and tells the addresses from the one that says that it has started.
fn follow(log: impl BufRead, lines: &Lines, started: oneshot::Sender<(SocketAddr, SocketAddr)>) {
    let mut started = Some(started);
    for line in log.lines().map_while(Result::ok) {
        let address = |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name)?.parse().ok());
        if line.contains("router started")
            && let (Some(grpc), Some(ops)) = (address("grpc="), address("ops="))
            && let Some(started) = started.take()
        {
            let _ = started.send((grpc, ops));
        }
        lines.push(line);
    }
}

/// The configuration, in a file. Empty `data_dir`: everything is kept in memory only.
pub fn write_config(directory: &Path, data_dir: &str, smsc: SocketAddr, links: u64, window: u64) -> PathBuf {
    let path = directory.join("bellwire.toml");
    let text = format!(
        "[node]\ndata_dir = {data_dir:?}\ndisk_reserve = 16777216\n[http]\nlisten = \"\"\n[grpc]\nlisten = \"127.0.0.1:0\"\n[ops]\nlisten = \"127.0.0.1:0\"\n\
         [budgets]\nhandset_per_minute = 0\nhandset_per_day = 0\nsource_per_minute = 0\nsource_per_day = 0\n\
         tenant_per_minute = 0\ntenant_per_day = 0\n\
         [access]\nallow_private_sources = true\n[[smsc]]\nname = \"main\"\naddress = \"{smsc}\"\n\
         source_address = \"12345\"\nlinks = {links}\nwindow = {window}\nreference_width = \"16bit\"\n\
         response_timeout = \"5s\"\nreceipt_timeout = \"2s\"\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}
