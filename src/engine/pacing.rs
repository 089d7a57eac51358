//! How fast a link may be: a token bucket that counts segments, at a rate that the SMSC's refusals teach.
//!
//! An SMSC says ESME_RTHROTTLED when it is given more than it takes, and nobody else says how much that is. So the link
//! watches how much was accepted in the last second. When it is refused, the whole link holds for a moment and, unless
//! others are refused at once, asks with one segment whether that is meant. If it is, the link holds until it is below what was accepted, goes on a little slower
//! than that (multiplicative down), and then tries to be faster bit by bit (additive up), never beyond what is configured.
//! A peer that goes on refusing is asked less and less often.

use super::recent::Recent;
use super::verdict;
use std::time::Duration;

/// What is configured of a link's rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacingSettings {
    /// Segments per second at most; 0 for no limit.
    pub rate: u32,
    /// Segments per second that no refusal brings it below; at least 1.
    pub rate_min: u32,
    /// Whether refusals change the rate; if not they only hold the link.
    pub adapts: bool,
}

impl Default for PacingSettings {
    /// No limit but what the SMSC teaches.
    fn default() -> Self {
        Self { rate: 0, rate_min: 1, adapts: true }
    }
}

/// Segments per second of one link.
#[derive(Debug)]
pub struct Pacing {
    settings: PacingSettings,
    /// What the SMSC was found to take, until that is forgotten.
    learnt: Option<Learnt>,
    /// Segments that may go at once, in millionths.
    tokens: u64,
    refilled_at: Duration,
    held_at: Duration,
    held_until: Duration,
    /// Whether a segment asks if a refusal was meant.
    probe: Probe,
    /// Refusals that may not have been meant, since the link held for the first.
    doubted: u8,
    /// Pauses in a row whose probes were refused.
    pauses: u8,
    accepted: Recent,
}

/// One segment that asks whether the SMSC takes any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Probe {
    /// There is no doubt.
    None,
    /// It goes next, alone.
    ToSend,
    /// It was sent, and its answer is waited for until then.
    Sent { until: Option<Duration> },
}

/// A rate that goes up with time.
#[derive(Clone, Copy, Debug)]
struct Learnt {
    /// Thousandths of segments per second when it was learnt.
    base: u64,
    since: Duration,
}

const MICRO: u64 = 1_000_000;
const MILLI: u64 = 1000;
/// How long a link holds before it asks whether a refusal was meant.
const MOMENT: Duration = Duration::from_millis(100);
/// So many refusals at once need not be asked about.
const MEANT: u8 = 3;
/// How long the answer to that is waited for; it may never come.
const PROBE_WITHIN: Duration = Duration::from_secs(2);
/// Of what was accepted in a second, so much is taken for what the SMSC takes: 97 %.
const DOWN: (u64, u64) = (97, 100);
/// A refusal that nothing explains at most halves the rate.
const DOWN_AT_MOST: u64 = 2;
/// What a second without a refusal brings, of the rate that was learnt: a two-hundredth.
const UP_ONE_IN: u64 = 200;
/// After so long without a refusal what was learnt is old, and the rate doubles every ten seconds.
const OLD_AFTER: Duration = Duration::from_secs(10);
/// A rate that has grown so much is no limit any more.
const FORGOTTEN_AFTER_DOUBLINGS: u32 = 10;
/// congestion_state from which a peer is to be given less, and below which more (SMPP v5.0 §4.8.4.18: 80 to 89 is the
/// optimum, 90 and more near congestion).
const CONGESTED: u8 = 90;
const OPTIMUM: u8 = 80;

impl Pacing {
    /// A link that has sent nothing yet. A quiet link may catch up a twentieth of a second.
    pub fn new(settings: PacingSettings) -> Self {
        Self {
            settings,
            learnt: None,
            tokens: 0,
            refilled_at: Duration::ZERO,
            held_at: Duration::ZERO,
            held_until: Duration::ZERO,
            probe: Probe::None,
            doubted: 0,
            pauses: 0,
            accepted: Recent::default(),
        }
    }

    /// Segments that may be written now.
    pub fn room(&mut self, now: Duration) -> usize {
        if self.is_held(now) {
            return 0;
        }
        let most = self.probe_room(now);
        let Some(rate) = self.millis_per_second(now) else { return most };
        let burst = (rate * MILLI / 20).max(MICRO);
        let earned = now.saturating_sub(self.refilled_at).as_micros().saturating_mul(u128::from(rate)) / 1000;
        self.tokens = self.tokens.saturating_add(u64::try_from(earned).unwrap_or(u64::MAX)).min(burst);
        self.refilled_at = now;
        most.min((self.tokens / MICRO) as usize)
    }

    /// `count` segments were written.
    pub fn spend(&mut self, count: usize) {
        self.tokens = self.tokens.saturating_sub(count as u64 * MICRO);
        if self.probe == Probe::ToSend && count > 0 {
            self.probe = Probe::Sent { until: None };
        }
    }

    /// `count` segments were accepted.
    pub fn handle_accepted(&mut self, now: Duration, count: u32) {
        self.accepted.add(now, count);
    }

    /// Whether an acceptance may end a doubt: then [`Pacing::handle_probe_accepted`] wants to know of each.
    pub fn is_in_doubt(&self) -> bool {
        self.probe != Probe::None
    }

    /// A segment written at `written_at` was accepted. One that went before the link held says nothing.
    pub fn handle_probe_accepted(&mut self, written_at: Duration) {
        if written_at > self.held_at {
            (self.probe, self.doubted, self.pauses) = (Probe::None, 0, 0);
        }
    }

    /// A segment written at `written_at` was refused because the link is too fast. A window full of such refusals is one
    /// word of the peer: what was written before a pause began says nothing about the time after it.
    pub fn handle_throttled(&mut self, now: Duration, written_at: Duration) {
        let is_new = !self.is_held(now) && (written_at > self.held_at || self.held_at.is_zero());
        if is_new && self.probe == Probe::None {
            (self.probe, self.doubted) = (Probe::ToSend, 1);
            return self.hold(now, now + MOMENT);
        }
        if !is_new {
            // Those that were on their way with it are refused, too, unless it was a slip.
            self.doubted += u8::from(self.doubted > 0);
            if self.doubted < MEANT {
                return;
            }
        }
        (self.probe, self.doubted) = (Probe::ToSend, 0);
        let accepted = self.accepted.within_a_second(now);
        if self.settings.adapts {
            self.slow_down(now, accepted);
        }
        let drained = match self.learnt {
            Some(learnt) if accepted > 0 => self.accepted.falls_to(now, (learnt.base / MILLI) as u32),
            _ => {
                self.pauses = self.pauses.saturating_add(1);
                now + verdict::pause(self.pauses)
            }
        };
        self.hold(now, drained);
    }

    /// Nothing goes before `until`.
    fn hold(&mut self, now: Duration, until: Duration) {
        self.held_at = now;
        self.held_until = self.held_until.max(until);
        self.tokens = 0;
        self.refilled_at = self.held_until;
    }

    /// The peer says how congested it is, in percent (SMPP v5.0 §4.8.4.18).
    pub fn handle_congestion(&mut self, now: Duration, state: u8) {
        let rate = self.millis_per_second(now);
        match (state, self.learnt) {
            // One word a second is enough: what was said before was about what was sent before.
            (CONGESTED.., Some(learnt)) if now < learnt.since + Duration::from_secs(1) => {}
            (CONGESTED.., _) if self.settings.adapts => {
                let accepted = u64::from(self.accepted.within_a_second(now)) * MILLI;
                let current = rate.map_or(accepted, |rate| rate.min(accepted.max(MILLI)));
                self.learn(now, current * 19 / 20);
            }
            (OPTIMUM.., Some(_)) if self.settings.adapts => self.learn(now, rate.unwrap_or(0)),
            _ => {}
        }
    }

    /// Whether the SMSC asked for less and its pause is not over.
    pub fn is_held(&self, now: Duration) -> bool {
        now < self.held_until
    }

    /// When there may be room again, if there is none now.
    pub fn poll_timeout(&self, now: Duration) -> Option<Duration> {
        if self.is_held(now) {
            return Some(self.held_until);
        }
        if let Probe::Sent { until } = self.probe {
            return Some(until.unwrap_or(now + PROBE_WITHIN));
        }
        let rate = self.millis_per_second(now)?;
        if self.tokens >= MICRO {
            return None;
        }
        let missing = ((MICRO - self.tokens) * MILLI).div_ceil(rate);
        Some(self.refilled_at + Duration::from_micros(missing))
    }

    /// Segments per second that may be sent by now, rounded; none if there is no limit.
    pub fn rate(&self, now: Duration) -> Option<u32> {
        self.millis_per_second(now).map(|rate| (rate / MILLI) as u32)
    }

    /// Segments that may go while there is doubt.
    fn probe_room(&mut self, now: Duration) -> usize {
        match self.probe {
            Probe::None => usize::MAX,
            Probe::ToSend => 1,
            Probe::Sent { until: None } => {
                self.probe = Probe::Sent { until: Some(now + PROBE_WITHIN) };
                0
            }
            Probe::Sent { until: Some(until) } if now < until => 0,
            Probe::Sent { .. } => {
                self.probe = Probe::None;
                usize::MAX
            }
        }
    }

    fn slow_down(&mut self, now: Duration, accepted: u32) {
        let proven = u64::from(accepted) * MILLI * DOWN.0 / DOWN.1;
        match self.millis_per_second(now) {
            Some(before) => self.learn(now, proven.clamp(before / DOWN_AT_MOST, before * DOWN.0 / DOWN.1)),
            None if accepted > 0 => self.learn(now, proven),
            // Nothing is known: the pause alone has to do.
            None => {}
        }
    }

    fn learn(&mut self, now: Duration, rate: u64) {
        let least = u64::from(self.settings.rate_min.max(1)) * MILLI;
        let most = if self.settings.rate == 0 { u64::MAX } else { u64::from(self.settings.rate) * MILLI };
        self.learnt = Some(Learnt { base: rate.max(least).min(most), since: now });
    }

    /// Thousandths of segments per second, none for no limit.
    fn millis_per_second(&self, now: Duration) -> Option<u64> {
        let most = (self.settings.rate > 0).then(|| u64::from(self.settings.rate) * MILLI);
        let learnt = self.learnt.and_then(|learnt| learnt.by(now));
        [most, learnt].into_iter().flatten().min()
    }
}

impl Learnt {
    /// What it has grown to; none when it is no limit any more.
    fn by(self, now: Duration) -> Option<u64> {
        let since = now.saturating_sub(self.since);
        let slow = since.min(OLD_AFTER).as_millis() as u64;
        let step = (self.base / UP_ONE_IN).max(1);
        let grown = self.base + step * slow / MILLI;
        let old = since.saturating_sub(OLD_AFTER);
        let doublings = (old.as_secs() / OLD_AFTER.as_secs()) as u32;
        if doublings >= FORGOTTEN_AFTER_DOUBLINGS {
            return None;
        }
        // Between two doublings it goes straight.
        let part = old.as_millis() as u64 % OLD_AFTER.as_millis() as u64;
        let doubled = grown << doublings;
        Some(doubled + doubled * part / OLD_AFTER.as_millis() as u64)
    }
}

#[cfg(test)]
#[path = "pacing/tests.rs"]
mod tests;
