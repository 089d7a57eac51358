//! What is asked of a load test.

use crate::cli::CommandError;
use crate::model::{Order, Receipts};
use clap::Args;
use std::net::SocketAddr;
use std::time::Duration;

/// Handsets that have a number.
const HANDSETS_MAX: u64 = 1_000_000;
/// Files beside the streams: links, gRPC, logs, the runtime.
const OTHER_FILES: u64 = 64;
/// Events when neither their number nor a time is given.
const EVENTS: u64 = 100_000;
/// Segments per push as the router has them by default, and octets of data that surely fit one.
const SEGMENTS: u32 = 3;
const SEGMENT_DATA: u32 = 64;

/// The options of `load`.
#[derive(Args, Debug)]
pub(super) struct Options {
    /// Event sources, 1 to 10000; each is a stream, or with --publish a feed
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub sources: u32,
    /// Subscriptions of each source, 1 to 100000, each of another handset; at most 1000000 over all sources
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub subscriptions: u32,
    /// Events per second over all sources, 0 to 10000000; 0 for as many as are taken
    #[arg(long, value_name = "R", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000_000))]
    pub rate: u32,
    /// Events over all sources, 1 to 1000000000 [default: 100000, without --seconds]
    #[arg(long, value_name = "N", conflicts_with = "seconds", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub events: Option<u64>,
    /// Send for so long instead, 1 to 86400
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: Option<u64>,
    /// Octets of each event's data, 30 to 4096
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(30..=4096))]
    pub octets: u32,
    /// Milliseconds that the SMSC takes to answer, 0 to 60000
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=60_000))]
    pub latency: u64,
    /// Segments without an answer per link, 1 to 10000
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub window: u32,
    /// Links to the SMSC, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub links: u32,
    /// Order of pushes to a handset: strict or pipelined
    #[arg(long, value_name = "ORDER", default_value = "strict")]
    pub order: Order,
    /// Events per push at most, 0 to 1000; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub max_events: u32,
    /// Which segments ask for a delivery receipt, which the SMSC then sends at once: all or none
    #[arg(long, value_name = "CHOICE", default_value = "all")]
    pub receipts: Receipts,
    /// Publish the events by gRPC instead of event streams
    #[arg(long)]
    pub publish: bool,
    /// Measure a running router by its gRPC listener; its one SMSC must be --smsc-listen, and it must allow private
    /// sources. --window and --links are its own then, and its CPU time and memory stay unknown
    #[arg(long, value_name = "URL", requires = "smsc_listen")]
    pub server: Option<String>,
    /// Where a running router has its metrics, such as 127.0.0.1:9090; without it the stages stay unknown
    #[arg(long, value_name = "ADDRESS", requires = "server")]
    pub metrics: Option<SocketAddr>,
    /// Address of the SMSC [default: 127.0.0.1 and any port that is free]
    #[arg(long, value_name = "ADDRESS")]
    pub smsc_listen: Option<SocketAddr>,
}

impl Options {
    /// What single ranges do not say.
    ///
    /// # Errors
    /// When there are too many handsets, or more streams than the system allows files.
    pub fn check(&self) -> Result<(), CommandError> {
        if self.handsets() > HANDSETS_MAX {
            let asked = format!("--sources {} with --subscriptions {} are", self.sources, self.subscriptions);
            return Err(CommandError::Usage(format!("{asked} {} handsets, at most {HANDSETS_MAX}", self.handsets())));
        }
        let needed = u64::from(self.sources) + OTHER_FILES;
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
        match open_files(&limits).filter(|allowed| !self.publish && needed > *allowed) {
            None => Ok(()),
            Some(allowed) => Err(CommandError::Usage(format!(
                "--sources {} needs {needed} open files and {allowed} are allowed: raise the limit with `ulimit -n {needed}`",
                self.sources
            ))),
        }
    }

    /// Handsets over all sources.
    pub fn handsets(&self) -> u64 {
        u64::from(self.sources) * u64::from(self.subscriptions)
    }

    /// Events over all sources, if they are limited.
    pub fn limit(&self) -> Option<u64> {
        self.events.or(self.seconds.is_none().then_some(EVENTS))
    }

    /// How long is sent, if that is limited.
    pub fn lasts(&self) -> Option<Duration> {
        self.seconds.map(Duration::from_secs)
    }

    /// Segments per push at most: long events go whole, not as a notice.
    pub fn max_segments(&self) -> u32 {
        SEGMENTS + self.octets / SEGMENT_DATA
    }
}

/// The soft limit of open files; `None` if there is none.
fn open_files(limits: &str) -> Option<u64> {
    limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        options: Options,
    }

    fn typed(arguments: &[&str]) -> Result<Options, clap::Error> {
        Typed::try_parse_from([&["load"], arguments].concat()).map(|typed| typed.options)
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        for wrong in [
            ["--sources", "0"],
            ["--sources", "10001"],
            ["--subscriptions", "100001"],
            ["--octets", "29"],
            ["--window", "0"],
            ["--links", "65"],
            ["--server", "http://127.0.0.1:1"],
        ] {
            assert!(typed(&wrong).is_err(), "{wrong:?}");
        }
        assert!(typed(&["--events", "1", "--seconds", "1"]).is_err());
    }

    #[test]
    fn a_number_of_events_or_a_time_ends_it() {
        let limits = |options: Options| (options.limit(), options.lasts());
        assert_eq!(limits(typed(&[]).unwrap()), (Some(EVENTS), None));
        assert_eq!(limits(typed(&["--seconds", "3"]).unwrap()), (None, Some(Duration::from_secs(3))));
    }

    #[test]
    fn too_many_handsets_are_refused() {
        assert!(typed(&["--publish", "--sources", "10", "--subscriptions", "100000"]).unwrap().check().is_ok());
        assert!(typed(&["--publish", "--sources", "11", "--subscriptions", "100000"]).unwrap().check().is_err());
    }

    #[test]
    fn the_soft_limit_of_files_is_read() {
        let limits =
            "Max processes  1  2  processes\nMax open files            1024                 4096       files\n";
        assert_eq!(open_files(limits), Some(1024));
        assert_eq!(open_files("Max open files  unlimited  unlimited  files"), None);
    }
}
