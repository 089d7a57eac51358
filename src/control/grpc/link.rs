//! Links as the API shows them.

use crate::actors::pool::{LinkState, LinkView};
use crate::control::proto::Link;
use crate::control::proto::link::{Mode, State};

impl From<LinkView> for Link {
    fn from(view: LinkView) -> Self {
        let mode = match view.mode {
            "transceiver" => Mode::Transceiver,
            "transmitter" => Mode::Transmitter,
            "receiver" => Mode::Receiver,
            _ => Mode::Unspecified,
        };
        let state = match view.state {
            LinkState::Closed => State::Closed,
            LinkState::Open => State::Open,
            LinkState::Bound => State::Bound,
            LinkState::Draining => State::Draining,
            LinkState::Refused => State::Refused,
        };
        Self {
            smsc: view.name.smsc,
            index: view.name.index,
            address: view.address,
            mode: mode.into(),
            state: state.into(),
            open: view.open,
            window: view.window,
            last_error: view.last_error.unwrap_or_default(),
        }
    }
}
