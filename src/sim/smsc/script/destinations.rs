//! `[destinations]` and `[store]`: handsets, and what is kept for them.

use super::table::{self, Table};
use std::collections::HashSet;
use std::time::Duration;

/// What handsets there are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DestinationScript {
    /// Messages to one that may be without a receipt; one more is refused with 0x14.
    pub queue: Option<u64>,
    /// Those that are switched off.
    pub off: HashSet<Box<[u8]>>,
    /// How many others are, by chance.
    pub off_share: f64,
    /// How long after the first message to it such a one is switched on; `None` is never.
    pub on_after: Option<Duration>,
    /// When alert_notification tells of it.
    pub alert: Alert,
}

/// When alert_notification tells that a handset is there again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alert {
    /// When a message to it had set_dpf.
    #[default]
    Asked,
    /// Whenever a message was kept for it.
    Always,
    /// Never.
    Never,
}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreScript {
    /// Messages whose end can be asked for.
    pub remember: usize,
    /// Messages that wait for their handset; one more is refused with 0x14.
    pub waiting: usize,
    /// How long one waits that does not say itself.
    pub validity: Duration,
    /// Whatever one says, it waits no longer.
    pub validity_max: Duration,
}

impl Default for StoreScript {
    fn default() -> Self {
        let day = Duration::from_secs(24 * 3600);
        Self { remember: 1 << 16, waiting: 1 << 20, validity: 2 * day, validity_max: 7 * day }
    }
}

pub(super) fn read(mut table: Table<'_>) -> DestinationScript {
    let queue = table.count("queue", 1..=1_000_000);
    let off = table.list("off", "a number such as \"15551234567\"", |value| {
        table::text(value).filter(|number| (1..=20).contains(&number.len())).map(|number| number.as_bytes().into())
    });
    let off_share = table.probability("off_share").unwrap_or(0.0);
    let on_after = table.duration("on_after");
    let words = [("asked", Alert::Asked), ("always", Alert::Always), ("never", Alert::Never)];
    let alert = table.word("alert", &words).unwrap_or_default();
    if (table.has("on_after") || table.has("alert")) && !table.has("off") && !table.has("off_share") {
        table.refuse("no handset is off: neither off nor off_share is written");
    }
    table.finish();
    DestinationScript { queue, off: off.into_iter().flatten().collect(), off_share, on_after, alert }
}

pub(super) fn store(mut table: Table<'_>) -> StoreScript {
    let usual = StoreScript::default();
    let remember = table.count("remember", 0..=10_000_000).map_or(usual.remember, |count| count as usize);
    let waiting = table.count("waiting", 0..=10_000_000).map_or(usual.waiting, |count| count as usize);
    let validity = table.duration("validity").unwrap_or(usual.validity);
    let validity_max = table.duration("validity_max").unwrap_or(usual.validity_max);
    table.finish();
    StoreScript { remember, waiting, validity, validity_max }
}
