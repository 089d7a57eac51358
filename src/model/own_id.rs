//! What we call an event that its origin did not call anything.

use super::base36;
use std::fmt;
use std::str::FromStr;

/// The longest text: a mark, 32 bits, a dot, 64 bits.
const MAX_OCTETS: usize = 1 + 7 + 1 + base36::MAX_DIGITS;

/// An id of ours for an event without one: `~E.S`, the numbering that it belongs to and its number there, both in base
/// 36. The same one is the same event, for ever; of two with the same numbering the one with the greater number is the
/// later event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct OwnId {
    /// Which numbering of its source it belongs to.
    pub epoch: u32,
    /// Its number there.
    pub seq: u64,
}

/// An [`OwnId`] as text, without memory of its own.
#[derive(Clone, Copy)]
pub struct OwnIdText {
    octets: [u8; MAX_OCTETS],
    from: u8,
}

impl OwnId {
    /// As it is written.
    pub fn text(self) -> OwnIdText {
        let mut octets = [0; MAX_OCTETS];
        let seq = base36::write(self.seq, &mut octets);
        octets[seq - 1] = b'.';
        let epoch = base36::write(self.epoch.into(), &mut octets[..seq - 1]);
        octets[epoch - 1] = b'~';
        OwnIdText { octets, from: epoch as u8 - 1 }
    }

    /// How many octets that are.
    pub fn octets(self) -> usize {
        2 + base36::digits(self.epoch.into()) + base36::digits(self.seq)
    }

    /// Reads octets that are one, and nothing else.
    pub fn read(octets: &[u8]) -> Option<Self> {
        let rest = octets.strip_prefix(b"~")?;
        let dot = rest.iter().position(|octet| *octet == b'.')?;
        let (epoch, seq) = (base36::read(&rest[..dot])?, base36::read(&rest[dot + 1..])?);
        Some(Self { epoch: epoch.try_into().ok()?, seq })
    }
}

impl OwnIdText {
    /// Its octets, which are ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets[usize::from(self.from)..]
    }
}

impl fmt::Display for OwnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(self.text().as_bytes()).unwrap_or_default())
    }
}

impl FromStr for OwnId {
    type Err = OwnIdError;

    fn from_str(text: &str) -> Result<Self, OwnIdError> {
        Self::read(text.as_bytes()).ok_or_else(|| OwnIdError(text.chars().take(40).collect()))
    }
}

/// A text that is no id of ours.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("event id {0:?} is not ~E.S with two numbers in base 36")]
pub struct OwnIdError(String);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_is_written_in_the_fewest_digits() {
        assert_eq!(OwnId::default().to_string(), "~0.0");
        assert_eq!(OwnId { epoch: 36, seq: 35 }.to_string(), "~10.z");
        let longest = OwnId { epoch: u32::MAX, seq: u64::MAX };
        assert_eq!(longest.to_string(), "~1z141z3.3w5e11264sgsf");
        assert_eq!(longest.octets(), MAX_OCTETS);
    }

    #[test]
    fn what_an_origin_may_call_its_events_is_no_id_of_ours() {
        for wrong in ["", "~", "~.", "~1", "~1.", "~.1", "1.2", "~1.2.3", "~01.2", "~A.2", "~1z141z4.0", "~1.2 "] {
            let error = wrong.parse::<OwnId>().unwrap_err();
            assert_eq!(error.to_string(), format!("event id {wrong:?} is not ~E.S with two numbers in base 36"));
        }
    }

    proptest! {
        #[test]
        fn every_one_is_read_back(epoch: u32, seq: u64, shifts in (0u32..32, 0u32..64)) {
            let id = OwnId { epoch: epoch >> shifts.0, seq: seq >> shifts.1 };
            let text = id.to_string();
            prop_assert_eq!(text.parse::<OwnId>(), Ok(id));
            prop_assert_eq!(text.len(), id.octets());
        }

        #[test]
        fn what_is_read_is_written_the_same(text in "~[0-9a-z]{1,8}\\.[0-9a-z]{1,14}") {
            if let Ok(id) = text.parse::<OwnId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
