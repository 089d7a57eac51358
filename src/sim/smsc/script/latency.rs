//! `[latency]`: how long answers, receipts and deliveries take.

use super::super::latency::{LONGEST, Latency};
use super::table::{self, Table};
use std::time::Duration;
use toml::de::DeValue;

const ALLOWED: &str = "a duration up to 24h such as \"5ms\", or one of { uniform = [\"1ms\", \"9ms\"] }, \
    { normal = { mean = \"50ms\", deviation = \"10ms\" } }, { exponential = \"20ms\" }, \
    { lognormal = { median = \"20ms\", p99 = \"400ms\" } },";

/// How long everything takes. Nothing takes any time if the script does not say so.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LatencyScript {
    /// From a submit to its answer.
    pub answer: Latency,
    /// From the end of a message to its receipt.
    pub receipt: Latency,
    /// From acceptance to the handset.
    pub delivery: Latency,
    /// From a bind to its answer.
    pub bind: Latency,
    /// Whether no answer passes another on a connection.
    pub in_order: bool,
}

pub(super) fn read(mut table: Table<'_>) -> LatencyScript {
    let mut one = |key| table.read(key, ALLOWED, latency).unwrap_or_default();
    let (answer, receipt, delivery, bind) = (one("answer"), one("receipt"), one("delivery"), one("bind"));
    let in_order = table.flag("in_order").unwrap_or(false);
    table.finish();
    LatencyScript { answer, receipt, delivery, bind, in_order }
}

fn latency(value: &DeValue<'_>) -> Option<Latency> {
    let short = |value: &DeValue<'_>| table::duration(value).filter(|time| *time <= LONGEST);
    if let Some(time) = short(value) {
        return Some(Latency::Fixed(time));
    }
    let DeValue::Table(entries) = value else { return None };
    let (shape, value) = entries.iter().next().filter(|_| entries.len() == 1)?;
    let shape: &str = shape.get_ref();
    match (shape, value.get_ref()) {
        ("exponential", value) => Some(Latency::Exponential { mean: short(value)? }),
        ("uniform", DeValue::Array(ends)) => {
            let ends: Option<Vec<Duration>> = ends.iter().map(|end| short(end.get_ref())).collect();
            match ends?.as_slice() {
                &[from, to] if from <= to => Some(Latency::Uniform { from, to }),
                _ => None,
            }
        }
        (_, DeValue::Table(entries)) => {
            let mut read = [None; 4];
            for (key, value) in entries.iter() {
                let key: &str = key.get_ref();
                let at = ["mean", "deviation", "median", "p99"].iter().position(|name| *name == key)?;
                *read.get_mut(at)? = Some(short(value.get_ref())?);
            }
            match (shape, read) {
                ("normal", [Some(mean), Some(deviation), None, None]) => Some(Latency::Normal { mean, deviation }),
                ("lognormal", [None, None, Some(median), Some(p99)]) if !median.is_zero() && median <= p99 => {
                    Some(Latency::LogNormal { median, p99 })
                }
                _ => None,
            }
        }
        _ => None,
    }
}
