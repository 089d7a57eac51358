//! A handset's number.

use std::fmt;
use std::str::FromStr;

/// Fewest digits of an international number that we send to: country code and a national number.
const MIN_DIGITS: usize = 7;
/// E.164 §6.2.1: an international number has at most 15 digits.
const MAX_DIGITS: usize = 15;

/// An E.164 number. `Debug` and `Display` mask it, so that it cannot leak into a log by accident.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Msisdn {
    digits: [u8; MAX_DIGITS],
    len: u8,
}

impl Msisdn {
    /// The digits, without "+": only for the wire and the API, never for a log.
    pub fn digits(&self) -> &str {
        std::str::from_utf8(&self.digits[..usize::from(self.len)]).unwrap_or_default()
    }
}

/// An E.164 number in eight octets: its value says it all, for it never starts with 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackedMsisdn(u64);

impl PackedMsisdn {
    /// The number.
    pub fn unpack(self) -> Msisdn {
        let mut digits = [0; MAX_DIGITS];
        let (mut rest, mut len) = (self.0, 0);
        while rest > 0 && len < MAX_DIGITS {
            digits[len] = b'0' + (rest % 10) as u8;
            rest /= 10;
            len += 1;
        }
        digits[..len].reverse();
        Msisdn { digits, len: len as u8 }
    }
}

impl From<&Msisdn> for PackedMsisdn {
    fn from(number: &Msisdn) -> Self {
        Self(number.digits().bytes().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')))
    }
}

impl FromStr for Msisdn {
    type Err = MsisdnError;

    /// Takes `15551234567` or `+15551234567`. No blanks, no separators: a mistyped number costs money.
    fn from_str(text: &str) -> Result<Self, MsisdnError> {
        let number = text.strip_prefix('+').unwrap_or(text);
        if let Some(found) = number.chars().find(|c| !c.is_ascii_digit()) {
            return Err(MsisdnError::NotADigit { found });
        }
        if !(MIN_DIGITS..=MAX_DIGITS).contains(&number.len()) {
            return Err(MsisdnError::Length { digits: number.len() });
        }
        if number.starts_with('0') {
            return Err(MsisdnError::LeadingZero);
        }
        let mut digits = [0; MAX_DIGITS];
        digits[..number.len()].copy_from_slice(number.as_bytes());
        Ok(Self { digits, len: number.len() as u8 })
    }
}

impl fmt::Display for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.digits();
        write!(f, "+{}…{}", &digits[..2], &digits[digits.len() - 2..])
    }
}

impl fmt::Debug for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no E.164 number. The number itself is not repeated.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MsisdnError {
    /// A character that is no digit.
    #[error("a number in E.164 form has digits only, found {found:?}")]
    NotADigit {
        /// The first such character.
        found: char,
    },
    /// Too few or too many digits.
    #[error("a number in E.164 form has {MIN_DIGITS} to {MAX_DIGITS} digits, found {digits}")]
    Length {
        /// How many there are.
        digits: usize,
    },
    /// A national prefix instead of a country code.
    #[error("a number in E.164 form starts with its country code, not with 0")]
    LeadingZero,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_masked_wherever_it_is_printed() {
        let number: Msisdn = "+15551234567".parse().unwrap();
        assert_eq!(number.digits(), "15551234567");
        assert_eq!(format!("{number} {number:?}"), "+15…67 +15…67");
    }

    #[test]
    fn a_number_survives_packing() {
        for text in ["1234567", "15551234567", "100000000000000", "999999999999999"] {
            let number: Msisdn = text.parse().unwrap();
            assert_eq!(PackedMsisdn::from(&number).unpack(), number);
            assert_eq!(PackedMsisdn::from(&number).unpack().digits(), text);
        }
    }

    #[test]
    fn what_is_no_international_number_is_refused() {
        assert_eq!("123456".parse::<Msisdn>(), Err(MsisdnError::Length { digits: 6 }));
        assert_eq!("1234567890123456".parse::<Msisdn>(), Err(MsisdnError::Length { digits: 16 }));
        assert_eq!("+1 555 123".parse::<Msisdn>(), Err(MsisdnError::NotADigit { found: ' ' }));
        assert_eq!("0155512345".parse::<Msisdn>(), Err(MsisdnError::LeadingZero));
        assert!("".parse::<Msisdn>().is_err());
    }
}
