//! What is asked of an SMSC about messages that it holds: keys of `[[smsc]]`.

use crate::config::explain::Explained;
use crate::config::section::Section;
use std::time::Duration;

/// Whether messages are taken back that nobody wants any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdraw {
    /// They are not: what was accepted is delivered.
    Off,
    /// By cancel_sm.
    Cancel,
}

const WORDS: [(&str, Withdraw); 2] = [("off", Withdraw::Off), ("cancel", Withdraw::Cancel)];

/// What is asked of an SMSC about messages that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrandConfig {
    /// Whether messages are taken back whose subscription has ended, that a later push supersedes (where the policy coalesces
    /// events), or of whose push another segment was refused. Off by default: few SMSCs know cancel_sm, some charge for it,
    /// and it needs receipts, for only a message with a receipt to come is remembered by its name.
    pub withdraw: Withdraw,
    /// After how long a receipt that did not come is asked for by query_sm, once: 0 s for never, up to 28 days. Of no use when
    /// it is no shorter than `receipt_timeout`.
    pub query_after: Duration,
}

impl ErrandConfig {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            withdraw: section.choice("withdraw", Withdraw::Off, &WORDS),
            query_after: section.duration("query_after", "0s", ("0s", "28days")),
        }
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        explained.text("withdraw", super::word(&WORDS, self.withdraw)).duration("query_after", self.query_after);
    }
}
