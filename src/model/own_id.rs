//! Ids of our own, for events that their origin gave none.

use std::fmt;
use std::str::FromStr;

/// The place of an event among its source's: `~EPOCH.NUMBER`, both in base 36. It never goes to an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnId {
    /// Which numbering: what lies between two of them may be missing.
    pub epoch: u32,
    /// The event's number.
    pub seq: u64,
}

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// Digits of the largest number.
const MAX_DIGITS: usize = 13;

impl fmt::Display for OwnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffers = [[0; MAX_DIGITS]; 2];
        let [epoch, seq] = &mut buffers;
        write!(f, "~{}.{}", base36(self.epoch.into(), epoch), base36(self.seq, seq))
    }
}

impl FromStr for OwnId {
    type Err = OwnIdError;

    /// Reads what `Display` writes, and nothing else: an origin's id may look much alike.
    fn from_str(text: &str) -> Result<Self, OwnIdError> {
        let (epoch, seq) = text.strip_prefix('~').and_then(|rest| rest.split_once('.')).ok_or(OwnIdError)?;
        let number = |digits: &str| {
            let plain = digits.bytes().all(|digit| DIGITS.contains(&digit));
            let padded = digits.len() > 1 && digits.starts_with('0');
            if plain && !padded { u64::from_str_radix(digits, 36).ok() } else { None }
        };
        let epoch = number(epoch).and_then(|epoch| u32::try_from(epoch).ok());
        epoch.zip(number(seq)).map(|(epoch, seq)| Self { epoch, seq }).ok_or(OwnIdError)
    }
}

/// A text that is no id of ours.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an id of the form ~EPOCH.NUMBER in base 36")]
pub struct OwnIdError;

fn base36(mut number: u64, buffer: &mut [u8; MAX_DIGITS]) -> &str {
    let mut at = MAX_DIGITS;
    loop {
        at -= 1;
        buffer[at] = DIGITS[(number % 36) as usize];
        number /= 36;
        if number == 0 {
            break;
        }
    }
    std::str::from_utf8(&buffer[at..]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_is_short_and_exact() {
        assert_eq!(OwnId { epoch: 0, seq: 0 }.to_string(), "~0.0");
        assert_eq!(OwnId { epoch: 36, seq: 35 }.to_string(), "~10.z");
        assert_eq!(OwnId { epoch: u32::MAX, seq: u64::MAX }.to_string(), "~1z141z3.3w5e11264sgsf");
        for wrong in ["", "~", "~1", "1.2", "~1.", "~.1", "~01.1", "~1.A", "~1.-2", "~1.2.3", "~zzzzzzz.1", "~1.+1"] {
            assert!(wrong.parse::<OwnId>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn it_is_read_as_it_is_written(epoch: u32, seq: u64) {
            let id = OwnId { epoch, seq };
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn whatever_is_read_is_written_so(text in "~?[0-9a-zA-Z.~-]{0,16}") {
            if let Ok(id) = text.parse::<OwnId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
