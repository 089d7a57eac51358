//! When a subscription was activated, in five octets.

/// A time since 2020, in milliseconds, until 2054.
#[derive(Clone, Copy)]
pub(super) struct Moment([u8; 5]);

impl Moment {
    const BEGIN_UNIX_MS: u64 = 1_577_836_800_000;

    pub fn new(unix_ms: u64) -> Self {
        let [a, b, c, d, e, ..] = unix_ms.saturating_sub(Self::BEGIN_UNIX_MS).min((1 << 40) - 1).to_le_bytes();
        Self([a, b, c, d, e])
    }

    pub fn unix_ms(self) -> u64 {
        let [a, b, c, d, e] = self.0;
        u64::from_le_bytes([a, b, c, d, e, 0, 0, 0]) + Self::BEGIN_UNIX_MS
    }
}
