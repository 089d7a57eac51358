//! Logs of sources.

use crate::{append, appended, logged, open, settings};
use bellwire::store::Store;
use bellwire::store::embedded::{Embedded, Settings};
use std::time::Duration;

#[test]
fn a_log_gives_what_follows_a_number_in_order_and_knows_nothing_of_others() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.commit(&appended(vec![append(1, 0, &["a", "b", "c"]), append(2, 0, &["x"])])).unwrap();
    store.commit(&appended(vec![append(1, 3, &["d"]), append(1, 4, &["e", "f"])])).unwrap();
    let data = |from| logged(&store, 1, from).into_iter().map(|(_, data)| data).collect::<String>();
    assert_eq!((data(0), data(2), data(3), data(5)), ("abcdef".into(), "abcdef".into(), "def".into(), "ef".into()));
    assert_eq!(data(6), "");
    assert_eq!(logged(&store, 2, 0), [(0, "x".to_owned())]);
    assert_eq!(logged(&store, 3, 0), []);
    let chunks = store.read(1, 0, 1).unwrap();
    assert_eq!(chunks.len(), 1, "one at least, and no more than asked for");
    assert_eq!(chunks[0].unix_ms, 1_764_000_000_000);
}

#[test]
fn a_batch_that_is_given_again_is_kept_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let batch = appended(vec![append(1, 0, &["a"]), append(1, 1, &["b"])]);
    store.commit(&batch).unwrap();
    store.commit(&batch).unwrap();
    assert_eq!(logged(&store, 1, 0).len(), 2);
}

#[test]
fn the_oldest_events_go_when_the_logs_are_too_large() {
    let directory = tempfile::tempdir().unwrap();
    let store = Embedded::open(Settings { log_octets: 1 << 20, ..settings(directory.path()) }).unwrap();
    let text = "x".repeat(1000);
    let mut next = 0;
    for _ in 0..100 {
        let appends = (0..30).map(|step| append(1, next + step, &[&text])).collect();
        store.commit(&appended(appends)).unwrap();
        next += 30;
    }
    let kept = logged(&store, 1, 0);
    assert_eq!(kept.last().unwrap().0, next - 1, "the newest are there");
    assert!((300..1100).contains(&kept.len()), "{} of {next} are kept", kept.len());
    let numbers: Vec<u64> = kept.iter().map(|(seq, _)| *seq).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "and nothing is missing between them");
    drop(store);
    let store = Embedded::open(Settings { log_octets: 1 << 20, ..settings(directory.path()) }).unwrap();
    assert_eq!(logged(&store, 1, 0).len(), kept.len(), "what was dropped does not come back");
}

#[test]
fn events_that_are_too_old_go() {
    let directory = tempfile::tempdir().unwrap();
    let brief = Settings { log_age: Duration::from_millis(80), ..settings(directory.path()) };
    let store = Embedded::open(brief).unwrap();
    store.commit(&appended(vec![append(1, 0, &["old"])])).unwrap();
    let begun = std::time::Instant::now();
    let mut next = 1;
    // Each commit after a while begins a segment, and drops those that are older than the log may be.
    while logged(&store, 1, 0).first().unwrap().1 == "old" {
        store.commit(&appended(vec![append(1, next, &["new"])])).unwrap();
        next += 1;
        assert!(begun.elapsed() < Duration::from_secs(20), "it never goes");
    }
    assert!(begun.elapsed() >= Duration::from_millis(80));
    assert_eq!(logged(&store, 1, 0).last().unwrap().0, next - 1);
}
