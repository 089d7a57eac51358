//! How a command is told which source is meant.

use crate::control::proto::Source;
use crate::control::proto::source::Origin;
use clap::Args;

/// A stream or a feed, and as whom it is opened.
#[derive(Args, Debug)]
pub(super) struct SourceArgs {
    #[command(flatten)]
    origin: OriginArgs,
    /// The configured credential that the stream is opened with
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    credential: String,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct OriginArgs {
    /// The event stream's URL
    #[arg(long, value_name = "URL")]
    source: Option<String>,
    /// The name of a feed that events are published into
    #[arg(long, value_name = "NAME")]
    feed: Option<String>,
}

impl SourceArgs {
    /// As a request says it.
    pub fn into_source(self) -> Source {
        let OriginArgs { source, feed } = self.origin;
        let origin = source.map(Origin::Url).or(feed.map(Origin::Feed));
        Source { origin, credential: self.credential }
    }
}
