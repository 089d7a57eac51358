//! The client commands as a shell sees them, against a server.

use crate::house::{House, within};
use bellwire::control::proto::DeactivateRequest;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

const NUMBER: &str = "+15551234500";

pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

fn command(server: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bellwire"));
    command.args(arguments).env_clear().env("BELLWIRE_SERVER", server);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Waits in another thread, for the server runs in this one.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    within(tokio::task::spawn_blocking(work)).await.unwrap()
}

fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

pub async fn run_at(server: String, arguments: &[&str], input: impl Into<Vec<u8>>) -> Ended {
    let (mut command, input) = (command(&server, arguments), input.into());
    apart(move || {
        let mut child = command.spawn().unwrap();
        // One that ends before it has read everything is judged by what it says.
        let _ = child.stdin.take().unwrap().write_all(&input);
        ended(child)
    })
    .await
}

pub async fn run(house: &House, arguments: &[&str]) -> Ended {
    run_at(house.url(), arguments, "").await
}

#[tokio::test]
async fn a_subscription_is_activated_listed_shown_and_deactivated() {
    let house = House::open().await;
    let activate = [
        "sub",
        "activate",
        "--source",
        "http://example.com/a",
        "--to",
        NUMBER,
        "--batch-window",
        "1m 30s",
        "--order",
        "pipelined",
        "--overflow",
        "split",
        "--content",
        "wake",
        "--ids",
        "all",
        "--receipts",
        "last",
        "--priority",
        "high",
        "--at-limit",
        "notify",
        "--types",
        "price,alert",
        "--coalesce",
        "field:symbol",
        "--ttl",
        "0s",
        "--max-segments",
        "9",
        "--application",
        "0x2",
        "--credential",
        "ticker",
        "--output",
        "json",
    ];
    let activated = run(&house, &activate).await;
    assert_eq!((activated.code, activated.err.as_str()), (0, ""));
    let one: Value = serde_json::from_str(&activated.out).unwrap();
    let id = one["id"].as_str().unwrap();
    let source = serde_json::json!({ "url": "http://example.com/a", "credential": "ticker" });
    assert_eq!(
        (one["to"].as_str(), one["status"].as_str(), &one["source"]),
        (Some(NUMBER), Some("connecting"), &source)
    );
    let policy = serde_json::json!({
        "batch_window": "1m 30s", "max_events": 7, "max_segments": 9, "order": "pipelined", "ttl": "0s",
        "overflow": "split", "content": "wake", "ids": "all", "receipts": "last",
        "priority": "high", "at_limit": "notify", "types": ["price", "alert"], "coalesce": "field:symbol",
    });
    assert_eq!(one["policy"], policy);
    let line = format!("{id} connecting  {NUMBER}     http://example.com/a as ticker\n");
    let listed = run(&house, &["sub", "list"]).await;
    assert_eq!((listed.code, &listed.out), (0, &line));
    let shown = run(&house, &["sub", "show", id]).await;
    assert!(shown.out.contains("application  0x2\n") && shown.out.contains("batch_window 1m 30s\n"), "{}", shown.out);
    let deactivated = run(&house, &["sub", "deactivate", id]).await;
    assert_eq!((deactivated.code, &deactivated.out), (0, &line));
    let gone = run(&house, &["sub", "show", id]).await;
    assert_eq!((gone.code, gone.err), (1, format!("the tenant has no subscription {id}\n")));
}

#[tokio::test]
async fn wrong_fields_are_told_a_line_each_with_exit_code_64() {
    let house = House::open().await;
    let wrong = run(&house, &["sub", "activate", "--feed", "prices", "--to", "0555", "--max-segments", "0"]).await;
    assert_eq!((wrong.code, wrong.out.as_str()), (64, ""));
    let lines: Vec<&str> = wrong.err.lines().collect();
    assert!(lines[0].starts_with("to: ") && lines[1].starts_with("policy.max_segments: "), "{lines:?}");
    assert_eq!(lines.len(), 2);
    for usage in [
        &["sub", "activate", "--to", NUMBER][..],
        &["sub", "activate", "--to", NUMBER, "--feed", "a", "--source", "http://example.com/"],
        &["sub", "activate", "--to", NUMBER, "--feed", "a", "--order", "fifo"],
        &["sub", "activate", "--to", NUMBER, "--feed", "a", "--types", "a,,b"],
        &["sub", "activate", "--to", NUMBER, "--feed", "a", "--coalesce", "field:"],
        &["sub", "list", "--output", "xml"],
        &["publish", "--feed", "a", "--type", "x"],
        &["sub", "list", "--server", "localhost"],
    ] {
        assert_eq!(run(&house, usage).await.code, 64, "{usage:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let server = "http://127.0.0.1:1".to_owned();
    let ended = run_at(server, &["links"], "").await;
    assert_eq!(ended.code, 1);
    assert!(ended.err.starts_with("cannot reach the server at http://127.0.0.1:1: "), "{}", ended.err);
}

#[tokio::test]
async fn links_are_shown_drained_and_resumed() {
    let house = House::open().await;
    let line = |state: &str| format!("main 0 {state:<8} 3/10      transceiver smsc.example:2775 connection refused\n");
    assert_eq!(run(&house, &["links"]).await.out, line("bound"));
    assert_eq!(run(&house, &["links", "drain", "main", "0"]).await.out, line("draining"));
    assert_eq!(run(&house, &["links", "list"]).await.out, line("draining"));
    assert_eq!(run(&house, &["links", "resume", "main", "0", "--server", &house.url()]).await.out, line("bound"));
    let unknown = run(&house, &["links", "drain", "spare", "0"]).await;
    assert_eq!((unknown.code, unknown.out.as_str()), (1, ""));
}

#[tokio::test]
async fn an_event_stream_on_standard_input_is_published() {
    let house = House::open().await;
    house.activate("prices", NUMBER).await;
    let stream = "id: 1\ndata: a\n\nevent: x\ndata: b\n\ndata: not complete";
    let published = run_at(house.url(), &["publish", "--feed", "prices"], stream).await;
    assert_eq!((published.code, published.err.as_str()), (0, ""));
    assert_eq!(published.out, "taken: sequence 0, subscriptions 1\n");
    let next = run(&house, &["publish", "--feed", "prices", "--data=-1", "--output", "json"]).await;
    let taken = serde_json::json!({ "first_sequence": 2, "subscriptions": 1, "repeated": false });
    assert_eq!(serde_json::from_str::<Value>(&next.out).unwrap()["taken"], taken);
    let empty = run(&house, &["publish", "--feed", "prices"]).await;
    assert_eq!((empty.code, empty.out.as_str()), (0, ""));
}

#[tokio::test]
async fn what_is_rejected_decides_the_exit_code() {
    let house = House::open().await;
    let unknown = run(&house, &["publish", "--feed", "nobody", "--data", "x"]).await;
    assert_eq!((unknown.code, unknown.out.as_str()), (1, ""));
    assert_eq!(unknown.err, "no subscription is active for this source\npublications rejected: 1\n");
    let wrong = run(&house, &["publish", "--feed", "nobody", "--data", "x", "--id", "a\nb"]).await;
    assert_eq!(wrong.code, 64);
    assert!(wrong.err.starts_with("events[0].id: "), "{}", wrong.err);
}

#[tokio::test]
async fn publish_waits_for_the_outcome_if_asked() {
    let house = House::open().await;
    let id = house.activate("prices", NUMBER).await.id;
    let mut command = command(&house.url(), &["publish", "--feed", "prices", "--data", "x", "--wait"]);
    let (mut lines, child, first) = apart(move || {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        (lines, child, first)
    })
    .await;
    assert_eq!(first, "taken: sequence 0, subscriptions 1");
    house.control().deactivate(DeactivateRequest { tenant: String::new(), id }).await.unwrap();
    let (second, ended) = apart(move || (lines.next().unwrap().unwrap(), ended(child))).await;
    assert_eq!(
        second,
        "released: accepted 0, delivered 0, failed 0, expired 0, dropped 1, unknown 0, relayed 0, filtered 0, coalesced 0"
    );
    assert_eq!((ended.code, ended.err.as_str()), (1, "events neither accepted nor delivered: 1\n"));
}

#[tokio::test]
async fn watch_prints_a_line_per_change_until_the_server_ends_it() {
    let mut house = House::open().await;
    let first = house.activate("prices", NUMBER).await.id;
    let mut command = command(&house.url(), &["sub", "watch", "--current"]);
    let (mut lines, child, current) = apart(move || {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let current = lines.next().unwrap().unwrap();
        (lines, child, current)
    })
    .await;
    assert!(current.starts_with(&format!("current     {first} ")), "{current}");
    let second = house.activate("prices", "+15551234501").await.id;
    let activated = format!("activated   {second} ");
    let lines = apart(move || {
        assert!(lines.any(|line| line.unwrap().starts_with(&activated)));
        lines
    })
    .await;
    house.begin_stop();
    let ended = apart(move || ended(child)).await;
    assert_eq!((ended.code, ended.err.as_str()), (1, "the router is stopping\n"));
    drop(lines);
}
