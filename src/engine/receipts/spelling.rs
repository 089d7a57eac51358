//! One message, two names for it: the id that submit_sm_resp gave, and the id that its receipt has.
//!
//! SMPP v3.4 §5.2.23 has both as the same opaque string. In the field one is a number in hexadecimal and the other the same
//! number in decimal. What only differs in blanks, leading zeros or case is not told apart here: see
//! [`Waiting`](crate::engine::waiting).

use crate::engine::waiting::{trimmed, without_zeros};

/// Decimal digits of the largest number that is read; hexadecimal ones are fewer.
const MAX_DIGITS: usize = 39;
/// Digits from which on two numbers are not the same in two bases by chance.
const TELLING_DIGITS: usize = 6;

/// What is known of how an SMSC's receipts name messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageIds {
    /// Nothing: it is learned from receipts that can mean only one message.
    #[default]
    Auto,
    /// Octet for octet as submit_sm_resp did.
    Literal,
    /// submit_sm_resp has hexadecimal, receipts have decimal.
    RespHex,
    /// submit_sm_resp has decimal, receipts have hexadecimal.
    ReceiptHex,
}

/// How an SMSC's receipts spell the ids of its submit_sm_resp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// The same string, or one that differs in no more than blanks, leading zeros and case.
    Same,
    /// In decimal what was hexadecimal.
    RespHex,
    /// In hexadecimal what was decimal.
    ReceiptHex,
}

impl Spelling {
    /// Those in which one of the two is converted.
    pub(super) const CONVERTED: [Self; 2] = [Self::RespHex, Self::ReceiptHex];

    /// As it is written in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Same => "literal",
            Self::RespHex => "resp_hex",
            Self::ReceiptHex => "receipt_hex",
        }
    }

    /// What submit_sm_resp called the message that a receipt calls `id`.
    pub(super) fn in_response(self, id: &[u8]) -> Option<Converted> {
        match self {
            Self::Same => None,
            Self::RespHex => Converted::new(id, 10, 16),
            Self::ReceiptHex => Converted::new(id, 16, 10),
        }
    }

    /// What a receipt calls the message that submit_sm_resp called `id`.
    pub(super) fn in_receipt(self, id: &[u8]) -> Option<Converted> {
        match self {
            Self::Same => None,
            Self::RespHex => Converted::new(id, 16, 10),
            Self::ReceiptHex => Converted::new(id, 10, 16),
        }
    }
}

/// Whether the same id in a response and in a receipt says that both are spelled alike: a short number may be another one
/// in another base.
pub(super) fn is_telling(id: &[u8]) -> bool {
    let id = without_zeros(trimmed(id));
    id.len() >= TELLING_DIGITS || id.iter().any(|octet| !octet.is_ascii_digit())
}

/// A number in another base, without leading zeros.
pub(super) struct Converted {
    octets: [u8; MAX_DIGITS],
    from: usize,
}

impl Converted {
    /// `id` is read in one base and written in another; none if it is no number in the one.
    fn new(id: &[u8], from: u32, to: u128) -> Option<Self> {
        let id = trimmed(id);
        let digits = match id {
            [b'0', b'x' | b'X', digits @ ..] if from == 16 => digits,
            _ => id,
        };
        let digits = if digits.is_empty() { return None } else { without_zeros(digits) };
        let mut number = 0u128;
        for octet in digits {
            let digit = char::from(*octet).to_digit(from)?;
            number = number.checked_mul(u128::from(from))?.checked_add(u128::from(digit))?;
        }
        Some(Self::write(number, to))
    }

    fn write(number: u128, base: u128) -> Self {
        let mut written = Self { octets: [b'0'; MAX_DIGITS], from: MAX_DIGITS };
        let mut left = number;
        while written.from > 0 && (left > 0 || written.from == MAX_DIGITS) {
            written.from -= 1;
            let digit = (left % base) as u32;
            written.octets[written.from] = char::from_digit(digit, base as u32).map_or(b'0', |digit| digit as u8);
            left /= base;
        }
        written
    }

    pub fn octets(&self) -> &[u8] {
        self.octets.get(self.from..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn converted(spelling: Spelling, id: &str) -> Option<String> {
        spelling.in_response(id.as_bytes()).map(|id| String::from_utf8(id.octets().to_vec()).unwrap())
    }

    #[test]
    fn a_number_is_written_in_the_other_base() {
        let both = [("169552957", "a1b2c3d"), ("0", "0"), ("340282366920938463463374607431768211455", &"f".repeat(32))];
        for (decimal, hexadecimal) in both {
            assert_eq!(converted(Spelling::RespHex, decimal).as_deref(), Some(hexadecimal));
            assert_eq!(converted(Spelling::ReceiptHex, hexadecimal).as_deref(), Some(decimal));
        }
        assert_eq!(converted(Spelling::RespHex, " 0169552957 ").as_deref(), Some("a1b2c3d"));
        assert_eq!(converted(Spelling::ReceiptHex, "0x0A1B2C3D").as_deref(), Some("169552957"));
    }

    #[test]
    fn what_is_no_number_is_not_converted() {
        let long = "9".repeat(40);
        for id in ["", " ", "12a", "-1", "+1", "1.5", long.as_str()] {
            assert_eq!(converted(Spelling::RespHex, id), None, "{id:?}");
        }
        let long = "f".repeat(33);
        for id in ["", "0x", "0e999f21-6ff2-4b7e-a5b6-111111111111", "xyz", long.as_str()] {
            assert_eq!(converted(Spelling::ReceiptHex, id), None, "{id:?}");
        }
    }

    #[test]
    fn short_numbers_tell_nothing() {
        assert!(["99999", "0000000001", "", "007"].iter().all(|id| !is_telling(id.as_bytes())));
        assert!(["100000", "a", "id-1", "0a"].iter().all(|id| is_telling(id.as_bytes())));
    }

    proptest! {
        #[test]
        fn there_and_back(number: u128, zeros in 0usize..4) {
            let (decimal, hexadecimal) = (format!("{}{number}", "0".repeat(zeros)), format!("{}{number:X}", "0".repeat(zeros)));
            let back = Spelling::RespHex.in_receipt(hexadecimal.as_bytes()).unwrap();
            prop_assert_eq!(back.octets().to_vec(), number.to_string().into_bytes());
            let back = Spelling::ReceiptHex.in_receipt(decimal.as_bytes()).unwrap();
            prop_assert_eq!(back.octets().to_vec(), format!("{number:x}").into_bytes());
        }
    }
}
