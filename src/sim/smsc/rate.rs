//! How many messages are let in, by a bucket or by windows, and how much of that is used.

use super::script::{RateScript, Scope};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Accounts that are counted on their own; those beyond share a gate.
const ACCOUNTS_MAX: usize = 4096;
/// The use of a rate is measured over so many slices of a tenth of a second.
const SLICES: usize = 10;
const SLICE: Duration = Duration::from_millis(100);

/// A gate for each scope.
#[derive(Debug)]
pub(super) struct Gates {
    script: Option<RateScript>,
    by_account: Mutex<HashMap<Box<[u8]>, SharedGate>>,
}

pub(super) type SharedGate = Arc<Mutex<Gate>>;

impl Gates {
    pub(super) fn new(script: Option<RateScript>) -> Self {
        Self { script, by_account: Mutex::default() }
    }

    /// The gate of a new connection of `system_id`; `None` if everything is let in.
    pub(super) fn of(&self, system_id: &[u8]) -> Option<SharedGate> {
        let script = self.script?;
        let account = match script.per {
            Scope::Link => return Some(Gate::shared(script)),
            Scope::Account => system_id,
            Scope::Smsc => b"",
        };
        let mut by_account = self.by_account.lock();
        let account = if by_account.len() >= ACCOUNTS_MAX { b"" } else { account };
        Some(by_account.entry(account.into()).or_insert_with(|| Gate::shared(script)).clone())
    }
}

/// Lets messages in.
#[derive(Debug)]
pub(super) struct Gate {
    script: RateScript,
    /// Messages that may come now, and when that was reckoned.
    tokens: f64,
    at: Duration,
    /// Which window it is, and how many it let in.
    window: u128,
    used: f64,
    meter: Meter,
}

impl Gate {
    fn shared(script: RateScript) -> SharedGate {
        let fresh =
            Self { script, tokens: script.burst, at: Duration::ZERO, window: 0, used: 0.0, meter: Meter::default() };
        Arc::new(Mutex::new(fresh))
    }

    /// Whether a message is let in at `now`.
    pub(super) fn admit(&mut self, now: Duration) -> bool {
        self.meter.count(now);
        let RateScript { per_second, burst, window, .. } = self.script;
        let Some(window) = window else {
            let since = now.saturating_sub(self.at).as_secs_f64();
            self.tokens = (self.tokens + since * per_second).min(burst);
            self.at = self.at.max(now);
            let admitted = self.tokens >= 1.0;
            self.tokens -= f64::from(u8::from(admitted));
            return admitted;
        };
        let number = now.as_nanos() / window.as_nanos().max(1);
        if number != self.window {
            (self.window, self.used) = (number, 0.0);
        }
        let admitted = self.used + 1.0 <= (per_second * window.as_secs_f64()).max(1.0);
        self.used += f64::from(u8::from(admitted));
        admitted
    }

    /// v5.0 §4.8.4.18: congestion_state, here how much of the rate was asked for in the last second, in percent.
    pub(super) fn congestion(&mut self, now: Duration) -> u8 {
        let percent = self.meter.per_second(now) * 100.0 / self.script.per_second;
        percent.clamp(0.0, 100.0) as u8
    }
}

/// Arrivals in the last second.
#[derive(Debug, Default)]
struct Meter {
    slices: [u64; SLICES],
    newest: u128,
}

impl Meter {
    fn count(&mut self, now: Duration) {
        self.forget(now);
        let at = (self.newest % SLICES as u128) as usize;
        if let Some(slice) = self.slices.get_mut(at) {
            *slice += 1;
        }
    }

    fn per_second(&mut self, now: Duration) -> f64 {
        self.forget(now);
        self.slices.iter().sum::<u64>() as f64
    }

    fn forget(&mut self, now: Duration) {
        let newest = now.as_nanos() / SLICE.as_nanos();
        let passed = newest.saturating_sub(self.newest).min(SLICES as u128);
        for back in 0..passed {
            if let Some(slice) = self.slices.get_mut(((newest - back) % SLICES as u128) as usize) {
                *slice = 0;
            }
        }
        self.newest = self.newest.max(newest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::smpp::CommandStatus;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn script(window: Option<Duration>, per: Scope) -> RateScript {
        RateScript { per_second: 100.0, burst: 20.0, window, status: CommandStatus::THROTTLED, per }
    }

    fn admitted(gate: &SharedGate, now: Duration, asked: usize) -> usize {
        (0..asked).filter(|_| gate.lock().admit(now)).count()
    }

    #[test]
    fn a_bucket_lets_a_burst_in_and_then_the_rate() {
        let gate = Gate::shared(script(None, Scope::Smsc));
        assert_eq!(admitted(&gate, MS(0), 50), 20);
        assert_eq!(admitted(&gate, MS(100), 50), 10);
        assert_eq!(admitted(&gate, MS(10_000), 50), 20);
    }

    #[test]
    fn a_window_starts_anew() {
        let gate = Gate::shared(script(Some(MS(500)), Scope::Smsc));
        assert_eq!(admitted(&gate, MS(0), 80), 50);
        assert_eq!(admitted(&gate, MS(499), 80), 0);
        assert_eq!(admitted(&gate, MS(500), 80), 50);
    }

    #[test]
    fn who_is_counted_together_shares_a_gate() {
        let shares = |per, one: &[u8], other: &[u8]| {
            let gates = Gates::new(Some(script(None, per)));
            Arc::ptr_eq(&gates.of(one).unwrap(), &gates.of(other).unwrap())
        };
        assert!(shares(Scope::Smsc, b"a", b"b"));
        assert!(shares(Scope::Account, b"a", b"a") && !shares(Scope::Account, b"a", b"b"));
        assert!(!shares(Scope::Link, b"a", b"a"));
        assert!(Gates::new(None).of(b"a").is_none());
    }

    #[test]
    fn congestion_is_what_was_asked_for_in_the_last_second() {
        let gate = Gate::shared(script(None, Scope::Smsc));
        admitted(&gate, MS(0), 40);
        admitted(&gate, MS(500), 45);
        assert_eq!(gate.lock().congestion(MS(900)), 85);
        assert_eq!(gate.lock().congestion(MS(1_050)), 45);
        admitted(&gate, MS(1_060), 400);
        assert_eq!(gate.lock().congestion(MS(1_060)), 100);
        assert_eq!(gate.lock().congestion(MS(60_000)), 0);
    }
}
