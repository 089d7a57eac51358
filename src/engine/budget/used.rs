//! What of one budget is used.

use super::News;
use crate::engine::clock::{Now, Stamp};
use std::time::Duration;

/// The shorter of the two periods.
pub(super) const MINUTE: Duration = Duration::from_secs(60);
const DAY_MS: u64 = 24 * 3600 * 1000;

/// Segments that may go; 0 for as many as there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// In a minute.
    pub per_minute: u32,
    /// On a day.
    pub per_day: u32,
    /// Percent of either after which somebody is told.
    pub announce_at: u8,
}

impl Limits {
    /// Whether there is none.
    pub fn is_unlimited(&self) -> bool {
        self.per_minute == 0 && self.per_day == 0
    }

    /// How long it takes until so many segments are back.
    pub(super) fn cost(&self, segments: u8) -> Duration {
        // Rounded down, for a minute's worth has to fit a minute.
        Duration::from_nanos(u64::from(segments) * MINUTE.as_nanos() as u64 / u64::from(self.per_minute.max(1)))
    }
}

/// What one tenant may send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TenantLimits {
    /// To each of its handsets.
    pub handset: Limits,
    /// Of each of its sources.
    pub source: Limits,
    /// In all.
    pub tenant: Limits,
}

/// Which of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// A minute.
    Minute,
    /// A day.
    Day,
}

/// A push has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Which limit it met.
    pub period: Period,
    /// When to ask again, on the monotonic clock.
    pub until: Duration,
}

/// What was used of a budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// When a minute's worth is whole again.
    pub(super) whole_at: Stamp,
    /// Days since 1970.
    pub(super) day: u32,
    /// Segments on that day.
    pub(super) today: u32,
    /// Until then that much of a minute's worth is used is no news.
    announced_until: Stamp,
    /// Until then that it is used up is no news.
    exhausted_until: Stamp,
}

impl Used {
    /// So many segments on a day, and none within the last minute.
    pub fn on(day: u32, today: u32) -> Self {
        Self { day, today, ..Self::default() }
    }

    /// The day that is counted, since 1970, and segments on it.
    pub fn on_day(&self) -> (u32, u32) {
        (self.day, self.today)
    }

    /// What a push of so many segments has to wait for, if it has to: `promised` of the minute's worth are for others,
    /// and if `beyond` a tenth more may be used than the limits say.
    pub(super) fn wait(
        &mut self,
        limits: &Limits,
        now: Now,
        segments: u8,
        promised: Duration,
        beyond: bool,
    ) -> Option<Wait> {
        self.day_turns(now);
        let more = u32::from(beyond);
        let per_day = limits.per_day.saturating_add((limits.per_day / 10).max(1) * more);
        if limits.per_day > 0 && self.today > 0 && self.today.saturating_add(segments.into()) > per_day {
            return Some(Wait { period: Period::Day, until: now.monotonic + self.left_of_day(now) });
        }
        if limits.per_minute == 0 {
            return None;
        }
        let until = self.ready_at(limits, now, segments, promised).saturating_sub(MINUTE / 10 * more);
        (until > now.monotonic).then_some(Wait { period: Period::Minute, until })
    }

    /// When a push of so many segments may go behind what was `promised` to others.
    pub(super) fn ready_at(&self, limits: &Limits, now: Now, segments: u8, promised: Duration) -> Duration {
        let whole_at = Duration::from(self.whole_at).max(now.monotonic) + promised;
        whole_at.saturating_sub(MINUTE.saturating_sub(limits.cost(segments)))
    }

    /// Uses so many segments, and says of which limit that is news.
    pub(super) fn charge(&mut self, limits: &Limits, now: Now, segments: u8) -> Option<Period> {
        self.day_turns(now);
        let (mut news, percent) = (None, u64::from(limits.announce_at));
        if limits.per_minute > 0 {
            let whole_at = Duration::from(self.whole_at).max(now.monotonic) + limits.cost(segments);
            self.whole_at = whole_at.into();
            let much = (whole_at - now.monotonic) * 100 >= MINUTE * limits.announce_at.into();
            if much {
                news = (self.announced_until <= now.monotonic.into()).then_some(Period::Minute);
                // As long as it stays so, it is no news.
                self.announced_until = (now.monotonic + MINUTE).into();
            }
        }
        if limits.per_day > 0 {
            let much = |today: u32| u64::from(today) * 100 >= u64::from(limits.per_day) * percent;
            let before = self.today;
            self.today = before.saturating_add(segments.into());
            if much(self.today) && (before == 0 || !much(before)) {
                news = Some(Period::Day);
            }
        }
        news
    }

    /// It was used up when somebody asked; none if that is no news.
    pub(super) fn note_exhausted(&mut self, now: Now, wait: &Wait) -> Option<News> {
        let until = match wait.period {
            Period::Minute => now.monotonic + MINUTE,
            Period::Day => wait.until,
        };
        let told_until = Duration::from(self.exhausted_until);
        // The end of a day on the monotonic clock is known to a little only.
        let is_told = told_until > now.monotonic && (wait.period == Period::Minute || told_until + MINUTE > until);
        if is_told {
            return None;
        }
        self.exhausted_until = until.into();
        Some(News::Exhausted { until })
    }

    /// Whether nothing of it has to be remembered but that it is there.
    pub fn is_forgotten(&mut self, now: Now) -> bool {
        self.day_turns(now);
        self.today == 0 && self.whole_at <= now.monotonic.into()
    }

    /// A new day begins with nothing used. A clock that was set back changes nothing until it has come again to where it
    /// was, unless it was days ahead: then it is believed, and what was used stays used.
    pub(super) fn day_turns(&mut self, now: Now) {
        let (day, is_new) = day_turns(self.day, now);
        self.day = day;
        if is_new {
            self.today = 0;
        }
    }

    fn left_of_day(&self, now: Now) -> Duration {
        let end = (u64::from(self.day) + 1) * DAY_MS;
        // The wall clock is told in whole milliseconds, rounded down.
        Duration::from_millis(end.saturating_sub(now.unix_ms) + 1)
    }
}

/// The day that is counted now if it was `day` before, and whether it is a new one.
pub(super) fn day_turns(day: u32, now: Now) -> (u32, bool) {
    let today = u32::try_from(now.unix_ms / DAY_MS).unwrap_or(u32::MAX);
    let was_far_ahead = today.saturating_add(1) < day;
    (if today > day || was_far_ahead { today } else { day }, today > day)
}
