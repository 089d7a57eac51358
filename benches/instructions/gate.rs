//! Counts every scenario and holds the counts against the record.

use crate::scenarios::ALL;
use std::collections::BTreeMap;
use std::env;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

const RECORD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions/recorded.toml");
const RECORD_HEAD: &str = "\
# Instructions that each scenario takes, counted by callgrind: x86-64 with AVX2, the toolchain of rust-toolchain.toml.
# Written by `cargo bench --bench instructions -- --record`.
";

/// More than this fails.
const WORSE_PERCENT: f64 = 2.0;
/// Less than this is to be put on record.
const BETTER_PERCENT: f64 = -5.0;

type Counts = BTreeMap<String, u64>;

pub fn run(record: bool) -> ExitCode {
    if let Some(reason) = cannot() {
        println!("SKIPPED: instruction counts, for {reason}");
        return ExitCode::SUCCESS;
    }
    let counts: Counts = ALL.iter().map(|(name, ..)| ((*name).to_owned(), count(name))).collect();
    if record {
        let mut text = RECORD_HEAD.to_owned();
        ALL.iter().for_each(|(name, ..)| writeln!(text, "{name} = {}", counts[*name]).unwrap());
        fs::write(RECORD, text).unwrap();
    }
    let recorded: Counts = toml::from_str(&fs::read_to_string(RECORD).unwrap()).unwrap();
    if compare(&counts, &recorded) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Why nothing can be counted here, or not so that it compares: memchr and the C library pick their code by the CPU.
fn cannot() -> Option<&'static str> {
    #[cfg(target_arch = "x86_64")]
    let alike = std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    let alike = false;
    if !alike {
        return Some("those on record are of x86-64 with AVX2");
    }
    let valgrind = Command::new("valgrind").arg("--version").output();
    (!valgrind.is_ok_and(|output| output.status.success())).then_some("there is no valgrind")
}

/// Runs one scenario below callgrind.
fn count(name: &str) -> u64 {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("callgrind.{name}"));
    let output = Command::new("valgrind")
        // The environment lies on the stack: another one would shift it.
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .args(["--tool=callgrind", "--toggle-collect=*counted_part*"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(env::current_exe().unwrap())
        .args(["--scenario", name])
        .output()
        .unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let profile = fs::read_to_string(file).unwrap();
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: ")).unwrap().trim().parse().unwrap();
    assert_ne!(total, 0, "{name}: callgrind did not find what to count");
    total
}

/// Prints every count; whether all are as good as what is on record.
fn compare(counts: &Counts, recorded: &Counts) -> bool {
    let mut good = true;
    println!("{:24} {:>10} {:>10} {:>10} {:>8}", "scenario", "counted", "recorded", "per unit", "change");
    for (name, units, _) in ALL {
        let now = counts[name];
        let per_unit = now as f64 / units as f64;
        let Some(before) = recorded.get(name) else {
            println!("{name:24} {now:10} {:>10} {per_unit:10.1}  FAILED: not on record", "-");
            good = false;
            continue;
        };
        let change = (now as f64 / *before as f64 - 1.0) * 100.0;
        let verdict = if change > WORSE_PERCENT {
            good = false;
            "  FAILED: more than is on record"
        } else if change < BETTER_PERCENT {
            "  BETTER: put it on record with --record"
        } else {
            ""
        };
        println!("{name:24} {now:10} {before:10} {per_unit:10.1} {change:+7.2}%{verdict}");
    }
    for name in recorded.keys().filter(|name| !counts.contains_key(*name)) {
        println!("{name:24} FAILED: on record, but there is no such scenario");
        good = false;
    }
    good
}
