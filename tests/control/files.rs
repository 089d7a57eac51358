//! `sub import` and `sub export`.

use crate::command::{run, run_at};
use crate::house::{House, feed, url};
use bellwire::control::proto::{
    ActivateRequest, AtLimit, Coalesce, Content, EventTypes, Ids, ListSubscriptionsRequest, Order, Overflow, Policy,
    Priority, Receipts,
};
use prost_types::Duration;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn file(folder: &TempDir, name: &str, contents: impl AsRef<[u8]>) -> String {
    let path = folder.path().join(name);
    fs::write(&path, contents).unwrap();
    text(&path).to_owned()
}

async fn count(house: &House) -> usize {
    let request = ListSubscriptionsRequest { page_size: 1000, ..ListSubscriptionsRequest::default() };
    house.control().list_subscriptions(request).await.unwrap().into_inner().subscriptions.len()
}

/// Subscriptions of every kind.
async fn furnish(house: &House) {
    let one = |to: &str| ActivateRequest { to: to.to_owned(), source: feed("prices"), ..ActivateRequest::default() };
    let seconds = |seconds| Some(Duration { seconds, nanos: 250_000_000 });
    let policy = Policy {
        batch_window: seconds(90),
        max_events: Some(0),
        max_segments: Some(255),
        order: Order::Pipelined.into(),
        ttl: seconds(86_400),
        overflow: Overflow::Split.into(),
        receipts: Receipts::None.into(),
        content: Content::Wake.into(),
        ids: Ids::All.into(),
        priority: Priority::Urgent.into(),
        at_limit: AtLimit::Drop.into(),
        types: Some(EventTypes { types: vec!["price".to_owned(), "a, \"b\"".to_owned()] }),
        coalesce: Coalesce::Field.into(),
        coalesce_field: "a,b".to_owned(),
    };
    let mut private = url("https://example.com/a?b=1,2&c=%22x%22");
    private.as_mut().unwrap().credential = "ticker".to_owned();
    let all = [
        one("15551230000"),
        ActivateRequest { handset: "device, \"1\"".to_owned(), ..one("15551230001") },
        ActivateRequest { source: private, application: Some(String::new()), ..one("15551230002") },
        ActivateRequest { application: Some("0x2".to_owned()), policy: Some(policy), ..one("15551230003") },
        ActivateRequest { application: Some("urn:a,\"b\"".to_owned()), ..one("15551230003") },
        ActivateRequest { source: feed("a,\"b\""), ..one("15551230003") },
    ];
    for request in all {
        house.control().activate(request).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_exported_is_the_same_when_it_was_imported() {
    let (folder, old) = (TempDir::new().unwrap(), House::open().await);
    furnish(&old).await;
    for name in ["all.csv", "all.jsonl"] {
        let (path, new) = (folder.path().join(name), House::open().await);
        let exported = run(&old, &["sub", "export", text(&path)]).await;
        assert_eq!((exported.code, exported.out.as_str(), exported.err.as_str()), (0, "", ""));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let written = fs::read_to_string(&path).unwrap();
        assert_eq!(written.matches("+15551230003").count(), 3, "numbers in full: {written}");
        let imported = run(&new, &["sub", "import", text(&path), "--output", "json"]).await;
        assert_eq!((imported.code, imported.err.as_str()), (0, ""));
        let summary: Value = serde_json::from_str(&imported.out).unwrap();
        assert_eq!((&summary["lines"], &summary["created"], &summary["refused"]), (&6.into(), &6.into(), &0.into()));
        let format = if name == "all.csv" { "csv" } else { "jsonl" };
        let again = run(&new, &["sub", "export", "--format", format]).await;
        assert_eq!((again.code, again.out), (0, written));
        let listed = async |house| run(house, &["sub", "list"]).await.out;
        assert_eq!(listed(&old).await, listed(&new).await, "with the same ids");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
}

#[tokio::test]
async fn an_export_of_several_pages_has_every_subscription() {
    let house = House::open().await;
    let lines: Vec<String> = (0..2500).map(|at| format!("{},prices\n", 15_551_230_000_u64 + at)).collect();
    let imported = run_at(house.url(), &["sub", "import", "-"], format!("to,feed\n{}", lines.concat())).await;
    assert_eq!((imported.code, imported.err.as_str()), (0, ""));
    assert!(
        imported.out.starts_with("lines 2,500, imported: created 2,500, renewed 0, refused 0; "),
        "{}",
        imported.out
    );
    let exported = run(&house, &["sub", "export", "--format", "jsonl"]).await;
    assert_eq!(exported.out.lines().count(), 2500);
    let again = run_at(house.url(), &["sub", "import", "-"], exported.out).await;
    assert!(again.out.contains("created 0, renewed 2,500, refused 0"), "{}", again.out);
}

const MIXED: &str = "to,source,ttl,handset
+15551230000,http://example.com/a,10m,
0555,example.com/a,10m,
+15551230001,http://example.com/a,ten,

+15551230002,http://example.com/a
+445551230000,http://example.com/a,,
+15551230003,http://example.com/a,29days,device
+15551230004,\"http://example.com/b\",1h 30m,device
+15551230005,http://example.com/b,,device
";

/// Everything that is wrong with it.
const TOLD: &str = "line 3: to \"0555\": a number in E.164 form has 7 to 15 digits, found 4
line 3: source \"example.com/a\": not an absolute URL: relative URL without a base
line 4: ttl \"ten\": no duration such as 30s, 10m or 1h 30m
line 6: 2 cells, and the header has 4
line 7: to \"+445551230000\": no SMSC has a route for a number that starts like this one
line 8: ttl \"29days\": ttl 2505600s is neither 0 nor from 1s to 28days
";

#[tokio::test]
async fn wrong_lines_are_told_and_good_ones_taken() {
    let (folder, house) = (TempDir::new().unwrap(), House::open().await);
    let (wrong, path) = (folder.path().join("wrong"), file(&folder, "mixed", MIXED));
    let ended = run(&house, &["sub", "import", &path, "--errors", text(&wrong)]).await;
    assert_eq!(ended.code, 1, "{}", ended.err);
    let other = "the handset has other subscriptions under another number; deactivate them first";
    let told = format!("{TOLD}line 10: to \"+15551230005\": {other}\n");
    assert_eq!(fs::read_to_string(&wrong).unwrap(), told);
    let shown = told.replace(" \"0555\"", "").replace(" \"+445551230000\"", "").replace(" \"+15551230005\"", "");
    assert_eq!(ended.err, format!("{shown}6 of 8 lines refused\n"), "numbers are not shown");
    assert!(ended.out.starts_with("lines 8, imported: created 2, renewed 0, refused 6; "), "{}", ended.out);
    assert_eq!(count(&house).await, 2);
}

#[tokio::test]
async fn all_or_nothing_takes_nothing_of_a_file_with_a_wrong_line() {
    let (folder, house) = (TempDir::new().unwrap(), House::open().await);
    let path = file(&folder, "mixed.csv", MIXED);
    let ended = run(&house, &["sub", "import", "--all-or-nothing", &path]).await;
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("\nline 9: to: line 8 has this handset under another number\n"), "{}", ended.err);
    assert!(ended.out.starts_with("lines 8, checked, none imported: created 1, "), "{}", ended.out);
    assert_eq!(count(&house).await, 0);
    let good: String = MIXED
        .lines()
        .enumerate()
        .filter(|(at, _)| [0, 1, 8].contains(at))
        .map(|(_, line)| format!("{line}\n"))
        .collect();
    let path = file(&folder, "good.csv", good);
    let ended = run(&house, &["sub", "import", "--all-or-nothing", &path, "--output", "json"]).await;
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    let summary: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((&summary["created"], &summary["imported"]), (&2.into(), &true.into()));
    assert_eq!(count(&house).await, 2);
}

#[tokio::test]
async fn twenty_wrong_lines_are_shown_and_the_others_counted() {
    let house = House::open().await;
    let lines = "{\"to\":\"+15551230000\",\"sorce\":\"x\"}\n".repeat(1234);
    let long = format!("{{\"to\":\"{}\"}}\n", "1".repeat(70_000));
    let good = "{\"to\":\"+15551230000\",\"feed\":\"prices\",\"max_events\":5}";
    let ended = run_at(house.url(), &["sub", "import", "-"], format!("{long}{lines}{good}")).await;
    assert_eq!(ended.code, 1);
    let shown: Vec<&str> = ended.err.lines().collect();
    assert_eq!(shown[0], "line 1: the line is longer than 65536 octets");
    assert!(shown[1].starts_with("line 2: \"sorce\" is none of tenant, source, feed, "), "{}", shown[1]);
    let end = ["and 1,215 wrong lines more; --errors FILE writes all of them", "1,235 of 1,236 lines refused"];
    assert_eq!((shown.len(), &shown[20..]), (22, &end[..]));
    assert!(ended.out.contains("created 1, "), "{}", ended.out);
}

#[tokio::test]
async fn a_file_that_is_none_is_a_usage_error() {
    let (folder, house) = (TempDir::new().unwrap(), House::open().await);
    let nowhere = text(&folder.path().join("nowhere.csv")).to_owned();
    let column = file(&folder, "column.csv", "to,sorce\n+15551230000,x\n");
    let empty = file(&folder, "empty.csv", "");
    for (arguments, told) in [
        (&[nowhere.as_str()][..], "No such file"),
        (&[column.as_str()], "line 1: column \"sorce\" is none of tenant, source, feed, "),
        (&[empty.as_str()], "a header line with the names of the columns is missing"),
        (&["-", "--all-or-nothing"], "cannot be read again"),
        (&[column.as_str(), "--format", "xml"], "possible values: auto, csv, jsonl"),
        (&[column.as_str(), "--errors", "/nowhere/errors"], "--errors /nowhere/errors: "),
    ] {
        let ended = run(&house, &[&["sub", "import"], arguments].concat()).await;
        assert_eq!((ended.code, ended.out.as_str()), (64, ""), "{arguments:?}");
        assert!(ended.err.contains(told), "{}", ended.err);
    }
    let none = run(&house, &["sub", "import", "-"]).await;
    assert_eq!(none.code, 0, "no lines, nothing wrong");
}

#[tokio::test]
async fn lines_that_name_no_tenant_are_the_one_named() {
    let house = House::open().await;
    let lines = "tenant,to,feed\n,+15551230000,a\nother,+15551230001,a\n";
    assert_eq!(run_at(house.url(), &["sub", "import", "-", "--tenant", "acme"], lines).await.code, 0);
    for tenant in ["acme", "other"] {
        assert_eq!(run(&house, &["sub", "list", "--tenant", tenant]).await.out.lines().count(), 1);
    }
}

#[tokio::test]
async fn an_export_that_fails_leaves_no_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("all.csv");
    let ended = run_at("http://127.0.0.1:1".to_owned(), &["sub", "export", text(&path)], "").await;
    assert_eq!((ended.code, fs::read_dir(folder.path()).unwrap().count()), (1, 0));
}
