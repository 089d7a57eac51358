//! `bellwire load` as a shell sees it: small runs through the whole router.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::process::{Command, Output};

fn load(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bellwire"));
    command.arg("load").args(arguments).env_clear().output().unwrap()
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
fn impossible_options_are_usage_errors() {
    for wrong in [
        &["--sources", "0"][..],
        &["--events", "0"],
        &["--order", "any"],
        &["--publish", "--sources", "11", "--subscriptions", "100000"],
        &["--server", "ftp://127.0.0.1:1", "--smsc-listen", "127.0.0.1:0"],
    ] {
        assert_eq!(load(wrong).status.code(), Some(64), "{wrong:?}");
    }
}
