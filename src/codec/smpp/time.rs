//! `schedule_delivery_time` and `validity_period`, SMPP v3.4 §7.1.1: sixteen characters `YYMMDDhhmmsstnnp`; and the
//! dates in the text of a receipt.

use std::time::Duration;

/// Characters of a time.
const TIME_OCTETS: usize = 16;
const DAY_SECONDS: u64 = 86_400;
/// The longest period that is written: as many days as every month has, so that the months stay zero.
const PERIOD_MAX_DAYS: u64 = 28;

/// How long an SMSC tries to deliver a message, in relative form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ValidityPeriod {
    octets: [u8; TIME_OCTETS],
}

impl ValidityPeriod {
    /// A started second counts as a whole one: 1.2 s are written as 2 s, and nothing at all as 1 s.
    ///
    /// # Errors
    /// When it is longer than 28 days.
    pub fn relative(period: Duration) -> Result<Self, TimeError> {
        let seconds = period.as_secs().saturating_add(u64::from(period.subsec_nanos() > 0));
        if seconds > PERIOD_MAX_DAYS * DAY_SECONDS {
            return Err(TimeError::PeriodTooLong { seconds });
        }
        let seconds = seconds.max(1);
        let mut octets = *b"000000000000000R";
        put_two_digits(&mut octets, 4, seconds / DAY_SECONDS);
        put_two_digits(&mut octets, 6, seconds / 3600 % 24);
        put_two_digits(&mut octets, 8, seconds / 60 % 60);
        put_two_digits(&mut octets, 10, seconds % 60);
        Ok(Self { octets })
    }

    /// The sixteen characters, without NUL.
    pub const fn as_octets(&self) -> &[u8] {
        &self.octets
    }
}

impl std::fmt::Debug for ValidityPeriod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ValidityPeriod({})", self.octets.escape_ascii())
    }
}

fn put_two_digits(octets: &mut [u8; TIME_OCTETS], at: usize, number: u64) {
    octets[at] = b'0' + (number / 10 % 10) as u8;
    octets[at + 1] = b'0' + (number % 10) as u8;
}

/// A time as a peer wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// From now on.
    Relative(Duration),
    /// A moment.
    Absolute {
        /// Tenths of a second since 1970-01-01 00:00 UTC.
        unix_tenths: i64,
    },
}

impl Time {
    /// Reads the sixteen characters without their NUL. A relative year counts 365 days, a relative month 30.
    ///
    /// # Errors
    /// When it is no such time.
    pub fn parse(octets: &[u8]) -> Result<Self, TimeError> {
        let &octets: &[u8; TIME_OCTETS] = octets.try_into().map_err(|_| TimeError::Length { have: octets.len() })?;
        let sign = octets[15];
        let [year, month, day, hour, minute, second] = two_digits(&octets)?;
        if sign == b'R' {
            let days = u64::from(year) * 365 + u64::from(month) * 30 + u64::from(day);
            let seconds = days * DAY_SECONDS + u64::from(hour) * 3600 + u64::from(minute) * 60 + u64::from(second);
            return Ok(Self::Relative(Duration::from_secs(seconds)));
        }
        let tenths = i64::from(digit(&octets, 12)?);
        let quarters = i64::from(digit(&octets, 13)? * 10 + digit(&octets, 14)?);
        // §7.1.1: 'nn' is the difference between local time and UTC in quarter hours, 00 to 48.
        let in_range = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60;
        if !in_range || quarters > 48 {
            return Err(TimeError::Range);
        }
        let ahead = match sign {
            b'+' => quarters * 900,
            b'-' => -quarters * 900,
            found => return Err(TimeError::Sign { found }),
        };
        let days = days_since_1970(2000 + i64::from(year), i64::from(month), i64::from(day));
        let local = ((days * 24 + i64::from(hour)) * 60 + i64::from(minute)) * 60 + i64::from(second);
        Ok(Self::Absolute { unix_tenths: (local - ahead) * 10 + tenths })
    }
}

/// The first twelve digits, in pairs.
fn two_digits(octets: &[u8; TIME_OCTETS]) -> Result<[u32; 6], TimeError> {
    let mut numbers = [0; 6];
    for (index, number) in numbers.iter_mut().enumerate() {
        *number = digit(octets, index * 2)? * 10 + digit(octets, index * 2 + 1)?;
    }
    Ok(numbers)
}

fn digit(octets: &[u8; TIME_OCTETS], at: usize) -> Result<u32, TimeError> {
    let found = octets[at];
    if found.is_ascii_digit() { Ok(u32::from(found - b'0')) } else { Err(TimeError::Digit { at, found }) }
}

/// Days of the Gregorian calendar; a year starts in March, so that the leap day is its last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let march_year = if month > 2 { year } else { year - 1 };
    let march_month = (month + 9) % 12;
    let before_year = march_year * 365 + march_year / 4 - march_year / 100 + march_year / 400;
    let before_month = (march_month * 153 + 2) / 5;
    before_year + before_month + day - 1 - 719_468
}

/// Why a time cannot be read or written.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeError {
    /// Longer than a relative period is written.
    #[error("a validity period has at most {PERIOD_MAX_DAYS} days, {seconds} s given")]
    PeriodTooLong {
        /// The period, in seconds.
        seconds: u64,
    },
    /// Not sixteen characters.
    #[error("a time has {TIME_OCTETS} characters, found {have}")]
    Length {
        /// Octets that there are.
        have: usize,
    },
    /// Something else where a digit must be.
    #[error("a time has a digit at offset {at}, found 0x{found:02x}")]
    Digit {
        /// Offset.
        at: usize,
        /// What is there.
        found: u8,
    },
    /// A part that no calendar or clock has.
    #[error("a time has a part out of range")]
    Range,
    /// The last character is none of `+`, `-`, `R`.
    #[error("a time ends in +, - or R, found 0x{found:02x}")]
    Sign {
        /// What is there.
        found: u8,
    },
}

/// A date in the text of a receipt, in the local time of the SMSC, of which the text says nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReceiptTime {
    /// Year, such as 2026.
    pub year: u16,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, 1 to 31.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 59; 0 where the text has none.
    pub second: u8,
}

impl ReceiptTime {
    /// Reads `YYMMDDhhmm` of Appendix B, or what vendors make of it: `YYMMDDhhmmss` and `YYYYMMDDhhmmss`.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if !text.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let (century, text) = match text.len() {
            10 | 12 => (20, text),
            14 => (pair(text, 0)?, &text[2..]),
            _ => return None,
        };
        let second = if text.len() == 12 { pair(text, 5)? } else { 0 };
        let time = Self {
            year: u16::from(century) * 100 + u16::from(pair(text, 0)?),
            month: pair(text, 1)?,
            day: pair(text, 2)?,
            hour: pair(text, 3)?,
            minute: pair(text, 4)?,
            second,
        };
        let in_range = (1..=12).contains(&time.month)
            && (1..=31).contains(&time.day)
            && time.hour < 24
            && time.minute < 60
            && time.second < 60;
        in_range.then_some(time)
    }
}

/// The `index`th pair of digits.
fn pair(text: &[u8], index: usize) -> Option<u8> {
    let tens = text.get(index * 2)?.checked_sub(b'0')?;
    let ones = text.get(index * 2 + 1)?.checked_sub(b'0')?;
    Some(tens * 10 + ones)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(period: Duration) -> String {
        String::from_utf8(ValidityPeriod::relative(period).unwrap().as_octets().to_vec()).unwrap()
    }

    #[test]
    fn a_period_is_written_in_days_and_less() {
        assert_eq!(written(Duration::from_secs(3600)), "000000010000000R");
        assert_eq!(written(Duration::from_secs(86_400)), "000001000000000R");
        assert_eq!(written(Duration::from_secs(2 * 86_400 + 3 * 3600 + 4 * 60 + 5)), "000002030405000R");
        assert_eq!(written(Duration::from_secs(28 * 86_400)), "000028000000000R");
    }

    #[test]
    fn a_period_is_never_shorter_than_asked_for() {
        assert_eq!(written(Duration::from_millis(1200)), "000000000002000R");
        assert_eq!(written(Duration::ZERO), "000000000001000R");
    }

    #[test]
    fn a_period_of_more_than_28_days_is_refused() {
        let seconds = 28 * 86_400 + 1;
        let error = ValidityPeriod::relative(Duration::from_secs(seconds)).unwrap_err();
        assert_eq!(error, TimeError::PeriodTooLong { seconds });
        assert!(ValidityPeriod::relative(Duration::MAX).is_err());
    }

    #[test]
    fn what_is_written_is_read_as_the_same_period() {
        for seconds in [1, 59, 60, 3599, 86_399, 86_400, 27 * 86_400 + 12_345, 28 * 86_400] {
            let period = Duration::from_secs(seconds);
            assert_eq!(Time::parse(written(period).as_bytes()), Ok(Time::Relative(period)));
        }
    }

    #[test]
    fn an_absolute_time_is_a_moment_wherever_it_was_written() {
        let noon = Time::Absolute { unix_tenths: 17_640_720_000 + 5 };
        assert_eq!(Time::parse(b"251125120000500+"), Ok(noon));
        assert_eq!(Time::parse(b"251125130000504+"), Ok(noon));
        assert_eq!(Time::parse(b"251125060000524-"), Ok(noon));
        assert_eq!(Time::parse(b"240229000000000+"), Ok(Time::Absolute { unix_tenths: 17_091_648_000 }));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        assert_eq!(Time::parse(b""), Err(TimeError::Length { have: 0 }));
        assert_eq!(Time::parse(b"25112512000050x+"), Err(TimeError::Digit { at: 14, found: b'x' }));
        assert_eq!(Time::parse(b"251325120000500+"), Err(TimeError::Range));
        assert_eq!(Time::parse(b"251125120000549+"), Err(TimeError::Range));
        assert_eq!(Time::parse(b"251125120000500?"), Err(TimeError::Sign { found: b'?' }));
    }

    #[test]
    fn a_receipts_date_has_ten_twelve_or_fourteen_digits() {
        let time = ReceiptTime { year: 2026, month: 11, day: 23, hour: 6, minute: 41, second: 0 };
        assert_eq!(ReceiptTime::parse(b"2611230641"), Some(time));
        assert_eq!(ReceiptTime::parse(b"261123064159"), Some(ReceiptTime { second: 59, ..time }));
        assert_eq!(ReceiptTime::parse(b"20261123064159"), Some(ReceiptTime { second: 59, ..time }));
        for text in [&b""[..], b"26112306", b"2613230641", b"26112306-1", b"0000000000"] {
            assert_eq!(ReceiptTime::parse(text), None);
        }
    }
}
