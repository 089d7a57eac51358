//! Silence, noticed without a timer being set for every read: the timer runs on, and only when it ends is the time looked
//! at since which the stream was silent.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// Watches one stream.
pub(super) struct Watchdog {
    /// Silence after which it barks.
    pub time: Duration,
    since: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Watchdog {
    /// A watchdog that barks after `time` of silence, from now on.
    pub(super) fn new(time: Duration) -> Self {
        let since = Instant::now();
        Self { time, since, timer: Box::pin(sleep_until(after(since, time))) }
    }

    /// There was something to hear until now.
    pub(super) fn rest(&mut self) {
        self.since = Instant::now();
    }

    /// Ready once it was silent for too long.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(context));
            let deadline = after(self.since, self.time);
            if self.timer.deadline() >= deadline {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(deadline);
        }
    }
}

/// As good as never where the clock does not reach.
fn after(since: Instant, time: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    since.checked_add(time).unwrap_or(since + YEAR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn it_barks_after_silence_and_not_before() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(10 * SECOND);
        for _ in 0..5 {
            let calm = tokio::time::timeout(7 * SECOND, poll_fn(|context| watchdog.poll(context))).await;
            assert!(calm.is_err(), "after {:?}", start.elapsed());
            watchdog.rest();
        }
        poll_fn(|context| watchdog.poll(context)).await;
        assert_eq!(start.elapsed().as_secs(), 45);
    }

    #[tokio::test(start_paused = true)]
    async fn no_time_is_too_long() {
        let mut watchdog = Watchdog::new(Duration::MAX);
        let bark = tokio::time::timeout(1000 * SECOND, poll_fn(|context| watchdog.poll(context))).await;
        assert!(bark.is_err());
    }
}
