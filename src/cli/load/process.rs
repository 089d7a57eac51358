//! What a process has used, from /proc/PID (proc_pid_stat(5), proc_pid_status(5)).

use serde::Serialize;

/// Clock ticks per second in /proc: what Linux shows to programs on every architecture that matters.
const TICKS: f64 = 100.0;

/// CPU time and memory of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Usage {
    /// User and system time since it began, in seconds.
    pub cpu: f64,
    /// Resident memory now and at its peak, in KiB.
    pub rss: u64,
    /// See `rss`.
    pub peak: u64,
}

impl Usage {
    /// Of process `pid`; `None` if there is none.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        Some(Self { cpu: cpu(&stat)?, rss: kib(&status, "VmRSS:")?, peak: kib(&status, "VmHWM:")? })
    }
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
        assert!(Usage::of(std::process::id()).unwrap().rss > 0);
    }
}
