//! One line a second on standard error, of whatever takes long.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// How often something is shown.
const EVERY: Duration = Duration::from_secs(1);

/// When something was shown last.
#[derive(Debug)]
pub(super) struct Progress {
    shown: Instant,
}

impl Progress {
    /// Nothing is shown in the first second.
    pub fn start() -> Self {
        Self { shown: Instant::now() }
    }

    /// Shows a line, if it is time for one; it is given the seconds since the last.
    pub fn show<Line: Display>(&mut self, line: impl FnOnce(f64) -> Line) {
        let passed = self.shown.elapsed();
        if passed >= EVERY {
            eprintln!("{}", line(passed.as_secs_f64()));
            self.shown = Instant::now();
        }
    }
}

/// A number in groups of three digits: `42,000`.
pub(in crate::cli) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0, 999, 1000, 42_000, 1_234_567].map(grouped), ["0", "999", "1,000", "42,000", "1,234,567"]);
    }
}
