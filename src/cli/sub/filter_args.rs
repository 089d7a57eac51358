//! How it is told which subscriptions are wanted.

use crate::control::proto::ListSubscriptionsRequest;
use crate::control::proto::subscription::Status;
use crate::control::proto::{Source, source::Origin};
use clap::{Args, ValueEnum};

/// Those that are all that is said here.
#[derive(Args, Debug)]
#[command(next_help_heading = "Filters (a subscription is listed if all of them apply)")]
pub(super) struct FilterArgs {
    /// Only those to the event stream at this URL
    #[arg(long, value_name = "URL", conflicts_with = "feed")]
    source: Option<String>,
    /// Only those to the feed of this name
    #[arg(long, value_name = "NAME")]
    feed: Option<String>,
    /// With --source or --feed: only those that it is opened for with this credential
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    credential: String,
    /// Only those of handsets with this E.164 number
    #[arg(long, value_name = "MSISDN", default_value = "", hide_default_value = true)]
    to: String,
    /// Only those of the handset that you call so
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    handset: String,
    /// Only those of the handset with this identity, 32 hexadecimal digits
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true, conflicts_with = "handset")]
    handset_id: String,
    /// Only those that are so
    #[arg(long, value_name = "STATE")]
    state: Option<State>,
    /// Only those of which nothing waits or is outstanding
    #[arg(long, conflicts_with = "awake")]
    asleep: bool,
    /// Only those that events came for lately, or of which something waits or is outstanding
    #[arg(long)]
    awake: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    /// Its upstream is being opened.
    Connecting,
    /// Events come as they happen.
    Active,
    /// Its upstream is lost and will be tried again.
    Waiting,
    /// Its upstream has ended for good.
    Ended,
    /// It failed three times in a minute.
    Quarantined,
}

impl FilterArgs {
    /// As a request says it.
    pub fn into_request(self, tenant: String, page_size: u32) -> ListSubscriptionsRequest {
        let state = self.state.map_or(Status::Unspecified, |state| match state {
            State::Connecting => Status::Connecting,
            State::Active => Status::Active,
            State::Waiting => Status::Waiting,
            State::Ended => Status::Ended,
            State::Quarantined => Status::Quarantined,
        });
        let origin = self.source.map(Origin::Url).or(self.feed.map(Origin::Feed));
        // The server says that a credential alone is no source.
        let stated = origin.is_some() || !self.credential.is_empty();
        ListSubscriptionsRequest {
            tenant,
            page_size,
            page_token: String::new(),
            source: stated.then_some(Source { origin, credential: self.credential }),
            number: self.to,
            handset: self.handset,
            handset_id: self.handset_id,
            state: state.into(),
            asleep: (self.asleep || self.awake).then_some(self.asleep),
        }
    }
}
