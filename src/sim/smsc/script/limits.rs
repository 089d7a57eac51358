//! `[rate]`, `[window]` and `[congestion]`: how much an SMSC takes.

use super::table::{self, Table};
use crate::codec::smpp::CommandStatus;
use std::time::Duration;
use toml::de::DeValue;

/// Messages that are let in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateScript {
    /// In a second, on average.
    pub per_second: f64,
    /// How many may come at once: the depth of the bucket.
    pub burst: f64,
    /// Instead of a bucket: so many as `per_second` gives in a window of this length, counted anew in each.
    pub window: Option<Duration>,
    /// What the others are refused with.
    pub status: CommandStatus,
    /// What is counted together.
    pub per: Scope,
}

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One connection.
    Link,
    /// All connections of a system_id.
    Account,
    /// All connections.
    Smsc,
}

/// Submits that may be unanswered on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowScript {
    /// So many.
    pub outstanding: u64,
    /// What happens to one more.
    pub over: Over,
}

/// What happens to a submit beyond the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// It is refused.
    Refuse(CommandStatus),
    /// The connection ends with FIN.
    Close,
    /// The SMSC sends unbind.
    Unbind,
}

/// congestion_state in answers to peers of v5.0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Congestion {
    /// None.
    #[default]
    Silent,
    /// How much of the rate is used, in percent.
    OfRate,
    /// From a submit on, a state: in the order of submits.
    Steps(Vec<(u64, u8)>),
}

const SCOPES: [(&str, Scope); 3] = [("link", Scope::Link), ("account", Scope::Account), ("smsc", Scope::Smsc)];

pub(super) fn rate(mut table: Table<'_>) -> Option<RateScript> {
    let above = |value: &DeValue<'_>| table::number(value).filter(|number| *number > 0.0 && *number <= 1e9);
    let per_second = table.read("per_second", "a number above 0, up to 1e9,", above);
    let burst = table.count("burst", 1..=1_000_000_000);
    let window = table.duration("window");
    let status = table.status("status").unwrap_or(CommandStatus::THROTTLED);
    let per = table.word("per", &SCOPES).unwrap_or(Scope::Smsc);
    if table.is_written() && !table.has("per_second") {
        table.refuse("per_second is missing");
    }
    if burst.is_some() && window.is_some() {
        table.refuse_key("burst", "a window has no burst; one of both is possible");
    }
    if window.is_some_and(|window| window.is_zero()) {
        table.refuse_key("window", "a window of no length lets nothing in");
    }
    table.finish();
    let per_second = per_second?;
    let burst = burst.map_or(per_second.max(1.0), |burst| burst as f64);
    Some(RateScript { per_second, burst, window, status, per })
}

pub(super) fn window(mut table: Table<'_>) -> Option<WindowScript> {
    #[derive(Clone, Copy)]
    enum Word {
        Refuse,
        Close,
        Unbind,
    }
    let outstanding = table.count("outstanding", 1..=1_000_000);
    let words = [("refuse", Word::Refuse), ("close", Word::Close), ("unbind", Word::Unbind)];
    let over = table.word("over", &words).unwrap_or(Word::Refuse);
    let status = table.status("status");
    if table.is_written() && !table.has("outstanding") {
        table.refuse("outstanding is missing");
    }
    if status.is_some() && !matches!(over, Word::Refuse) {
        table.refuse_key("status", "only over = \"refuse\" has a status");
    }
    table.finish();
    let over = match over {
        Word::Refuse => Over::Refuse(status.unwrap_or(CommandStatus::SUBMITFAIL)),
        Word::Close => Over::Close,
        Word::Unbind => Over::Unbind,
    };
    Some(WindowScript { outstanding: outstanding?, over })
}

pub(super) fn congestion(mut table: Table<'_>) -> Congestion {
    let of_rate = table.flag("of_rate").unwrap_or(false);
    let steps = table.list("steps", "a list of [submit from 1, state from 0 to 100], ascending,", |value| {
        let DeValue::Array(pair) = value else { return None };
        match pair.iter().map(|number| table::whole(number.get_ref())).collect::<Option<Vec<_>>>()?.as_slice() {
            &[from, state @ 0..=100] if from > 0 => Some((from, state as u8)),
            _ => None,
        }
    });
    if steps.as_ref().is_some_and(|steps| !steps.is_sorted_by(|earlier, later| earlier.0 < later.0)) {
        table.refuse_key("steps", "submits do not ascend");
    }
    if of_rate && steps.is_some() {
        table.refuse_key("steps", "of_rate says it already");
    }
    table.finish();
    match steps {
        Some(steps) => Congestion::Steps(steps),
        None if of_rate => Congestion::OfRate,
        None => Congestion::Silent,
    }
}
