//! The script of an SMSC, in TOML: what it takes, how long it takes, and what goes wrong. docs/SIMULATOR.md has the
//! format complete.
//!
//! | file | reads |
//! |---|---|
//! | `fault` | `[[fault]]` |
//! | `latency` | `[latency]` |
//! | `limits` | `[rate]`, `[window]`, `[congestion]` |
//! | `receipts` | `[receipts]`, `[ids]` |
//! | `binds` | `[binds]`, `[[account]]`, `[[outbind]]` |
//! | `destinations` | `[destinations]`, `[store]` |
//! | `table` | any of them, key by key |
//! | `explain` | nothing: says in words what a script means |

mod binds;
mod destinations;
mod explain;
mod fault;
mod latency;
mod limits;
mod receipts;
mod table;

use super::fault::Rule;
use super::ids::IdScript;
pub use binds::{Account, BindScript, OutbindScript};
pub use destinations::{Alert, DestinationScript, StoreScript};
pub use latency::LatencyScript;
pub use limits::{Congestion, Over, RateScript, Scope, WindowScript};
pub use receipts::{Dates, Intermediate, ReceiptForm, ReceiptScript, Via};
use std::str::FromStr;
use std::time::UNIX_EPOCH;
use table::{Notes, Table};
pub use table::{ScriptError, Wrong};
use toml::de::DeTable;

/// Everything about an SMSC. The default takes everything at once and does nothing wrong.
#[derive(Clone, Debug, Default)]
pub struct FaultScript {
    /// Decides all chance, unless whoever starts the SMSC says otherwise.
    pub seed: Option<u64>,
    /// Its clock when it starts, in seconds since 1970-01-01 UTC; `None` is the time of day.
    pub clock: Option<u64>,
    /// How receipts are sent.
    pub receipts: ReceiptScript,
    /// How long everything takes.
    pub latency: LatencyScript,
    /// How many messages are let in.
    pub rate: Option<RateScript>,
    /// How many may be unanswered.
    pub window: Option<WindowScript>,
    /// What peers of v5.0 are told of it.
    pub congestion: Congestion,
    /// Handsets.
    pub destinations: DestinationScript,
    /// What is kept for them.
    pub store: StoreScript,
    /// Who gets in.
    pub binds: BindScript,
    /// Who is known; if nobody is, everybody gets in.
    pub accounts: Vec<Account>,
    /// Who is called.
    pub outbinds: Vec<OutbindScript>,
    pub(super) ids: IdScript,
    pub(super) rules: Vec<Rule>,
}

impl FromStr for FaultScript {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let notes = Notes::new(text);
        let (document, wrong) = DeTable::parse_recoverable(text);
        for error in wrong {
            notes.note(error.span().map_or(0, |span| span.start), error.message().to_owned());
        }
        let script = Self::read(Table::root(document.get_ref(), &notes));
        notes.settle(script)
    }
}

impl FaultScript {
    fn read(mut root: Table<'_>) -> Self {
        let seed = root.count("seed", 0..=u64::MAX);
        let clock = root.read("clock", "a time such as \"2026-01-31T12:00:00Z\"", |value| {
            let time = humantime::parse_rfc3339(table::text(value)?).ok()?;
            time.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs())
        });
        let mut latency = latency::read(root.table("latency"));
        let mut ids = receipts::ids(root.table("ids"));
        let script = Self {
            seed,
            clock,
            receipts: receipts::read(root.table("receipts"), &mut latency.receipt, &mut ids),
            rate: limits::rate(root.table("rate")),
            window: limits::window(root.table("window")),
            congestion: limits::congestion(root.table("congestion")),
            destinations: destinations::read(root.table("destinations")),
            store: destinations::store(root.table("store")),
            binds: binds::read(root.table("binds")),
            accounts: root.tables("account").into_iter().filter_map(binds::account).collect(),
            outbinds: root.tables("outbind").into_iter().filter_map(binds::outbind).collect(),
            rules: root.tables("fault").into_iter().filter_map(fault::read).collect(),
            latency,
            ids,
        };
        if script.congestion == Congestion::OfRate && script.rate.is_none() {
            root.refuse_key("congestion", "of_rate needs a [rate]");
        }
        root.finish();
        script
    }
}

#[cfg(test)]
mod tests;
