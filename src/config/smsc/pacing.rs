//! How fast an SMSC is sent to, and what its refusals mean.

use super::super::explain::Explained;
use super::super::section::Section;
use crate::engine::verdict::Verdict;
use std::fmt;
use std::num::{NonZeroU16, NonZeroU32};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// How fast an SMSC is sent to, and what its refusals mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacingConfig {
    /// Submits awaiting their response on one link, 1 to 10000: an SMSC drops a bind that exceeds its limit.
    pub window: NonZeroU16,
    /// Segments per second and link at most; none for no limit but what the SMSC's refusals teach.
    pub rate: Option<NonZeroU32>,
    /// Segments per second and link that no refusal brings it below.
    pub rate_min: NonZeroU32,
    /// Whether refusals change the rate.
    pub rate_adapts: bool,
    /// Statuses that mean something else at this SMSC than elsewhere.
    pub statuses: Vec<StatusMeaning>,
}

const ALLOWED: &str = "a command_status or a range of them and its meaning, such as \"0x45=throttled\" or \
    \"0x400-0x4ff=fail\"; meanings are retry, window, throttled, queue_full, rebind and fail";

impl PacingConfig {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let rate = NonZeroU32::new(section.integer("rate", 0, 0..=1_000_000));
        let most = rate.map_or(1_000_000, NonZeroU32::get);
        Self {
            window: NonZeroU16::new(section.integer("window", 100, 1..=10_000)).unwrap_or(NonZeroU16::MIN),
            rate,
            rate_min: NonZeroU32::new(section.integer("rate_min", 1, 1..=most)).unwrap_or(NonZeroU32::MIN),
            rate_adapts: section.boolean("rate_adapts", true),
            statuses: section.list_of("statuses", ALLOWED, |text| {
                text.parse().map_err(|()| (format!("{text:?}"), ALLOWED.to_owned()))
            }),
        }
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        let statuses: Vec<String> = self.statuses.iter().map(StatusMeaning::to_string).collect();
        explained
            .plain("window", self.window)
            .plain("rate", self.rate.map_or(0, NonZeroU32::get))
            .plain("rate_min", self.rate_min)
            .plain("rate_adapts", self.rate_adapts)
            .list("statuses", &statuses);
    }
}

/// What some statuses mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusMeaning {
    /// From the first to the last; never 0, which is no refusal.
    pub statuses: RangeInclusive<u32>,
    /// What they mean.
    pub verdict: Verdict,
}

const MEANINGS: [(&str, Verdict); 6] = [
    ("retry", Verdict::Retry),
    ("window", Verdict::NarrowWindow),
    ("throttled", Verdict::HoldLink),
    ("queue_full", Verdict::ParkHandset),
    ("rebind", Verdict::Rebind),
    ("fail", Verdict::GiveUp),
];

impl FromStr for StatusMeaning {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (statuses, word) = text.split_once('=').ok_or(())?;
        let (_, verdict) = MEANINGS.iter().find(|(known, _)| *known == word.trim()).ok_or(())?;
        let (first, last) = statuses.split_once('-').unwrap_or((statuses, statuses));
        let statuses = status(first)?..=status(last)?;
        if *statuses.start() == 0 || statuses.is_empty() {
            return Err(());
        }
        Ok(Self { statuses, verdict: *verdict })
    }
}

impl fmt::Display for StatusMeaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.statuses.start(), self.statuses.end());
        write!(f, "{first:#04x}")?;
        if first != last {
            write!(f, "-{last:#04x}")?;
        }
        write!(f, "={}", super::word(&MEANINGS, self.verdict))
    }
}

/// A command_status, decimal or with 0x.
fn status(text: &str) -> Result<u32, ()> {
    let text = text.trim();
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meanings_are_read_and_shown_and_nonsense_is_not() {
        for text in ["0x45=window", "0x400-0x4ff=throttled", "0x08=fail"] {
            assert_eq!(text.parse::<StatusMeaning>().map(|one| one.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(" 88 = retry".parse::<StatusMeaning>().map(|one| one.to_string()), Ok("0x58=retry".into()));
        for text in
            ["", "0x45", "=fail", "0=fail", "0-5=fail", "9-8=fail", "0x45=accept", "x=fail", "-1=fail", "1-2-3=fail"]
        {
            assert_eq!(text.parse::<StatusMeaning>(), Err(()), "{text:?}");
        }
    }
}
