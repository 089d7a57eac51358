//! Which of a handset's subscriptions a push belongs to.

use super::base36;
use std::fmt;
use std::str::FromStr;

/// The key of a stream: a number that no other subscription of its handset has, in base 36. Zero for the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamKey(pub u16);

/// A [`StreamKey`] as text, without memory of its own.
#[derive(Clone, Copy)]
pub struct StreamKeyText {
    octets: [u8; StreamKeyText::MAX_OCTETS],
    from: u8,
}

impl StreamKey {
    /// As it is written.
    pub fn text(self) -> StreamKeyText {
        let mut octets = [0; StreamKeyText::MAX_OCTETS];
        let from = base36::write(self.0.into(), &mut octets) as u8;
        StreamKeyText { octets, from }
    }

    /// How many octets that are.
    pub fn octets(self) -> usize {
        base36::digits(self.0.into())
    }

    /// The key, and the id, of an id that begins with its key: `KEY.ID`.
    pub fn split(id: &[u8]) -> Option<(Self, &[u8])> {
        let dot = id.iter().take(StreamKeyText::MAX_OCTETS + 1).position(|octet| *octet == b'.')?;
        Some((Self::read(&id[..dot])?, &id[dot + 1..]))
    }

    /// Reads octets that are one, and nothing else.
    pub fn read(octets: &[u8]) -> Option<Self> {
        base36::read(octets)?.try_into().ok().map(Self)
    }
}

impl StreamKeyText {
    /// The longest.
    pub const MAX_OCTETS: usize = 4;

    /// Its octets, which are ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets[usize::from(self.from)..]
    }
}

impl fmt::Display for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(self.text().as_bytes()).unwrap_or_default())
    }
}

impl FromStr for StreamKey {
    type Err = StreamKeyError;

    fn from_str(text: &str) -> Result<Self, StreamKeyError> {
        Self::read(text.as_bytes()).ok_or_else(|| StreamKeyError(text.chars().take(40).collect()))
    }
}

/// A text that is no stream's key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("stream key {0:?} is not a number up to 1ekf in base 36")]
pub struct StreamKeyError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read_back_and_nothing_else_is_read() {
        for key in (0..=u16::MAX).map(StreamKey) {
            let text = key.to_string();
            assert_eq!((text.parse(), text.len()), (Ok(key), key.octets()));
        }
        for wrong in ["", "00", "01", "A", "1ekg", "-1", "zzzzz"] {
            assert!(wrong.parse::<StreamKey>().is_err(), "{wrong}");
        }
        assert_eq!(StreamKey::split(b"1ekf.a.b"), Some((StreamKey(u16::MAX), &b"a.b"[..])));
        for wrong in [&b"7"[..], b".7", b"00001.7", b"a b.7", b""] {
            assert_eq!(StreamKey::split(wrong), None);
        }
    }
}
