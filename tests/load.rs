//! `bellwire load` as a shell sees it: small runs through the whole router.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::NamedTempFile;

const BELLWIRE: &str = env!("CARGO_BIN_EXE_bellwire");

fn load(arguments: &[&str]) -> Output {
    Command::new(BELLWIRE).arg("load").args(arguments).env_clear().output().unwrap()
}

/// What a run that has to fail says last, with its figures.
fn failure(arguments: &[&str]) -> (String, serde_json::Value) {
    let output = load(&[arguments, &["--output", "json"]].concat());
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    (complaint.lines().last().unwrap().to_owned(), serde_json::from_slice(&output.stdout).unwrap())
}

fn report(arguments: &[&str]) -> serde_json::Value {
    let output = load(&[arguments, &["--output", "json"]].concat());
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{complaint}{}", String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&output.stdout).unwrap()
}

const SMALL: [&str; 6] = ["--sources", "4", "--subscriptions", "2", "--events", "400"];

fn assert_complete(report: &serde_json::Value) {
    for (field, value) in [("sent", 400), ("expected", 800), ("arrived", 800), ("lost", 0), ("repeated", 0)] {
        assert_eq!(report[field], value, "{field} of {report}");
    }
}

#[test]
fn every_event_arrives_once_for_each_subscription() {
    let report = report(&[&SMALL[..], &["--order", "pipelined", "--max-events", "1", "--receipts", "none"]].concat());
    assert_complete(&report);
    assert_eq!(report["segments"], 800);
    assert!(report["latency"]["p99"].as_f64().unwrap() > 0.0, "{report}");
    assert!(report["rss_peak"].as_u64().unwrap() > 0, "{report}");
    let stages: Vec<_> = report["stages"].as_array().unwrap().iter().map(|stage| stage["stage"].clone()).collect();
    assert!(stages.contains(&"accept".into()), "{report}");
}

#[test]
fn strict_order_holds_when_answers_take_time() {
    let report = report(&[&SMALL[..], &["--order", "strict", "--latency", "20", "--rate", "2000"]].concat());
    assert_complete(&report);
    assert_eq!(report["out_of_order"], 0);
}

#[test]
fn long_events_are_joined_from_their_segments() {
    let report = report(&[&SMALL[..], &["--octets", "700"]].concat());
    assert_complete(&report);
    assert!(report["segments"].as_u64().unwrap() > 800, "{report}");
}

#[test]
fn published_events_arrive_too() {
    let report = report(&[&SMALL[..], &["--publish"]].concat());
    assert_complete(&report);
    assert_eq!(report["rejected"], 0);
}

#[test]
fn a_time_ends_it() {
    let report = report(&["--sources", "2", "--rate", "500", "--seconds", "1"]);
    assert_eq!(report["arrived"], report["sent"]);
    assert!(report["sent"].as_u64().unwrap() > 100, "{report}");
}

#[test]
fn a_profile_gives_way_to_options() {
    let report = report(&["--profile", "fan-out", "--subscriptions", "50", "--order", "strict"]);
    assert_eq!((&report["expected"], &report["arrived"]), (&500.into(), &500.into()));
    assert_eq!((&report["setup"]["profile"], &report["setup"]["order"]), (&"fan-out".into(), &"strict".into()));
    assert!(report["rss_idle"].as_u64() >= report["rss_start"].as_u64(), "{report}");
    assert!(report["cpu_total"].as_f64() >= report["cpu_measured"].as_f64(), "{report}");
}

#[test]
fn a_full_feed_makes_the_publisher_wait() {
    let full = ["--publish", "--sources", "1", "--events", "5000", "--set", "upstream.log_octets=262144"];
    let report = report(&[&full[..], &["--order", "pipelined", "--max-events", "1", "--receipts", "none"]].concat());
    assert_eq!((&report["arrived"], &report["rejected"]), (&5000.into(), &0.into()));
    assert!(report["dropped"]["no_credit"].as_u64().is_some(), "it was never full: {report}");
}

#[test]
fn what_an_smsc_refuses_is_lost() {
    let (complaint, report) = failure(&[&SMALL[..], &["--max-events", "1", "--refuse", "100"]].concat());
    assert_eq!(complaint, "load: 8 of 800 events were lost; the SMSC refused 8 segments");
    assert_eq!((&report["wrong"], &report["outcomes"]["failed"]), (&complaint["load: ".len()..].into(), &8.into()));
}

#[test]
fn what_comes_twice_is_wrong() {
    let (complaint, report) = failure(&[&SMALL[..], &["--max-events", "1", "--close", "500"]].concat());
    let repeated = report["repeated"].as_u64().unwrap();
    assert!(repeated > 0 && complaint == format!("load: {repeated} events arrived more than once"), "{complaint}");
}

#[test]
fn a_running_router_is_measured_and_left_as_it_was() {
    let [smsc, grpc, ops] = free_addresses();
    let router = Router::start(&smsc, &grpc, &ops);
    let (server, pid) = (format!("http://{grpc}"), router.0.id().to_string());
    let its = ["--server", &server, "--metrics", &ops, "--smsc-listen", &smsc, "--pid", &pid];
    // What the first run leaves in the metrics does not count for the second.
    for more in [&[][..], &["--publish"]] {
        let report = report(&[&SMALL[..], &its, more].concat());
        assert_complete(&report);
        let outcomes = report["outcomes"].as_object().unwrap();
        assert_eq!(outcomes.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), 800, "{report}");
        assert!(report["rss_peak"].as_u64().unwrap() > 0, "{report}");
    }
    let list = Command::new(BELLWIRE).args(["sub", "list", "--server", &server, "--output", "json"]).output().unwrap();
    assert_eq!((list.status.code(), list.stdout.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn an_interrupted_run_reports_how_far_it_came() {
    let mut command = Command::new(BELLWIRE);
    command.args(["load", "--sources", "1", "--rate", "100", "--seconds", "600", "--output", "json"]).env_clear();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The first line comes when events are on their way.
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().contains("events sent"));
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &report["interrupted"]), (Some(1), &true.into()));
    assert!(report["arrived"].as_u64().unwrap() > 0, "{report}");
    assert!(lines.last().unwrap().starts_with("load: interrupted with "));
}

#[test]
fn the_router_ends_with_a_load_that_is_killed() {
    let mut command = Command::new(BELLWIRE);
    command.args(["load", "--sources", "1", "--rate", "100", "--seconds", "600"]).env_clear();
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().contains("events sent"));
    let router = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap();
    let path = format!("/proc/{}/cmdline", router.trim());
    assert!(!std::fs::read(&path).unwrap().is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    // A zombie has no command line any more.
    wait_until(|| std::fs::read(&path).unwrap_or_default().is_empty());
}

#[test]
fn a_limit_of_files_that_is_too_low_is_named() {
    let shell = "ulimit -n 200; exec \"$0\" load --sources 300";
    let output = Command::new("sh").args(["-c", shell, BELLWIRE]).output().unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64), "{complaint}");
    assert!(complaint.contains("300 event streams need 365 open files, and 200 are allowed"), "{complaint}");
}

#[test]
fn impossible_options_are_usage_errors() {
    for wrong in [
        &["--sources", "0"][..],
        &["--events", "0"],
        &["--order", "any"],
        &["--publish", "--sources", "5", "--subscriptions", "1000000"],
        &["--sources", "10001"],
        &["--profile", "huge"],
        &["--server", "http://127.0.0.1:1"],
        &["--server", "ftp://127.0.0.1:1", "--smsc-listen", "127.0.0.1:0"],
    ] {
        assert_eq!(load(wrong).status.code(), Some(64), "{wrong:?}");
    }
}

/// A router that ends with this.
struct Router(Child);

impl Router {
    fn start(smsc: &str, grpc: &str, ops: &str) -> Self {
        let mut file = NamedTempFile::with_suffix(".toml").unwrap();
        let config = format!(
            "[node]\ndata_dir = \"\"\n[http]\nlisten = \"\"\n[grpc]\nlisten = \"{grpc}\"\n[ops]\nlisten = \"{ops}\"\n[access]\nallow_private_sources = true\n\
             [budgets]\nhandset_per_minute = 0\nhandset_per_day = 0\nsource_per_minute = 0\nsource_per_day = 0\n\
             tenant_per_minute = 0\ntenant_per_day = 0\n\
             [[smsc]]\nname = \"load\"\naddress = \"{smsc}\"\n"
        );
        file.write_all(config.as_bytes()).unwrap();
        let mut command = Command::new(BELLWIRE);
        command.args(["--log", "bellwire::cli::serve=info", "serve", "--config", file.path().to_str().unwrap()]);
        let mut child = command.env_clear().stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines().next().unwrap().unwrap();
        assert!(log.contains("router started"), "{log}");
        Self(child)
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Addresses that were free a moment ago: the router and its SMSC have to know of each other before either is there.
fn free_addresses() -> [String; 3] {
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().to_string())
}

fn wait_until(holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(20), "it takes too long");
        std::thread::yield_now();
    }
}
