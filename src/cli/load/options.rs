//! What is asked of a load test.

use super::profile::{End, Profile, flat_out};
use crate::cli::CommandError;
use crate::model::{Order, Receipts};
use clap::Args;
use std::net::SocketAddr;
use std::time::Duration;

/// Handsets that have a number.
const HANDSETS_MAX: u64 = 4_000_000;
/// Event streams: each needs a file at both ends.
const STREAMS_MAX: u32 = 10_000;
/// Events when neither their number nor a time is given.
const EVENTS: u64 = 100_000;
/// Segments per push as the router has them by default, and octets of data that surely fit one.
const SEGMENTS: u32 = 3;
const SEGMENT_DATA: u32 = 64;

/// The options of `load`.
#[derive(Args, Debug)]
pub(super) struct Options {
    /// Settings under one name; options that are given stand over it
    #[arg(long, value_name = "NAME")]
    pub profile: Option<Profile>,
    /// Event sources: 1 to 10000 streams, or with --publish 1 to 1000000 feeds
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    #[arg(default_value_ifs = [
        ("profile", "streams", Some("10000")),
        ("profile", "fan-out", Some("1")),
        ("profile", "latency", Some("100")),
    ])]
    pub sources: u32,
    /// Subscriptions of each source, each of another handset; 1 to 1000000 over all sources
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    #[arg(default_value_if("profile", "fan-out", Some("100000")))]
    pub subscriptions: u32,
    /// Events per second over all sources, 0 to 10000000; 0 for as many as are taken
    #[arg(long, value_name = "R", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000_000))]
    #[arg(default_value_if("profile", "latency", Some("2000")))]
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
    #[arg(default_value_if("profile", "latency", Some("20")))]
    pub latency: u64,
    /// The SMSC refuses each Nth segment, for good; 0 for none
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub refuse: u64,
    /// The SMSC takes each Nth segment, but closes the link instead of answering; 0 for none
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub close: u64,
    /// Segments without an answer per link, 1 to 10000
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    #[arg(default_value_ifs = flat_out("1000"))]
    pub window: u32,
    /// Links to the SMSC, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub links: u32,
    /// Order of pushes to a handset: strict or pipelined
    #[arg(long, value_name = "ORDER", default_value = "strict", default_value_ifs = flat_out("pipelined"))]
    pub order: Order,
    /// Events per push at most, 0 to 1000; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1000))]
    #[arg(default_value_ifs = flat_out("1"))]
    pub max_events: u32,
    /// Which segments ask for a delivery receipt, which the SMSC then sends at once: all or none
    #[arg(long, value_name = "CHOICE", default_value = "all", default_value_ifs = flat_out("none"))]
    pub receipts: Receipts,
    /// Publish the events by gRPC instead of event streams
    #[arg(long)]
    pub publish: bool,
    /// A setting of the router, such as upstream.log_octets=4194304; repeatable
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE", conflicts_with = "server")]
    pub sets: Vec<String>,
    /// Measure a running router by its gRPC listener; its one SMSC must be --smsc-listen, and it must allow private
    /// sources. --window, --links and --set are its own then, as are its budgets, which may hold what is measured; its
    /// subscriptions are ended afterwards
    #[arg(long, value_name = "URL", requires = "smsc_listen")]
    pub server: Option<String>,
    /// Where a running router has its metrics, such as 127.0.0.1:9090; without it stages and outcomes stay unknown
    #[arg(long, value_name = "ADDRESS", requires = "server")]
    pub metrics: Option<SocketAddr>,
    /// The process of a running router on this machine; without it CPU time and memory stay unknown
    #[arg(long, value_name = "PID", requires = "server")]
    pub pid: Option<u32>,
    /// Address of the SMSC [default: 127.0.0.1 and any port that is free]
    #[arg(long, value_name = "ADDRESS")]
    pub smsc_listen: Option<SocketAddr>,
}

impl Options {
    /// What single ranges do not say.
    ///
    /// # Errors
    /// When there are too many handsets or streams.
    pub fn check(&self) -> Result<(), CommandError> {
        if self.handsets() > HANDSETS_MAX {
            let asked = format!("--sources {} with --subscriptions {} are", self.sources, self.subscriptions);
            return Err(CommandError::Usage(format!("{asked} {} handsets, at most {HANDSETS_MAX}", self.handsets())));
        }
        if self.streams() > STREAMS_MAX {
            let asked = format!("--sources {} are more than {STREAMS_MAX} event streams", self.sources);
            return Err(CommandError::Usage(format!("{asked}: publish the events (--publish)")));
        }
        Ok(())
    }

    /// Handsets over all sources.
    pub fn handsets(&self) -> u64 {
        u64::from(self.sources) * u64::from(self.subscriptions)
    }

    /// Sources that are event streams.
    pub fn streams(&self) -> u32 {
        if self.publish { 0 } else { self.sources }
    }

    /// Events over all sources, if they are limited.
    pub fn limit(&self) -> Option<u64> {
        match self.end() {
            End::Events(events) => Some(events),
            End::Seconds(_) => None,
        }
    }

    /// How long is sent, if that is limited.
    pub fn lasts(&self) -> Option<Duration> {
        match self.end() {
            End::Events(_) => None,
            End::Seconds(seconds) => Some(Duration::from_secs(seconds)),
        }
    }

    /// Segments per push at most: long events go whole, not as a notice.
    pub fn max_segments(&self) -> u32 {
        SEGMENTS + self.octets / SEGMENT_DATA
    }

    fn end(&self) -> End {
        let given = self.events.map(End::Events).or(self.seconds.map(End::Seconds));
        given.or(self.profile.map(Profile::end)).unwrap_or(End::Events(EVENTS))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        options: Options,
    }

    pub(in crate::cli::load) fn typed(arguments: &[&str]) -> Result<Options, clap::Error> {
        Typed::try_parse_from([&["load"], arguments].concat()).map(|typed| typed.options)
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        for wrong in [
            ["--sources", "0"],
            ["--sources", "1000001"],
            ["--subscriptions", "1000001"],
            ["--profile", "huge"],
            ["--pid", "1"],
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
        assert!(typed(&["--publish", "--sources", "4", "--subscriptions", "1000000"]).unwrap().check().is_ok());
        assert!(typed(&["--publish", "--sources", "5", "--subscriptions", "1000000"]).unwrap().check().is_err());
    }

    #[test]
    fn more_streams_than_files_allow_have_to_be_feeds() {
        assert!(typed(&["--sources", "10000"]).unwrap().check().is_ok());
        assert!(typed(&["--sources", "10001"]).unwrap().check().is_err());
        assert!(typed(&["--sources", "10001", "--publish"]).unwrap().check().is_ok());
    }

    #[test]
    fn a_profile_is_a_set_of_defaults() {
        let fan_out = typed(&["--profile", "fan-out"]).unwrap();
        assert_eq!((fan_out.sources, fan_out.subscriptions, fan_out.limit()), (1, 100_000, Some(10)));
        assert_eq!((fan_out.order, fan_out.receipts), (Order::Pipelined, Receipts::None));
        let streams = typed(&["--profile", "streams"]).unwrap();
        assert_eq!((streams.sources, streams.subscriptions, streams.window), (10_000, 1, 1000));
        let latency = typed(&["--profile", "latency"]).unwrap();
        assert_eq!((latency.rate, latency.latency, latency.order), (2000, 20, Order::Strict));
        assert_eq!(latency.lasts(), Some(Duration::from_secs(10)));
    }

    #[test]
    fn options_that_are_given_stand_over_the_profile() {
        let given = ["--profile", "fan-out", "--subscriptions", "7", "--order", "strict", "--seconds", "2"];
        let options = typed(&given).unwrap();
        assert_eq!((options.sources, options.subscriptions, options.order), (1, 7, Order::Strict));
        assert_eq!((options.limit(), options.lasts()), (None, Some(Duration::from_secs(2))));
        assert_eq!(typed(&["--profile", "latency", "--events", "5"]).unwrap().limit(), Some(5));
    }
}
