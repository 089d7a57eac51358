//! What the metrics show of one link.

use super::meters::Meters;

/// What the metrics were last told of a link.
#[derive(Clone, Copy, Default)]
pub(super) struct Shown {
    /// Submits awaiting their response.
    pub open: u32,
    /// Submits that may await theirs.
    pub window: u32,
    /// Segments per second, 0 for no limit.
    pub rate: u32,
}

impl Shown {
    /// Tells the metrics, of which others show a part too, what it is now.
    pub fn change(&mut self, is: Self, meters: &Meters) {
        let was = std::mem::replace(self, is);
        let meters = &meters.smsc;
        let all = [
            (&meters.window_in_use, was.open, is.open),
            (&meters.window_limit, was.window, is.window),
            (&meters.rate_limit, was.rate, is.rate),
        ];
        for (gauge, was, is) in all.into_iter().filter(|(_, was, is)| was != is) {
            gauge.increment(f64::from(is) - f64::from(was));
        }
    }
}
