//! How many instructions the hot paths take, counted by callgrind and held against `recorded.toml`: a gate that a busy
//! machine does not disturb, where times would be.
//!
//! `cargo bench --bench instructions` fails when a scenario takes over 2 % more than is on record, and tells when one
//! takes over 5 % less, so that the record is lowered: `-- --record` writes it anew. Each scenario runs in a process of
//! its own. What waits for locks, sockets or memory is not in these counts; see the other benchmarks for time.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

#[path = "../flow/rig.rs"]
mod rig;

mod gate;
mod scenarios;

use std::env;
use std::process::ExitCode;

/// Everything that is counted happens in here: callgrind is told this name.
#[inline(never)]
fn counted_part(work: &mut dyn FnMut()) {
    work();
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--scenario", name] => {
            let (_, _, run) = scenarios::ALL.iter().find(|(known, ..)| *known == name).unwrap();
            run();
            ExitCode::SUCCESS
        }
        // `cargo test` builds without optimisation: its counts mean nothing.
        _ if !arguments.contains(&"--bench") => ExitCode::SUCCESS,
        _ => gate::run(arguments.contains(&"--record")),
    }
}
