//! A process that is killed: whatever it was told to be kept is there, and of the rest a beginning.

use crate::rig::{Image, copy, settings, sized};
use bellwire::store::{Batch, Embedded, Settings, Store, Table};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

#[derive(Debug, Clone)]
struct Round {
    events: Vec<(u32, u64)>,
    rows: Vec<(usize, u8, Option<u8>)>,
    octets: usize,
    minutes: u64,
}

fn round() -> impl Strategy<Value = Round> {
    let row = (0..Table::ALL.len(), 0u8..5, any::<Option<u8>>());
    (vec((0u32..3, 1u64..5), 0..4), vec(row, 0..8), prop_oneof![4 => Just(0usize), 1 => Just(30_000)], 0u64..10)
        .prop_map(|(events, rows, octets, minutes)| Round { events, rows, octets, minutes })
}

/// The batches of `rounds`, none empty.
fn batches(rounds: &[Round]) -> Vec<Batch> {
    let mut next = [0; 3];
    let mut now_ms = 0;
    let batch = |round: &Round| {
        now_ms += round.minutes * 60_000;
        let mut batch = Batch::default();
        for (source, events) in &round.events {
            let next = &mut next[*source as usize];
            batch.appends.push(sized(*source, *next, *events, now_ms, round.octets));
            *next += events;
        }
        for (table, key, value) in &round.rows {
            match value {
                Some(value) => batch.put(Table::ALL[*table], [*key], vec![*value]),
                None => batch.remove(Table::ALL[*table], [*key]),
            }
        }
        batch.put(Table::Node, *b"round", now_ms.to_be_bytes().to_vec());
        batch
    };
    rounds.iter().map(batch).collect()
}

/// What the first `count` batches make, with every event.
fn image(batches: &[Batch]) -> Image {
    let mut image = Image::default();
    batches.iter().for_each(|batch| image.apply(batch));
    image
}

/// Whether a store that shows `seen` has what `batches` made: in the log, the newest, without a hole.
fn is_of(seen: &Image, batches: &[Batch]) -> bool {
    let expected = image(batches);
    let sources = || 0..3u32;
    let log_is = |source| {
        let range = (source, 0)..(source + 1, 0);
        let seen: Vec<_> = seen.events.range(range.clone()).collect();
        let all: Vec<_> = expected.events.range(range).collect();
        all.ends_with(&seen)
    };
    seen.rows == expected.rows && sources().all(log_is)
}

fn small(path: &Path) -> Settings {
    Settings { log_octets: 1 << 20, ..settings(path) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, ..ProptestConfig::default() })]

    #[test]
    fn what_is_there_after_a_kill_is_what_the_commits_made(rounds in vec(round(), 1..30), kills in vec(any::<Index>(), 3)) {
        let batches = batches(&rounds);
        let kills: Vec<_> = kills.iter().map(|kill| kill.index(batches.len())).collect();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        let store = Embedded::open(small(&path)).unwrap();
        for (n, batch) in batches.iter().enumerate() {
            store.commit(batch).unwrap();
            if kills.contains(&n) {
                let killed = directory.path().join(n.to_string());
                copy(&path, &killed);
                let seen = Image::of(&Embedded::open(small(&killed)).unwrap(), 3).unwrap();
                prop_assert!(is_of(&seen, &batches[..=n]), "after {} batches: {seen:?}", n + 1);
            }
        }
    }
}

/// Where the process that is killed has its store, and with which batch it begins.
const PLACE: &str = "BELLWIRE_TEST_STORE";
const BEGIN: &str = "BELLWIRE_TEST_BEGIN";

/// Batch number `n`, of several files' length in sum after some hundred.
fn endless(n: u64) -> Batch {
    let source = (n % 3) as u32;
    let mut batch = Batch { appends: vec![sized(source, n, 1, n * 1000, 3000)], changes: Vec::new() };
    batch.put(Table::Node, *b"last", n.to_be_bytes().to_vec());
    batch.put(Table::Progress, [n as u8], n.to_be_bytes().to_vec());
    batch.remove(Table::Progress, [(n * 7) as u8 ^ 0x80]);
    batch
}

/// No test: commits until it is killed, and says so after each commit.
#[test]
#[ignore = "is started by another test"]
fn the_process_that_is_killed() {
    let (Ok(path), Ok(begin)) = (std::env::var(PLACE), std::env::var(BEGIN)) else { return };
    let store = Embedded::open(small(Path::new(&path))).unwrap();
    for n in begin.parse().unwrap().. {
        store.commit(&endless(n)).unwrap();
        println!("\nkept {n}");
    }
}

/// Starts the process, kills it when it has kept `commits` more, and returns how many batches it said are kept.
fn killed_after(path: &Path, begin: u64, commits: u64) -> u64 {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::the_process_that_is_killed", "--ignored", "--nocapture"])
        .env(PLACE, path)
        .env(BEGIN, begin.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut kept = begin;
    for line in BufReader::new(process.stdout.take().unwrap()).lines() {
        let Some(n) = line.unwrap().strip_prefix("kept ").map(|n| n.parse::<u64>().unwrap()) else { continue };
        kept = n + 1;
        if kept == begin + commits {
            process.kill().unwrap();
        }
    }
    process.wait().unwrap();
    assert!(kept >= begin + commits, "the process died by itself");
    kept
}

#[test]
fn a_killed_process_leaves_what_it_said_is_kept_and_one_commit_more_at_most() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let mut begin = 0;
    for commits in [1, 150, 2, 77, 400, 31] {
        let kept = killed_after(&path, begin, commits);
        let seen = Image::of(&Embedded::open(small(&path)).unwrap(), 3).unwrap();
        let batches: Vec<_> = (0..=kept).map(endless).collect();
        let count = (kept..=kept + 1).find(|count| is_of(&seen, &batches[..*count as usize]));
        begin = count.unwrap_or_else(|| panic!("neither of {kept} batches nor one more"));
        assert!(seen.events.len() as u64 >= begin.min(200), "{} events are in the log", seen.events.len());
    }
}
